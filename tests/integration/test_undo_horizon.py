"""How far an undo would get is known without reading tables whole: a sample of a big one is looked up by key."""

import time
from collections.abc import Iterator
from contextlib import closing
from io import StringIO
from typing import Any

import pytest
from django.core.cache import cache
from psycopg.conninfo import conninfo_to_dict
from rich.console import Console

from migrations_ops.engine.session import Session
from migrations_ops.management.output.status import show_status
from migrations_ops.plan import phases
from migrations_ops.preview import forecast
from migrations_ops.rules.load import load
from migrations_ops.runs import service as runs
from tests.support.cast import DIGITAL_HEALTH, PHARMA
from tests.support.databases import Scratch, rows
from tests.support.in_process_django import django_on
from tests.support.plans import SHIPPED

TABLE = "public.knowledge_base"


@pytest.fixture
def session(migrated: Scratch) -> Iterator[Session]:
    with closing(Session.open(conninfo_to_dict(migrated.owner_url), "vital test")) as opened:
        yield opened


def horizon(session: Session) -> dict[str, dict[str, int]]:
    return forecast.of_undo(session, [*reversed(phases(load(SHIPPED)))])


def test_of_a_small_table_every_row_is_looked_at(session: Session, migrated: Scratch) -> None:
    before = horizon(session)["restored"]["prompts"]
    rows(migrated.admin_url, f"UPDATE prompts SET tenant_id = '{PHARMA}' WHERE tenant_id = '{DIGITAL_HEALTH}'")
    ((moved,),) = rows(migrated.admin_url, f"SELECT count(*) FROM prompts WHERE tenant_id = '{PHARMA}'")
    rows(migrated.admin_url, f"DELETE FROM prompts WHERE tenant_id <> '{PHARMA}'")

    found = horizon(session)

    assert found["sampled"] == {}
    assert 0 < found["kept"]["prompts"] <= moved
    assert found["gone"]["prompts"] > 0
    assert before == sum(found[kind].get("prompts", 0) for kind in ("restored", "kept", "gone"))


def test_of_a_big_one_some_are_and_it_is_said(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    every = horizon(session)["restored"]["knowledge_base"]
    monkeypatch.setattr(forecast, "EXACT", 300)
    monkeypatch.setattr(forecast, "SAMPLE", 200)

    found = horizon(session)

    assert found["sampled"]["knowledge_base"] > 1
    assert 0.5 * every < found["restored"]["knowledge_base"] < 1.5 * every


def test_a_sample_does_not_read_the_table(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast, "EXACT", 300)
    monkeypatch.setattr(forecast, "SAMPLE", 20)
    asked = f"SELECT seq_scan FROM pg_stat_user_tables WHERE relid = '{TABLE}'::regclass"
    flush = "SELECT pg_stat_force_next_flush()"

    session.connection.execute(flush)
    before = rows_of(session, asked)
    horizon(session)
    session.connection.execute(flush)

    assert rows_of(session, asked) == before


def rows_of(session: Session, question: str) -> list[tuple[int]]:
    session.connection.execute("SELECT pg_stat_clear_snapshot()")
    return session.connection.execute(question.encode()).fetchall()


def test_status_says_what_was_last_counted(migrated: Scratch, django_db_blocker: Any) -> None:
    with django_on(migrated.owner_url, django_db_blocker):
        cache.clear()
        assert runs.status()["undo"] is None

        counted = runs.forecast_undo("")
        found = runs.status()

        undo = found["undo"]
        sums = {fate: sum(counted[fate].values()) for fate in ("restored", "removed", "kept", "gone")}
        assert {fate: undo[fate] for fate in sums} == sums
        assert (undo["refused"], undo["estimated"]) == (0, False)
        assert 0 <= time.time() - undo["counted_at"] < 60
        assert f"{sums['restored']:,} rows would get back what they had" in shown(found)
        assert "undo --dry-run" in shown(found)

        runs.undo_horizon()
        assert runs.status()["undo"]["refused"] is None
        rows(migrated.admin_url, "UPDATE vital.phase_run SET status = 'rolled_back'")
        assert runs.status()["undo"] is None


def shown(document: dict[str, Any]) -> str:
    console = Console(file=StringIO(), width=200)
    show_status(console, document)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]
