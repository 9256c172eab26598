"""What the values of a family's columns tell: how often a loose row has one, and who owns the decided rows with it."""

import re
from collections import Counter
from dataclasses import dataclass, field

from psycopg.sql import Composable

from migrations_ops.rules.compile import PERSON
from migrations_ops.rules.suggest.current_rule import QUERIES, CurrentRules
from migrations_ops.rules.suggest.rule_groups import Family, comparisons
from migrations_ops.rules.suggest.similarity import runs
from vital.db import sql

SAMPLE = 20_000  # rows of a table; more tell little more
MOST_VALUES = 20_000
FEW = 200  # distinct values, each mostly in several rows: such a column sorts its rows into kinds
LONGEST_RUN = 3  # words
SHORTEST_WORD = 4  # signs: "ai" is inside of "trial"
LENGTH = re.compile(r"\(\d+\)")
NAMES = ("name", "title", "label", "subject")
TEXTS, LISTS = ("text", "character varying", "citext"), ("text[]", "character varying[]")
Bag = dict[str, "Seen"]


@dataclass
class Seen:
    """Rows with a value: loose ones, and decided ones by the id of their tenant."""

    loose: int = 0
    tenants: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Seen") -> None:
        self.loose += other.loose
        self.tenants.update(other.tenants)

    @property
    def rows(self) -> int:
        return self.loose + self.tenants.total()


@dataclass
class Column:
    """A column of a family: how a rule compares it, and its values. `planned`: the plan knows it already."""

    name: str
    kind: str
    planned: bool
    values: Bag


@dataclass
class Evidence:
    """All that was looked at. `whole`: no table was sampled.

    `guarded`: a new rule asks what the fall-back rule asks, too. It does not where rows escape that one as well, unless
    there are rules behind it, whose rows it would take.
    """

    total: Seen
    guarded: bool
    columns: list[Column]
    whole: bool


def gather(current: CurrentRules, family: Family) -> Evidence:
    """Look at a family's columns, in big tables at a sample of the pages."""
    estimates = {spec.relation: current.estimate(spec.relation) for spec in family.members}
    percent = min(100.0, 100 * SAMPLE / max(*estimates.values(), 1))
    if percent > 50:  # nearly whole is as well whole
        percent = 100.0
    rows = [current.rows(family, spec, percent) for spec in family.members]
    total, unruled = Seen(), 0
    for relation in rows:
        for number, tenant, count in current.ask("rows_by_rule", rows=relation):
            total.add(_seen(family, number, tenant, count))
            unruled += count if number == 0 else 0
    columns: list[Column] = []
    for name, kind in (_candidates(current, family) if total.loose else {}).items():
        columns += _column(current, family, rows, name, kind)
    has_followers = family.fallback is not None and family.fallback.number < len(family.rules)
    return Evidence(total, not unruled or has_followers, columns, percent == 100)


def _candidates(current: CurrentRules, family: Family) -> dict[str, str]:
    """The text columns that every member has, with their types; what the plan calls a text may be an enum."""
    first, *others = (current.columns(spec.relation) for spec in family.members)
    known = family.columns
    keys = {name for spec in family.members for name in spec.table.key}
    kinds = {name: LENGTH.sub("", kind) for name, kind in first.items()}
    return {
        name: known.get(name, "text[]" if kind in LISTS else "text")
        for name, kind in kinds.items()
        if name not in keys
        and all(name in other for other in others)
        and (known[name] in ("text", "text[]") if name in known else kind in TEXTS + LISTS)
    }


def _column(current: CurrentRules, family: Family, rows: list[Composable], name: str, kind: str) -> list[Column]:
    """The column's values, in the way in which rules compare it, else in the way that suits them: whole where they are
    few, in parts where they are names; nothing where they are neither."""
    planned, named = name in family.columns, any(word in name.lower() for word in NAMES)
    most = MOST_VALUES if planned or named or kind == "text[]" else FEW + 1
    values = sql.compose(QUERIES["elements" if kind == "text[]" else "whole_value"], column=sql.column("s", name))
    facts = {"numbers": sorted(family.loose | family.telling | {PERSON}), "most": most}
    bag: Bag = {}
    for relation in rows:
        for value, number, tenant, count in current.ask("rows_by_value", facts, rows=relation, values=values):
            bag.setdefault(value, Seen()).add(_seen(family, number, tenant, count))
    if kind == "text[]":
        return [Column(name, "overlaps", planned, bag)]
    few = len(bag) <= FEW and sum(seen.rows for seen in bag.values()) >= 2 * len(bag)
    kinds = _compared(family, name) or ({"in"} if few else {"contains"} if planned or named else set())
    whole, parts = Column(name, "in", planned, bag), Column(name, "contains", planned, {})
    if "contains" in kinds:
        parts.values = _parts(bag)
    return [column for column in (whole, parts) if column.kind in kinds]


def _compared(family: Family, name: str) -> set[str]:
    """How rules compare the column: with whole values, or with parts."""
    asked = [
        one for rule in family.rules if rule.condition for one in comparisons(rule.condition) if one.column == name
    ]
    return {"in" if one.kind == "equals" else one.kind for one in asked if not one.json} & {"in", "contains"}


def _parts(bag: Bag) -> Bag:
    """How many rows have each run of words, spelt as it stands in them."""
    parts: Bag = {}
    for text, seen in bag.items():
        for part in {spelt for spelt, _ in runs(text, LONGEST_RUN) if len(spelt) >= SHORTEST_WORD}:
            parts.setdefault(part, Seen()).add(seen)
    return parts


def _seen(family: Family, number: int | None, tenant: str | None, count: int) -> Seen:
    if number in family.loose:
        return Seen(loose=count)
    if tenant is not None and (number in family.telling or number == PERSON):
        return Seen(tenants=Counter({tenant: count}))
    return Seen()
