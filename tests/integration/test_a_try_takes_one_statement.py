"""A try hands one statement to the server, which may only read: whatever a text holds, nothing of it is carried out."""

import pytest

from migrations_ops.engine.session import Session
from migrations_ops.impact import trial
from migrations_ops.impact.reading import Reading
from migrations_ops.impact.statements import Statement
from tests.support.databases import Scratch, rows


def a_statement(text: str) -> Statement:
    """One whose text the reader has not cut."""
    return Statement(1, text, text, "", "", Reading("reads", explained=text), 1, [text])


@pytest.mark.parametrize(
    "text", ["SELECT 1; COMMIT; DROP TABLE kept", "SELECT 1; DELETE FROM kept", "SELECT 1; SELECT 2"]
)
def test_a_second_statement_is_refused_and_not_carried_out(empty: Scratch, text: str) -> None:
    rows(empty.owner_url, "CREATE TABLE kept (id int); INSERT INTO kept VALUES (1)")
    session = Session.open({"conninfo": empty.owner_url}, "test")
    try:
        with trial.trials(session):
            found = trial.tried(session, a_statement(text), trial.Actor("itself"))
    finally:
        session.close()

    assert found is not None
    assert (found.state, "multiple commands" in found.message) == ("42601", True)
    assert rows(empty.owner_url, "SELECT id FROM kept") == [(1,)]


def test_what_the_planner_calls_may_write_nothing(empty: Scratch) -> None:
    rows(
        empty.owner_url,
        "CREATE TABLE kept (id int);"
        "CREATE FUNCTION put(n int) RETURNS int LANGUAGE sql AS 'INSERT INTO kept VALUES (n) RETURNING id';"
        "CREATE FUNCTION takes(n int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN put(n); END'",
    )
    session = Session.open({"conninfo": empty.owner_url}, "test")
    try:
        with trial.trials(session):
            planned = trial.tried(session, a_statement("SELECT * FROM kept WHERE id = takes(1)"), trial.Actor("itself"))
            fine = trial.tried(session, a_statement("DELETE FROM kept WHERE id = $1"), trial.Actor("itself"))
    finally:
        session.close()

    assert planned is not None
    assert planned.state == "25006", "the planner calls what is immutable"
    assert fine is not None
    assert not fine.failed
    assert rows(empty.owner_url, "SELECT count(*) FROM kept") == [(0,)]


def test_a_session_that_has_prepared_statements_of_its_own_tries_as_well(empty: Scratch) -> None:
    session = Session.open({"conninfo": empty.owner_url}, "test")
    try:
        for _ in range(10):  # the driver prepares what is said often
            session.execute("SELECT 1 WHERE %(one)s = 1", {"one": 1})
        with trial.trials(session):
            found = [trial.tried(session, a_statement("SELECT $1::int"), trial.Actor("itself")) for _ in range(3)]
    finally:
        session.close()

    assert [one.failed for one in found if one is not None] == [False] * 3
