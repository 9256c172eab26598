"""What speaks for and against a row's tenant where other rows have a say, in words of the database's."""

from collections.abc import Iterator

from psycopg.sql import Composable

from migrations_ops.rules.model import TENANT_COLUMN, Parent, Plan, Rule, TableSpec
from migrations_ops.rules.paths import QUERIES, path_to_parent, steps_up
from vital.db import sql


def of_row(plan: Plan, spec: TableSpec, row: str) -> Iterator[tuple[Rule, Composable]]:
    """(rule, an expression on `row` that says in a text how it stands with it, or NULL) of each rule of votes or a
    tree."""
    for rule in spec.rules:
        if rule.parent is not None and rule.parent.share is not None:
            yield rule, _votes(plan, rule.parent, row)
        elif rule.parent is not None and rule.parent.is_tree:
            yield rule, _circle(spec, rule.parent, row)


def in_words(plan: Plan, spec: TableSpec, row: str) -> Composable:
    """All of it behind another text; empty where there is nothing to say."""
    texts = [
        sql.compose("COALESCE({called} || ({text}), '')", called=sql.literal(f"; {rule.name}: "), text=text)
        for rule, text in of_row(plan, spec, row)
    ]
    return sql.join(texts, " || ") if texts else sql.literal("")


def _votes(plan: Plan, parent: Parent, row: str) -> Composable:
    tables, links = path_to_parent(parent.hops, row, "voter")
    assert parent.share is not None
    return sql.compose(
        QUERIES["votes_in_words"],
        tenant=sql.column("voter", TENANT_COLUMN),
        tables=sql.join(tables),
        links=sql.join(links, " AND "),
        registry=sql.relation(plan.registry),
        needed=sql.literal("all must agree" if parent.share == 1 else f"{parent.share:.0%} must agree"),
    )


def _circle(spec: TableSpec, parent: Parent, row: str) -> Composable:
    (hop,), (first, following) = parent.hops, steps_up(parent.hops, row, "above", "up")
    return sql.compose(
        QUERIES["circle_in_words"],
        relation=sql.relation(spec.relation),
        columns=sql.join(sql.column("up", column) for column in dict.fromkeys([*hop.columns, *spec.table.key])),
        first=first,
        next=following,
        above_key=sql.key_text("above", spec.table.key),
        row_key=sql.key_text(row, spec.table.key),
        by=sql.literal(f"it stands above itself by {', '.join(hop.columns)}"),
    )
