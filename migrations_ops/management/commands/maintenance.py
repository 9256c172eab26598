"""`./manage.py maintenance`: the API reads and does not write, until it is off again."""

from migrations_ops.management.verb import VerbCommand, verbs_of

EXAMPLES = """
examples:
  ./manage.py maintenance on --reason "restoring"  within a second writes get 503, reads go on
  ./manage.py maintenance off                      as before
  ./manage.py maintenance status --json            on, since, by, reason
  ./manage.py migrate_tenants --maintenance        both ends of a run by itself

exit codes: 0 done; 2 wrong usage, settings or connection
"""


class Command(VerbCommand):
    help = "Let the API read and not write: within a second, in every process of the service."
    examples = EXAMPLES
    verbs = verbs_of("maintenance", "on", "off", "status")
