"""Load a folder of legacy CSV files, one per table, into empty legacy tables."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from catalog.loading import load
from catalog.management.fill_command import FillCommand
from catalog.report import Filled


class Command(FillCommand):
    help = (
        "Load a folder of twelve CSV files (tenants.csv … messages.csv) into the empty legacy tables, all or nothing."
    )
    examples = """
examples:
  ./manage.py load_legacy export/          every table's file of this folder, in one transaction
  ./manage.py load_legacy export/ --json   and what was loaded as JSON
"""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("folder", metavar="DIR", type=Path, help="the folder with the CSV files")

    def fill(self, options: dict[str, Any]) -> list[Filled]:
        return load(options["folder"])
