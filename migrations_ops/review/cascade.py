"""What follows a row by the plan goes with it: it is marked, and the next run of 004 decides it again."""

from psycopg.sql import Composable

from migrations_ops.engine.session import Session
from migrations_ops.review.queries import ask, same_row
from migrations_ops.rules.model import TENANT_COLUMN, Plan, Rule, TableSpec
from migrations_ops.rules.paths import path_to_parent
from migrations_ops.rules.plan_tables import has_tenant_column
from vital.db import sql


def follow(session: Session, plan: Plan, spec: TableSpec, keys: list[str]) -> None:
    """Mark the rows that have their tenant from these rows, and those that have it from them.

    Before the rows are moved: a mark too many changes nothing, one too few would leave a row behind.
    """
    for child in plan.tables:
        for rule in child.rules:
            if rule.parent is None or rule.parent.table != spec.relation or not has_tenant_column(session, child):
                continue
            with session.work():
                marked = ask(
                    session,
                    "decide_followers_again",
                    {"keys": keys, "relation": child.relation, "rule": rule.name},
                    **_parts(session, spec, child, rule),
                )
            if marked:
                follow(session, plan, child, [key for (key,) in marked])


def _parts(session: Session, spec: TableSpec, child: TableSpec, rule: Rule) -> dict[str, Composable]:
    assert rule.parent is not None
    tables, links = path_to_parent(rule.parent.hops, "c", "t")
    return {
        "same_row": same_row(session, spec, sql.column("given", "vital_key")),
        "tables": sql.join(tables),
        "links": sql.join(links, " AND "),
        "child": sql.relation(child.relation),
        "key": sql.key_text("c", child.table.key),
        "tenant": sql.ident(TENANT_COLUMN),
    }
