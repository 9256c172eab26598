"""Whatever a table's keys and references are: the attack run finds no leak where there is none, tries everything, and
finds the leak where there is one, with statements that repeat it."""

import psycopg
import pytest

from migrations_ops.engine.session import Session
from tenants.inventory import Inventory
from tenants.isolation import database_probe
from tenants.isolation.report import HELD, Report
from tests.support import databases, isolated
from tests.support.databases import Scratch
from tests.support.isolated import NORTH, PLATFORM, SOUTH, repeated

pytestmark = pytest.mark.server

TENANT = "tenant_id uuid NOT NULL REFERENCES {s}.tenants"
UUID = "id uuid PRIMARY KEY DEFAULT gen_random_uuid()"
PARENT = f"CREATE TABLE {{s}}.parents ({UUID}, {TENANT})"
ROWS = f"INSERT INTO {{s}}.things ({{columns}}) VALUES ('{NORTH}', {{one}}), ('{SOUTH}', {{two}})"
WRITES = {"insert in its name", "update that gives a row away", "update of a row unseen", "delete of a row unseen"}

SHAPES = {
    "a uuid that nothing gives": ("id uuid PRIMARY KEY",),
    "an identity": ("id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY",),
    "an identity above zero": ("id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY CHECK (id > 0)",),
    "a serial": ("id serial PRIMARY KEY",),
    "numbers that the application gives": ("id bigint PRIMARY KEY",),
    "a small number above zero": ("id smallint PRIMARY KEY CHECK (id > 0)",),
    "a number with two digits after the point": ("id numeric(6,2) PRIMARY KEY",),
    "three letters": ("id char(3) PRIMARY KEY",),
    "at most nine letters, padded": ("id char(9) PRIMARY KEY",),
    "a text": ("id text PRIMARY KEY",),
    "a date": ("id date PRIMARY KEY",),
    "a moment": ("id timestamptz PRIMARY KEY",),
    "an interval": ("id interval PRIMARY KEY",),
    "an address": ("id inet PRIMARY KEY",),
    "bytes": ("id bytea PRIMARY KEY",),
    "a document": ("id jsonb PRIMARY KEY",),
    "a range": ("id int4range PRIMARY KEY",),
    "an array": ("id int[] PRIMARY KEY",),
    "bits": ("id bit(24) PRIMARY KEY",),
    "a domain over a domain": (
        "id {s}.code PRIMARY KEY",
        "CREATE DOMAIN {s}.word AS text CHECK (VALUE <> '')",
        "CREATE DOMAIN {s}.code AS {s}.word CHECK (length(VALUE) > 3)",
    ),
    "a composite": ("id {s}.pair PRIMARY KEY", "CREATE TYPE {s}.pair AS (a int, b text)"),
    "an enum and a date": (
        f"{UUID}, mood {{s}}.mood NOT NULL, day date NOT NULL, UNIQUE (tenant_id, mood, day)",
        "CREATE TYPE {s}.mood AS ENUM ('glad', 'sad')",
    ),
    "an address in lower case": (
        f"{UUID}, email text NOT NULL",
        "AFTER CREATE UNIQUE INDEX ON {s}.things (lower(email))"),
    "a generated column": (f"{UUID}, a text NOT NULL, b text GENERATED ALWAYS AS (upper(a)) STORED UNIQUE",),
    "a generated key": ("name text NOT NULL, id text GENERATED ALWAYS AS (lower(name)) STORED PRIMARY KEY",),
    "a parent's generated key": (
        f"{UUID}, parent text NOT NULL REFERENCES {{s}}.parents",
        f"CREATE TABLE {{s}}.parents (name text NOT NULL, id text GENERATED ALWAYS AS (lower(name)) STORED PRIMARY KEY,"
        f" {TENANT})",
    ),
    "bookings that may not overlap": (f"{UUID}, during tstzrange NOT NULL, EXCLUDE USING gist (during WITH &&)",),
    "a parent for each": (f"{UUID}, parent uuid NOT NULL UNIQUE REFERENCES {{s}}.parents", PARENT),
    "its parent's key": ("id uuid PRIMARY KEY REFERENCES {s}.parents", PARENT),
    "a moment and a parent": (
        f"{UUID}, at timestamptz NOT NULL, parent uuid NOT NULL REFERENCES {{s}}.parents, UNIQUE (at, parent)", PARENT,
    ),
    "one of two parents": (
        f"{UUID}, parent uuid REFERENCES {{s}}.parents, other uuid REFERENCES {{s}}.parents,"
        " CHECK ((parent IS NOT NULL) <> (other IS NOT NULL))",
        PARENT,
    ),
    "a parent or somebody elsewhere, and a number": (
        f"{UUID}, parent uuid REFERENCES {{s}}.parents, person int REFERENCES {{s}}.people, n int NOT NULL,"
        " CHECK (num_nonnulls(parent, person) = 1), CHECK (n > 10)",
        PARENT, "CREATE TABLE {s}.people (id int PRIMARY KEY)",
    ),
    "a parent elsewhere": (
        f"{UUID}, person int NOT NULL REFERENCES {{s}}.people",
        "CREATE TABLE {s}.people (id int PRIMARY KEY, born date NOT NULL)",
        "INSERT INTO {s}.people VALUES (1, '1990-01-01')",
    ),
    "a parent elsewhere with a parent": (
        f"{UUID}, person int NOT NULL REFERENCES {{s}}.people",
        "CREATE TABLE {s}.towns (id int PRIMARY KEY)",
        "CREATE TABLE {s}.people (id int PRIMARY KEY, town int NOT NULL REFERENCES {s}.towns)",
    ),
    "a parent with its tenant": (
        f"{UUID}, parent uuid NOT NULL, FOREIGN KEY (tenant_id, parent) REFERENCES {{s}}.parents (tenant_id, id)",
        f"CREATE TABLE {{s}}.parents ({UUID}, {TENANT}, UNIQUE (tenant_id, id))",
    ),
    "itself": ("id uuid PRIMARY KEY, above uuid NOT NULL REFERENCES {s}.things",),
}  # fmt: skip

CHECKED = {
    "a text of a certain shape": (r"id text PRIMARY KEY CHECK (id ~ '^[A-Z]{3}-\d{4}$')", "'ABC-0001'", "'XYZ-0002'"),
    "a number in hundreds": ("id int PRIMARY KEY CHECK (id BETWEEN 100 AND 999)", "100", "200"),
    "a day of our time": ("id date PRIMARY KEY CHECK (id > '2000-01-01')", "'2024-05-06'", "'2024-05-07'"),
}  # fmt: skip


def attacked(session: Session, inventory: Inventory) -> Report:
    return database_probe.prove(session, inventory)


def ddl(columns: str, *beside: str) -> list[str]:
    before = [one for one in beside if not one.startswith("AFTER ")]
    after = [one.removeprefix("AFTER ") for one in beside if one.startswith("AFTER ")]
    return [*before, f"CREATE TABLE {{s}}.things ({columns}, {TENANT})", *after]


def everything_is_tried(report: Report) -> None:
    assert report.leaks == []
    assert report.hidden == []
    assert [left for left in report.not_tried if "things" in left["what"]] == []
    assert {a.verb for a in report.attempts if a.what.endswith("things") and a.outcome == HELD} >= WRITES


@pytest.mark.parametrize("shape", SHAPES)
def test_every_key_and_reference(session: Session, shape: str) -> None:
    columns, *beside = SHAPES[shape]
    tables = ["things", *(["parents"] if any("{s}.parents (" in one for one in beside) else [])]
    with isolated.isolated(session, *ddl(columns, *beside), tables=tables) as inventory:
        report = attacked(session, inventory)

    everything_is_tried(report)
    if "parents" in tables:
        verbs = {a.verb for a in report.attempts if a.what.endswith("things")}
        assert any(verb.startswith("insert that refers to it by") for verb in verbs)


@pytest.mark.parametrize("shape", CHECKED)
def test_what_rows_look_like_is_learnt_from_those_that_are_there(session: Session, shape: str) -> None:
    columns, one, two = CHECKED[shape]
    there = ROWS.format(s="{s}", columns="tenant_id, id", one=one, two=two)
    with isolated.isolated(session, *ddl(columns), there, tables=["things"]) as inventory:
        report = attacked(session, inventory)

    everything_is_tried(report)


def test_a_table_full_of_small_numbers(session: Session) -> None:
    """As many keys as an attack run once drew blindly from."""
    full = f"INSERT INTO {{s}}.things SELECT n, '{NORTH}' FROM generate_series(1, 30000) AS n"
    with isolated.isolated(session, *ddl("id smallint PRIMARY KEY"), full, tables=["things"]) as inventory:
        everything_is_tried(attacked(session, inventory))


def test_one_row_for_each_tenant(session: Session) -> None:
    """Nothing can be planted for a tenant that has its row: that one is tried, and what cannot be is said."""
    there = ROWS.format(s="{s}", columns="tenant_id, id", one="gen_random_uuid()", two="gen_random_uuid()")
    shape = ddl(f"{UUID}, UNIQUE (tenant_id)")
    with isolated.isolated(session, *shape, there, tables=["things"]) as inventory:
        report = attacked(session, inventory)
        rows = session.value(f"SELECT count(*) FROM {inventory.tables[0].relation}")

    assert report.leaks == []
    assert rows == 2
    assert ("delete by key", "tenant 1") in {(a.verb, a.victim) for a in report.attempts if a.outcome == HELD}
    assert any(left["what"].startswith("insert in its name") for left in report.not_tried)


def test_what_no_tenant_may_do_is_not_taken_for_isolation(session: Session) -> None:
    """A default that tenants may not call refuses their own rows as well."""
    function = "CREATE FUNCTION {s}.secret() RETURNS int LANGUAGE sql AS 'SELECT 1'"
    shape = ddl(
        f"{UUID}, n int NOT NULL DEFAULT {{s}}.secret()",
        function,
        "AFTER REVOKE ALL ON FUNCTION {s}.secret() FROM PUBLIC",
    )
    with isolated.isolated(session, *shape, tables=["things"]) as inventory:
        session.execute(f"GRANT EXECUTE ON FUNCTION {inventory.registry.split('.')[0]}.secret() TO vital_operator")
        report = attacked(session, inventory)

    assert report.leaks == []
    (why,) = {left["why"] for left in report.not_tried if left["what"].startswith("insert in its name")}
    assert "the same is not refused where it is harmless: permission denied for function secret" in why


BROKEN = {
    "select by key": "ALTER POLICY vital_tenant_select ON {t} USING (true)",
    "insert in its name": "ALTER POLICY vital_tenant_insert ON {t} WITH CHECK (true)",
    "update of a row unseen": "ALTER POLICY vital_tenant_update ON {t} USING (true)",
    "update that gives a row away": "ALTER POLICY vital_tenant_update ON {t} WITH CHECK (true)",
    "delete of a row unseen": "ALTER POLICY vital_tenant_delete ON {t} USING (true)",
    "select without filter": "DROP POLICY vital_tenant_select ON {t}",
}


@pytest.mark.slow
@pytest.mark.parametrize("verb", BROKEN)
def test_a_leak_can_be_repeated(scratch: Scratch, session: Session, verb: str) -> None:
    there = ROWS.format(s="{s}", columns="tenant_id, id, parent", one=f"1, '{PLATFORM}'", two=f"2, '{PLATFORM}'")
    mother = f"INSERT INTO {{s}}.parents VALUES ('{PLATFORM}', '{PLATFORM}')"
    shape = ddl("id bigint PRIMARY KEY, parent uuid NOT NULL REFERENCES {s}.parents", PARENT, mother)
    with isolated.isolated(session, *shape, there, tables=["things", "parents"]) as inventory:
        session.execute(BROKEN[verb].format(t=inventory.tables[0].relation))
        report = attacked(session, inventory)
        leaks = [leak for leak in report.leaks if leak.verb == verb]
        assert {leak.what.rpartition(".")[2] for leak in leaks} == {"things"}
        assert {leak.what.rpartition(".")[2] for leak in report.leaks} == {"things"}
        for leak in leaks:
            touched, refused = repeated(scratch, report.scripts[leak])
            assert touched >= 1 or (refused and refused in leak.detail), report.scripts[leak]
        assert session.value(f"SELECT count(*) FROM {inventory.tables[0].relation}") == 2


def test_a_reference_that_nobody_guards_can_be_repeated(scratch: Scratch, session: Session) -> None:
    shape = ddl(f"{UUID}, parent uuid NOT NULL UNIQUE REFERENCES {{s}}.parents", PARENT)
    with isolated.isolated(session, *shape, tables=["things", "parents"]) as inventory:
        relation = inventory.tables[0].relation
        for (trigger,) in session.execute(
            f"SELECT tgname FROM pg_trigger WHERE tgrelid = '{relation}'::regclass AND tgname ~ '^vital_ref'"
        ):
            session.execute(f'DROP TRIGGER "{trigger}" ON {relation}')
        report = attacked(session, inventory)

        assert {leak.verb for leak in report.leaks} == {
            "update that refers to it by parent",
            "insert that refers to it by parent",
        }
        for leak in report.leaks:
            assert repeated(scratch, report.scripts[leak]) == (1, ""), report.scripts[leak]


def test_who_may_not_become_a_tenant_is_told_what_to_run(scratch: Scratch) -> None:
    with (
        isolated.session_of(scratch) as session,
        isolated.isolated(session, *ddl(UUID), tables=["things"]) as inventory,
    ):
        version = session.connection.info.server_version
        role = "vital_prover" if version < 160000 else "vital_tenant"
        session.execute(f"REVOKE {role} FROM {databases.OWNER}")
        try:
            with pytest.raises(database_probe.CannotBecomeTenant) as refused:
                attacked(session, inventory)
        finally:
            with psycopg.connect(scratch.admin_url, autocommit=True) as admin:
                for statement in str(refused.value).partition("run: ")[2].split(";"):
                    if statement.strip() and "CREATE ROLE" not in statement:
                        admin.execute(statement.encode())
        everything_is_tried(attacked(session, inventory))
