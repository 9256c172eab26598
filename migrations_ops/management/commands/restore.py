"""`./manage.py restore`: a backup put back, all of it or nothing."""

import sys
from typing import Any

from django.core.management.base import CommandParser

from migrations_ops.management import backups, face
from tenants.management.base_command import Documented

EXAMPLES = """
examples:
  ./manage.py restore backup.dump --replace        what is in the database goes, what is in the backup comes
  ./manage.py restore backup.dump                  into an empty database
  ./manage.py restore backup.dump --no-owner       on another server: everything belongs to this role, no grants
  ./manage.py restore backup.dump --replace --yes --json   asks nothing; one document: rows before, then and now

exit codes: 0 restored, the same, and 000 agrees; 1 it differs, 000 fails, or it could not be restored;
            2 wrong usage, no backup, settings or connection; 3 another name, or Ctrl-C
"""


class Command(Documented):
    help = "Put a backup back in one transaction, compare every table, and ask what 000_pre_validation asks."
    examples = EXAMPLES

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("file", help="a file that `./manage.py backup` has written, with its FILE.json beside it")
        add("--replace", action="store_true", help="over everything that is in the database now")
        add("--no-owner", action="store_true", help="everything belongs to this role, with no grants to others")
        add("--yes", action="store_true", help="ask no questions")
        add("--json", action="store_true", help="one JSON document on stdout instead of a report")
        add("--log-dir", default="logs", metavar="DIR", help="where restore.log is kept (default: logs)")

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(face.told(backups.restore, options, "restore"))
