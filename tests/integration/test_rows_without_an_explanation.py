"""005 counts the rows whose tenant neither ledger nor baseline explains, and names those that were moved since."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from tests.integration.test_questions_stay_quick import QUESTIONS
from tests.support import databases
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.databases import Scratch

CHECKS = ("assigned rows without an explanation", "assigned rows that were moved")
THE_ROW = "CREATE TEMP TABLE the_row AS SELECT id FROM prompts WHERE tenant_id = %s ORDER BY id LIMIT 1"
MOVE = f"UPDATE prompts SET tenant_id = '{PHARMA}' WHERE id = (SELECT id FROM the_row)"
LOSE = "UPDATE prompts SET tenant_id = NULL WHERE id = (SELECT id FROM the_row)"
FORGET = "UPDATE vital.ledger SET undone_at = now() WHERE relation = 'public.prompts'"
KEEP = (
    f"INSERT INTO vital.baseline_row (relation, key, tenant_id) SELECT 'public.prompts', id, '{PLATFORM}' FROM prompts"
)
KEEP_ONE = f"{KEEP} WHERE id = (SELECT id FROM the_row)"


def entry(tenant: str, kind: str = "assign") -> str:
    return f"""
        INSERT INTO vital.ledger (phase, step, kind, relation, rule, digest, before, after, keys, rows, transaction)
        SELECT '004_tenant_data', 'again', '{kind}', 'public.prompts', 'by hand', '', '{{}}',
               '{{"tenant_id": "{tenant}"}}', ARRAY[id::text], 1, 1
        FROM the_row
    """


# What happens to the prompts and their ledger → how many have no explanation (of n), and how the one row was moved.
CASES: dict[str, tuple[tuple[str, ...], Callable[[int], int], tuple[str, str] | None]] = {
    "nothing": ((), lambda n: 0, None),
    "moved by hand": ((MOVE,), lambda n: 0, ("vital-platform", "pharma")),
    "without a tenant": ((LOSE,), lambda n: 0, ("vital-platform", "no tenant")),
    "moved by a later entry": ((MOVE, entry(PHARMA)), lambda n: 0, None),
    "moved elsewhere": ((MOVE, entry(DIGITAL_HEALTH)), lambda n: 0, ("digital-health", "pharma")),
    "an insert is no assignment": ((entry(PHARMA, "insert"),), lambda n: 0, None),
    "every entry is undone": ((FORGET,), lambda n: n, None),
    "undone, and one assigned again": ((FORGET, entry(PLATFORM)), lambda n: n - 1, None),
    "undone, and one had its tenant before": ((FORGET, KEEP_ONE), lambda n: n - 1, None),
    "undone, and all had theirs before": ((FORGET, KEEP), lambda n: 0, None),
    "undone, and one has none": ((FORGET, LOSE), lambda n: n - 1, None),
}  # fmt: skip


@pytest.fixture(scope="module")
def scratch(migrated_template: Scratch) -> Iterator[Scratch]:
    made = databases.clone(migrated_template)
    yield made
    databases.drop(made)


@pytest.mark.parametrize("case", CASES)
def test_rows_are_explained_by_ledger_or_baseline(case: str, scratch: Scratch) -> None:
    statements, unexplained, moved = CASES[case]
    with psycopg.connect(scratch.admin_url) as connection:
        connection.execute("ALTER TABLE prompts ALTER COLUMN tenant_id DROP NOT NULL")
        connection.execute("SET session_replication_role = replica")
        connection.execute(THE_ROW, [PLATFORM])
        for statement in statements:
            connection.execute(statement.encode())
        ((key, rows),) = connection.execute("SELECT id::text, (SELECT count(*) FROM prompts) FROM the_row").fetchall()
        found: list[list[tuple[Any, ...]]] = [
            connection.execute(QUESTIONS[f"prompts: {check}"].as_bytes(connection), {}).fetchall() for check in CHECKS
        ]
        connection.rollback()

    number = unexplained(rows)
    text = f"{number} rows got their tenant from whoever wrote them"
    assert found[0] == ([("public.prompts", "", text)] if number else [])
    how = [("public.prompts", key, f"was assigned to {moved[0]} and is now in {moved[1]}")] if moved else []
    assert found[1] == how
