"""How far an undo would get is known without reading tables whole: a sample of a big one is looked up by key."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from psycopg.conninfo import conninfo_to_dict

from migrations_ops.engine.session import Session
from migrations_ops.plan import phases
from migrations_ops.preview import forecast
from migrations_ops.rules.load import load
from tests.support.cast import DIGITAL_HEALTH, PHARMA
from tests.support.databases import Scratch, rows
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
