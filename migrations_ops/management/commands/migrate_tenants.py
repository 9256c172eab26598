"""`./manage.py migrate_tenants`: the migration on the command line. Every verb is thin: the work is in the rooms."""

from migrations_ops.management import options
from migrations_ops.management.control import CANCEL, PAUSE, RESUME
from migrations_ops.management.decide import DECIDE
from migrations_ops.management.explain import EXPLAIN
from migrations_ops.management.findings import FINDINGS
from migrations_ops.management.init_plan import INIT_PLAN
from migrations_ops.management.limits import TUNE, WORK
from migrations_ops.management.preview import PREVIEW
from migrations_ops.management.rehearsal import REHEARSE
from migrations_ops.management.report import REPORT
from migrations_ops.management.run import RUN
from migrations_ops.management.status import STATUS, VALIDATE
from migrations_ops.management.suggest import SUGGEST
from migrations_ops.management.switch import DISARM, REARM
from migrations_ops.management.undo import UNDO
from migrations_ops.management.verb import VerbCommand

EXAMPLES = """
examples:
  ./manage.py migrate_tenants                      carry out what is left, all seven phases
  ./manage.py migrate_tenants --dry-run            what that would be; nothing is written
  ./manage.py migrate_tenants status --json        how far it is, for machines
  ./manage.py migrate_tenants explain agents ID    why that row is where it is
  ./manage.py migrate_tenants undo --phase 004     undo 004 and every later phase
  ./manage.py migrate_tenants VERB --help          the options of a verb

exit codes: 0 done and valid; 1 a check or a phase failed, or another run is active;
            2 wrong usage, settings, connection or password; 3 paused, cancelled or stopped for a look
"""


class Command(VerbCommand):
    help = "Turn a single-tenant database into a multi-tenant one, phase by phase, and back."
    examples = EXAMPLES
    verbs = (
        *(RUN, STATUS, VALIDATE, UNDO, PAUSE, RESUME, CANCEL, TUNE, WORK),
        *(INIT_PLAN, PREVIEW, REHEARSE, SUGGEST, FINDINGS, DECIDE, EXPLAIN, REPORT, DISARM, REARM),
    )
    default = "run"
    common = staticmethod(options.common)
