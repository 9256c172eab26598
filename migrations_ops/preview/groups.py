"""All rows of a table by what will become of them, in one question that reads the table once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.sql import Composable

from migrations_ops.preview.predicted_rows import QUERIES, Prediction, condition_of, followed, joined, match_of
from migrations_ops.rules.model import Parent, TableSpec
from vital.db import sql

# Where a row lies (its table's oid, its ctid): cheaper to collect than keys.
Place = tuple[int, str]


@dataclass(frozen=True)
class Group:
    """Rows with the same fate: their tenant now and after, the rule that decides (a number), every rule that matches,
    and where they will refer to another customer's rows (reference → that customer). `places` are two of them."""

    now: str | None
    after: str | None
    rule: int | None
    matches: tuple[int, ...]
    across: dict[Parent, str]
    rows: int
    places: tuple[Place, ...]


def question(prediction: Prediction, spec: TableSpec, references: Sequence[Parent]) -> Composable:
    """The one question about a table; `group` reads a row of its answer."""
    across = [f"vital_across_{number}" for number in range(len(references))]
    matches = [match_of(rule) for rule in spec.rules]
    asked = ["vital_leaf", "vital_now", "vital_after", "vital_rule", *matches, *across]
    asked += ["vital_rows", "vital_first_place", "vital_last_place"]
    groups = sql.compose(
        QUERIES["predicted_groups"],
        columns=sql.join(sql.column("t", name) for name in asked),
        decided=prediction.decided(spec, _known(prediction, spec, references, across)),
    )
    tables = [parent.table for parent in (*followed(spec), *references)]
    return prediction.after_tables(tables, groups)


def _known(prediction: Prediction, spec: TableSpec, references: Sequence[Parent], across: list[str]) -> Composable:
    grouped: list[Composable] = [sql.column("batch", name) for name in _needed(spec)]
    joins = []
    platform = sql.literal(prediction.plan.platform_id)
    followed = {rule.parent: rule.number for rule in spec.rules}
    for name, one in zip(across, references, strict=True):
        rule = followed.get(one)
        tenant: Composable = sql.raw(f"batch.vital_parent_{rule}" if rule else f"{name}.vital_after")
        if not rule:
            joins.append(joined(one, name, prediction.names[one.table]))
        customer = sql.compose(QUERIES["customer_of"], tenant=tenant, platform=platform)
        grouped.append(sql.compose("{customer} AS {name}", customer=customer, name=sql.ident(name)))
    return sql.compose(
        QUERIES["known_of_groups"],
        grouped=sql.join(grouped),
        known=prediction.known_rows(spec),
        joins=sql.join(joins, "\n"),
        places=sql.join(sql.raw(str(place)) for place in range(1, len(grouped) + 1)),
    )


def _needed(spec: TableSpec) -> Iterator[str]:
    """What the rules need to decide."""
    yield from ("vital_leaf", "vital_now", "vital_person", "vital_again", "vital_stood")
    if any(rule.own for rule in spec.rules):
        yield "vital_own"
    for rule in spec.rules:
        yield match_of(rule)
        if rule.parent is not None:
            yield from (f"vital_parent_{rule.number}", f"vital_early_{rule.number}")
        if rule.parent is not None and rule.when is not None:
            yield condition_of(rule)


def group(spec: TableSpec, references: Sequence[Parent], row: tuple[Any, ...]) -> Group:
    leaf, now, after, rule, *rest = row
    matched, rest = rest[: len(spec.rules)], rest[len(spec.rules) :]
    customers, (rows, first, last) = rest[: len(references)], rest[len(references) :]
    return Group(
        now=str(now) if now else None,
        after=str(after) if after else None,
        rule=rule,
        matches=tuple(one.number for one, matches in zip(spec.rules, matched, strict=True) if matches),
        across={one: str(c) for one, c in zip(references, customers, strict=True) if c and after and c != after},
        rows=rows,
        places=((leaf, first),) if first == last else ((leaf, first), (leaf, last)),
    )
