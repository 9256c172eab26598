"""What 005 asks takes time in proportion to the rows, however many entries the ledger has and however little memory a
server gives a statement: no question goes through a list anew for each row."""

from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings
from psycopg.sql import Composable

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
QUESTIONS = {
    step.name: step.question
    for step in post_validation.phase(load(settings.PLAN)).steps
    if isinstance(step, Check) and isinstance(step.question, Composable)
}


@pytest.fixture(scope="module")
def asked(migrated_template: Scratch) -> Iterator[psycopg.Connection[tuple[str]]]:
    """A migrated database with a long ledger of which the server knows how long it is, and little memory."""
    scratch = databases.clone_with_grants(migrated_template)
    with psycopg.connect(scratch.owner_url, autocommit=True) as connection:
        connection.execute(ENTRIES)
        connection.execute("ANALYZE")
        connection.execute("SET work_mem = '64kB'")
        yield connection
    databases.drop(scratch)


@pytest.mark.parametrize("name", QUESTIONS)
def test_no_list_is_gone_through_for_each_row(name: str, asked: psycopg.Connection[tuple[str]]) -> None:
    lines = [line for (line,) in asked.execute(b"EXPLAIN " + QUESTIONS[name].as_bytes(asked))]

    assert [line for line in lines if "(NOT (ANY" in line and "hashed" not in line] == []
    assert [line for line in lines if "NOT (SubPlan" in line] == []
    assert [line for line in lines if "Join Filter:" in line and ("ours.key" in line or "last.key" in line)] == []


def test_the_questions_are_those_of_005() -> None:
    assert len(QUESTIONS) > 40
