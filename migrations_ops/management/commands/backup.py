"""`./manage.py backup`: the whole database in one file, compared with what it was taken of."""

import sys
from typing import Any

from django.core.management.base import CommandParser

from migrations_ops.management import backups, face
from tenants.management.base_command import Documented

EXAMPLES = """
examples:
  ./manage.py backup                               backups/vital_backup_20260131_093000.dump, and what it holds
  ./manage.py backup before-import.dump            into this file
  ./manage.py backup --verify                      restored into a scratch database as well, and compared
  ./manage.py backup --json                        one document: file, bytes, sha256, rows of each table

exit codes: 0 done; 1 it could not be read, written or verified; 2 wrong usage, settings or connection; 3 Ctrl-C
"""


class Command(Documented):
    help = "Back up the whole database while applications go on; behind the closed fence as well."
    examples = EXAMPLES

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", nargs="?", default="", help="a new file (default: in VITAL_BACKUP_DIR, by the time)"
        )
        parser.add_argument("--verify", action="store_true", help="restore it into a scratch database, and compare")
        self.add_report_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(face.told(backups.back_up, options, "backup"))
