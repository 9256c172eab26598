"""The table of tenants: one of the database, or one that VITAL makes in its own schema."""

from collections.abc import Iterator

from migrations_ops.engine.steps import Step
from migrations_ops.phases import org_tables, tenant_source
from migrations_ops.phases.queries import is_made
from migrations_ops.rules.model import Plan


def adopted(plan: Plan) -> tuple[str, ...]:
    """The table of tenants where the database has to have it."""
    return () if is_made(plan) else (plan.registry,)


def table(plan: Plan) -> Iterator[Step]:
    if is_made(plan):
        made = tenant_source.made_by_trigger(plan)
        yield org_tables.made_table(plan.registry, "create_registry", plan.registry, made)
