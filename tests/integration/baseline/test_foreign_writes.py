"""What others wrote since the baseline is counted exactly, row by row and table by table."""

import psycopg
import pytest

from migrations_ops.engine import baseline
from migrations_ops.engine.baseline import Comparison
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Table
from tests.support import databases
from tests.support.baselines import THINGS, App, carry_out, compared, settled
from tests.support.cast import PLATFORM
from tests.support.databases import Scratch
from tests.support.engine_watch import quiet

pytestmark = pytest.mark.server


@pytest.mark.slow
@pytest.mark.parametrize(
    ("statement", "rows", "foreign"),
    [
        ("INSERT INTO things (id, name) VALUES (11, 'new')", 11, 1),
        ("INSERT INTO things (id, name) SELECT n, 'new' FROM generate_series(11, 30) AS n", 30, 20),
        ("UPDATE things SET name = 'other' WHERE id <= 3", 10, 3),
        ("UPDATE things SET tags = '{}' WHERE id = 1", 10, 1),
        ("UPDATE things SET facts = '{\"n\":1}' WHERE id = 1", 10, 1),  # the same JSON with other spaces
        ("UPDATE things SET facts = NULL WHERE id = 1", 10, 1),
        ("UPDATE things SET id = 12 WHERE id = 1", 10, 1),
        ("DELETE FROM things WHERE id > 6", 6, 4),
        ("DELETE FROM things", 0, 10),
    ],
)
def test_what_others_wrote_is_counted_exactly(
    session: Session, app: App, statement: str, rows: int, foreign: int
) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", quiet(session).waiting)

    app(statement)

    expected = Comparison("public.things", 10, rows, same_content=False, foreign=foreign)
    assert settled(session, foreign) == expected


def test_each_kind_of_write_adds_up(session: Session, app: App) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", quiet(session).waiting)

    app(
        "INSERT INTO things (id, name) VALUES (11, 'a'), (12, 'b')",
        "UPDATE things SET name = 'c' WHERE id IN (1, 2, 3)",
        "UPDATE things SET name = 'd' WHERE id = 1",  # the same row again: one version that is not the baseline's
        "DELETE FROM things WHERE id IN (9, 10)",
    )

    assert settled(session, 7) == Comparison("public.things", 10, 10, same_content=False, foreign=7)


def test_a_row_deleted_and_another_put_in_its_place_are_two_writes(session: Session, app: App) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", quiet(session).waiting)

    app("DELETE FROM things WHERE id = 1", "INSERT INTO things (id, name) VALUES (1, 'an impostor')")

    assert settled(session, 2) == Comparison("public.things", 10, 10, same_content=False, foreign=2)


def test_two_values_that_change_places_are_noticed(session: Session, app: App) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", quiet(session).waiting)

    app("UPDATE things SET name = CASE id WHEN 1 THEN 'thing 2' ELSE 'thing 1' END WHERE id IN (1, 2)")

    assert not compared(session).same_content


def test_a_tenant_that_others_write_is_foreign_though_the_content_is_the_same(session: Session, app: App) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", quiet(session).waiting)

    app(f"UPDATE things SET tenant_id = '{PLATFORM}' WHERE id = 1")

    assert compared(session) == Comparison("public.things", 10, 10, same_content=True, foreign=1)


def test_a_write_that_is_put_right_is_foreign_though_the_content_is_the_same(session: Session, app: App) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", quiet(session).waiting)

    app("UPDATE things SET name = 'x' WHERE id = 1", "UPDATE things SET name = 'thing 1' WHERE id = 1")

    assert compared(session) == Comparison("public.things", 10, 10, same_content=True, foreign=1)


def test_what_others_roll_back_is_no_difference(session: Session, scratch: Scratch) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", quiet(session).waiting)

    with psycopg.connect(scratch.owner_url) as other:
        other.execute("INSERT INTO things (id) VALUES (11)")
        other.execute("UPDATE things SET name = 'x'")
        other.rollback()

    assert compared(session) == Comparison("public.things", 10, 10, same_content=True, foreign=0)


def test_a_long_open_transaction_in_another_database_confuses_nothing(
    session: Session, app: App, server_url: str
) -> None:
    """It holds back what every snapshot of the cluster takes for finished."""
    elsewhere = databases.create_empty(server_url)
    try:
        with psycopg.connect(elsewhere.owner_url) as other:
            other.execute("CREATE TABLE long (n int)")  # it has a transaction number now, and stays open
            app("UPDATE things SET name = 'before' WHERE id <= 5")  # finished before the baseline, begun after `other`
            baseline.take_baseline(session, THINGS, "tenant_id", quiet(session).waiting)
            assert compared(session).foreign == 0

            carry_out(session)
            app("UPDATE things SET name = 'after' WHERE id <= 2")

            assert compared(session) == Comparison("public.things", 10, 10, same_content=False, foreign=2)
            other.commit()
            assert compared(session) == Comparison("public.things", 10, 10, same_content=False, foreign=2)
    finally:
        databases.drop(elsewhere)


@pytest.mark.parametrize("in_savepoint", [False, True])
def test_a_write_that_was_not_committed_yet_at_the_baseline_is_foreign(
    session: Session, app: App, scratch: Scratch, in_savepoint: bool
) -> None:
    with psycopg.connect(scratch.owner_url) as other:
        other.execute("INSERT INTO split (id, name) VALUES (99, 'elsewhere')")
        if in_savepoint:  # its rows carry a number that no snapshot knows
            other.execute("SAVEPOINT here")
        other.execute("INSERT INTO things (id, name) VALUES (11, 'late')")
        app("UPDATE things SET name = 'earlier' WHERE id = 1")  # finished, though its number is higher
        baseline.take_baseline(session, THINGS, "tenant_id", quiet(session).waiting)
        other.commit()

    assert compared(session) == Comparison("public.things", 10, 11, same_content=False, foreign=1)


def test_a_write_in_a_savepoint_after_the_baseline_is_foreign(session: Session, scratch: Scratch) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", quiet(session).waiting)

    with psycopg.connect(scratch.owner_url) as other:
        other.execute("SELECT 1")
        other.execute("SAVEPOINT here")
        other.execute("UPDATE things SET name = 'x' WHERE id = 1")

    assert compared(session).foreign == 1


@pytest.mark.parametrize(
    ("statement", "rows", "foreign"),
    [
        ("INSERT INTO split (id, name) VALUES (11, 'a'), (12, 'b'), (13, 'c')", 13, 3),
        ("UPDATE split SET name = 'x'", 10, 10),
        ("DELETE FROM split WHERE id <= 4", 6, 4),
    ],
)
def test_writes_to_partitions_are_counted_too(
    session: Session, app: App, statement: str, rows: int, foreign: int
) -> None:
    split = Table("public.split", ("id",))
    baseline.take_baseline(session, split, "tenant_id", quiet(session).waiting)
    assert compared(session, split) == Comparison("public.split", 10, 10, same_content=True, foreign=0)

    app(statement)

    assert settled(session, foreign, split) == Comparison("public.split", 10, rows, same_content=False, foreign=foreign)
