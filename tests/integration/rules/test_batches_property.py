"""The engine's batches on tables of every shape: each row is decided once, nothing else changes, and undo is exact."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migrations_ops.engine import backfill, baseline, batch_size, ledger, passes
from migrations_ops.engine.backfill_sql import Assignment
from migrations_ops.engine.ledger import Touched
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Assign
from migrations_ops.engine.tracking import PhaseRecord
from migrations_ops.phases.assign_steps import assign as assignment_of
from migrations_ops.rules.model import Plan, TableSpec
from migrations_ops.rules.plan_keys import PHASES
from tests.support.cast import PLATFORM, STRANGER
from tests.support.engine_watch import quiet
from tests.support.random_rules import Told, many, plan_of, rows, told_rules, whether_unmatched
from tests.support.rule_tables import RUN, SHAPES, Row, content, fill, forget, move, tenants
from tests.support.slow_rules import decided, stands
from vital.db import sql

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def small_batches() -> Iterator[None]:
    """One page to a batch, so that a handful of rows is several."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backfill, "PAGES_PER_BATCH", 1)
        patch.setattr(batch_size, "MOST_PAGES", 1)
        patch.setattr(backfill, "SWEEP_PAGES", 1)
        patch.setattr(passes, "SMALLEST", 0)
        yield


def carry_out(session: Session, plan: Plan, spec: TableSpec) -> int:
    """003 and 004 for this table, as their phases have it; the number of rows changed."""
    run = session.value("SELECT max(id) FROM vital.run")
    changed = 0
    for phase, phases in zip(PHASES, (PHASES[:1], PHASES), strict=True):
        record = PhaseRecord(session, run, phase).step(f"tenant of {spec.relation}", spec.relation)
        backfill.run(session, step_of(plan, spec, phases), record, quiet(session))
        changed += record.rows_changed
    return changed


def again(session: Session) -> None:
    """What comes next is a new run: its steps start from the beginning."""
    session.execute("UPDATE vital.run SET status = 'completed'")
    session.named("open_run", RUN)


def step_of(plan: Plan, spec: TableSpec, phases: tuple[str, ...]) -> Assign:
    return assignment_of(plan, spec, phases)


def take_back(session: Session, spec: TableSpec) -> list[tuple[str, str]]:
    """Both phases, the last one first; the conflicts."""
    touched = {spec.relation: Touched(spec.table, ("tenant_id",))}
    return [
        kept for phase in PHASES[::-1] for kept in ledger.undo_phase(session, phase, touched, quiet(session)).conflicts
    ]


def entries(session: Session, spec: TableSpec) -> dict[str, list[tuple[str | None, str, str]]]:
    """key → (tenant before, tenant after, rule) of each standing entry that holds it."""
    found: dict[str, list[tuple[str | None, str, str]]] = {}
    for key, before, after, rule in session.execute(
        "SELECT unnest(keys), before ->> 'tenant_id', after ->> 'tenant_id', rule FROM vital.ledger"
        " WHERE relation = %(r)s AND undone_at IS NULL",
        {"r": spec.relation},
    ):
        found.setdefault(key, []).append((before, after, rule))
    return found


@pytest.mark.parametrize("shape", SHAPES)
@given(table=st.lists(rows, max_size=20), rules=told_rules, unmatched=whether_unmatched)
@settings(many, max_examples=20)
def test_every_row_with_a_verdict_gets_it_and_gives_it_back(
    session: Session, lower: dict[str, str], shape: str, table: list[Row], rules: list[Told], unmatched: str
) -> None:
    of = SHAPES[shape]
    plan, spec = plan_of(of, rules, unmatched)
    forget(session, of)
    fill(session, of, table, since=False)
    baseline.take_baseline(session, spec.table, "tenant_id", quiet(session).waiting)
    fill(session, of, table, since=True)
    move(session, of, table)
    came, touched = sum(row["since"] for row in table), sum(row["since"] or bool(row["moved"]) for row in table)
    before, whole = tenants(session, of), content(session, of)
    verdicts = {n: decided(row, rules, unmatched, lower, may_move=stands(row)) for n, row in enumerate(table)}
    expected = {n: verdicts[n][0] or tenant for n, tenant in before.items()}
    moved = {n for n, tenant in expected.items() if tenant != before[n]}

    assert carry_out(session, plan, spec) == len(moved)

    assert tenants(session, of) == expected
    assert content(session, of) == whole
    assert entries(session, spec) == {of.text_of(n): [(before[n], *verdicts[n])] for n in moved}
    assert not any(Assignment(session, step_of(plan, spec, PHASES[: n + 1])).anything_left(PHASES[n]) for n in (0, 1))

    again(session)
    assert carry_out(session, plan, spec) == 0
    assert tenants(session, of) == expected
    assert len(entries(session, spec)) == len(moved)
    against_baseline(session, spec, came, touched)

    assert take_back(session, spec) == []
    assert tenants(session, of) == before
    assert content(session, of) == whole
    assert entries(session, spec) == {}
    against_baseline(session, spec, came, touched)

    again(session)
    assert carry_out(session, plan, spec) == len(moved)
    assert tenants(session, of) == expected
    against_baseline(session, spec, came, touched)


def against_baseline(session: Session, spec: TableSpec, came: int, touched: int) -> None:
    """The rows that came or were moved since are the only foreign ones, and those that came the only difference."""
    (found,) = baseline.compare(session, [spec.table])

    assert found.foreign == touched
    assert found.rows_now == found.rows_before + came
    assert found.same_content == (not came)


PLAIN: Row = {
    "name": None, "mood": None, "tags": None, "facts": None, "owner": None, "size": None,
    "born": None, "seen": None, "tenant": None, "since": False, "moved": None, "decided": None,
}  # fmt: skip


def test_a_batch_that_takes_too_long_is_tried_again_with_half_of_its_pages(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each row takes a tenth of a second, so that a pass over all of them cannot be through in one second."""
    of = SHAPES["uuid key"]
    plan, spec = plan_of(of, [Told({"always": True}, "platform", False, PHASES[0])], "")
    forget(session, of)
    fill(session, of, [PLAIN] * 60, since=False)
    baseline.take_baseline(session, spec.table, "tenant_id", quiet(session).waiting)
    monkeypatch.setattr(backfill, "PAGES_PER_BATCH", 1_000)
    monkeypatch.setattr(batch_size, "MOST_PAGES", 1_000)
    monkeypatch.setattr(backfill, "TIMEOUT_SECONDS", 1)
    session.execute(
        "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.1); RETURN NEW; END'"
    )
    session.execute("CREATE TRIGGER dawdle BEFORE UPDATE ON public.things FOR EACH ROW EXECUTE FUNCTION dawdle()")
    said: list[str] = []
    try:
        record = PhaseRecord(session, session.value("SELECT max(id) FROM vital.run"), PHASES[0]).step("t", of.relation)
        backfill.run(session, step_of(plan, spec, PHASES[:1]), record, replace(quiet(session), waiting=said.append))
    finally:
        session.execute("DROP FUNCTION dawdle() CASCADE")

    assert said, "no batch took too long"
    assert "pages at a time now" in said[0]
    assert set(tenants(session, of).values()) == {PLATFORM}
    assert {len(found) for found in entries(session, spec).values()} == {1}
    assert session.value("SHOW statement_timeout") == "0", "nothing of it stays on the connection"


@pytest.mark.parametrize("shape", ["partitions", "children"])
def test_rows_in_the_same_place_of_two_tables_are_not_confused(session: Session, shape: str) -> None:
    """Both rows are the first of their table, so that they have the same ctid; each has a verdict of its own."""
    of = SHAPES[shape]
    plan, spec = plan_of(of, [Told({"column": "name", "equals": "moves"}, "platform", True, PHASES[0])], "")
    forget(session, of)
    fill(session, of, [PLAIN | {"name": "moves", "tenant": PLATFORM}, PLAIN | {"tenant": STRANGER}], since=False)
    if shape == "children":
        session.execute(
            "WITH gone AS (DELETE FROM elders WHERE n = 1 RETURNING *) INSERT INTO children SELECT * FROM gone"
        )
    baseline.take_baseline(session, spec.table, "tenant_id", quiet(session).waiting)
    places = session.execute(sql.compose("SELECT ctid::text FROM {t}", t=sql.relation(of.relation)))
    assert places == [("(0,1)",), ("(0,1)",)]

    assert not Assignment(session, step_of(plan, spec, PHASES)).anything_left(PHASES[1])
    assert carry_out(session, plan, spec) == 0
    assert tenants(session, of) == {0: PLATFORM, 1: STRANGER}
