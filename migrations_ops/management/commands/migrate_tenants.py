"""`manage.py migrate_tenants`: the migration on the command line. Every verb is a thin face over services/."""

import sys
from typing import Any

from django.core.management.base import CommandParser

from migrations_ops.management import face, options
from tenants.management.documented import Documented

EXAMPLES = """
examples:
  manage.py migrate_tenants                      carry out what is left, all seven phases
  manage.py migrate_tenants --to 002             up to and including 002_tenant_setup
  manage.py migrate_tenants --only 004           that phase alone
  manage.py migrate_tenants --step-by-step       stop after each phase for a look
  manage.py migrate_tenants status --json        how far it is, for machines
  manage.py migrate_tenants validate             every check, read-only, at any time
  manage.py migrate_tenants explain agents ID    why that row is where it is
  manage.py migrate_tenants preview --html p.htm what a run would do now, as a page; --against FILE: another plan
  manage.py migrate_tenants findings             what people should look at, and which rows a person decides about
  manage.py migrate_tenants decide users ID pharma --reason "…"   the decision of a person, which no rule overrules
  manage.py migrate_tenants undo --phase 004     take 004 and everything after it back
  manage.py migrate_tenants report --file r.html what the last run did, for auditors; report 7: of run 7
  manage.py migrate_tenants rehearse             try it on a sampled copy first: exact? how long? how much?
  manage.py migrate_tenants suggest              rules for rows that none, or only the last, decides
  manage.py migrate_tenants pause                from another terminal: stop the run after its batch
  manage.py migrate_tenants resume               go on with a run that was paused, or has failed
  manage.py migrate_tenants cancel               give an unfinished run up; what it did stays
  manage.py migrate_tenants --background         leave it to a worker: manage.py worker, or a process of its own
  manage.py migrate_tenants --maintenance        writes of the API wait until the run is completed
  manage.py migrate_tenants --no-backup          without the backup that is taken before the first change
  manage.py migrate_tenants --workers 2          two processes share the big tables
  manage.py migrate_tenants --tenant pharma      a canary: that tenant alone, before the rest
  manage.py migrate_tenants tune wal_rate=20MB   what a run respects, also while it works; without words: all limits
  manage.py migrate_tenants disarm --reason "…"  open the fence for all but tenants; `rearm` closes and proves it
  manage.py migrate_tenants init-plan --out F    a starting plan for a database that has none
  manage.py migrate_tenants work                 one more worker for the run at work, from any machine

exit codes: 0 done and valid; 1 a check or a phase failed, or another run is active;
            2 wrong usage, settings, connection or password; 3 paused, cancelled or stopped for a look
"""


class Command(Documented):
    help = "Turn a single-tenant database into a multi-tenant one, phase by phase, and back."
    examples = EXAMPLES

    def add_arguments(self, parser: CommandParser) -> None:
        options.add_to(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(face.answer(options))
