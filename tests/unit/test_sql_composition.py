"""Names and values of any spelling survive composition into SQL; keys are read back exactly; rows hash exactly."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from migrations_ops.engine.session import Session
from tests.support import databases
from vital.db import sql

NASTY = [
    "plain",
    "100 %",
    "%s and %(name)s and %%",
    "it's",
    'a "quoted" name',
    "{braces} and {{more}} {0}",
    "back\\slash \\n \\' \\\\",
    "line\nfeed\ttab",
    "Ünïcödé 漢字 🚑",
    "$1 $tag$ $$",
    "; DROP TABLE x; --",
    "/* comment */",
    "E'x'",
    "İstanbul ß",
    " ",
]


@pytest.fixture(scope="module")
def session(server_url: str) -> Iterator[Session]:
    """The engine's own connection, as the owner of an empty database."""
    scratch = databases.create_empty(server_url)
    opened = Session.open({str(k): v for k, v in conninfo_to_dict(scratch.owner_url).items()}, "composition")
    yield opened
    opened.close()
    databases.drop(scratch)


# --- values ---


@pytest.mark.parametrize("text", [*NASTY, ""])
def test_a_text_survives(session: Session, text: str) -> None:
    assert session.value(sql.compose("SELECT {t}::text", t=sql.literal(text))) == text


def test_a_list_of_texts_survives(session: Session) -> None:
    everything = [*NASTY, "", "NULL", "a,b", "{x,y}"]

    assert session.value(sql.compose("SELECT {t}::text[]", t=sql.literal(everything))) == everything


@pytest.mark.parametrize("value", [1, -(2**60), True, False, None])
def test_other_values_survive(session: Session, value: object) -> None:
    assert session.value(sql.compose("SELECT {v}", v=sql.literal(value))) == value


@pytest.mark.parametrize("text", NASTY)
def test_a_bound_parameter_survives_beside_a_nasty_literal(session: Session, text: str) -> None:
    query = sql.compose("SELECT {t}::text || %(more)s::text", t=sql.literal(text))

    assert session.value(query, {"more": text}) == text + text


@pytest.mark.parametrize("text", NASTY)
def test_text_of_is_the_sql_that_would_be_run(session: Session, text: str) -> None:
    inner = sql.text_of(sql.compose("SELECT {t}::text", t=sql.literal(text)))

    with psycopg.connect(**session._params) as connection:
        found = connection.execute(inner.encode()).fetchone()  # no parameters bound: a % is a %

    assert found == (text,)


@pytest.mark.parametrize("text", NASTY)
def test_sql_out_of_the_catalogue_is_used_verbatim(session: Session, text: str) -> None:
    quoted = session.value("SELECT quote_literal(%(t)s::text)", {"t": text})

    assert session.value(sql.compose("SELECT {definition}", definition=sql.verbatim(quoted))) == text


def test_the_body_of_a_function_goes_in_whole(session: Session) -> None:
    """A composed query as the text of a function, as the trigger for late rows has it."""
    body = sql.compose("SELECT {t}::text || '%%'", t=sql.literal("100 % {of} 'it'"))
    create = "CREATE FUNCTION told() RETURNS text LANGUAGE sql AS {body}"

    session.execute(sql.compose(create, body=sql.literal(sql.text_of(body))))

    assert session.value("SELECT told()") == "100 % {of} 'it'%"


# --- names ---


@pytest.mark.parametrize("name", NASTY)
def test_a_name_survives(session: Session, name: str) -> None:
    relation = sql.spelled("public", f"t{name}")
    table, column = sql.relation(relation), sql.ident(name)
    session.execute(sql.compose("CREATE TABLE {t} ({c} int)", t=table, c=column))
    session.execute(sql.compose("INSERT INTO {t} ({c}) VALUES (7)", t=table, c=column))

    assert session.value(sql.compose("SELECT {c} FROM {t} AS t", c=sql.column("t", name), t=table)) == 7
    assert [column.name for column in session.columns(relation)] == [name]
    assert sql.names(relation) == ("public", f"t{name}")


def test_a_table_is_named_as_sql_spells_it(session: Session) -> None:
    """So that one text serves as identifier, for to_regclass, in the ledger and in messages."""
    session.execute('CREATE SCHEMA "Other"')
    session.execute('CREATE TABLE "Other"."A.b" ("C" int)')
    session.execute('CREATE TABLE public.a_b ("D" int)')

    for relation, column in {'"Other"."A.b"': "C", "public.a_b": "D"}.items():
        assert session.value(sql.compose("SELECT count(*) FROM {t}", t=sql.relation(relation))) == 0
        assert [found.name for found in session.columns(relation)] == [column]
        assert [leaf for leaf, _, _ in session.leaves(relation)] == [relation]


# --- keys ---

KEYS: dict[str, tuple[dict[str, str], list[tuple[Any, ...]]]] = {
    "uuid": ({"id": "uuid"}, [("6f1c3f4e-0000-4000-8000-00000000000a",), ("6f1c3f4e-0000-4000-8000-00000000000b",)]),
    "bigint": ({"id": "bigint"}, [(0,), (-1,), (2**63 - 1,), (-(2**63),)]),
    "text": ({"id": "text"}, [(text,) for text in [*NASTY, ""]]),
    "bounded text": ({"Id": "varchar(20)"}, [("a",), ("A",), (" a ",)]),
    "padded text": ({"id": "char(4)"}, [("a",), ("ab",), ("abcd",)]),
    "moment": ({"at": "timestamptz"}, [("2024-02-29 12:00:00.123456+00",), ("2024-02-29 12:00:00.123457+00",)]),
    "number": ({"id": "numeric(20, 4)"}, [("1.0000",), ("1.0001",), ("-3",)]),
    "bytes": ({"id": "bytea"}, [(b"\x00\xff%",), (b"\\x00",)]),
    "text and number": (
        {"Region": "text", "Number": "bigint"},
        [("a", 1), ("a", 2), ("b", 1), ('"a", "1"', 1), ("[", 1), ("%", 1), ("\\", 1), ("é", 1), ("", 0)],
    ),
    "three": ({"a": "uuid", "b": "date", "c": "smallint"}, [("6f1c3f4e-0000-4000-8000-00000000000a", "2024-01-31", 1)]),
}


@pytest.mark.parametrize("kind", KEYS)
def test_a_key_comes_back_to_its_own_row_only(session: Session, kind: str) -> None:
    columns, keys = KEYS[kind]
    names = tuple(columns)
    session.execute("DROP TABLE IF EXISTS keyed")
    defined = sql.join(sql.ident(n) + sql.raw(" ") + sql.raw(k) for n, k in columns.items())
    listed = sql.join(sql.ident(n) for n in names)
    session.execute(sql.compose("CREATE TABLE keyed ({d}, n int, PRIMARY KEY ({k}))", d=defined, k=listed))
    places = sql.join(sql.raw(f"%(p{i})s::{k}") for i, k in enumerate(columns.values()))
    for n, key in enumerate(keys):
        values = {f"p{i}": part for i, part in enumerate(key)} | {"n": n}
        session.execute(sql.compose("INSERT INTO keyed VALUES ({p}, %(n)s)", p=places), values)

    texts = dict(session.execute(sql.compose("SELECT n, {key} FROM keyed AS t", key=sql.key_text("t", names))))
    typed = session.typed_key("public.keyed", names)
    same = sql.compose(
        "SELECT array_agg(n) FROM keyed AS t WHERE {same}", same=sql.key_equals("t", typed, sql.raw("%(key)s"))
    )

    assert len(set(texts.values())) == len(keys)
    assert {n: session.value(same, {"key": text}) for n, text in texts.items()} == {n: [n] for n in range(len(keys))}


def test_the_comparison_of_a_key_uses_its_index(session: Session) -> None:
    session.execute("DROP TABLE IF EXISTS many")
    session.execute("CREATE TABLE many (a bigint, b text, PRIMARY KEY (a, b))")
    session.execute("INSERT INTO many SELECT n, 'x' || n FROM generate_series(1, 5000) AS n")
    session.execute("ANALYZE many")
    same = sql.key_equals("t", session.typed_key("public.many", ("a", "b")), sql.literal('["7", "x7"]'))

    plan = "\n".join(row[0] for row in session.execute(sql.compose("EXPLAIN SELECT FROM many AS t WHERE {s}", s=same)))

    assert "Index Cond" in plan
    assert "(a = " in plan
    assert "(b = " in plan


def test_a_key_means_the_same_whatever_the_roles_settings_say(session: Session) -> None:
    """A key noted in one session is looked for in another: neither time zone nor style may change its text."""
    for setting in ("TimeZone = 'Asia/Tokyo'", "DateStyle = 'SQL, DMY'", "bytea_output = 'escape'"):
        session.execute(f"ALTER ROLE CURRENT_USER SET {setting}")
    try:
        other = Session.open(dict(session._params), "composition, elsewhere")
        shown = "SELECT '2024-02-01 12:00+00'::timestamptz::text, '\\x41'::bytea::text, 0.1::float8::text"
        try:
            assert other.execute(shown) == session.execute(shown)
        finally:
            other.close()
    finally:
        session.execute("ALTER ROLE CURRENT_USER RESET ALL")


# --- the hash of a row ---

# type → different values of it (as SQL literals); NULL is tried with each.
VALUES = {
    "integer": ["1", "2"],
    "numeric": ["1.5", "1.6"],
    "float8": ["0.1", "0.1000000001", "NaN"],
    "boolean": ["true", "false"],
    "text": ["", " ", "a", "A", "NULL"],
    "varchar(5)": ["a", "b"],
    "char(3)": ["a", "b"],
    "name": ["a", "b"],
    "bytea": [r"\x00", r"\x01"],
    "uuid": ["00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"],
    "timestamptz": ["2024-01-01", "2024-01-01 00:00:00.000001"],
    "date": ["2024-01-01", "2024-01-02"],
    "interval": ["1 day", "2 days"],
    "jsonb": ['{"a": 1}', '{"a": 2}', "null"],
    "json": ['{"a": 1}', '{"a":1}', '{"a": 2}', "null"],
    "xml": ["<a/>", "<b/>"],
    "point": ["(1,2)", "(1,3)"],
    "polygon": ["((0,0),(1,1))", "((0,0),(1,2))"],
    "box": ["(1,1),(0,0)", "(2,2),(0,0)"],
    "circle": ["<(0,0),1>", "<(0,0),2>"],
    "inet": ["10.0.0.1", "10.0.0.2"],
    "cidr": ["10.0.0.0/8", "11.0.0.0/8"],
    "macaddr": ["08:00:2b:01:02:03", "08:00:2b:01:02:04"],
    "money": ["1", "2"],
    "bit(3)": ["101", "100"],
    "tsvector": ["a:1", "b:1"],
    "int4range": ["[1,2)", "[1,3)"],
    "tstzrange": ["[2024-01-01,2024-01-02)", "[2024-01-01,2024-01-03)"],
    "oid": ["1", "2"],
    "text[]": ["{}", "{NULL}", '{""}', "{a}", "{a,b}", "{b,a}", "{{a,b}}"],
    "varchar(5)[]": ["{a}", "{b}"],
    "integer[]": ["{1}", "{2}", "[2:2]={1}"],
    "jsonb[]": ['{"1"}', '{"2"}'],
    "json[]": ['{"1"}', '{"2"}'],
    "point[]": ['{"(1,2)"}', '{"(1,3)"}'],
    "mood": ["calm", "loud"],
    "mood[]": ["{calm}", "{loud}", "{calm,loud}"],
    "short": ["a", "b"],
    "short_list": ["{a}", "{b}"],
    "shorter": ["a", "b"],
    "mood_of_day": ["calm", "loud"],
    "document": ['{"a": 1}', '{"a": 2}'],
    "short[]": ["{a}", "{b}"],
    "pair": ["(1,a)", "(1,b)", "(2,a)"],
    "pair[]": ['{"(1,a)"}', '{"(1,b)"}'],
}
TYPES = """
    CREATE TYPE mood AS ENUM ('calm', 'loud');
    CREATE DOMAIN short AS varchar(5);
    CREATE DOMAIN shorter AS short;
    CREATE DOMAIN short_list AS text[];
    CREATE DOMAIN mood_of_day AS mood;
    CREATE DOMAIN document AS json;
    CREATE TYPE pair AS (n int, t text);
"""


@pytest.fixture(scope="module")
def types(session: Session) -> None:
    for statement in TYPES.strip().split(";"):
        if statement.strip():
            session.execute(statement)


def hashes(session: Session, relation: str, without: tuple[str, ...] = ()) -> dict[int, int]:
    """The hash of each row by its number `n`."""
    columns = [column for column in session.columns(relation) if column.name not in (*without, "n")]
    hashed = sql.compose("SELECT t.n, {hash} FROM {t} AS t", hash=sql.row_hash("t", columns), t=sql.relation(relation))
    return dict(session.execute(hashed))


@pytest.mark.parametrize("kind", VALUES)
def test_a_row_hashes_differently_when_its_value_differs(session: Session, types: None, kind: str) -> None:
    session.execute("DROP TABLE IF EXISTS hashed")
    session.execute(f"CREATE TABLE hashed (n int, a {kind}, z text DEFAULT 'z')")
    different = [*VALUES[kind], None]
    try:
        for n, value in enumerate([*different, *different]):  # twice: equal rows hash equally
            session.execute(f"INSERT INTO hashed VALUES (%(n)s, %(v)s::{kind})", {"n": n, "v": value})
    except psycopg.errors.FeatureNotSupported:
        pytest.skip(f"this server was built without {kind}")

    found = hashes(session, "public.hashed")

    half = len(different)
    assert len({found[n] for n in range(half)}) == half
    assert [found[n] for n in range(half)] == [found[n + half] for n in range(half)]
    assert all(isinstance(value, int) for value in found.values())


def test_a_value_does_not_move_from_one_column_to_the_next(session: Session) -> None:
    session.execute("DROP TABLE IF EXISTS hashed")
    session.execute("CREATE TABLE hashed (n int, a text, b text)")
    session.execute(
        "INSERT INTO hashed VALUES (1, 'x', NULL), (2, NULL, 'x'), (3, 'x', ''), (4, '', 'x'), (5, 'xx', '')"
    )

    assert len(set(hashes(session, "public.hashed").values())) == 5


def test_a_column_that_is_left_out_does_not_count(session: Session) -> None:
    session.execute("DROP TABLE IF EXISTS hashed")
    session.execute('CREATE TABLE hashed (n int, a text, "Tenant" text)')
    session.execute("INSERT INTO hashed VALUES (1, 'x', 'A'), (2, 'x', 'B'), (3, 'y', 'A')")

    whole, part = hashes(session, "public.hashed"), hashes(session, "public.hashed", ("Tenant",))

    assert len(set(whole.values())) == 3
    assert part[1] == part[2] != part[3]


def test_a_generated_column_counts_and_a_dropped_one_does_not(session: Session) -> None:
    session.execute("DROP TABLE IF EXISTS hashed")
    session.execute("CREATE TABLE hashed (n int, gone text, a int, twice int GENERATED ALWAYS AS (a * 2) STORED)")
    session.execute("ALTER TABLE hashed DROP COLUMN gone")
    session.execute("INSERT INTO hashed (n, a) VALUES (1, 5), (2, 6)")

    found, generated_only = hashes(session, "public.hashed"), hashes(session, "public.hashed", ("a",))

    assert [column.name for column in session.columns("public.hashed")] == ["n", "a", "twice"]
    assert found[1] != found[2]
    assert generated_only[1] != generated_only[2]


def test_a_table_with_nothing_else_has_a_hash_too(session: Session) -> None:
    """A table that is all tenant has no other columns to hash."""
    session.execute("DROP TABLE IF EXISTS hashed")
    session.execute("CREATE TABLE hashed (n int)")
    session.execute("INSERT INTO hashed VALUES (1), (2)")

    assert len(set(hashes(session, "public.hashed").values())) == 1


def test_a_table_of_a_thousand_columns_hashes(session: Session) -> None:
    session.execute("DROP TABLE IF EXISTS wide")
    columns = ", ".join(f"c{i} smallint" for i in range(1000))
    session.execute(f"CREATE TABLE wide (n int, {columns})")
    session.execute("INSERT INTO wide (n, c999) VALUES (1, 1), (2, 2)")

    assert len(set(hashes(session, "public.wide").values())) == 2
