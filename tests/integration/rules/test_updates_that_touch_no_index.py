"""Rows are assigned in passes, so that most of them stay in their page and touch no index; each of them once."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from migrations_ops.engine import backfill
from migrations_ops.engine.backfill_sql import Assignment
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Assign, Table
from migrations_ops.engine.tracking import PhaseRecord
from migrations_ops.rules.plan_keys import PHASES
from tests.integration.rules.test_batches_property import again
from tests.support import patience
from tests.support.cast import PHARMA, PLATFORM
from tests.support.engine_watch import quiet
from vital.db import sql

ROWS = 20_000
WIDE = f"""
DROP TABLE IF EXISTS public.wide;
CREATE TABLE public.wide (id int PRIMARY KEY, note text, size int, tenant_id uuid);
CREATE INDEX ON public.wide (note);
CREATE INDEX ON public.wide (size, note);
INSERT INTO public.wide SELECT n, repeat(md5(n::text), 1 + n % 5), n % 97 FROM generate_series(1, {ROWS}) AS n;
ANALYZE public.wide;
DELETE FROM vital.ledger WHERE relation = 'public.wide'
"""
VERDICT = f"""
SELECT vital_row, CASE WHEN size < 30 THEN '{PLATFORM}' ELSE '{PHARMA}' END::uuid AS tenant_id, 'by size' AS rule
FROM batch
"""
WHOSE = f"SELECT count(*) FILTER (WHERE (tenant_id = '{PLATFORM}') = (size < 30)), count(tenant_id) FROM public.wide"
UPDATES = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relid = 'public.wide'::regclass"
NOTED = """
SELECT count(*), count(DISTINCT key), count(DISTINCT transaction)
FROM vital.ledger CROSS JOIN unnest(keys) AS key WHERE relation = 'public.wide'
"""
HOLDING = {
    "as its key": "CREATE INDEX holds ON public.wide (tenant_id)",
    "behind another": "CREATE INDEX holds ON public.wide (note, tenant_id)",
    "beside its key": "CREATE INDEX holds ON public.wide (note) INCLUDE (tenant_id)",
    "in an expression": "CREATE INDEX holds ON public.wide ((tenant_id::text || note))",
    "in a predicate": "CREATE INDEX holds ON public.wide (note) WHERE tenant_id IS NULL",
    "in a key": "ALTER TABLE public.wide ADD CONSTRAINT holds UNIQUE (tenant_id, id)",
    "as a hash": "CREATE INDEX holds ON public.wide USING hash (tenant_id)",
}


@pytest.fixture
def wide(session: Session) -> Iterator[Session]:
    """The session, with a table of full pages and some indexes."""
    for statement in WIDE.split(";"):
        session.execute(sql.verbatim(statement))
    again(session)
    yield session
    session.execute("DROP TABLE public.wide")


def step() -> Assign:
    return Assign(
        name="tenant of wide",
        table=Table("public.wide", ("id",)),
        columns=("tenant_id",),
        verdict=sql.verbatim(VERDICT),
        open=sql.raw("t.tenant_id IS NULL"),
    )


def carry_out(session: Session) -> int:
    record = PhaseRecord(session, session.value("SELECT max(id) FROM vital.run"), PHASES[1]).step("t", "public.wide")
    backfill.run(session, step(), record, quiet(session))
    return int(record.rows_changed)


def size_of(session: Session) -> int:
    return int(session.value("SELECT pg_relation_size('public.wide')"))


def updates(session: Session) -> tuple[int, int]:
    """(updates, those that touched no index), once the server has counted them."""
    deadline = time.monotonic() + patience.seconds(15)
    while True:
        ((all_of_them, hot),) = session.execute(UPDATES)
        if all_of_them >= ROWS or time.monotonic() > deadline:
            return all_of_them, hot
        time.sleep(0.2)


def each_once(session: Session) -> int:
    """Every row has its tenant and stands in the ledger once; the number of transactions that took."""
    assert session.execute(WHOSE) == [(ROWS, ROWS)]
    ((entries, keys, transactions),) = session.execute(NOTED)
    assert (entries, keys) == (ROWS, ROWS)
    return int(transactions)


def test_most_updates_touch_no_index_and_the_table_hardly_grows(wide: Session) -> None:
    before = size_of(wide)

    assert carry_out(wide) == ROWS

    assert each_once(wide) > 1
    all_of_them, hot = updates(wide)
    assert all_of_them == ROWS
    assert hot > 0.6 * ROWS
    assert size_of(wide) < 1.35 * before


@pytest.mark.parametrize("how", HOLDING)
def test_where_an_index_holds_the_column_one_pass_is_enough(wide: Session, how: str) -> None:
    assert not Assignment(wide, step()).is_indexed("public.wide")
    wide.execute(sql.verbatim(HOLDING[how]))

    assert Assignment(wide, step()).is_indexed("public.wide")
    assert carry_out(wide) == ROWS

    each_once(wide)
    assert updates(wide) == (ROWS, 0)


@contextmanager
def old_transaction(session: Session) -> Iterator[None]:
    """Somebody who looks at the database as it was all the while."""
    info = session.connection.info
    url = make_conninfo(info.dsn, password=info.password)
    with psycopg.connect(url) as other:
        other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        other.execute("SELECT count(*) FROM public.wide")
        yield


def test_beside_an_old_transaction_passes_are_given_up_for_a_while(
    wide: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No page gets room then: it is as right as otherwise, and does not read each page nine times."""
    monkeypatch.setattr(backfill, "ROWS_PER_BATCH", 50)
    monkeypatch.setattr("migrations_ops.engine.batch_size.MOST_PAGES", 5)

    with old_transaction(wide):
        assert carry_out(wide) == ROWS

    beside = each_once(wide)
    for statement in WIDE.split(";"):
        wide.execute(sql.verbatim(statement))
    again(wide)
    assert carry_out(wide) == ROWS
    assert beside < 0.6 * each_once(wide)
