"""References that would lead from one customer to another, if rows became another tenant's."""

from collections.abc import Iterator

from psycopg.sql import Composable

from migrations_ops.engine.session import Session
from migrations_ops.review.queries import QUERIES
from migrations_ops.rules.model import TENANT_COLUMN, Plan
from vital.db import sql
from vital.db.introspection import foreign_keys_between


def crossing(session: Session, plan: Plan, relation: str, keys: list[str], tenant: str) -> int:
    """How many of these rows would then refer to another customer's rows, or be referred to by them.

    Rows that follow them by a rule of the plan are counted too: they go along in the next run.
    """
    crosses = list(_crosses(session, plan, relation, tenant))
    if not crosses:
        return 0
    statement = sql.compose(
        QUERIES["rows_that_would_cross"],
        relation=sql.relation(relation),
        same_row=sql.key_equals(
            "t", session.typed_key(relation, plan.table(relation).table.key), sql.column("given", "vital_key")
        ),
        crosses=sql.join(crosses, " OR "),
    )
    with session.work():
        return int(session.execute(statement, {"keys": keys})[0][0])


def _crosses(session: Session, plan: Plan, relation: str, tenant: str) -> Iterator[Composable]:
    """Every foreign key on either side of the table; which there are is the database's to say."""
    for link in foreign_keys_between(session, [spec.relation for spec in plan.tables]):
        sides = (
            ("refers_across", link.child, link.own, link.parent, link.key),
            ("is_referred_to_across", link.parent, link.key, link.child, link.own),
        )
        for name, ours, mine, other, theirs in sides:
            if sql.names(ours) != sql.names(relation):
                continue
            pairs = zip(theirs, mine, strict=True)
            links = [sql.compose("{o} = {t}", o=sql.column("o", o), t=sql.column("t", t)) for o, t in pairs]
            yield sql.compose(
                QUERIES[name],
                other=sql.relation(other),
                link=sql.join(links, " AND "),
                tenant=sql.ident(TENANT_COLUMN),
                target=sql.compose("{id}::uuid", id=sql.literal(tenant)),
                platform=sql.compose("{id}::uuid", id=sql.literal(plan.platform_id)),
            )
