"""Indexes for as long as a tenant's rows are removed, as an undo has them: the removal itself is one transaction."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from migrations_ops.engine import undo_indexes
from migrations_ops.phase_state import open_with_plan
from migrations_ops.phases.inventory import inventory_of
from migrations_ops.runs.queries import QUERIES
from tenants.inventory import TENANT_COLUMN
from tenants.lifecycle import registry
from vital.db import introspection, sql


@contextmanager
def indexes_for_removal(slug: str, waiting: Callable[[str], None]) -> Iterator[None]:
    """While the tenant's rows are removed. Raises NoSuchTenant, and AnotherRunIsActive where an index is needed."""
    with open_with_plan() as (session, plan):
        inventory = inventory_of(plan)
        tenant = registry.find(session, inventory, slug).id
        there = introspection.columns_of(session, [table.relation for table in inventory.tables])
        rows = {}
        with session.work():
            for relation, columns in there.items():
                if TENANT_COLUMN in [column.name for column in columns]:
                    parts = {"relation": sql.relation(relation), "tenant": sql.ident(TENANT_COLUMN)}
                    facts = {"tenant": tenant, "most": undo_indexes.FEW + 1}
                    ((rows[relation],),) = session.execute(sql.compose(QUERIES["some_rows_of_tenant"], **parts), facts)
        alone = session.run_lock() if max(rows.values(), default=0) > undo_indexes.FEW else nullcontext()
        with alone, undo_indexes.built(session, f"removal of {tenant}"[:40], 0, rows, waiting):
            yield
