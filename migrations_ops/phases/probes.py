"""Questions that one query cannot answer."""

from collections.abc import Iterator, Sequence

from psycopg import errors as pg
from psycopg.sql import Composable

from migrations_ops.engine import load_signals
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Check, Probe
from migrations_ops.phases import org_tables, vital_product
from migrations_ops.phases.queries import every, in_words, of_table, query
from migrations_ops.rules import database_check
from migrations_ops.rules.model import TENANT_COLUMN, Plan, TableSpec
from vital.db import sql
from vital.db.introspection import FOREIGN_KEYS, UNIQUE_KEYS, foreign_keys_between
from vital.errors import Problem


def free_disk(session: Session) -> Iterator[Problem]:
    """Twice the biggest table must fit. Seen only where the server's data directory is on this machine."""
    disk = load_signals.disk_of(session)
    if disk is None:
        return
    with session.work():
        needed = 2 * int(session.value(query("biggest_table")))
    if disk.free < needed:
        yield Problem(
            "",
            "",
            f"{disk.free / 1e9:.1f} GB are free and {needed / 1e9:.1f} GB may be needed (twice the biggest table)",
        )


def rules_fit(plan: Plan) -> Check:
    """Asked at the door, and again by each phase that rules are for: a run may begin there, with a plan just edited."""
    return Check("rules that do not fit the database", database_check.misfits(plan), gate=True)


def hidden_signals(session: Session) -> Iterator[Problem]:
    """What a run would wait for if it could see it, and the grant that would show it."""
    for unreadable in load_signals.Signals(session).unreadable():
        yield Problem("", "", f"the run cannot see {unreadable.signal}; this would help: {unreadable.grant}")


def changeable(plan: Plan) -> Check:
    """PostgreSQL refuses changes of some tables whatever the row: for a rule, or for a publication that could not say
    which row it was. It is asked to plan them."""

    def refused(session: Session) -> Iterator[Problem]:
        for spec in plan.tables:
            for leaf, _, _ in session.leaves(spec.relation):
                columns = session.columns(leaf)
                if plain := next((c.name for c in columns if not c.is_generated and c.identity != "a"), ""):
                    yield from _refused(session, leaf, of_table("an_update", leaf, column=sql.ident(plain)))
        for relation in vital_product.filled(plan):
            if session.value(of_table("table_exists", relation)):
                yield from _refused(session, relation, of_table("an_insert", relation))
                yield from _refused(session, relation, of_table("a_delete", relation))

    return Check("tables whose rows cannot be changed", refused)


def _refused(session: Session, relation: str, change: Composable) -> Iterator[Problem]:
    try:
        with session.work():
            session.execute(change)
    except (pg.FeatureNotSupported, pg.ObjectNotInPrerequisiteState, pg.InvalidColumnReference) as error:
        said = error.diag
        why = " ".join(filter(None, [said.message_detail, said.message_hint]))
        [(remedies,)] = session.execute(of_table("what_stands_before_changes", relation))
        what = " ".join([f"its rows cannot be changed: {said.message_primary}.", *filter(None, [why]), *remedies])
        yield Problem(relation, "", what)


def refusing_rows(spec: TableSpec, step: str) -> Probe:
    """Rows that have refused their tenant and are still as they were, each with the reason."""

    def rows(session: Session) -> Iterator[Problem]:
        question = of_table(
            "rows_that_refuse",
            spec.relation,
            step=sql.literal(step),
            same_row=sql.key_equals("t", session.typed_key(spec.relation, spec.table.key), sql.column("f", "key")),
            before=sql.jsonb_of("t", [TENANT_COLUMN]),
        )
        with session.work():
            yield from (Problem(*row) for row in session.execute(question))

    return rows


def rows_of_our_tenants(plan: Plan) -> Probe:
    """Rows that would go with the tenants VITAL made. Which tables hold some is the database's to say, not a plan's."""
    keys: dict[tuple[str, ...], tuple[str, ...]] = dict.fromkeys(map(sql.names, org_tables.own_tables(plan)), ("id",))
    keys |= {sql.names(spec.relation): spec.table.key for spec in plan.tables}
    catalogue = {"foreign_keys": FOREIGN_KEYS, "unique_keys": UNIQUE_KEYS}
    referring = of_table("tables_that_refer_to", plan.registry, **catalogue)

    def occupied(session: Session) -> Iterator[Problem]:
        for relation, column, primary_key in session.execute(referring):
            question = query(
                "tenants_with_rows",
                relation=sql.relation(relation),
                name=sql.literal(relation),
                key=sql.key_text("t", keys.get(sql.names(relation), tuple(primary_key))),
                tenant=sql.ident(column),
                tenants=sql.literal(plan.registry),
                is_adopted=_is_adopted(plan, sql.column("t", column)),
            )
            with session.work(as_operator=sql.names(relation) in keys):
                yield from (Problem(*row) for row in session.execute(question))

    return occupied


def _is_adopted(plan: Plan, tenant: Composable) -> Composable:
    """Predicate: the tenant is a row of the table that tenants are taken from, and the column said so before."""
    if plan.source is None or not plan.adopts:
        return sql.raw("false")
    key = sql.column("source", plan.source.table.key[0])
    return of_table("is_row_of_source", plan.source.table.relation, key=key, owner=tenant)


def references_across_tenants(plan: Plan) -> Probe:
    """Which references there are is the database's to say: every foreign key between two tables of the plan."""

    def references(session: Session) -> Iterator[Problem]:
        by_name = {sql.names(spec.relation): spec for spec in plan.tables}
        for link in foreign_keys_between(session, [spec.relation for spec in plan.tables]):
            child, parent = by_name[sql.names(link.child)], by_name[sql.names(link.parent)]
            question = every(
                "references_across_tenants",
                [child],
                same=sql.same_values("p", link.key, "t", link.own),
                is_accepted=is_accepted(child, parent, link.own),
                owner=in_words(plan, sql.column("t", TENANT_COLUMN)),
                other=in_words(plan, sql.column("p", TENANT_COLUMN)),
                reference_name=sql.literal(", ".join(link.own)),
                parent=sql.relation(link.parent),
                parent_name=sql.literal(link.parent),
                platform=sql.literal(plan.platform_id),
            )
            with session.work():
                yield from (Problem(*row) for row in session.stream(question))

    return references


def is_accepted(child: TableSpec, parent: TableSpec, columns: Sequence[str]) -> Composable:
    """Predicate on `t`, which refers by these columns to `p`: a person has accepted the reference."""
    return of_table(
        "is_accepted",
        child.relation,
        key=sql.key_text("t", child.table.key),
        parent_key=sql.key_text("p", parent.table.key),
        reference_name=sql.literal(", ".join(columns)),
    )
