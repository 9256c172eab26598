"""`./manage.py restore`: a backup put back, all of it or nothing."""

from pathlib import Path

from django.core.management.base import CommandParser
from rich.console import Console

from migrations_ops.backup import service as backups
from migrations_ops.management.confirm import name_typed
from migrations_ops.management.output.backup import show_restore
from migrations_ops.management.output.elements import progress
from vital.cli.base_command import Options, VitalCommand
from vital.cli.exit_codes import DONE, FAILED, STOPPED, Answer

EXAMPLES = """
examples:
  ./manage.py restore backup.dump --replace        what is in the database goes, what is in the backup comes
  ./manage.py restore backup.dump                  into an empty database
  ./manage.py restore backup.dump --no-owner       on another server: everything belongs to this role, no grants
  ./manage.py restore backup.dump --replace --yes --json   asks nothing; one document: rows before, then and now

exit codes: 0 restored, the same, and 000 agrees; 1 it differs, 000 fails, or it could not be restored;
            2 wrong usage, no backup, settings or connection; 3 another name, or Ctrl-C
"""


class Command(VitalCommand):
    help = "Put a backup back in one transaction, compare every table, and ask what 000_pre_validation asks."
    examples = EXAMPLES
    interrupted = "Stopped. A restore is one transaction: the database is as it was."

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("file", help="a file that `./manage.py backup` has written, with its FILE.json beside it")
        add("--replace", action="store_true", help="over everything that is in the database now")
        add("--no-owner", action="store_true", help="everything belongs to this role, with no grants to others")
        add("--yes", action="store_true", help="ask no questions")
        add("--json", action="store_true", help="one JSON document on stdout instead of a report")
        add("--log-dir", default="logs", metavar="DIR", help="where restore.log is kept (default: logs)")

    def head(self, options: Options) -> dict[str, str]:
        return {"verb": "restore"}

    def act(self, options: Options, console: Console) -> Answer:
        database = backups.database_name()
        if not name_typed(options, "Restoring", database, f"This replaces what is in {database}. Its name, to go on"):
            return {"error": "That is not its name. Nothing was changed."}, STOPPED
        order = backups.Order(replace=options["replace"], no_owner=options["no_owner"])
        document = backups.restore(Path(options["file"]), order, progress(console), Path(options["log_dir"]))
        show_restore(console, document)
        failed = document["differences"] or [one for one in document["checks"] if one["outcome"] == "FAIL"]
        return document, FAILED if failed else DONE
