"""The baseline of a table: taken once, and compared without columns that came later."""

import pytest

from migrations_ops.engine import baseline
from migrations_ops.engine.baseline import Comparison
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Table
from tests.support.baselines import THINGS, App, carry_out, compared
from tests.support.cast import PHARMA
from tests.support.engine_watch import quiet

pytestmark = pytest.mark.server


def test_an_untouched_table_is_the_same(session: Session) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", quiet(session).waiting)

    assert compared(session) == Comparison("public.things", 10, 10, same_content=True, foreign=0)


def test_a_table_without_baseline_is_not_compared(session: Session) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", quiet(session).waiting)
    baseline.forget_baseline(session, THINGS)

    assert list(baseline.compare(session, [THINGS, Table("public.split", ("id",))])) == []


def test_an_empty_table_has_a_baseline_too(session: Session, app: App) -> None:
    app("TRUNCATE things")
    baseline.take_baseline(session, THINGS, "tenant_id", quiet(session).waiting)

    assert compared(session) == Comparison("public.things", 0, 0, same_content=True, foreign=0)


def test_vacuum_and_freezing_write_nothing(session: Session, app: App) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", quiet(session).waiting)
    carry_out(session)

    app("VACUUM (FREEZE) things", "VACUUM FULL things")

    assert compared(session) == Comparison("public.things", 10, 10, same_content=True, foreign=0)


def test_the_first_baseline_stays(session: Session, app: App) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", quiet(session).waiting)
    app("UPDATE things SET name = 'x' WHERE id = 1")

    baseline.take_baseline(session, THINGS, "tenant_id", quiet(session).waiting)

    assert compared(session) == Comparison("public.things", 10, 10, same_content=False, foreign=1)


def test_the_baseline_knows_who_stood_in_a_tenant(session: Session, app: App) -> None:
    app(f"UPDATE things SET tenant_id = '{PHARMA}' WHERE id IN (3, 4)")

    baseline.take_baseline(session, THINGS, "tenant_id", quiet(session).waiting)

    noted = session.execute("SELECT key, tenant_id::text FROM vital.baseline_row ORDER BY key")
    assert noted == [("3", PHARMA), ("4", PHARMA)]


def test_a_column_that_is_added_later_is_no_difference(session: Session, app: App) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", quiet(session).waiting)

    app("ALTER TABLE things ADD COLUMN more text DEFAULT 'x', DROP COLUMN tenant_id")

    assert compared(session) == Comparison("public.things", 10, 10, same_content=True, foreign=0)


def test_a_column_that_is_dropped_is_a_difference(session: Session, app: App) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", quiet(session).waiting)

    app("ALTER TABLE things DROP COLUMN facts")

    assert not compared(session).same_content
