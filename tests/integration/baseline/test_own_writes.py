"""VITAL's own writes are not counted as foreign; a change of anything but the tenant is seen."""

import time

import pytest

from migrations_ops.engine import baseline, inserts
from migrations_ops.engine.baseline import Comparison
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Insert
from tests.support.baselines import RUN, THINGS, App, carry_out, compared, record, take_back
from tests.support.engine_watch import quiet
from vital.db import sql

pytestmark = pytest.mark.server


def test_our_own_batch_is_not_foreign(session: Session) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", quiet(session).waiting)

    assert carry_out(session) == 10

    assert compared(session) == Comparison("public.things", 10, 10, same_content=True, foreign=0)


def test_our_own_undo_is_not_foreign_nor_what_comes_after_it(session: Session) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", quiet(session).waiting)
    carry_out(session)

    take_back(session)
    assert compared(session) == Comparison("public.things", 10, 10, same_content=True, foreign=0)

    session.execute("UPDATE vital.run SET status = 'completed'")
    session.named("open_run", RUN)
    assert carry_out(session) == 10
    assert compared(session) == Comparison("public.things", 10, 10, same_content=True, foreign=0)


@pytest.mark.parametrize("before_the_batch", [True, False])
def test_a_foreign_write_shows_whether_our_batch_comes_after_it_or_before(
    session: Session, app: App, before_the_batch: bool
) -> None:
    """Our batch writes the row anew, so that its version is ours: what it wrote over is counted with the batch."""
    baseline.take_baseline(session, THINGS, "tenant_id", quiet(session).waiting)
    foreign = "UPDATE things SET name = 'x' WHERE id <= 3"

    if before_the_batch:
        app(foreign)
    carry_out(session)
    if not before_the_batch:
        app(foreign)

    assert compared(session) == Comparison("public.things", 10, 10, same_content=False, foreign=3)


def test_a_change_of_ours_to_anything_but_the_tenant_would_be_seen(session: Session, app: App) -> None:
    """The whole point: without foreign writes a different content is our own fault."""
    baseline.take_baseline(session, THINGS, "tenant_id", quiet(session).waiting)
    spoils = """
        CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := 'spoilt'; RETURN NEW; END $$
    """
    app(spoils, "CREATE TRIGGER spoil BEFORE UPDATE ON things FOR EACH ROW EXECUTE FUNCTION spoil()")
    entry = (
        "INSERT INTO vital.ledger"
        " (phase, step, kind, relation, rule, digest, before, after, keys, rows, transaction)"
        " VALUES ('', '', 'assign', 'public.things', '', '', 'null', 'null', '{}', 0,"
        " pg_current_xact_id()::text::bigint)"
    )

    with session.work():
        session.execute(sql.raw("UPDATE things SET tenant_id = NULL"))
        session.execute(sql.verbatim(entry))

    assert compared(session) == Comparison("public.things", 10, 10, same_content=False, foreign=0)


def added(session: Session) -> None:
    """Our own change: two rows more."""
    step = Insert(
        name="two more",
        table=THINGS,
        columns=("id", "name"),
        rows=sql.raw("SELECT n, 'ours' FROM generate_series(101, 102) AS n WHERE n NOT IN (SELECT id FROM things)"),
        rule="two more",
    )
    inserts.run(session, step, record(session, "002_tenant_setup", step.name, THINGS.relation), quiet(session))


def test_rows_that_vital_inserted_are_discounted(session: Session) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", quiet(session).waiting)

    added(session)

    assert session.value("SELECT count(*) FROM things") == 12
    assert compared(session) == Comparison("public.things", 10, 10, same_content=True, foreign=0)


@pytest.mark.slow
def test_rows_that_vital_inserted_and_removed_again_are_no_foreign_deletions(session: Session) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", quiet(session).waiting)
    added(session)

    take_back(session, "002_tenant_setup")

    assert session.value("SELECT count(*) FROM things") == 10
    time.sleep(1.5)  # until the server has told of the deletions
    assert compared(session) == Comparison("public.things", 10, 10, same_content=True, foreign=0)


def test_a_foreign_insert_beside_ours_is_still_counted(session: Session, app: App) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", quiet(session).waiting)

    added(session)
    app("INSERT INTO things (id, name) VALUES (201, 'ours')")

    assert compared(session) == Comparison("public.things", 10, 11, same_content=False, foreign=1)
