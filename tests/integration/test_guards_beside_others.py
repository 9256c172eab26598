"""A reference cannot slip past a move of its parent to another tenant, whichever of the two begins first."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import errors

from tests.support import isolated
from tests.support.databases import Scratch
from tests.support.isolated import NORTH, PLATFORM, SOUTH

TENANT = "tenant_id uuid REFERENCES {s}.tenants"
PARENTS = f"CREATE TABLE {{s}}.parents (id int PRIMARY KEY, {TENANT})"
ROW = f"INSERT INTO {{s}}.parents VALUES (1, '{NORTH}')"
PARENT_IN_PARTS = (f"{PARENTS} PARTITION BY LIST (id)", "CREATE TABLE {s}.of_parents PARTITION OF {s}.parents DEFAULT")
CHILD = f"CREATE TABLE {{s}}.children (id int, {TENANT}, parent int REFERENCES {{s}}.parents)"
SHAPES = {
    "plain": (PARENTS, ROW, CHILD),
    "deferrable": (PARENTS, ROW, CHILD.removesuffix(")") + " INITIALLY DEFERRED)"),
    "partitioned": (
        PARENTS,
        ROW,
        f"{CHILD} PARTITION BY LIST (id)",
        "CREATE TABLE {s}.part PARTITION OF {s}.children DEFAULT",
    ),
    "of a partitioned parent": (*PARENT_IN_PARTS, ROW, CHILD),
}
REFER = f"INSERT INTO {{s}}.children VALUES (1, '{NORTH}', 1)"
MOVE = f"UPDATE {{s}}.parents SET tenant_id = '{SOUTH}' WHERE id = 1"
CROSSING = (
    "SELECT count(*) FROM {s}.children AS c JOIN {s}.parents AS p ON p.id = c.parent AND p.tenant_id <> c.tenant_id"
)
BLOCKED = "SELECT cardinality(pg_blocking_pids(%s)) > 0"


@pytest.fixture(scope="module")
def scratch(server_url: str) -> Iterator[Scratch]:
    with isolated.database(server_url) as found:
        yield found


@contextmanager
def two(scratch: Scratch, shape: str) -> Iterator[tuple[str, psycopg.Connection, psycopg.Connection]]:
    """The schema, and two sessions that are in no transaction."""
    with (
        isolated.session_of(scratch) as session,
        isolated.isolated(session, *SHAPES[shape], tables=["parents", "children"]) as inventory,
        psycopg.connect(scratch.owner_url) as one,
        psycopg.connect(scratch.owner_url) as other,
    ):
        yield inventory.registry.partition(".")[0], one, other


def run(connection: psycopg.Connection, statement: str, schema: str) -> None:
    connection.execute(statement.replace("{s}", schema).encode())


@contextmanager
def waiting(
    connection: psycopg.Connection, statement: str, schema: str, watch: psycopg.Connection
) -> Iterator[list[Exception]]:
    """The statement and its commit, which wait for what is done in here; then what has refused them."""
    refused: list[Exception] = []

    def act() -> None:
        try:
            run(connection, statement, schema)
            connection.commit()
        except psycopg.Error as error:
            refused.append(error)

    worker = threading.Thread(target=act)
    worker.start()
    for _ in range(500):
        if watch.execute(BLOCKED, [connection.info.backend_pid]).fetchone() == (True,):
            break
        worker.join(0.01)
    else:
        pytest.fail(f"it does not wait: {refused}")
    yield refused
    worker.join(30)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("first", ["the reference", "the move"])
def test_who_comes_second_waits_and_is_refused(scratch: Scratch, shape: str, first: str) -> None:
    begins, follows = (REFER, MOVE) if first == "the reference" else (MOVE, REFER)
    with two(scratch, shape) as (schema, one, other):
        run(one, begins, schema)
        with (
            psycopg.connect(scratch.admin_url, autocommit=True) as watch,
            waiting(other, follows, schema, watch) as refused,
        ):
            one.commit()

        (error,) = refused
        assert isinstance(error, errors.ForeignKeyViolation), error
        assert "vital.guard_refer" in (error.diag.context or "")
        assert one.execute(CROSSING.replace("{s}", schema).encode()).fetchone() == (0,)


@pytest.mark.parametrize("shape", SHAPES)
def test_who_still_sees_the_parent_where_it_was_begins_again(scratch: Scratch, shape: str) -> None:
    with two(scratch, shape) as (schema, one, other):
        one.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        run(one, "SELECT count(*) FROM {s}.parents", schema)
        run(other, MOVE, schema)
        other.commit()

        with pytest.raises(errors.SerializationFailure):
            run(one, f"{REFER}; COMMIT", schema)


@pytest.mark.parametrize("shape", SHAPES)
def test_other_changes_of_the_parent_are_nobodys_matter(scratch: Scratch, shape: str) -> None:
    with two(scratch, shape) as (schema, one, other):
        one.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        run(one, "SELECT count(*) FROM {s}.parents", schema)
        run(other, "UPDATE {s}.parents SET tenant_id = tenant_id", schema)
        run(one, REFER, schema)
        other.commit()
        one.commit()
        assert one.execute("SELECT count(*) FROM {s}.children".replace("{s}", schema).encode()).fetchone() == (1,)


@pytest.mark.parametrize("shape", ["plain", "deferrable", "partitioned"])
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO {s}.children SELECT n, '{north}', n FROM generate_series(151, 300) AS n",
        "UPDATE {s}.children SET tenant_id = '{south}'",
        "UPDATE {s}.children SET parent = parent + 150",
    ],
)
def test_a_statement_of_many_rows_has_one_transaction_number(scratch: Scratch, shape: str, statement: str) -> None:
    """Each further one is of a subtransaction that wrote; over 64 of them slow the snapshots of every session."""
    with two(scratch, shape) as (schema, one, _):
        run(one, f"INSERT INTO {{s}}.parents SELECT n, '{PLATFORM}' FROM generate_series(2, 300) AS n", schema)
        run(one, f"INSERT INTO {{s}}.children SELECT n, '{NORTH}', n FROM generate_series(2, 150) AS n; COMMIT", schema)
        before = one.execute("SELECT pg_current_xact_id()::text::bigint").fetchone()
        run(one, statement.replace("{north}", NORTH).replace("{south}", SOUTH), schema)
        one.commit()
        after = one.execute("SELECT pg_current_xact_id()::text::bigint").fetchone()
        assert before
        assert after
        assert after[0] - before[0] < 5
