"""`./manage.py migrate_tenants`: the migration on the command line. Every verb is thin: the work is in the rooms."""

from migrations_ops.management import arguments
from migrations_ops.management.verb import VerbCommand, verbs_of

EXAMPLES = """
examples:
  ./manage.py migrate_tenants                      carry out what is left, all seven phases
  ./manage.py migrate_tenants -v                   the same, with a line for each step
  ./manage.py migrate_tenants --dry-run            what that would be; nothing is written
  ./manage.py migrate_tenants status --json        how far it is, for machines
  ./manage.py migrate_tenants explain agents ID    why that row is where it is
  ./manage.py migrate_tenants undo --phase 004     undo 004 and every later phase
  ./manage.py migrate_tenants VERB --help          the options of a verb

exit codes: 0 done and valid; 1 a check or a phase failed, or another run is active;
            2 wrong usage, settings, connection or password; 3 paused, cancelled or stopped after a phase
"""


class Command(VerbCommand):
    help = "Turn a single-tenant database into a multi-tenant one, phase by phase, and back."
    examples = EXAMPLES
    verbs = verbs_of(
        "migrate_tenants",
        *("run", "status", "validate", "undo", "pause", "resume", "cancel", "tune", "work"),
        *(
            "init-plan",
            "preview",
            "rehearse",
            "impact",
            "suggest",
            "findings",
            "decide",
            "resolve",
            "explain",
            "report",
        ),
        *("disarm", "rearm", "vectors", "uninstall"),
    )
    default = "run"
    common = staticmethod(arguments.common)
