"""What 005 asks takes time in proportion to the rows, however many entries the ledger has and however little memory a
server gives a statement: no question goes through a list anew for each row. Nor does an undo for each of its steps."""

import re
from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings
from psycopg.sql import Composable

from migrations_ops.engine import ledger
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Check
from migrations_ops.phases import post_validation
from migrations_ops.rules.load import load
from tests.support import databases
from tests.support.databases import Scratch

ENTRIES = """
    INSERT INTO vital.ledger (phase, step, kind, relation, rule, digest, before, after, keys, rows, transaction)
    SELECT '004_tenant_data', 'tenant of messages', 'assign', 'public.' || name, 'by hand', '', '{}', '{}',
           ARRAY[md5(n::text), md5('b' || n)], 2, n / 100
    FROM generate_series(1, 20000) AS n
    CROSS JOIN unnest(ARRAY['messages', 'prompts', 'tools']) AS name
"""
# As autovacuum leaves it that came by before the run's rows: no row has a tenant, and the ledger was never looked at.
OF_BEFORE = """
    UPDATE pg_statistic SET stanullfrac = 1, stadistinct = 0, stakind1 = 0, stakind2 = 0, stakind3 = 0
    FROM pg_attribute
    WHERE starelid = attrelid AND staattnum = attnum AND attname = 'tenant_id';
    DELETE FROM pg_statistic WHERE starelid = 'vital.ledger'::regclass;
    UPDATE pg_class SET reltuples = -1, relpages = 0 WHERE oid = 'vital.ledger'::regclass
"""
QUESTIONS = {
    step.name: step.question
    for step in post_validation.phase(load(settings.PLAN)).steps
    if isinstance(step, Check) and isinstance(step.question, Composable)
}


@pytest.fixture(scope="module", params=[False, True], ids=["figures of now", "figures of before"])
def asked(migrated_template: Scratch, request: pytest.FixtureRequest) -> Iterator[psycopg.Connection[tuple[str]]]:
    """A migrated database with a long ledger and little memory; what the server expects is right, or long over."""
    scratch = databases.clone_with_grants(migrated_template)
    with psycopg.connect(scratch.owner_url, autocommit=True) as connection:
        connection.execute(ENTRIES)
        connection.execute("ANALYZE")
        if request.param:
            databases.rows(scratch.admin_url, OF_BEFORE)
        connection.execute("SET work_mem = '64kB'")
        yield connection
    databases.drop(scratch)


@pytest.mark.parametrize("name", QUESTIONS)
def test_no_list_is_gone_through_for_each_row(name: str, asked: psycopg.Connection[tuple[str]]) -> None:
    lines = [line for (line,) in asked.execute(b"EXPLAIN " + QUESTIONS[name].as_bytes(asked))]

    assert [line for line in lines if "(NOT (ANY" in line and "hashed" not in line] == []
    assert [line for line in lines if "NOT (SubPlan" in line] == []
    assert [line for line in lines if "Join Filter:" in line and re.search(r"\b(key|keys)\b", line)] == []


def test_an_undo_reads_no_more_entries_than_it_takes_back(asked: psycopg.Connection[tuple[str]]) -> None:
    session = Session(asked, {})
    [(last,)] = session.execute("SELECT max(id) FROM vital.ledger")
    facts = {"phase": "004_tenant_data", "late": "", "run": None, "entries": 500, "last": last, "before": last - 5_000}

    with asked.transaction():
        session.execute(
            "SET LOCAL plan_cache_mode = force_generic_plan"
        )  # as the server may choose for what is asked often
        entries = [ledger.standing_entries(session, facts) for _ in range(8)]
        read = session.value(READ)

    assert [len(some) for some in entries] == [500] * 8
    assert read <= 2 * 8 * 500, "of 60,000 each time"


READ = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_all_tables WHERE relid = 'vital.ledger'::regclass"


def test_the_questions_are_those_of_005() -> None:
    assert len(QUESTIONS) > 40
