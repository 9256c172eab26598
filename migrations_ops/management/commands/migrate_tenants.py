"""`manage.py migrate_tenants`: the migration on the command line. Every verb is a thin face over services.py."""

import sys
from argparse import ArgumentTypeError, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from migrations_ops.management import face

EXAMPLES = """
examples:
  manage.py migrate_tenants                      carry out what is left, all seven phases
  manage.py migrate_tenants --to 002             up to and including 002_tenant_setup
  manage.py migrate_tenants --only 004           that phase alone
  manage.py migrate_tenants --step-by-step       stop after each phase for a look
  manage.py migrate_tenants status --json        how far it is, for machines
  manage.py migrate_tenants validate             every check, read-only, at any time
  manage.py migrate_tenants explain agents ID    why that row is where it is
  manage.py migrate_tenants undo --phase 004     take 004 and everything after it back
  manage.py migrate_tenants rehearse             try it on a sampled copy first: exact? how long? how much?
  manage.py migrate_tenants pause                from another terminal: stop the run after its batch
  manage.py migrate_tenants resume               go on with a run that was paused, or has failed
  manage.py migrate_tenants cancel               give an unfinished run up; what it did stays
  manage.py migrate_tenants --workers 2          two processes share the big tables
  manage.py migrate_tenants --tenant pharma      a canary: that tenant alone, before the rest
  manage.py migrate_tenants tune wal_rate=20MB   what a run respects, also while it works; without words: all limits
  manage.py migrate_tenants disarm --reason "…"  open the fence for all but tenants; `rearm` closes and proves it
  manage.py migrate_tenants init-plan --out F    a starting plan for a database that has none
  manage.py migrate_tenants work                 one more worker for the run at work, from any machine

exit codes: 0 done and valid; 1 a check or a phase failed, or another run is active;
            2 wrong usage, settings, connection or password; 3 paused, cancelled or stopped for a look
"""


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 32:
        raise ArgumentTypeError(f"{text!r} is not a number of processes from 1 to 32")
    return int(text)


class Command(BaseCommand):
    help = "Turn a single-tenant database into a multi-tenant one, phase by phase, and back."
    requires_system_checks = ()
    requires_migrations_checks = False

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs |= {"epilog": EXAMPLES, "formatter_class": RawDescriptionHelpFormatter}
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = ["run", "status", "validate", "undo", "explain", "rehearse", "init-plan"]
        verbs += ["pause", "resume", "cancel", "tune", "work", "disarm", "rearm"]
        parser.add_argument("verb", nargs="?", default="run", choices=verbs, help="what to do (default: run)")
        parser.add_argument("words", nargs="*", help="explain: TABLE ID; tune: NAME=VALUE for each limit to set")
        parser.add_argument("--from", dest="first", default="", metavar="PHASE", help="run: start at this phase")
        parser.add_argument("--to", dest="last", default="", metavar="PHASE", help="run: stop after this phase")
        parser.add_argument("--only", default="", metavar="PHASE", help="run: this phase alone")
        parser.add_argument("--step-by-step", action="store_true", help="run: stop after each phase for a look")
        parser.add_argument("--tenant", default="", metavar="SLUG", help="run: this tenant alone, fenced and proved")
        parser.add_argument("--table", dest="canary_table", default="", metavar="NAME", help="run: this table alone")
        parser.add_argument("--workers", type=_count, default=1, metavar="N", help="run, resume: N processes (1)")
        parser.add_argument("--reason", default="", metavar="TEXT", help="disarm, rearm: why; it is written down")
        parser.add_argument("--phase", default="", metavar="PHASE", help="undo: back to before this phase")
        parser.add_argument("--archive", default="", metavar="FILE", help="undo: keep what it would lose in this file")
        parser.add_argument("--rows", type=int, default=20_000, metavar="N", help="rehearse: about N rows of a table")
        parser.add_argument("--on", dest="where", default="", choices=["server", "embedded"], help="rehearse: where")
        parser.add_argument("--schema", action="append", metavar="NAME", help="init-plan: this schema; also repeated")
        parser.add_argument("--root", default="", metavar="TABLE", help="init-plan: its rows are the tenants")
        parser.add_argument("--out", default="", metavar="FILE", help="init-plan: into this file")
        parser.add_argument("--plan", default="", metavar="FILE", help="the plan (default: VITAL_PLAN, or VITAL's own)")
        parser.add_argument("--yes", action="store_true", help="ask no questions")
        parser.add_argument("--json", action="store_true", help="one JSON document on stdout instead of a report")
        parser.add_argument("--log-dir", default="logs", metavar="DIR", help="where the log files go (default: logs)")

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(face.answer(options))
