"""`./manage.py backup`: the whole database in one file, compared with what it was taken of."""

from pathlib import Path

from django.core.management.base import CommandParser
from rich.console import Console

from migrations_ops.backup import service as backups
from migrations_ops.management.output.backup import show_backup
from migrations_ops.management.output.elements import progress
from vital.cli.base_command import Options, VitalCommand
from vital.cli.exit_codes import DONE, FAILED, Answer

EXAMPLES = """
examples:
  ./manage.py backup                               backups/vital_backup_20260131_093000.dump, and what it holds
  ./manage.py backup before-import.dump            into this file
  ./manage.py backup --verify                      restored into a scratch database as well, and compared
  ./manage.py backup --json                        one document: file, bytes, sha256, rows of each table

exit codes: 0 done; 1 it could not be read, written or verified; 2 wrong usage, settings or connection; 3 Ctrl-C
"""


class Command(VitalCommand):
    help = "Back up the whole database while applications run; with isolation on as well."
    examples = EXAMPLES
    interrupted = "Stopped. Nothing of the backup is kept, and the database is as it was."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", nargs="?", default="", help="a new file (default: in VITAL_BACKUP_DIR, by the time)"
        )
        parser.add_argument("--verify", action="store_true", help="restore it into a scratch database, and compare")
        self.add_report_arguments(parser)

    def head(self, options: Options) -> dict[str, str]:
        return {"verb": "backup"}

    def act(self, options: Options, console: Console) -> Answer:
        file = Path(options["file"]) if options["file"] else None
        document = backups.back_up(file, progress(console), proven=options["verify"])
        show_backup(console, document)
        return document, FAILED if document.get("differences") else DONE
