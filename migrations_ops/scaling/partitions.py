"""In one server, big tables in partitions by tenant: one for each big tenant, and one for all the others."""

from psycopg.sql import Composable

from migrations_ops.engine import sql
from migrations_ops.engine.session import Session
from migrations_ops.rules.model import TENANT_COLUMN
from migrations_ops.scaling.catalogue import QUERIES, Catalogue, Table, across, ask, nobodys
from migrations_ops.scaling.plan import Scale
from migrations_ops.scaling.statements import Statement, add_key, add_reference, statement
from migrations_ops.scaling.surroundings import bound, carried, numbers, readers

BIG_TENANT = 0.1  # of a table's rows
LATE = (
    "Code that writes a row without its tenant fails from then on: the trigger that gives it one cannot put it into"
    " another partition. manage.py migrate_tenants status tells who still does."
)


def plan(session: Session, found: Catalogue, slugs: dict[str, str], least: int) -> Scale:
    """Tables with at least so many rows (by the planner's estimate) are parted. `slugs`: tenant → slug. In a
    transaction."""
    scale = Scale("partitions")
    for table in found.tables.values():
        scale.kinds[table.relation] = _kind(table, least)
    parted = [table for table in found.of_tenants() if scale.kinds[table.relation][0] == "partitioned"]
    into = [one for one in found.references if one.parent in {table.relation for table in parted}]
    scale.ask_for(nobodys(session, parted), ", and a key with the tenant in it takes no such row.")
    scale.statements += scale.let_go(into)
    for table in parted:
        _part(session, scale, table, slugs)
        from_it = [one for one in found.references if one.child == table.relation and one not in into]
        scale.statements += [add_reference(one, with_tenant=False) for one in from_it]
        scale.statements += carried(session, table.relation)
    for table in parted:  # once all are there: a view may read several
        scale.statements += readers(session, table.relation, found)
        scale.decide += bound(session, table.relation, found)
    scale.statements += scale.refer_within(into, {one: across(session, one) for one in into})
    if scale.statements:
        scale.know.append(LATE)
        scale.know.append(
            "Carry it out while nobody writes (manage.py maintenance on), and ask manage.py doctor and prove_isolation"
            " afterwards. The tables of before stay, as …_before, until you have compared them and drop them."
        )
        scale.know.append(
            "The migration is over for these tables: a run asks for a key of the id alone (000), and it has the tenant"
            " now."
        )
    return scale


def _kind(table: Table, least: int) -> tuple[str, str]:
    if not table.has_tenant:
        return "as it is", "it has no tenant"
    if table.is_partitioned:
        return "as it is", "it is partitioned already"
    if table.rows < least:
        return "as it is", f"about {table.rows:,} rows are too few to gain by it"
    return "partitioned", f"about {table.rows:,} rows"


def _part(session: Session, scale: Scale, table: Table, slugs: dict[str, str]) -> None:
    relation, do = table.relation, scale.statements
    schema, name = sql.names(relation)
    before = sql.spelled(schema, _before(name))
    do += [
        statement("rename_an_index", sql.spelled(schema, key.name), to=sql.ident(_before(key.name)))
        for key in table.keys
    ]
    do.append(statement("rename_a_table", relation, to=sql.ident(_before(name))))
    do.append(statement("make_parted", relation, {"model": before}, column=sql.ident(TENANT_COLUMN)))
    tenants = dict(ask(session, "rows_of_tenants", relation=sql.relation(relation), tenant=sql.ident(TENANT_COLUMN)))
    for tenant, rows in tenants.items():
        if tenant and rows >= BIG_TENANT * sum(tenants.values()):
            values = sql.compose(QUERIES["for_one_tenant"], tenant=sql.literal(tenant))
            do.append(_partition(relation, f"{name}_{slugs.get(tenant, tenant)}", values))
    do.append(_partition(relation, f"{name}_others", sql.raw("DEFAULT")))
    columns = sql.join(sql.ident(column) for (column,) in ask(session, "columns_to_carry", named=sql.literal(relation)))
    do.append(statement("show_to_its_owner", before))
    do.append(statement("carry_rows_over", relation, {"source": before}, columns=columns))
    do += numbers(session, relation)
    do += scale.widen(table.too_wide, in_place=False)
    do += [add_key(key, key.definition) for key in table.keys if key not in table.too_wide]


def _partition(relation: str, name: str, values: Composable) -> Statement:
    part = sql.spelled(sql.names(relation)[0], sql.fitting(name))
    return statement("make_partition", relation, {"part": part}, values=values)


def _before(name: str) -> str:
    return sql.fitting(f"{name}_before")
