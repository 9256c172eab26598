"""What tenants may learn of each other's rows without being shown any. No attack can settle it: it is said."""

from collections.abc import Iterator

from tenants.inventory import Inventory
from tenants.isolation.queries import query
from vital.db import sql
from vital.db.session import Session

COUNTS = (
    "{index} on {table}: where a question for the ten nearest rows is given fewer, the count says how many rows of"
    " others lie nearer than the tenant's own. Scans that go on until ten have passed give ten"
    " (./manage.py migrate_tenants vectors); the time that they take still says it"
)
TIMES = (
    "{index} on {table}: distances are those of rows that the tenant sees; how long a question takes says how many rows"
    " of others lie near it"
)


def notes(session: Session, inventory: Inventory) -> Iterator[str]:
    """Of approximate indexes: they look at the nearest rows of everybody before the policies choose."""
    for table, index, goes_on in session.execute(query("shared_distances", tables=sql.literal(list(inventory.closed)))):
        yield (TIMES if goes_on else COUNTS).format(table=table, index=index)
