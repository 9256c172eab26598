"""Rules as the database carries them out, against a slow reading of the same rules written here; and the engine's
batches on tables of every shape: each row decided once, nothing else changed, taken back exactly."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, timezone
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.json import Jsonb

from migrations_ops.engine import backfill, baseline, batch_size, ledger
from migrations_ops.engine.backfill_sql import Assignment
from migrations_ops.engine.ledger import Touched
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Assign, Table
from migrations_ops.engine.tracking import PhaseRecord
from migrations_ops.phases.assign_steps import assign as assignment_of
from migrations_ops.rules.comparisons import condition as compiled
from migrations_ops.rules.compile import BY_PERSON, UNMATCHED, verdict
from migrations_ops.rules.conditions import condition
from migrations_ops.rules.model import Hop, Parent, Plan, Rule, TableSpec, TenantSpec
from migrations_ops.rules.plan_keys import PHASES
from tests.support import databases
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM, STRANGER
from tests.support.command_results import Manage
from tests.support.engine_watch import quiet
from vital.db import sql

TENANTS = {"platform": PLATFORM, "health": DIGITAL_HEALTH, "pharma": PHARMA}
MOODS = ("calm", "loud", "It's %s")
COLUMNS = {
    "name": "text", "mood": "text", "tags": "text[]", "facts": "jsonb", "owner": "uuid", "size": "integer",
    "born": "date", "seen": "timestamptz",
}  # fmt: skip
OWNERS = [str(uuid5(UUID(PLATFORM), f"owner {n}")) for n in range(4)]  # of no tenant, the Platform, a customer; unknown

Row = dict[str, Any]
Item = dict[str, Any]  # a condition as TOML gives it


# --- tables of every shape ---


@dataclass(frozen=True)
class Shape:
    """A scratch table: how it is made, how its columns are called, and the key of the n-th row."""

    relation: str
    create: str
    key: tuple[str, ...]
    names: dict[str, str] = field(default_factory=dict)
    into: str = ""

    def called(self, column: str) -> str:
        return self.names.get(column, column)

    def key_of(self, n: int) -> tuple[Any, ...]:
        values = {
            "id": uuid5(UUID(STRANGER), str(n)),
            "number": n,
            "code": f"{NASTY[n % len(NASTY)]}{n}",
            "part": n % 3,
        }
        return tuple(values[column.lower()] for column in self.key)

    def text_of(self, n: int) -> str:
        """The key as the engine notes it."""
        parts = [str(part) for part in self.key_of(n)]
        return parts[0] if len(parts) == 1 else json.dumps(parts, ensure_ascii=False)


NASTY = ["a", "100 %s", "it's", '"q"', "{b}", "back\\slash", "é漢🚑", "", "NULL", "line\nfeed", "[", "$1"]
BODY = (
    "name text, mood mood, tags text[], facts jsonb, owner uuid, size bigint, born date, seen timestamptz,"
    " tenant_id uuid, n int"
)
SPREAD = "WITH (fillfactor = 10)"  # few rows to a page, so that a few rows are several batches
SHAPES = {
    "uuid key": Shape("public.things", f"CREATE TABLE public.things (id uuid PRIMARY KEY, {BODY}) {SPREAD}", ("id",)),
    "text key": Shape("public.coded", f"CREATE TABLE public.coded (code text PRIMARY KEY, {BODY}) {SPREAD}", ("code",)),
    "quoted names, bigint key": Shape(
        '"Other Room"."Odd ""Things"""',
        f"""
        CREATE SCHEMA "Other Room";
        CREATE TABLE "Other Room"."Odd ""Things\""" (
            "Number" bigint PRIMARY KEY, "Na%me" text, "MOOD" mood, "a ""tag" text[], "{{facts}}" jsonb, "owner's" uuid,
            "Größe" bigint, "BORN" date, "se en" timestamptz, tenant_id uuid, n int
        ) {SPREAD}""",
        ("Number",),
        {
            "name": "Na%me",
            "mood": "MOOD",
            "tags": 'a "tag',
            "facts": "{facts}",
            "owner": "owner's",
            "size": "Größe",
            "born": "BORN",
            "seen": "se en",
        },
    ),
    "composite key": Shape(
        "public.parts",
        f'CREATE TABLE public.parts (code text, "Number" bigint, {BODY}, PRIMARY KEY (code, "Number")) {SPREAD}',
        ("code", "Number"),
    ),
    "partitions": Shape(
        "public.split",
        f"""
        CREATE SCHEMA elsewhere;
        CREATE TABLE public.split (part int, id uuid, {BODY}, PRIMARY KEY (part, id)) PARTITION BY LIST (part);
        CREATE TABLE public.split_0 PARTITION OF public.split FOR VALUES IN (0) {SPREAD};
        CREATE TABLE elsewhere."Split 1" PARTITION OF public.split FOR VALUES IN (1) {SPREAD};
        CREATE TABLE public.split_2 PARTITION OF public.split FOR VALUES IN (2) PARTITION BY HASH (id);
        CREATE TABLE public.split_2a PARTITION OF public.split_2 FOR VALUES WITH (MODULUS 2, REMAINDER 0) {SPREAD};
        CREATE TABLE public.split_2b PARTITION OF public.split_2 FOR VALUES WITH (MODULUS 2, REMAINDER 1) {SPREAD}""",
        ("part", "id"),
    ),
    "children": Shape(
        "public.elders",
        f"""
        CREATE TABLE public.elders (id uuid PRIMARY KEY, {BODY}) {SPREAD};
        CREATE TABLE public.children () INHERITS (public.elders)""",
        ("id",),
    ),
    "columns in another order": Shape(
        "public.turned",
        f"""
        CREATE TABLE public.turned (gone text, tenant_id uuid, size bigint, owner uuid, gone_too int, facts jsonb,
            tags text[], mood mood, name text, n int, seen timestamptz, born date, id uuid PRIMARY KEY) {SPREAD};
        ALTER TABLE public.turned DROP COLUMN gone, DROP COLUMN gone_too""",
        ("id",),
    ),
}


@pytest.fixture(scope="module")
def session(server_url: str, manage: Manage) -> Iterator[Session]:
    """The engine's own connection to a database with VITAL's own tables and the scratch tables."""
    scratch = databases.create_empty(server_url)
    done = manage(scratch, "migrate")
    assert done.returncode == 0, done.stderr
    opened = Session.open({str(k): v for k, v in conninfo_to_dict(scratch.owner_url).items()}, "rules")
    opened.execute(sql.compose("CREATE TYPE mood AS ENUM ({m})", m=sql.join(sql.literal(mood) for mood in MOODS)))
    opened.execute("CREATE TABLE public.owners (id uuid PRIMARY KEY, tenant_id uuid)")
    for owner, tenant in zip(OWNERS, (None, PLATFORM, PHARMA), strict=False):
        opened.execute("INSERT INTO public.owners VALUES (%(o)s, %(t)s)", {"o": owner, "t": tenant})
    for shape in SHAPES.values():
        for statement in shape.create.split(";"):
            opened.execute(sql.verbatim(statement))
    opened.named("open_run", RUN)
    yield opened
    opened.close()
    databases.drop(scratch)


@pytest.fixture(scope="module")
def lower(session: Session) -> dict[str, str]:
    """How this database lowers each letter that the tests use: its locale decides, not Python's."""
    letters = sorted(set("".join(NASTY) + ALPHABET + ALPHABET.upper()))
    return dict(session.execute("SELECT c, lower(c) FROM unnest(%(c)s::text[]) AS c", {"c": letters}))


# --- random rows and rules ---

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


# --- the slow reading ---


def holds(item: Item, row: Row, lower: dict[str, str]) -> bool:
    """Whether the condition holds for the row; what is unknown does not hold."""
    if "always" in item:
        return True
    if "all" in item:
        return all(holds(part, row, lower) for part in item["all"])
    if "any" in item:
        return any(holds(part, row, lower) for part in item["any"])
    if "not" in item:
        return not holds(item["not"], row, lower)
    if "sql" in item:
        return bool(EXPRESSIONS[item["sql"]](row))
    value = row[item["column"]]
    if "json" in item and "overlaps" in item:
        value = at(value, item["json"])
        return isinstance(value, list) and any(one in value for one in item["overlaps"])
    if "json" in item:
        value = inside(value, item["json"])
    if not {"less", "at_most", "greater", "at_least", "between"}.isdisjoint(item):
        return in_order(item, value)
    if item["column"] == "size" and value is not None:
        value = str(value)
    if "is_null" in item:
        return (value is None) is item["is_null"]
    if value is None:
        return False
    if "equals" in item:
        return bool(value == shown(item["equals"]))
    if "in" in item:
        return value in [shown(one) for one in item["in"]]
    if "overlaps" in item:
        return any(one in value for one in item["overlaps"])
    if "matches" in item:
        # PostgreSQL's $ is the very end, and its dot any sign.
        return bool(re.search(re.sub(r"\$$", r"\\Z", item["matches"]), value, re.DOTALL))
    (kind,) = {"contains", "starts_with", "ends_with"} & set(item)
    wanted = [item[kind]] if isinstance(item[kind], str) else item[kind]
    compare = {"contains": str.__contains__, "starts_with": str.startswith, "ends_with": str.endswith}[kind]
    return any(compare(lowered(value, lower), lowered(one, lower)) for one in wanted)


def in_order(item: Item, value: Any) -> bool:
    """Whether the value is less, greater and the like. Inside JSON, what is no number or no day is neither."""
    (kind,) = {"less", "at_most", "greater", "at_least", "between"} & set(item)
    low, high = item[kind] if kind == "between" else (item[kind], item[kind])
    if value is not None and "json" in item:
        if isinstance(low, date):
            value, low, high = day_of(value), low.isoformat(), high.isoformat()
        else:
            value = Fraction(value) if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?", value) else None
    if value is None:
        return False
    if not isinstance(low, date | str):
        value, low, high = Fraction(value), Fraction(str(low)), Fraction(str(high))
    return bool(
        {
            "less": value < low,
            "at_most": value <= low,
            "greater": value > low,
            "at_least": value >= low,
            "between": low <= value <= high,
        }[kind]
    )


def day_of(text: str) -> str | None:
    found = re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text)
    return found[0] if found else None


def shown(value: object) -> str:
    """A value of the plan as PostgreSQL shows it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def lowered(text: str, lower: dict[str, str]) -> str:
    return "".join(lower.get(letter, letter) for letter in text)


def inside(document: Any, path: list[str]) -> str | None:
    """The value at the path as text: PostgreSQL's #>>."""
    document = at(document, path)
    return document if document is None or isinstance(document, str) else as_jsonb(document)


def at(document: Any, path: list[str]) -> Any:
    """The value at the path: PostgreSQL's #>."""
    for step in path:
        if isinstance(document, dict) and step in document:
            document = document[step]
        elif isinstance(document, list) and step == "0" and document:
            document = document[0]
        else:
            return None
    return document


def as_jsonb(document: Any) -> str:
    """A document as jsonb is shown."""
    if isinstance(document, dict):
        pairs = (f"{as_jsonb(key)}: {as_jsonb(document[key])}" for key in sorted(document))
        return "{" + ", ".join(pairs) + "}"
    if isinstance(document, list):
        return "[" + ", ".join(map(as_jsonb, document)) + "]"
    return json.dumps(document, ensure_ascii=False)


Verdict = tuple[str | None, str]  # the tenant, or none, and the rule
UNDECIDED: Verdict = (None, "")


def tenant_now(row: Row) -> str | None:
    """The tenant of a row when the migration comes to it."""
    tenant: str | None = row["moved"] or row["tenant"]
    return tenant


def stands(row: Row) -> bool:
    """Whether the row has the tenant of the baseline: what came or was moved since is nobody's to reassign.

    The verdict itself does not know it; the batch offers it no such row.
    """
    return not row["since"] and row["moved"] in (None, row["tenant"])


def decided(row: Row, rules: list[Told], unmatched: str, lower: dict[str, str], *, may_move: bool) -> Verdict:
    """What the rules say about one row; `may_move` is whether a reassigning rule may take it from its tenant."""
    if row["decided"]:
        return row["decided"], BY_PERSON
    is_open = tenant_now(row) is None
    for number, told in enumerate(rules, start=1):
        if not (is_open or (told.reassigns and may_move)):
            continue
        if told.when is None:
            tenant = {OWNERS[1]: PLATFORM, OWNERS[2]: PHARMA}.get(row["owner"])
            if tenant:
                return tenant, f"rule {number}"
        elif holds(told.when, row, lower):
            return TENANTS[told.tenant], f"rule {number}"
    return (TENANTS[unmatched], UNMATCHED) if is_open and unmatched else UNDECIDED


# --- filling and asking ---


def fill(session: Session, shape: Shape, table: list[Row], *, since: bool) -> None:
    """Those of the rows that were there at the baseline, or came since; with what a person decided about them."""
    insert = sql.compose(
        "INSERT INTO {t} ({columns}, {key}) VALUES (%(name)s, %(mood)s::mood, %(tags)s, %(facts)s, %(owner)s, %(size)s,"
        " %(born)s, %(seen)s, %(tenant)s, %(n)s, {values})",
        t=sql.relation(shape.relation),
        columns=sql.join(sql.ident(shape.called(name)) for name in [*COLUMNS, "tenant_id", "n"]),
        key=sql.join(sql.ident(column) for column in shape.key),
        values=sql.join(sql.raw(f"%(key{i})s") for i in range(len(shape.key))),
    )
    for n, row in enumerate(table):
        if row["since"] is since:
            facts = None if row["facts"] is None else Jsonb(row["facts"])
            key = {f"key{i}": part for i, part in enumerate(shape.key_of(n))}
            session.execute(insert, row | {"facts": facts, "n": n} | key)
            if row["decided"]:
                session.execute(
                    "INSERT INTO vital.override (relation, key, tenant_id, reason, decided_by)"
                    " VALUES (%(relation)s, %(key)s, %(tenant)s, '', '')",
                    {"relation": shape.relation, "key": shape.text_of(n), "tenant": row["decided"]},
                )


def move(session: Session, shape: Shape, table: list[Row]) -> None:
    """What applications did with rows that were there at the baseline."""
    update = sql.compose("UPDATE {t} SET tenant_id = %(moved)s WHERE n = %(n)s", t=sql.relation(shape.relation))
    for n, row in enumerate(table):
        if row["moved"]:
            session.execute(update, row | {"n": n})


def forget(session: Session, shape: Shape) -> None:
    """As if nothing had happened yet."""
    session.execute(sql.compose("TRUNCATE {t}", t=sql.relation(shape.relation)))
    for memory in ("ledger", "baseline", "baseline_row", "override", "redecision", "share", "step_run", "phase_run"):
        session.execute(sql.compose("DELETE FROM {t}", t=sql.ident("vital", memory)))


def tenants(session: Session, shape: Shape) -> dict[int, str | None]:
    query = sql.compose("SELECT n, tenant_id::text FROM {t}", t=sql.relation(shape.relation))
    return dict(session.execute(query))


def content(session: Session, shape: Shape) -> dict[int, tuple[str, ...]]:
    """Everything of each row but the tenant, as text."""
    names = [column.name for column in session.columns(shape.relation) if column.name != "tenant_id"]
    whole = sql.join(sql.compose("{c}::text", c=sql.column("t", name)) for name in names)
    found = session.execute(sql.compose("SELECT n, {w} FROM {t} AS t", w=whole, t=sql.relation(shape.relation)))
    return {row[0]: row[1:] for row in found}


many = settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=[phase for phase in Phase if phase is not Phase.explain],  # each try costs a hundred statements
)
tables = st.lists(rows, max_size=12)
whether_unmatched = st.sampled_from(["", "", "health"])


@pytest.mark.parametrize("shape", ["uuid key", "quoted names, bigint key"])
@given(table=tables, rules=told_rules, unmatched=whether_unmatched, only_first=st.booleans())
@many
def test_the_compiled_rules_say_what_the_rules_say(
    session: Session, lower: dict[str, str], shape: str, table: list[Row], rules: list[Told], unmatched: str,
    only_first: bool,
) -> None:  # fmt: skip
    of = SHAPES[shape]
    forget(session, of)
    fill(session, of, table, since=False)
    fill(session, of, table, since=True)
    move(session, of, table)
    plan, spec = plan_of(of, rules, unmatched)
    phases = PHASES[:1] if only_first else PHASES

    query = sql.compose(
        """WITH batch AS (SELECT t.*, t.ctid AS vital_row, t.tenant_id IS NULL AS vital_open FROM {t} AS t)
        SELECT t.n, v.tenant_id::text, v.rule FROM ({verdict}) AS v JOIN {t} AS t ON t.ctid = v.vital_row""",
        t=sql.relation(of.relation),
        verdict=verdict(plan, spec, phases),
    )
    told = {n: (tenant, rule) for n, tenant, rule in session.execute(query)}

    wanted = [rule for rule in rules if rule.phase in phases]
    otherwise = "" if only_first else unmatched
    expected = {n: decided(row, wanted, otherwise, lower, may_move=True) for n, row in enumerate(table)}
    assert told == {n: verdict for n, verdict in expected.items() if verdict != UNDECIDED}


@given(
    table=st.lists(rows, min_size=6, max_size=9),
    # A list for each sort of condition, so that each is asked in every example.
    asked=st.tuples(*(st.lists(sort, min_size=1, max_size=2) for sort in [*SORTS, conditions])),
)
@settings(many, max_examples=60)
def test_every_condition_says_what_it_says(
    session: Session, lower: dict[str, str], table: list[Row], asked: tuple[list[Item], ...]
) -> None:
    of = SHAPES["quoted names, bigint key"]
    session.execute(sql.compose("TRUNCATE {t}", t=sql.relation(of.relation)))
    session.execute("DELETE FROM vital.override")
    for since in (False, True):
        fill(session, of, table, since=since)
    items = [item for items in asked for item in items]
    answers = sql.join(
        compiled("batch", condition(renamed(item, of), "here", dict.fromkeys(map(of.called, COLUMNS), "")))
        for item in items
    )

    query = sql.compose("SELECT n, {a} FROM {t} AS batch ORDER BY n", a=answers, t=sql.relation(of.relation))
    for n, *answer in session.execute(query):
        wrong = [item for item, said in zip(items, answer, strict=True) if said is not holds(item, table[n], lower)]
        assert not wrong, f"of the row {table[n]}"


# --- the engine on tables of every shape ---

RUN = {
    "kind": "run", "phases": [], "digest": "", "plan": "", "by": "the tests", "scope": "", "in_background": False,
}  # fmt: skip


def carry_out(session: Session, plan: Plan, spec: TableSpec) -> int:
    """003 and 004 for this table, as their phases have it; the number of rows changed."""
    run = session.value("SELECT max(id) FROM vital.run")
    changed = 0
    for phase, phases in zip(PHASES, (PHASES[:1], PHASES), strict=True):
        record = PhaseRecord(session, run, phase).step(f"tenant of {spec.relation}", spec.relation)
        backfill.run(session, step_of(plan, spec, phases), record, quiet(session))
        changed += record.rows_changed
    return changed


def again(session: Session) -> None:
    """What comes next is a new run: its steps start from the beginning."""
    session.execute("UPDATE vital.run SET status = 'completed'")
    session.named("open_run", RUN)


def step_of(plan: Plan, spec: TableSpec, phases: tuple[str, ...]) -> Assign:
    return assignment_of(plan, spec, phases)


def take_back(session: Session, spec: TableSpec) -> list[tuple[str, str]]:
    """Both phases, the last one first; the conflicts."""
    touched = {spec.relation: Touched(spec.table, ("tenant_id",))}
    return [
        kept for phase in PHASES[::-1] for kept in ledger.undo_phase(session, phase, touched, quiet(session)).conflicts
    ]


def entries(session: Session, spec: TableSpec) -> dict[str, list[tuple[str | None, str, str]]]:
    """key → (tenant before, tenant after, rule) of each standing entry that holds it."""
    found: dict[str, list[tuple[str | None, str, str]]] = {}
    for key, before, after, rule in session.execute(
        "SELECT unnest(keys), before ->> 'tenant_id', after ->> 'tenant_id', rule FROM vital.ledger"
        " WHERE relation = %(r)s AND undone_at IS NULL",
        {"r": spec.relation},
    ):
        found.setdefault(key, []).append((before, after, rule))
    return found


@pytest.fixture(scope="module", autouse=True)
def small_batches() -> Iterator[None]:
    """One page to a batch, so that a handful of rows is several."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backfill, "PAGES_PER_BATCH", 1)
        patch.setattr(batch_size, "MOST_PAGES", 1)
        patch.setattr(backfill, "SWEEP_PAGES", 1)
        yield


@pytest.mark.parametrize("shape", SHAPES)
@given(table=st.lists(rows, max_size=20), rules=told_rules, unmatched=whether_unmatched)
@settings(many, max_examples=20)
def test_every_row_with_a_verdict_gets_it_and_gives_it_back(
    session: Session, lower: dict[str, str], shape: str, table: list[Row], rules: list[Told], unmatched: str
) -> None:
    of = SHAPES[shape]
    plan, spec = plan_of(of, rules, unmatched)
    forget(session, of)
    fill(session, of, table, since=False)
    baseline.take_baseline(session, spec.table, "tenant_id", quiet(session).waiting)
    fill(session, of, table, since=True)
    move(session, of, table)
    came, touched = sum(row["since"] for row in table), sum(row["since"] or bool(row["moved"]) for row in table)
    before, whole = tenants(session, of), content(session, of)
    verdicts = {n: decided(row, rules, unmatched, lower, may_move=stands(row)) for n, row in enumerate(table)}
    expected = {n: verdicts[n][0] or tenant for n, tenant in before.items()}
    moved = {n for n, tenant in expected.items() if tenant != before[n]}

    assert carry_out(session, plan, spec) == len(moved)

    assert tenants(session, of) == expected
    assert content(session, of) == whole
    assert entries(session, spec) == {of.text_of(n): [(before[n], *verdicts[n])] for n in moved}
    assert not any(Assignment(session, step_of(plan, spec, PHASES[: n + 1])).anything_left(PHASES[n]) for n in (0, 1))

    again(session)
    assert carry_out(session, plan, spec) == 0
    assert tenants(session, of) == expected
    assert len(entries(session, spec)) == len(moved)
    against_baseline(session, spec, came, touched)

    assert take_back(session, spec) == []
    assert tenants(session, of) == before
    assert content(session, of) == whole
    assert entries(session, spec) == {}
    against_baseline(session, spec, came, touched)

    again(session)
    assert carry_out(session, plan, spec) == len(moved)
    assert tenants(session, of) == expected
    against_baseline(session, spec, came, touched)


def against_baseline(session: Session, spec: TableSpec, came: int, touched: int) -> None:
    """The rows that came or were moved since are the only foreign ones, and those that came the only difference."""
    (found,) = baseline.compare(session, [spec.table])

    assert found.foreign == touched
    assert found.rows_now == found.rows_before + came
    assert found.same_content == (not came)


PLAIN: Row = {
    "name": None, "mood": None, "tags": None, "facts": None, "owner": None, "size": None,
    "born": None, "seen": None, "tenant": None, "since": False, "moved": None, "decided": None,
}  # fmt: skip


def test_a_batch_that_takes_too_long_is_tried_again_with_half_of_its_pages(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each row takes a twentieth of a second, so that a batch of all of them cannot be through in one."""
    of = SHAPES["uuid key"]
    plan, spec = plan_of(of, [Told({"always": True}, "platform", False, PHASES[0])], "")
    forget(session, of)
    fill(session, of, [PLAIN] * 60, since=False)
    baseline.take_baseline(session, spec.table, "tenant_id", quiet(session).waiting)
    monkeypatch.setattr(backfill, "PAGES_PER_BATCH", 1_000)
    monkeypatch.setattr(batch_size, "MOST_PAGES", 1_000)
    monkeypatch.setattr(backfill, "TIMEOUT_SECONDS", 1)
    session.execute(
        "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.05); RETURN NEW; END'"
    )
    session.execute("CREATE TRIGGER dawdle BEFORE UPDATE ON public.things FOR EACH ROW EXECUTE FUNCTION dawdle()")
    said: list[str] = []
    try:
        record = PhaseRecord(session, session.value("SELECT max(id) FROM vital.run"), PHASES[0]).step("t", of.relation)
        backfill.run(session, step_of(plan, spec, PHASES[:1]), record, replace(quiet(session), waiting=said.append))
    finally:
        session.execute("DROP FUNCTION dawdle() CASCADE")

    assert said, "no batch took too long"
    assert "pages at a time now" in said[0]
    assert set(tenants(session, of).values()) == {PLATFORM}
    assert {len(found) for found in entries(session, spec).values()} == {1}
    assert session.value("SHOW statement_timeout") == "0", "nothing of it stays on the connection"


@pytest.mark.parametrize("shape", ["partitions", "children"])
def test_rows_in_the_same_place_of_two_tables_are_not_confused(session: Session, shape: str) -> None:
    """Both rows are the first of their table, so that they have the same ctid; each has a verdict of its own."""
    of = SHAPES[shape]
    plan, spec = plan_of(of, [Told({"column": "name", "equals": "moves"}, "platform", True, PHASES[0])], "")
    forget(session, of)
    fill(session, of, [PLAIN | {"name": "moves", "tenant": PLATFORM}, PLAIN | {"tenant": STRANGER}], since=False)
    if shape == "children":
        session.execute(
            "WITH gone AS (DELETE FROM elders WHERE n = 1 RETURNING *) INSERT INTO children SELECT * FROM gone"
        )
    baseline.take_baseline(session, spec.table, "tenant_id", quiet(session).waiting)
    places = session.execute(sql.compose("SELECT ctid::text FROM {t}", t=sql.relation(of.relation)))
    assert places == [("(0,1)",), ("(0,1)",)]

    assert not Assignment(session, step_of(plan, spec, PHASES)).anything_left(PHASES[1])
    assert carry_out(session, plan, spec) == 0
    assert tenants(session, of) == {0: PLATFORM, 1: STRANGER}


def test_the_random_rules_are_not_all_alike() -> None:
    """A generator that never makes a rule match would prove nothing."""
    seen: set[str] = set()

    @given(told_rules, tables)
    @settings(max_examples=300, deadline=None, database=None, derandomize=True)
    def look(rules: list[Told], table: list[Row]) -> None:
        for row in table:
            seen.add(decided(row, rules, "", {}, may_move=True)[1])

    look()
    assert seen >= {"", "rule 1", "rule 2", BY_PERSON}


def test_this_file_reads_no_rules_of_the_product() -> None:
    """The slow reading above must stay slow and its own."""
    source = Path(__file__).read_text(encoding="utf-8")
    reading = source.split("# --- the slow reading ---")[-1].split("# --- filling and asking ---")[0]

    assert "sql." not in reading
    assert "session" not in reading
