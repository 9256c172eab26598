"""The attack run plants rows and takes them back; whatever draws from a sequence meanwhile, it is as it was before."""

import threading

import psycopg
import pytest

from migrations_ops.engine.session import Session
from tenants.isolation import database_probe
from tenants.isolation.report import HELD, Report
from tests.support import isolated
from tests.support.databases import Scratch, rows
from tests.support.isolated import NORTH

pytestmark = pytest.mark.server

THINGS = "CREATE TABLE {s}.things (id serial PRIMARY KEY, tenant_id uuid NOT NULL REFERENCES {s}.tenants, note text)"
LOG = "CREATE TABLE {s}.log (id bigserial PRIMARY KEY, what text)"
FUNCTION = "CREATE FUNCTION {s}.noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN %s RETURN NEW; END $$"
TRIGGER = "CREATE TRIGGER noted %s ON {s}.things FOR EACH %s EXECUTE FUNCTION {s}.noted()"
WRITES_LOG = FUNCTION % "INSERT INTO {s}.log (what) VALUES (TG_OP);"
DRAWS = {
    "a key": [THINGS],
    "an identity": ["CREATE TABLE {s}.things (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id uuid)"],
    "a trigger before the row": [THINGS, LOG, WRITES_LOG, TRIGGER % ("BEFORE INSERT", "ROW")],
    "a trigger after the row": [THINGS, LOG, WRITES_LOG, TRIGGER % ("AFTER INSERT OR UPDATE OR DELETE", "ROW")],
    "a trigger of a statement that touches no row": [
        THINGS, LOG, WRITES_LOG, TRIGGER % ("AFTER UPDATE OR DELETE", "STATEMENT"),
    ],
    "a trigger that names the sequence": [
        THINGS, "CREATE SEQUENCE {s}.ticket INCREMENT BY 5",
        FUNCTION % "NEW.note := nextval('{s}.ticket');", TRIGGER % ("BEFORE INSERT", "ROW"),
    ],
    "a function that a trigger calls": [
        THINGS, LOG,
        "CREATE FUNCTION {s}.keep(text) RETURNS void LANGUAGE sql AS 'INSERT INTO {s}.log (what) VALUES ($1)'",
        FUNCTION % "PERFORM {s}.keep(TG_OP);", TRIGGER % ("AFTER INSERT", "ROW"),
    ],
    "a trigger of a table that a trigger writes": [
        THINGS, "CREATE TABLE {s}.first (id int DEFAULT 1)", LOG,
        "CREATE FUNCTION {s}.further() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO {s}.log (what) VALUES ('x'); RETURN NULL; END $$",
        "CREATE TRIGGER further AFTER INSERT ON {s}.first FOR EACH ROW EXECUTE FUNCTION {s}.further()",
        FUNCTION % "INSERT INTO {s}.first DEFAULT VALUES;", TRIGGER % ("AFTER INSERT", "ROW"),
    ],
    "a function behind a default": [
        "CREATE SEQUENCE {s}.ticket",
        "CREATE FUNCTION {s}.next_one() RETURNS text LANGUAGE sql AS $$ SELECT 'T-' || nextval('{s}.ticket') $$",
        THINGS.replace("note text", "note text DEFAULT {s}.next_one()"),
    ],
    "a sequence that a default has by its name": [
        "CREATE SEQUENCE {s}.ticket", THINGS.replace("note text", "note text DEFAULT nextval('{s}.ticket'::text)"),
    ],
    "a rule": [
        THINGS, LOG,
        "CREATE RULE noted AS ON INSERT TO {s}.things DO ALSO INSERT INTO {s}.log (what) VALUES (1)",
    ],
    "a table that is not of the plan": [
        "CREATE TABLE {s}.people (id int PRIMARY KEY, name text)", LOG, WRITES_LOG,
        "CREATE TRIGGER noted AFTER INSERT ON {s}.people FOR EACH ROW EXECUTE FUNCTION {s}.noted()",
        "CREATE TABLE {s}.things (id serial PRIMARY KEY, tenant_id uuid NOT NULL REFERENCES {s}.tenants,"
        " person int NOT NULL REFERENCES {s}.people)",
    ],
}  # fmt: skip
# The operator writes the log by the trigger: what an application's own roles may do.
OPEN = "GRANT USAGE ON SCHEMA {s} TO PUBLIC; GRANT ALL ON ALL SEQUENCES IN SCHEMA {s} TO PUBLIC"
OPEN_LOG = "DO $$ BEGIN EXECUTE 'GRANT ALL ON {s}.' || 'log TO PUBLIC'; EXCEPTION WHEN undefined_table THEN END $$"
OPEN_FIRST = OPEN_LOG.replace("'log", "'first")
MADE_UP = FUNCTION % "EXECUTE format('INSERT INTO {s}.%I (what) VALUES (1)', 'l' || 'og');"


def state(scratch: Scratch) -> dict[str, tuple[int, bool]]:
    found: dict[str, tuple[int, bool]] = {}
    for (name,) in rows(scratch.admin_url, "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'S' ORDER BY 1"):
        ((last, called),) = rows(scratch.admin_url, f"SELECT last_value, is_called FROM {name}")
        found[name] = (last, called)
    return found


def tried_in_full(report: Report) -> bool:
    verbs = {attempt.verb for attempt in report.attempts if attempt.what.endswith("things") and attempt.outcome == HELD}
    return {"insert in its name", "update of a row unseen", "delete of a row unseen"} <= verbs


@pytest.mark.parametrize("draws", DRAWS)
def test_every_sequence_is_as_it_was(scratch: Scratch, session: Session, draws: str) -> None:
    ddl = [*DRAWS[draws], OPEN, OPEN_LOG, OPEN_FIRST]
    with isolated.isolated(session, *ddl, tables=["things"]) as inventory:
        before = state(scratch)
        assert before
        report = database_probe.prove(session, inventory)
        after = state(scratch)

    assert after == before
    assert report.leaks == []
    assert report.moved == set()
    assert tried_in_full(report), report.not_tried


def test_what_nobody_could_foresee_is_said_and_held_from_then_on(scratch: Scratch, session: Session) -> None:
    ddl = [THINGS, LOG, MADE_UP, TRIGGER % ("AFTER INSERT", "ROW"), OPEN, OPEN_LOG]
    with isolated.isolated(session, *ddl, tables=["things"]) as inventory:
        before = state(scratch)
        report = database_probe.prove(session, inventory)
        after = state(scratch)

    moved = {name for name, value in after.items() if value != before[name]}
    assert report.moved == moved
    assert [name.split(".")[1] for name in moved] == ["log_id_seq"]
    assert report.document()["sequences_moved"] == sorted(moved)
    assert tried_in_full(report)


def test_an_application_that_draws_meanwhile_gets_numbers_of_its_own(scratch: Scratch, session: Session) -> None:
    ddl = [THINGS, LOG, WRITES_LOG, TRIGGER % ("AFTER INSERT", "ROW"), OPEN, OPEN_LOG]
    with isolated.isolated(session, *ddl, tables=["things"]) as inventory:
        schema, over, drawn = inventory.registry.split(".")[0], threading.Event(), list[int]()

        def draw() -> None:
            with psycopg.connect(scratch.owner_url, autocommit=True) as connection:
                while not over.is_set():
                    statement = f"INSERT INTO {schema}.things (tenant_id) VALUES ('{NORTH}') RETURNING id"
                    drawn.extend(value for (value,) in connection.execute(statement.encode()))

        application = threading.Thread(target=draw)
        application.start()
        try:
            report = database_probe.prove(session, inventory)
        finally:
            over.set()
            application.join()
        logged = [one for (one,) in rows(scratch.admin_url, f"SELECT id FROM {schema}.log ORDER BY id")]

    assert report.leaks == []
    assert drawn == list(range(1, len(drawn) + 1))
    assert logged == drawn
