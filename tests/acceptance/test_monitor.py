"""The hours after a migration: each kind of trouble is made while the monitor runs, and its report has it."""

import json
import signal
from pathlib import Path

import psycopg
import pytest

from tests.support import background
from tests.support.cast import PHARMA
from tests.support.command_results import Manage, document, said
from tests.support.databases import Scratch, rows

DECIDED = "UPDATE {table} SET tenant_id = '{tenant}' WHERE tenant_id IS NULL"


@pytest.fixture
def calm(migrated: Scratch) -> Scratch:
    """Nothing is left to worry about: every row has its tenant."""
    for table in ("users", "conversations", "messages"):
        rows(migrated.admin_url, DECIDED.format(table=table, tenant=PHARMA))
    return migrated


def test_where_all_is_calm_it_says_so(calm: Scratch, manage: Manage, tmp_path: Path) -> None:
    file = tmp_path / "day.md"

    done = manage(calm, "monitor", "--for", "2s", "--every", "1s", "--report", str(file), "--json")

    assert done.returncode == 0, said(done)
    found = document(done)
    assert (found["worries"], found["partial"]) == ([], False)
    assert found["looks"] in (1, 2), "the second is left out where the first took longer than a second"
    assert found["connections_of"] > 0
    report = file.read_text(encoding="utf-8")
    assert "No problems found." in report
    assert f"{found['looks']} look" in report


@pytest.mark.slow
def test_late_writers_locks_and_gaps_are_in_the_report(calm: Scratch, manage: Manage, tmp_path: Path) -> None:
    file = tmp_path / "day.json"
    with background.start(
        calm, "monitor", "--for", "12s", "--every", "0.2s", "--report", str(file), "--json"
    ) as watching:
        watching.until(background.monitor_polled(calm))
        rows(
            calm.admin_url, "INSERT INTO knowledge_sources (id, title, domain) VALUES (gen_random_uuid(), 'late', 'x')"
        )
        rows(calm.owner_url, "ALTER TABLE tools NO FORCE ROW LEVEL SECURITY")
        with psycopg.connect(calm.owner_url) as holder, psycopg.connect(calm.owner_url, autocommit=True) as waiter:
            holder.execute("LOCK TABLE prompts IN ACCESS EXCLUSIVE MODE")
            waiter.execute("SET statement_timeout = '2500ms'")
            with pytest.raises(psycopg.errors.QueryCanceled):
                waiter.execute("SELECT count(*) FROM prompts")
        assert watching.process.wait(60) == 1, watching.said

    found = json.loads(file.read_text(encoding="utf-8"))
    assert found["late_rows"] == 1
    assert found["most"]["waiting"] >= 1
    assert found["most"]["slowest"] > 1
    assert not any("away" in worry for worry in found["worries"]), "a lock is not an absence"
    gap = "isolation: row level security of public.tools: it is off; wanted: FORCE ROW LEVEL SECURITY"
    assert f"a gap in isolation: {gap}" in found["worries"]
    assert any(event["what"] == f"a gap: {gap}" for event in found["events"])
    assert any("a table is locked" in event["what"] for event in found["events"])
    assert not any("prompts" in worry for worry in found["worries"]), "nothing of a statement is told"


def test_a_database_that_is_away_is_a_gap_and_no_end(manage: Manage) -> None:
    done = manage(
        "postgresql://nobody:hidden@127.0.0.1:1/nothing", "monitor", "--for", "1s", "--every", "0.5s", "--json"
    )

    assert done.returncode == 1, said(done)
    found = document(done)
    assert "the database was away at" in found["worries"][0]
    assert "hidden" not in done.stdout + done.stderr


def test_stopped_it_writes_what_it_has_seen(calm: Scratch, tmp_path: Path) -> None:
    file = tmp_path / "day.md"
    with background.start(calm, "monitor", "--for", "1h", "--every", "0.2s", "--report", str(file)) as watching:
        watching.until(background.monitor_polled(calm))
        watching.process.send_signal(signal.SIGINT)
        watching.ends_with(3)

    assert "It was stopped before its time" in file.read_text(encoding="utf-8")


@pytest.mark.parametrize("words", [("--for", "soon"), ("--every", "often"), ("--every", "0")])
def test_what_is_no_time_is_refused(migrated_template: Scratch, manage: Manage, words: tuple[str, ...]) -> None:
    refused = manage(migrated_template, "monitor", *words, "--json")

    assert refused.returncode == 2, said(refused)
    assert "times such as 30s, 10m, 24h" in document(refused)["error"]
