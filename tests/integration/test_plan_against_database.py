"""A plan's rules are tried on the database before a run: what it has not, cannot compare or never says is told with its
line; an expression of the plan's own says yes or no about its own row and nothing else; no value becomes SQL."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict
from psycopg.sql import Composable

from migrations_ops.engine.session import Session
from migrations_ops.rules import database_check
from migrations_ops.rules.comparisons import condition as compiled
from migrations_ops.rules.compile import verdict
from migrations_ops.rules.conditions import condition
from migrations_ops.rules.load import load
from migrations_ops.rules.model import Plan
from migrations_ops.rules.plan_keys import PHASES
from migrations_ops.rules.reader import PlanError
from tests.support import databases
from tests.support.cast import PHARMA, PLATFORM
from vital.db import sql

TABLES = """
CREATE TYPE tier AS ENUM ('gold', 'silver');
CREATE TABLE public.owners (id uuid PRIMARY KEY, tenant_id uuid);
CREATE TABLE public.shops (id uuid PRIMARY KEY, owner uuid, code text, region text, UNIQUE (code, region));
CREATE TABLE public.orders (id int PRIMARY KEY, shop_id uuid, shop_code text, shop_region text, loose uuid);
CREATE TABLE public.things (
    id uuid PRIMARY KEY, name text, tier tier, tags text[], facts jsonb, plain json, size int, price numeric(10, 2),
    born date, seen timestamptz, at timestamp, owner uuid, active boolean, "Odd ""name" text, order_id int, late text
);
CREATE SEQUENCE public.counter;
CREATE SCHEMA vital;
CREATE TABLE vital.override (relation text, key text, tenant_id uuid);
CREATE FUNCTION public.mine(text) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR public.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = textlike);
INSERT INTO owners VALUES ('{owner}', '{tenant}');
INSERT INTO shops VALUES ('{owner}', '{owner}', 'a', 'north');
INSERT INTO orders VALUES (7, '{owner}', 'a', 'north', NULL), (8, NULL, 'a', 'south', NULL)
""".format(owner="6f1c3f4e-0000-4000-8000-00000000000a", tenant=PHARMA)


@pytest.fixture(scope="module")
def session(server_url: str) -> Iterator[Session]:
    """The engine's own connection, as the owner of the tables."""
    scratch = databases.create_empty(server_url)
    opened = Session.open({str(k): v for k, v in conninfo_to_dict(scratch.owner_url).items()}, "against")
    for statement in TABLES.split(";\n"):
        opened.execute(sql.verbatim(statement))
    yield opened
    opened.close()
    databases.drop(scratch)


def plan_of(tmp_path: Path, rule: str) -> Plan:
    """A plan whose table public.things has this rule, on line 20 and after."""
    file = tmp_path / "plan.toml"
    file.write_text(HEAD + rule + "\n", encoding="utf-8")
    return load(file)


HEAD = f"""version = 1
platform = "platform"
registry = "public.owners"
[[tenant]]
id = "{PLATFORM}"
slug = "platform"
name = "Platform"
domain = "platform.example"

[[table]]
name = "public.owners"
visibility = "private"
person_decides = true

[[table]]
name = "public.things"
visibility = "shared"
[[table.rule]]
name = "a rule"
phase = "004_tenant_data"
"""
LINE = HEAD.count("\n") + 1


def when(condition: str) -> str:
    return f'when = {condition}\ntenant = "platform"'


def told(session: Session, tmp_path: Path, rule: str) -> list[str]:
    return [problem.message for problem in database_check.misfits(plan_of(tmp_path, rule))(session)]


GOOD = [
    '{ column = "name", equals = "x" }',
    '{ column = "name", matches = "^a+[0-9]$" }',
    '{ column = "tier", in = ["gold", "silver"] }',
    '{ column = "tier", starts_with = "go" }',
    '{ column = "tags", overlaps = ["a"] }',
    '{ column = "facts", json = ["a", "b"], overlaps = ["a"] }',
    '{ column = "plain", json = ["a"], overlaps = ["a"] }',
    '{ column = "facts", json = ["a"], between = [1, 2.5] }',
    '{ column = "plain", json = ["a"], less = 2024-01-31 }',
    '{ column = "size", less = 5 }',
    '{ column = "size", equals = 5 }',
    '{ column = "price", at_least = 5.25 }',
    '{ column = "price", equals = "5.00" }',
    '{ column = "born", greater = 2024-01-31 }',
    '{ column = "at", between = [2024-01-31, 2024-02-29] }',
    '{ column = "at", at_most = 2024-01-31T12:00:00 }',
    '{ column = "seen", less = 2024-01-31T12:00:00+02:00 }',
    '{ column = "active", equals = true }',
    '{ column = "owner", equals = "6f1c3f4e-0000-4000-8000-00000000000a" }',
    '{ column = "Odd \\"name", ends_with = "x" }',
    """{ sql = "length(name) > 3 AND tier = 'gold'" }""",
    """{ sql = "price * size BETWEEN 1 AND 10 OR 'a' = ANY(tags) OR facts @> '{\\"a\\": 1}'" }""",
    """{ sql = '''late = 'x' AND "Odd ""name" IS NOT NULL''' }""",
    """{ sql = "seen < '2024-01-01T00:00:00Z'" }""",
]


@pytest.mark.parametrize("good", GOOD)
def test_what_fits_is_not_complained_about(session: Session, tmp_path: Path, good: str) -> None:
    plan = plan_of(tmp_path, when(good))

    assert list(database_check.misfits(plan)(session)) == []
    assert list(database_check.dead_values(plan)(session)) == []
    assert session.execute(verdict_of(plan)) == []


def verdict_of(plan: Plan) -> Composable:
    """What the engine asks, on all rows at once."""
    return sql.compose(
        """WITH batch AS (
            SELECT t.*, t.ctid AS vital_row, true AS vital_open, NULL::uuid AS tenant_id FROM public.things AS t
        ) {verdict}""",
        verdict=verdict(plan, plan.table("public.things"), PHASES),
    )


MISFITS = {
    '{ column = "nmae", equals = "x" }': "public.things has no column 'nmae'. Did you mean 'name'?",
    '{ column = "name", overlaps = ["x"] }': "name is text: overlaps reads an array of texts. Say in or contains.",
    '{ column = "name", less = 5 }': "name is text: less does not fit. It has no order that a plan can use",
    '{ column = "size", less = 2024-01-31 }': "size is integer: less does not fit. Compare it with a number, like 5.",
    '{ column = "born", between = [1, 2] }': "born is date: between does not fit. Compare it with a date",
    '{ column = "born", less = 2024-01-31T00:00:00Z }': "Compare it with a date or a time without offset",
    '{ column = "seen", less = 2024-01-31 }': "Compare it with a time that has its offset, like 2024-01-31T00:00:00Z.",
    '{ column = "seen", equals = "2024" }': "whose text depends on settings of the session: say between",
    '{ column = "born", starts_with = "2024" }': "whose text depends on settings of the session: say between",
    '{ column = "name", json = ["a"], equals = "x" }': "name is text: `json` reads a json or jsonb column.",
    '{ column = "tags", greater = 1 }': "tags is text[]: greater does not fit",
    '{ column = "name", matches = "a(b" }': "invalid regular expression: parentheses () not balanced",
    '{ column = "tier", equals = "golden" }': "it can never match: 'golden' is no label of tier. Did you mean 'gold'?",
    '{ column = "tier", in = ["x", "y"] }': "it can never match: 'x' is no label of tier. It has: gold, silver.",
    '{ column = "owner", equals = "me" }': "it can never match: 'me' is no uuid.",
    '{ column = "owner", equals = "6F1C3F4E-0000-4000-8000-00000000000A" }': "Write it so.",
    '{ column = "size", equals = "five" }': "it can never match: 'five' is no integer.",
    '{ column = "price", equals = 5 }': "numeric(10,2) shows '5' as '5.00'. Write it so.",
    '{ column = "active", in = ["yes", "on"] }': "boolean shows 'yes' as 'true'. Write it so.",
    '{ all = [{ always = true }, { column = "tier", equals = "golden" }] }': "it can never match",
    '{ any = [{ column = "tier", equals = "a" }, { column = "size", equals = "b" }] }': "it can never match",
}


@pytest.mark.parametrize("wrong", MISFITS)
def test_what_does_not_fit_is_told_with_its_rule_and_line(session: Session, tmp_path: Path, wrong: str) -> None:
    (message,) = told(session, tmp_path, when(wrong))

    assert message.startswith(f"rule 1 ('a rule'), line {LINE} of the plan: ")
    assert MISFITS[wrong] in message


def test_the_line_is_that_of_the_comparison(session: Session, tmp_path: Path) -> None:
    both = '{ any = [\n    { column = "name", equals = "x" },\n    { column = "nome", equals = "x" },\n] }'

    (message,) = told(session, tmp_path, when(both))

    assert f"line {LINE + 2} of the plan: public.things has no column 'nome'" in message


def test_values_that_no_row_can_have_beside_others_are_a_warning(session: Session, tmp_path: Path) -> None:
    plan = plan_of(tmp_path, when('{ column = "tier", in = ["gold", "bronze"] }'))

    assert list(database_check.misfits(plan)(session)) == []
    (problem,) = database_check.dead_values(plan)(session)
    assert "'bronze' is no label of tier. It has: gold, silver." in problem.message


# --- an expression of the plan's own ---

EXPRESSIONS = {
    # what it says: why it is refused, by the reader or by the server
    "name": "argument of WHERE must be type boolean",
    "nmae = 'x'": 'column "nmae" does not exist',
    "name = 'x', true": "argument of WHERE must be type boolean",
    "true) OR (true": "closes what it did not open",
    "true); DROP TABLE things; --": "closes what it did not open",
    "true; DROP TABLE things": "has no ;",
    "true -- and more": "has no comments",
    "true /* and more */": "has no comments",
    "name = $1": "has no ; no $",
    "name = $x$a$x$": "has no ; no $",
    "name = E'a'": "no E'…'",
    "name = U&'a'": "no E'…'",
    "name = 'a\\'": "no \\",
    "name = 'a": "no quote without its end",
    "(name = 'a'": "does not close its '('",
    "EXISTS (SELECT FROM owners)": "no query of its own",
    "name IN (TABLE names)": "no query of its own",
    "name IN (VALUES ('a'))": "no query of its own",
    "(WITH a AS (DELETE FROM things) (select true))": "no query of its own",
    "owners.tenant_id IS NULL": 'missing FROM-clause entry for table "owners"',
    "public.things.name = 'a'": 'missing FROM-clause entry for table "things"',
    "tenant_id IS NULL": 'column "tenant_id" does not exist',
    "ctid = '(0,1)'": "system columns",
    "count(*) > 1": "aggregate functions are not allowed",
    "row_number() OVER () = 1": "window functions are not allowed",
    "generate_series(1, size) = 1": "set-returning functions are not allowed",
    "unnest(tags) = 'a'": "set-returning functions are not allowed",
    "random() < 0.5": "functions in index predicate must be marked IMMUTABLE",
    "seen < now()": "functions in index predicate must be marked IMMUTABLE",
    "born < current_date": "functions in index predicate must be marked IMMUTABLE",
    "name = current_user": "functions in index predicate must be marked IMMUTABLE",
    "pg_sleep(60) IS NULL": "functions in index predicate must be marked IMMUTABLE",
    "pg_terminate_backend(1)": "functions in index predicate must be marked IMMUTABLE",
    "table_to_xml('owners', true, true, '') IS NOT NULL": "functions in index predicate must be marked IMMUTABLE",
    "nextval('counter') = 1": "functions in index predicate must be marked IMMUTABLE",
    "current_setting('vital.tenant_id') = 'x'": "functions in index predicate must be marked IMMUTABLE",
    "nonsense(name)": "function nonsense(text) does not exist",
    "public.mine(name)": "it depends on function mine(text), which was made in this database",
    "name OPERATOR(public.===) 'x'": "it depends on operator ===(text,text), which was made in this database",
    "1 / 0 = size": "division by zero",
    "name = 5": "operator does not exist: text = integer",
    "   ": "the expression is empty",
}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_that_is_more_than_one_about_its_row_is_refused(
    session: Session, tmp_path: Path, expression: str
) -> None:
    before = session.execute("SELECT count(*), max(oid) FROM pg_class")
    quoted = '"' + expression.replace("\\", "\\\\").replace('"', '\\"') + '"'

    try:
        said = told(session, tmp_path, when(f"{{ sql = {quoted} }}"))
    except PlanError as error:
        said = [str(error)]

    assert len(said) == 1
    assert f"line {LINE}" in said[0]
    assert EXPRESSIONS[expression] in said[0]
    assert session.execute("SELECT count(*), max(oid) FROM pg_class") == before


# --- parents ---

OWNER = '{ column = "owner", table = "public.owners" }'
PATHS = {
    "one hop": f"parent = {OWNER}",
    "three hops": """parent = { path = [
        { column = "order_id", table = "public.orders" },
        { column = "shop_id", table = "public.shops" },
        { column = "owner", table = "public.owners", key = "id" },
    ] }""",
    "a composite key": """parent = { path = [
        { column = "order_id", table = "public.orders" },
        { column = ["shop_code", "shop_region"], table = "public.shops", key = ["code", "region"] },
        { column = "owner", table = "public.owners" },
    ] }""",
}


@pytest.mark.parametrize("way", PATHS)
def test_a_row_gets_the_tenant_at_the_end_of_its_way(session: Session, tmp_path: Path, way: str) -> None:
    plan = plan_of(tmp_path, PATHS[way])
    assert list(database_check.misfits(plan)(session)) == []

    with session.connection.transaction(force_rollback=True):
        owner = "6f1c3f4e-0000-4000-8000-00000000000a"
        session.execute("INSERT INTO things (id, owner, order_id) VALUES (gen_random_uuid(), %(o)s, 7)", {"o": owner})
        session.execute("INSERT INTO things (id, order_id) VALUES (gen_random_uuid(), 8), (gen_random_uuid(), NULL)")
        found = session.execute(verdict_of(plan))

    assert [(str(tenant), rule) for _, tenant, rule in found] == [(PHARMA, "a rule")]


FIRST = '{ column = "order_id", table = "public.orders" }'
WRONG_WAYS = {
    'parent = { column = "ownr", table = "public.owners" }': "has no column 'ownr'. Did you mean 'owner'?",
    'parent = { column = "owner", table = "public.owners", key = "di" }': "has no column 'di'. It has: id, tenant_id.",
    'parent = { column = "name", table = "public.owners" }': "operator does not exist",
    'parent = { column = "owner", table = "public.owners", key = "tenant_id" }': "a row could have two parents",
    f'parent = {{ path = [{FIRST}, {{ column = "shop", table = "public.owners" }}] }}': (
        "public.orders has no column 'shop'. Did you mean 'shop_id'?"
    ),
}


@pytest.mark.parametrize("wrong", WRONG_WAYS)
def test_a_way_that_leads_nowhere_is_told(session: Session, tmp_path: Path, wrong: str) -> None:
    (message,) = told(session, tmp_path, wrong)

    assert f"line {LINE}" in message
    assert WRONG_WAYS[wrong] in message


# --- orders inside JSON ---

SOONER, LATER = "2024-02-28", "2024-03-01"
ORDERED = {
    # the value in JSON: whether it is less than 5, and whether it is before the first of March
    "4": (True, False), "4.999": (True, False), "-1e3": (True, False), '"4"': (True, False), '"-0.5e+1"': (True, False),
    "5": (False, False), '"5.0"': (False, False), '"1e400"': (False, False), f'"{"9" * 255}"': (False, False),
    '"1e999999999"': (False, False), f'"{"1" * 256}"': (False, False), '""': (False, False), '" 4"': (False, False),
    '"+4"': (False, False), '"4e"': (False, False), '"NaN"': (False, False), '"-Infinity"': (False, False),
    '"٤"': (False, False), '"0x1"': (False, False), "null": (False, False), "true": (False, False),
    "[4]": (False, False), '{"a": 4}': (False, False), '"4\\n"': (False, False),
    f'"{SOONER}"': (False, True), f'"{SOONER}T23:00:00Z"': (False, True), f'"{SOONER} and more"': (False, True),
    '"2024-02-31"': (False, True), '"2024-02-99"': (False, True), f'"{LATER}"': (False, False),
    '"2024-2-28"': (False, False), f'" {SOONER}"': (False, False), '"28.02.2024"': (False, False),
}  # fmt: skip


@pytest.mark.parametrize("kind", ["json", "jsonb"])
def test_what_is_no_number_or_no_day_in_json_is_unknown_and_no_error(session: Session, kind: str) -> None:
    number = compiled("batch", condition({"column": "v", "json": ["x"], "less": 5}, "here", {}))
    day = compiled("batch", condition({"column": "v", "json": ["x"], "less": date(2024, 3, 1)}, "here", {}))
    source = sql.compose(
        "SELECT {n}, {d} FROM (SELECT ('{{\"x\":' || value || '}}')::{kind} AS v, place"
        " FROM unnest({values}::text[]) WITH ORDINALITY AS given (value, place)) AS batch ORDER BY place",
        n=number,
        d=day,
        kind=sql.raw(kind),
        values=sql.literal(list(ORDERED)),
    )

    assert dict(zip(ORDERED, session.execute(source), strict=True)) == ORDERED


# --- no value becomes SQL ---

ATTEMPTS = [
    "'; DROP TABLE things; --", "' OR true OR '", "$$ OR true", "\\' OR true --", "%s", "%(x)s", "{row}", "x\ny", "/*",
    "') OR (SELECT true) OR ('", "é漢🚑",
]  # fmt: skip
KINDS = ["equals", "in", "contains", "starts_with", "ends_with", "matches"]


@pytest.mark.parametrize("kind", [*KINDS, "overlaps", "json", "column"])
@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_a_value_stays_a_value(session: Session, kind: str, attempt: str) -> None:
    """A row that has the text is found by it, one that has not is not; as a name it is no column, and nothing else."""
    item: dict[str, object]
    if kind == "column":
        item = {"column": attempt, "equals": "x"}
        columns = "(SELECT 'x' AS {name}) AS batch"
        source = sql.compose(columns, name=sql.ident(attempt))
    elif kind == "json":
        item = {"column": "facts", "json": [attempt], "equals": "x"}
        source = sql.compose("(SELECT jsonb_build_object({a}::text, 'x') AS facts) AS batch", a=sql.literal(attempt))
    else:
        listed = kind in ("in", "overlaps")
        pattern = "".join(f"[{sign}]" if sign not in "\\^" else f"\\{sign}" for sign in attempt)
        value = [attempt] if listed else pattern if kind == "matches" else attempt
        item = {"column": "name", kind: value}
        array = "ARRAY[{a}::text]" if kind == "overlaps" else "{a}::text"
        source = sql.compose(f"(SELECT {array} AS name) AS batch", a=sql.literal(attempt))
    clause = compiled("batch", condition(item, "here", {}))

    assert session.execute(sql.compose("SELECT 1 FROM {s} WHERE {c}", s=source, c=clause)) == [(1,)]
    assert session.execute(sql.compose("SELECT 1 FROM {s} WHERE NOT {c}", s=source, c=clause)) == []
    assert session.value("SELECT count(*) FROM orders") == 2


def test_no_value_of_an_order_is_a_text(session: Session) -> None:
    """What is compared by its order is a number or a date before it comes near SQL."""
    for kind in ("less", "at_most", "greater", "at_least"):
        for value in ("5", "1); DROP TABLE things", [1], True, float("nan"), float("inf")):
            with pytest.raises(PlanError, match="compares with a number, a date or a time"):
                condition({"column": "size", kind: value}, "here", {})
