"""`manage.py tenants`: a tenant's life on the command line. Every verb is a thin face over services/."""

import sys
from typing import Any

from django.core.management.base import CommandParser

from migrations_ops.management import face
from migrations_ops.management.tenants import VERBS
from tenants.management.documented import Documented

EXAMPLES = """
examples:
  manage.py tenants                                      who there is, with the rows that each has
  manage.py tenants show pharma                          one tenant: settings, host names, rows
  manage.py tenants add oncology --name Oncology --like pharma --reason "contract 17"
  manage.py tenants set pharma limits.max_tools=200 --reason "ordered"   in force within a second
  manage.py tenants add-host pharma ai.pharma.example --reason "its own name"   and remove-host takes it away
  manage.py tenants suspend pharma --reason "unpaid"     nobody gets in; its rows stay
  manage.py tenants activate pharma --reason "paid"      and in again
  manage.py tenants env pharma >> .env                   what its application is told
  manage.py tenants move rows.toml --reason "contract 17"   rows that change hands by a rule; shown before
  manage.py tenants move-back 41 --reason "a mistake"    the rows of that move are where they were
  manage.py tenants clone pharma pharma-test --reason "trial"   a second one, with a copy of every row
  manage.py tenants export pharma pharma.zip             everything it has, in one archive
  manage.py tenants import pharma.zip --reason "moved"   into this platform; all of it or nothing
  manage.py tenants remove oncology oncology.zip --reason "contract ended"   for good, once the archive holds it all

exit codes: 0 done; 1 the database refused; 2 wrong usage, settings or connection; 3 nobody agreed
"""


class Command(Documented):
    help = "Show, add, configure, suspend and activate tenants; move rows between them; copy one; take one out, or in."
    examples = EXAMPLES

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("verb", nargs="?", default="list", choices=[*VERBS], help="what to do (default: list)")
        add(
            "words",
            nargs="*",
            help="SLUG; set: SLUG NAME=VALUE …; add-host, remove-host: SLUG HOST; "
            "move, import: FILE; move-back: NUMBER; clone: SLUG NEW; export, remove: SLUG FILE",
        )
        add("--name", default="", help="add, clone: what it is called")
        add("--id", default="", metavar="UUID", help="add, clone: its id (default: a new one)")
        add("--domain", default="", metavar="HOST", help="add, clone: its own host name")
        add("--like", default="", metavar="SLUG", help="add: begin with the settings of this tenant")
        add("--reason", default="", metavar="TEXT", help="why; it is written down")
        add("--slug", default="", metavar="NEW", help="import: under another slug, without its domain")
        add("--without", action="append", default=[], metavar="TABLE", help="clone: leave this table's rows out")
        add("--confirm", default="", metavar="SLUG:ROWS", help="remove: what would be asked, said beforehand")
        add("--dry-run", action="store_true", help="move, clone, import: show what it comes to, and write nothing")
        add("--url", default="", help="env: the service's address, for NEXT_PUBLIC_API_URL")
        add("--plan", default="", metavar="FILE", help="the plan (default: VITAL_PLAN, or VITAL's own)")
        add("--yes", action="store_true", help="ask no questions")
        self.add_report_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(face.answer(options, VERBS))
