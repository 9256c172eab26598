"""`./manage.py tenants`: a tenant's life on the command line. Every verb is thin: the work is in the rooms."""

from migrations_ops.management import arguments
from migrations_ops.management.verb import VerbCommand, verbs_of

EXAMPLES = """
examples:
  ./manage.py tenants                                      who there is, with the rows that each has
  ./manage.py tenants add oncology --name Oncology --like pharma --reason "contract 17"
  ./manage.py tenants set pharma limits.max_tools=200 --reason "ordered"
  ./manage.py tenants suspend pharma --reason "unpaid"
  ./manage.py tenants env pharma >> .env
  ./manage.py tenants move rows.toml --dry-run
  ./manage.py tenants clone pharma pharma-test --reason "trial"
  ./manage.py tenants restore pharma --from monday.dump
  ./manage.py tenants place pharma                         on a cluster: where its rows lie, and where they would
  ./manage.py tenants export pharma pharma.zip
  ./manage.py tenants import pharma.zip --reason "moved"
  ./manage.py tenants remove oncology oncology.zip --reason "contract ended"

exit codes: 0 done; 1 the database refused, or rows could not be restored; 2 wrong usage, settings or connection;
3 not confirmed, nothing was changed
"""


class Command(VerbCommand):
    help = "Show, add, configure, suspend and activate tenants; move rows between them; copy one; take one out, or in."
    examples = EXAMPLES
    verbs = verbs_of(
        "tenants",
        *("list", "show", "add", "set", "add-host", "remove-host"),
        *("add-alias", "remove-alias", "suspend", "activate", "env"),
        *("move", "move-back", "clone", "export", "import", "remove"),
        *("restore", "undo-restore", "place"),
    )
    default = "list"
    common = staticmethod(arguments.common)
