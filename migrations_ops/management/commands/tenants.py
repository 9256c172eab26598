"""`./manage.py tenants`: a tenant's life on the command line. Every verb is thin: the work is in the rooms."""

from migrations_ops.management import options
from migrations_ops.management.archives import EXPORT, IMPORT
from migrations_ops.management.cloning import CLONE
from migrations_ops.management.env import ENV
from migrations_ops.management.hosts import ADD_HOST, REMOVE_HOST
from migrations_ops.management.leaving import REMOVE
from migrations_ops.management.moving import MOVE, MOVE_BACK
from migrations_ops.management.sleeping import ACTIVATE, SUSPEND
from migrations_ops.management.tenants import ADD, LIST, SET, SHOW
from migrations_ops.management.verb import VerbCommand

EXAMPLES = """
examples:
  ./manage.py tenants                                      who there is, with the rows that each has
  ./manage.py tenants add oncology --name Oncology --like pharma --reason "contract 17"
  ./manage.py tenants set pharma limits.max_tools=200 --reason "ordered"
  ./manage.py tenants suspend pharma --reason "unpaid"
  ./manage.py tenants env pharma >> .env
  ./manage.py tenants move rows.toml --dry-run
  ./manage.py tenants clone pharma pharma-test --reason "trial"
  ./manage.py tenants export pharma pharma.zip
  ./manage.py tenants import pharma.zip --reason "moved"
  ./manage.py tenants remove oncology oncology.zip --reason "contract ended"

exit codes: 0 done; 1 the database refused; 2 wrong usage, settings or connection; 3 not confirmed, nothing was changed
"""


class Command(VerbCommand):
    help = "Show, add, configure, suspend and activate tenants; move rows between them; copy one; take one out, or in."
    examples = EXAMPLES
    verbs = (
        *(LIST, SHOW, ADD, SET, ADD_HOST, REMOVE_HOST, SUSPEND, ACTIVATE, ENV),
        *(MOVE, MOVE_BACK, CLONE, EXPORT, IMPORT, REMOVE),
    )
    default = "list"
    common = staticmethod(options.common)
