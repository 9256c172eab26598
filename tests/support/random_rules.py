"""Random rows and rules for hypothesis, and the plan that the product reads from them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from migrations_ops.engine.steps import Table
from migrations_ops.rules.conditions import condition
from migrations_ops.rules.model import Hop, Parent, Plan, Rule, TableSpec, TenantSpec
from migrations_ops.rules.plan_keys import PHASES
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM, STRANGER
from tests.support.rule_tables import COLUMNS, MOODS, NASTY, OWNERS, TENANTS, Row, Shape

Item = dict[str, Any]  # a condition as TOML gives it
ALPHABET = "aAbBzé%_'\"\\{}$ ,ÉßI漢🚑\n"
# Few different texts, so that conditions and rows often meet.
texts = st.one_of(st.sampled_from([*NASTY, "A", "b", "ab", "xABx", "xÉx"]), st.text(ALPHABET, max_size=4))
some_text = texts.filter(bool)
scalars = st.one_of(texts, st.booleans(), st.integers(-2, 3), st.none())
days = st.dates(date(2024, 2, 27), date(2024, 3, 2))
zones = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-8))])
moments = st.datetimes(datetime(2024, 2, 28, 22), datetime(2024, 2, 29, 2), timezones=zones)
numbers = st.integers(-2, 3) | st.sampled_from([-0.5, 0.0, 1.5, 2.5, 1e3, 1e-3])
# What stands in JSON where somebody expects a number or a day.
nearly = st.sampled_from(["1", "-2", "1.5", "1e0", "1e", "+1", " 1", "0x1", "NaN", "1e999999999", "٣", "2024-02-29",
                          "2024-02-31", "2024-02-28T23:00:00Z", "2024-2-29", "x2024-02-29", 1.5, -0.5])  # fmt: skip
documents = st.recursive(
    scalars | nearly,
    lambda inner: st.dictionaries(st.sampled_from("ab0"), inner, max_size=2) | st.lists(inner, max_size=2),
    max_leaves=4,
)  # fmt: skip
# At a path that conditions ask for: a list, an object with the same texts, a number or a day.
few = st.sampled_from(["a", "b", "é"])
likely = st.fixed_dictionaries(
    {"a": st.lists(few, max_size=2) | st.dictionaries(few, st.none(), max_size=2) | few | nearly | st.integers(-2, 3)}
)
rows = st.fixed_dictionaries(
    {
        "name": st.none() | texts,
        "mood": st.none() | st.sampled_from(MOODS),
        "tags": st.none() | st.lists(st.none() | texts, max_size=3),
        "facts": st.none() | documents | likely,
        "owner": st.none() | st.sampled_from(OWNERS),
        "size": st.none() | st.integers(-2, 3),
        "born": st.none() | days,
        "seen": st.none() | moments,
        # The tenant it was written with; whether that was after the baseline; the one that an application moved it to
        # since; and what a person decided.
        "tenant": st.sampled_from([None, None, None, PLATFORM, DIGITAL_HEALTH, STRANGER]),
        "since": st.booleans(),
        "moved": st.sampled_from([None, None, None, None, DIGITAL_HEALTH, STRANGER]),
        "decided": st.sampled_from([None, None, None, None, PHARMA]),
    }
)
plain = st.sampled_from(["name", "mood", "owner", "size"])
values = st.one_of(texts, st.sampled_from([*MOODS, *OWNERS]), st.integers(-2, 3), st.booleans())
parts = st.sampled_from(["a", "B", "aB", "é", "%", "\\"]) | some_text
paths = st.just(["a"]) | st.lists(st.sampled_from("ab0"), min_size=1, max_size=2)
orders = st.sampled_from(["less", "at_most", "greater", "at_least"])


def ordered(column: str, bounds: st.SearchStrategy[Any], **more: st.SearchStrategy[Any]) -> st.SearchStrategy[Item]:
    """Every way to compare this column with such a bound."""
    two = st.lists(bounds, min_size=2, max_size=2).map(sorted)
    either = orders.flatmap(lambda kind: bounds.map(lambda bound: {kind: bound})) | two.map(
        lambda two: {"between": two}
    )
    return st.builds(lambda item, rest: rest | item, either, st.fixed_dictionaries({"column": st.just(column), **more}))


# Signs that mean the same to PostgreSQL and to Python, as those of `patterns` below read them.
pieces = st.sampled_from(["a", "b", "A", "é", ".", "[ab]", "[^a]", "(a|b)", "a*", "b?", "a+", "\\\\", "%", "'"])
patterns = st.tuples(
    st.sampled_from(["", "^"]), st.lists(pieces, min_size=1, max_size=3), st.sampled_from(["", "$"])
).map(lambda parts: parts[0] + "".join(parts[1]) + parts[2])
# What an expression says, and the same for the slow reading.
EXPRESSIONS: dict[str, Callable[[Row], bool | None]] = {
    "length({name}) > 1": lambda row: row["name"] and len(row["name"]) > 1,
    "{size} BETWEEN 0 AND 2 AND {name} <> 'a'": lambda row: (
        None if None in (row["size"], row["name"]) else 0 <= row["size"] <= 2 and row["name"] != "a"
    ),
    "{mood} = 'It''s %s' OR {born} < '2024-02-29'": lambda row: (
        row["mood"] == "It's %s" or (row["born"] is not None and row["born"] < date(2024, 2, 29))
    ),
}
SORTS = (
    st.fixed_dictionaries({"column": plain, "starts_with": st.lists(parts, min_size=1, max_size=2)}),
    st.fixed_dictionaries({"column": plain, "ends_with": parts}),
    st.fixed_dictionaries({"column": plain, "matches": patterns}),
    st.fixed_dictionaries({"column": st.just("facts"), "json": paths, "matches": patterns}),
    st.fixed_dictionaries({"column": st.just("facts"), "json": paths, "starts_with": parts}),
    st.fixed_dictionaries(
        {"column": st.just("facts"), "json": paths, "overlaps": st.lists(few | some_text, min_size=1)}
    ),
    ordered("size", numbers),
    ordered("born", days),
    ordered("seen", moments),
    ordered("facts", numbers, json=paths),
    ordered("facts", days, json=paths),
    st.fixed_dictionaries({"sql": st.sampled_from(list(EXPRESSIONS))}),
    st.fixed_dictionaries({"column": plain, "equals": values}),
    st.fixed_dictionaries({"column": plain, "in": st.lists(values, min_size=1, max_size=3)}),
    st.fixed_dictionaries({"column": plain, "contains": st.lists(parts, min_size=1, max_size=2)}),
    st.fixed_dictionaries({"column": st.just("name"), "contains": parts}),
    st.fixed_dictionaries({"column": st.just("tags"), "overlaps": st.lists(some_text, min_size=1, max_size=3)}),
    st.fixed_dictionaries({"column": st.sampled_from(list(COLUMNS)), "is_null": st.booleans()}),
    st.fixed_dictionaries({"column": st.just("facts"), "json": paths, "equals": values}),
    st.fixed_dictionaries({"column": st.just("facts"), "json": paths, "in": st.lists(values, min_size=1, max_size=3)}),
    st.fixed_dictionaries({"column": st.just("facts"), "json": paths, "contains": parts}),
    st.fixed_dictionaries({"column": st.just("facts"), "json": paths, "is_null": st.booleans()}),
    st.just({"always": True}),
)
# Rules must also match, and most sorts rarely do. (One `one_of` inside another would be as many equal branches.)
often = st.just({"always": True}) | st.fixed_dictionaries({"column": plain, "is_null": st.booleans()})
comparisons = st.booleans().flatmap(lambda plainly: often if plainly else st.one_of(*SORTS))
conditions = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"not": inner}),
    ),
    max_leaves=5,
)


@dataclass(frozen=True)
class Told:
    """A rule as the test tells it: a condition and a tenant, or the owner's tenant (no condition)."""

    when: Item | None
    tenant: str
    reassigns: bool
    phase: str


told_rules = st.lists(
    st.builds(Told, st.none() | conditions, st.sampled_from(list(TENANTS)), st.booleans(), st.sampled_from(PHASES)).map(
        lambda told: told if told.when else Told(None, "", False, told.phase)
    ),
    max_size=4,
).map(lambda rules: sorted(rules, key=lambda rule: rule.phase))


def plan_of(shape: Shape, rules: list[Told], unmatched: str) -> tuple[Plan, TableSpec]:
    """The rules as the product reads them."""
    columns = {shape.called(name): kind for name, kind in COLUMNS.items()}
    spec = TableSpec(
        table=Table(shape.relation, shape.key),
        critical=False,
        shared=True,
        person_decides=False,
        columns=columns,
        rules=tuple(
            Rule(n, f"rule {n}", told.phase, parent=Parent((Hop((shape.called("owner"),), "public.owners", ("id",)),)))
            if told.when is None
            else Rule(
                n,
                f"rule {n}",
                told.phase,
                when=condition(renamed(told.when, shape), "here", columns),
                tenant=told.tenant,
                reassigns=told.reassigns,
            )
            for n, told in enumerate(rules, start=1)
        ),
        unmatched=unmatched,
    )
    tenants = tuple(TenantSpec(id, slug, slug, slug, "", {}, {}) for slug, id in TENANTS.items())
    return Plan("test", "platform", "public.tenants", "", tenants, (spec,), (), ""), spec


def renamed(item: Item, shape: Shape) -> Item:
    """The condition with the columns' names in this table."""
    return {
        key: shape.called(value)
        if key == "column"
        else [renamed(part, shape) for part in value]
        if key in ("all", "any")
        else renamed(value, shape)
        if key == "not"
        else expression(value, shape)
        if key == "sql"
        else value
        for key, value in item.items()
    }


def expression(text: str, shape: Shape) -> str:
    """An expression with the columns' names in this table."""
    for name in COLUMNS:
        text = text.replace(f"{{{name}}}", '"' + shape.called(name).replace('"', '""') + '"')
    return text


many = settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=[phase for phase in Phase if phase is not Phase.explain],  # each try costs a hundred statements
)
tables = st.lists(rows, max_size=12)
whether_unmatched = st.sampled_from(["", "", "health"])
