"""`./manage.py ledger`: how much is remembered, and what need not be any more."""

from migrations_ops.management.verb import VerbCommand, verbs_of

EXAMPLES = """
examples:
  ./manage.py ledger                                        how much is remembered about each table
  ./manage.py ledger purge --undone-before 90 --reason "retention"   entries that were undone more than 90 days ago
  ./manage.py ledger purge --dry-run                        how many that would be
  ./manage.py ledger forget users KEY --reason "erasure request"     a deleted person's key, wherever it is remembered

exit codes: 0 done; 1 another run is active; 2 wrong usage, settings or connection, or the row is still there
"""


class Command(VerbCommand):
    help = "Show how much is remembered of what runs changed, and let go what no undo needs."
    examples = EXAMPLES
    verbs = verbs_of("ledger", "size", "purge", "forget")
    default = "size"
