"""The guards of references where tables change beneath them: releases of an application, foreign keys that act by
themselves, an earlier VITAL's guards."""

from collections.abc import Iterator
from contextlib import AbstractContextManager

import psycopg
import pytest

from migrations_ops.engine import ddl
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Statement
from migrations_ops.phases import policies
from tenants.inventory import Inventory
from tests.support import earlier_version, isolated
from tests.support.databases import Scratch
from tests.support.isolated import NORTH, PLATFORM, SOUTH

TENANT = "tenant_id uuid REFERENCES {s}.tenants"
PARENTS = f"CREATE TABLE {{s}}.parents (id int PRIMARY KEY, {TENANT})"
ROWS = f"INSERT INTO {{s}}.parents VALUES (0, '{PLATFORM}'), (1, '{NORTH}'), (2, '{SOUTH}')"
OTHERS = f"CREATE TABLE {{s}}.others (id int PRIMARY KEY, {TENANT}, parent int REFERENCES {{s}}.parents)"
REFERENCE = "parent int REFERENCES {s}.parents"
TABLES = ("parents", "others", "children")
EVERY_TABLES = [("guard_reference",), ("guard_referenced",), ("guard_referenced_row",)]
OURS = "SELECT proname::text FROM pg_proc WHERE pronamespace = 'vital'::regnamespace AND proname ~ '^guard' ORDER BY 1"


@pytest.fixture(scope="module")
def scratch(server_url: str) -> Iterator[Scratch]:
    with isolated.database(server_url) as found:
        yield found


@pytest.fixture
def session(scratch: Scratch) -> Iterator[Session]:
    with isolated.session_of(scratch) as found:
        yield found


def tables(session: Session, columns: str = REFERENCE) -> AbstractContextManager[Inventory]:
    children = f"CREATE TABLE {{s}}.children (id int, {TENANT}, {columns})"
    return isolated.isolated(session, PARENTS, ROWS, OTHERS, children, tables=TABLES)


def schema_of(inventory: Inventory) -> str:
    return inventory.registry.partition(".")[0]


def run(session: Session, inventory: Inventory, *statements: str) -> None:
    for statement in statements:
        session.connection.execute(statement.replace("{s}", schema_of(inventory)).encode())


def refused(session: Session, inventory: Inventory, statement: str) -> bool:
    """Whether the guard refuses it; it is taken back in either case."""
    try:
        with session.connection.transaction(force_rollback=True):
            run(session, inventory, statement)
    except psycopg.errors.ForeignKeyViolation as error:
        return "vital.guard_refer" in (error.diag.context or "")
    return False


def guards(inventory: Inventory, table: str = "children") -> Statement:
    """What 006 does about this table's references."""
    relations = [one.relation for one in inventory.tables]
    return policies.guarded_references(f"{schema_of(inventory)}.{table}", lambda: inventory, relations, PLATFORM)


def are_as_wanted(session: Session, statement: Statement) -> bool:
    assert callable(statement.is_applied)
    return bool(statement.is_applied(session))


def again(session: Session, statement: Statement) -> None:
    for change in ddl.changes(session, statement):
        session.execute(change)
    assert are_as_wanted(session, statement)


# --- what an application's release does ---

MINE = f"INSERT INTO {{s}}.children (id, tenant_id, parent) VALUES (1, '{NORTH}', 1), (2, '{NORTH}', 0)"
THEIRS = f"{MINE}, (3, '{NORTH}', 2)"
TO_THEIRS = "UPDATE {s}.children SET parent = 2"
ANOTHER = f"INSERT INTO {{s}}.children (id, tenant_id, other) VALUES (1, '{NORTH}', 7)"


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ("ALTER TABLE {s}.children RENAME COLUMN parent TO mother", "mother"),
        ("ALTER TABLE {s}.parents RENAME COLUMN id TO number", "parent"),
        ("ALTER TABLE {s}.parents RENAME TO mothers", "parent"),
        ("ALTER TABLE {s}.children DROP COLUMN spare CASCADE", "parent"),
    ],
)
def test_a_change_of_names_opens_nothing_and_stops_nobody(session: Session, change: str, name: str) -> None:
    with tables(session, f"{REFERENCE}, spare int REFERENCES {{s}}.others") as inventory:
        run(session, inventory, MINE, change)

        mine, theirs, to_theirs = (
            text.replace(", parent)", f", {name})").replace("SET parent", f"SET {name}")
            for text in (MINE, THEIRS, TO_THEIRS)
        )
        run(session, inventory, mine)
        assert refused(session, inventory, theirs)
        assert refused(session, inventory, to_theirs)
        run(session, inventory, f"UPDATE {{s}}.children SET {name} = 0 WHERE id = 2")


def test_a_column_that_is_renamed_is_another_guard_until_the_next_run(session: Session) -> None:
    with tables(session) as inventory:
        run(session, inventory, "ALTER TABLE {s}.children RENAME COLUMN parent TO mother")
        step = guards(inventory)
        assert not are_as_wanted(session, step)
        again(session, step)
        assert refused(session, inventory, THEIRS.replace(", parent)", ", mother)"))


def test_a_foreign_key_that_comes_later_is_guarded_by_the_next_run(session: Session) -> None:
    with tables(session) as inventory:
        run(session, inventory, f"INSERT INTO {{s}}.others VALUES (7, '{SOUTH}')")
        step = guards(inventory)
        assert are_as_wanted(session, step)
        run(session, inventory, "ALTER TABLE {s}.children ADD COLUMN other int REFERENCES {s}.others")
        assert not are_as_wanted(session, step)
        assert not refused(session, inventory, ANOTHER)
        again(session, step)
        assert refused(session, inventory, ANOTHER)
        assert refused(session, inventory, THEIRS)


@pytest.mark.parametrize("gone", ["DROP CONSTRAINT children_parent_fkey", "DROP COLUMN parent CASCADE"])
def test_of_a_foreign_key_that_is_gone_nothing_is_left_by_the_next_run(session: Session, gone: str) -> None:
    with tables(session) as inventory:
        run(session, inventory, f"ALTER TABLE {{s}}.children {gone}")
        run(session, inventory, f"INSERT INTO {{s}}.children (id, tenant_id) VALUES (1, '{NORTH}')")
        step = guards(inventory)
        assert not are_as_wanted(session, step)
        again(session, step)
        left = session.execute(
            "SELECT g.tgname FROM pg_trigger AS g JOIN pg_proc AS p ON p.oid = g.tgfoid AND p.proname ~ '^guard_refer'"
            f" WHERE g.tgrelid = '{schema_of(inventory)}.children'::regclass OR encode(tgargs, 'escape') ~ 'children'"
        )
        assert left == []
        for change in guards(inventory, "others").down({}):
            session.execute(change)
    assert session.execute(OURS) == EVERY_TABLES


def test_a_trigger_of_the_application_cannot_change_a_reference_unseen(session: Session) -> None:
    """Whatever columns the statement names."""
    with tables(session, f"{REFERENCE}, note text") as inventory:
        run(
            session,
            inventory,
            MINE,
            "CREATE FUNCTION {s}.refer() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.parent := 2; RETURN NEW; END'",
            "CREATE TRIGGER refer BEFORE UPDATE ON {s}.children FOR EACH ROW EXECUTE FUNCTION {s}.refer()",
        )
        assert refused(session, inventory, "UPDATE {s}.children SET note = 'x'")


# --- what foreign keys do by themselves ---

CROSSING = (
    "SET LOCAL ROLE vital_operator",
    f"INSERT INTO {{s}}.children (id, tenant_id, parent) VALUES (3, '{NORTH}', 2)",
    "RESET ROLE",
)


@pytest.mark.parametrize(
    ("action", "statement", "wrong"),
    [
        ("ON UPDATE CASCADE", "UPDATE {s}.parents SET id = 11 WHERE id = 1", False),
        ("ON UPDATE CASCADE", "UPDATE {s}.parents SET id = 12 WHERE id = 2", True),
        ("ON DELETE CASCADE", "DELETE FROM {s}.parents WHERE id = 2", False),
        ("ON DELETE SET NULL", "DELETE FROM {s}.parents WHERE id IN (1, 2)", False),
        ("ON DELETE SET DEFAULT DEFAULT 0", "DELETE FROM {s}.parents WHERE id = 1", False),
        ("ON DELETE SET DEFAULT DEFAULT 2", "DELETE FROM {s}.parents WHERE id = 1", True),
        ("ON UPDATE CASCADE", f"UPDATE {{s}}.parents SET tenant_id = '{SOUTH}' WHERE id = 1", True),
        ("ON UPDATE CASCADE", f"UPDATE {{s}}.parents SET tenant_id = '{PLATFORM}' WHERE id = 1", False),
        ("ON UPDATE CASCADE", "UPDATE {s}.parents SET tenant_id = NULL WHERE id = 1", False),
    ],
)
def test_their_actions_are_looked_at_as_any_change(session: Session, action: str, statement: str, wrong: bool) -> None:
    with tables(session, f"{REFERENCE} {action}") as inventory:
        run(session, inventory, MINE)
        with session.connection.transaction():
            run(session, inventory, *CROSSING)
        assert refused(session, inventory, statement) == wrong


def test_rows_that_are_copied_in_are_looked_at(scratch: Scratch, session: Session) -> None:
    with tables(session) as inventory, psycopg.connect(scratch.admin_url) as admin:
        text = f"COPY {schema_of(inventory)}.children FROM STDIN"
        for parent, wrong in ((1, False), (2, True)):
            found = False
            try:
                with admin.transaction(force_rollback=True), admin.cursor().copy(text.encode()) as copy:
                    for number in (1, 2):
                        copy.write_row((number, NORTH, number if parent == 2 else 1))
            except psycopg.errors.ForeignKeyViolation as error:
                found = "vital.guard_refer" in (error.diag.context or "")
            assert found == wrong


def test_tables_of_one_name_in_two_schemas_have_guards_of_their_own(session: Session) -> None:
    with tables(session) as one, tables(session) as other:
        for inventory in (one, other):
            run(session, inventory, MINE)
            assert refused(session, inventory, THEIRS)
            assert refused(session, inventory, TO_THEIRS)
        for change in guards(one).down({}):
            session.execute(change)
        assert not refused(session, one, THEIRS)
        assert refused(session, other, THEIRS)
        again(session, guards(one))
        assert refused(session, one, THEIRS)


# --- an earlier VITAL's ---


def test_those_of_an_earlier_version_are_brought_over(session: Session) -> None:
    with tables(session) as inventory:
        session.connection.execute(earlier_version.GUARDS.encode())
        assert refused(session, inventory, THEIRS)
        steps = [guards(inventory, "others"), guards(inventory)]
        assert [are_as_wanted(session, one) for one in steps] == [False, False]

        for change in policies.guard_functions(lambda: inventory).up:
            session.execute(change)
        for step in steps:
            again(session, step)

        of_tables = {name for (name,) in session.execute(OURS)} - {name for (name,) in EVERY_TABLES}
        assert len(of_tables) == 4, "one for statements and one for rows, of two tables"
        assert refused(session, inventory, THEIRS)
        run(session, inventory, MINE)
        assert refused(session, inventory, TO_THEIRS)
        for table in ("others", "children"):
            for change in guards(inventory, table).down({}):
                session.execute(change)
        assert session.execute(OURS) == EVERY_TABLES
