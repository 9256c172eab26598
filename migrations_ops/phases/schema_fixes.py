"""Schema fixes: add what is missing and guard what would react. Nothing is taken away, nothing is rewritten."""

from collections.abc import Iterator

from migrations_ops.engine.steps import Phase, Statement, Step
from migrations_ops.phases import api_indexes, org_tables, tenant_table, triggers, unique_keys, vital_product
from migrations_ops.phases.columns import added_column, not_null_name, tenant_index_name, tenant_key, tenant_key_name
from migrations_ops.phases.queries import every
from migrations_ops.rules.model import TENANT_COLUMN, Plan, TableSpec

KEY, TITLE = "001_schema_fixes", "Schema fixes"


def phase(plan: Plan) -> Phase:
    return Phase(KEY, TITLE, tuple(_steps(plan)))


def _steps(plan: Plan) -> Iterator[Step]:
    yield from tenant_table.table(plan)
    for spec in plan.tables:
        yield _tenant_column(plan, spec)
        if not plan.adopts:  # else applications write tenants of which the registry knows nothing before 002
            yield tenant_key(plan, spec)
    for relation in triggers.tables_of(plan):
        yield triggers.guarded(plan, relation)
        yield from triggers.row_kept(plan, relation)
    yield from vital_product.schema(plan)
    yield from org_tables.tables(plan)


def _tenant_column(plan: Plan, spec: TableSpec) -> Statement:
    return added_column(
        spec.relation,
        TENANT_COLUMN,
        "uuid",
        data_loss_check=every("rows_only_we_would_lose", [spec]),
        ours=[
            tenant_index_name(spec),
            tenant_key_name(plan, spec),
            not_null_name(spec),
            *(unique_keys.name_per_tenant(spec, key) for key in spec.rescope),
            *api_indexes.names(spec.relation),
        ],
    )
