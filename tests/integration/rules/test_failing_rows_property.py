"""Rows that refuse their tenant: exactly they are left, each with its reason, and a later run tries them again."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migrations_ops.engine import backfill, baseline, batch_size, failing_rows, ledger
from migrations_ops.engine.backfill_sql import Assignment
from migrations_ops.engine.failing_rows import TooManyFailingRows
from migrations_ops.engine.ledger import Touched
from migrations_ops.engine.session import Session
from migrations_ops.engine.step_context import Watch
from migrations_ops.engine.tracking import PhaseRecord
from migrations_ops.phases.assign_steps import assign, step_name
from migrations_ops.phases.probes import refusing_rows
from migrations_ops.rules.model import Plan, TableSpec
from migrations_ops.rules.plan_keys import PHASES
from tests.support.cast import DIGITAL_HEALTH, PLATFORM
from tests.support.engine_watch import quiet
from tests.support.random_rules import Told, many, plan_of, rows, told_rules, whether_unmatched
from tests.support.rule_tables import RUN, SHAPES, Row, Shape, content, fill, forget, move, tenants
from tests.support.slow_rules import decided, stands
from vital.db import sql


@dataclass(frozen=True)
class Obstacle:
    """What refuses a row: a trigger of this kind that does this, or a check; and the reason that is told."""

    kind: str
    body: str
    told: str


BEFORE, AFTER = "BEFORE UPDATE", "AFTER UPDATE"
OWN_WORDS = "RAISE EXCEPTION 'not this one' USING ERRCODE = 'TN001', DETAIL = 'secret';"
OBSTACLES = {
    "a trigger before": Obstacle(BEFORE, "RAISE EXCEPTION 'row % is locked', OLD.n;", "is locked (SQLSTATE P0001)"),
    "a trigger after": Obstacle(AFTER, OWN_WORDS, "not this one (SQLSTATE TN001)"),
    "an error of a trigger": Obstacle(BEFORE, "PERFORM 1 / 0;", "division by zero (SQLSTATE 22012)"),
    "a constraint at the end": Obstacle(
        "CONSTRAINT AFTER UPDATE", "RAISE unique_violation USING MESSAGE = 'late';", "late (SQLSTATE 23505)"
    ),
    "a check": Obstacle("CHECK", "", 'violates check constraint "refuses" (SQLSTATE 23514)'),
    "a trigger that drops the change": Obstacle(BEFORE, "RETURN NULL;", failing_rows.STUCK),
    "a trigger that puts it back": Obstacle(BEFORE, "NEW.tenant_id = OLD.tenant_id;", "puts its old value back"),
    "a trigger that changes more": Obstacle(BEFORE, "NEW.n = NEW.n + 1000;", "would change more of it"),
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def small_batches() -> Iterator[None]:
    """A few pages to a batch, so that it is divided by pages and by rows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backfill, "PAGES_PER_BATCH", 4)
        patch.setattr(batch_size, "MOST_PAGES", 4)
        yield


@contextmanager
def standing_in_the_way(session: Session, of: Shape, obstacle: Obstacle, which: set[int]) -> Iterator[None]:
    """Updates of the rows with these numbers are refused."""
    names = {"t": sql.relation(of.relation), "which": sql.raw(", ".join(map(str, [-1, *sorted(which)])))}
    if obstacle.kind == "CHECK":
        made = ["ALTER TABLE {t} ADD CONSTRAINT refuses CHECK (n NOT IN ({which})) NOT VALID"]
        gone = "ALTER TABLE {t} DROP CONSTRAINT refuses"
    else:
        body = f"BEGIN {obstacle.body} RETURN NEW; END"
        create = obstacle.kind.replace("CONSTRAINT AFTER UPDATE", "CONSTRAINT TRIGGER refuses AFTER UPDATE")
        create = create if "TRIGGER" in create else f"TRIGGER refuses {create}"
        later = " DEFERRABLE INITIALLY DEFERRED" if "CONSTRAINT" in create else ""
        names["body"] = sql.literal(body)
        made = [
            "CREATE FUNCTION refuses() RETURNS trigger LANGUAGE plpgsql AS {body}",
            f"CREATE {create} ON {{t}}{later} FOR EACH ROW WHEN (OLD.n IN ({{which}})) EXECUTE FUNCTION refuses()",
        ]
        gone = "DROP FUNCTION refuses() CASCADE"
    for statement in made:
        session.execute(sql.compose(statement, **names))
    try:
        yield
    finally:
        session.execute(sql.compose(gone, **names))


def carry_out(session: Session, plan: Plan, spec: TableSpec, watch: Watch | None = None) -> int:
    """003 and 004 for this table in a new run; the number of rows changed."""
    session.execute("UPDATE vital.run SET status = 'completed'")
    session.named("open_run", RUN)
    run, changed = session.value("SELECT max(id) FROM vital.run"), 0
    for phase, phases in zip(PHASES, (PHASES[:1], PHASES), strict=True):
        record = PhaseRecord(session, run, phase).step(step_name(spec), spec.relation)
        backfill.run(session, assign(plan, spec, phases), record, watch or quiet(session))
        changed += record.rows_changed
    return changed


def take_back(session: Session, spec: TableSpec) -> None:
    touched = {spec.relation: Touched(spec.table, ("tenant_id",))}
    for phase in PHASES[::-1]:
        assert not ledger.undo_phase(session, phase, touched, quiet(session)).conflicts


@pytest.mark.slow
@pytest.mark.parametrize("way", OBSTACLES)
@given(
    shape=st.sampled_from(list(SHAPES)), table=st.lists(rows, max_size=16), rules=told_rules,
    unmatched=whether_unmatched, refusing=st.sets(st.integers(0, 15), max_size=6),
)  # fmt: skip
@settings(many, max_examples=12)
def test_exactly_the_rows_that_refuse_are_left(
    session: Session, lower: dict[str, str], way: str, shape: str, table: list[Row], rules: list[Told], unmatched: str,
    refusing: set[int],
) -> None:  # fmt: skip
    of, obstacle = SHAPES[shape], OBSTACLES[way]
    plan, spec = plan_of(of, rules, unmatched)
    spec = replace(spec, failing=100)
    forget(session, of)
    fill(session, of, table, since=False)
    baseline.take_baseline(session, spec.table, "tenant_id", quiet(session).waiting)
    fill(session, of, table, since=True)
    move(session, of, table)
    before, whole = tenants(session, of), content(session, of)
    verdicts = {n: decided(row, rules, unmatched, lower, may_move=stands(row)) for n, row in enumerate(table)}
    expected = {n: verdicts[n][0] or tenant for n, tenant in before.items()}
    moved = {n for n, tenant in expected.items() if tenant != before[n]}
    left = moved & refusing

    with standing_in_the_way(session, of, obstacle, refusing):
        assert carry_out(session, plan, spec) == len(moved - left)

        assert tenants(session, of) == {n: before[n] if n in left else tenant for n, tenant in expected.items()}
        assert content(session, of) == whole
        found = list(refusing_rows(spec, step_name(spec))(session))
        assert {problem.key for problem in found} == {of.text_of(n) for n in left}
        assert all(obstacle.told in problem.message and "secret" not in problem.message for problem in found)
        assert any(Assignment(session, assign(plan, spec, PHASES)).anything_left(PHASES[1]) for _ in left) is bool(left)

        take_back(session, spec)
        assert (tenants(session, of), content(session, of)) == (before, whole)
        assert carry_out(session, plan, spec) == len(moved - left)

    assert carry_out(session, plan, spec) == len(left)
    assert tenants(session, of) == expected
    assert not list(refusing_rows(spec, step_name(spec))(session))
    take_back(session, spec)
    assert (tenants(session, of), content(session, of)) == (before, whole)


# --- how many there may be, and what is no row's fault ---


PLAIN: Row = {
    "name": None, "mood": None, "tags": None, "facts": None, "owner": None, "size": None,
    "born": None, "seen": None, "tenant": None, "since": False, "moved": None, "decided": None,
}  # fmt: skip


@pytest.fixture
def thirty(session: Session) -> tuple[Plan, TableSpec]:
    of = SHAPES["uuid key"]
    plan, spec = plan_of(of, [Told({"always": True}, "platform", False, PHASES[0])], "")
    forget(session, of)
    fill(session, of, [PLAIN] * 30, since=False)
    return plan, spec


def test_more_than_the_limit_stop_the_run_and_it_goes_on(session: Session, thirty: tuple[Plan, TableSpec]) -> None:
    of, (plan, spec) = SHAPES["uuid key"], thirty
    spec = replace(spec, failing=3)
    with standing_in_the_way(session, of, OBSTACLES["a trigger after"], set(range(5, 20))):
        with pytest.raises(TooManyFailingRows) as stopped:
            carry_out(session, plan, spec)
        assert "4 rows of public.things refuse their new tenant_id, and the plan leaves 3" in str(stopped.value)
        assert "not this one (SQLSTATE TN001)" in str(stopped.value)
        assert "secret" not in str(stopped.value)
    record = PhaseRecord(session, session.value("SELECT max(id) FROM vital.run"), PHASES[0]).step(
        step_name(spec), spec.relation
    )

    backfill.run(session, assign(plan, spec, PHASES[:1]), record, quiet(session))

    assert None not in tenants(session, of).values()
    assert not list(refusing_rows(spec, step_name(spec))(session))


def test_a_rule_that_is_an_error_for_a_row_leaves_that_row(session: Session, lower: dict[str, str]) -> None:
    of = SHAPES["uuid key"]
    plan, spec = plan_of(of, [Told({"sql": "{name}::integer > 3"}, "platform", False, PHASES[1])], "health")
    spec = replace(spec, failing=2)
    forget(session, of)
    fill(session, of, [PLAIN | {"name": name} for name in ("5", "many", "2", "9", "few")], since=False)

    assert carry_out(session, plan, spec) == 3

    assert tenants(session, of) == {0: PLATFORM, 1: None, 2: DIGITAL_HEALTH, 3: PLATFORM, 4: None}
    assert {problem.key for problem in refusing_rows(spec, step_name(spec))(session)} == {of.text_of(1), of.text_of(4)}


def test_without_leave_the_first_one_stops_the_run(session: Session, thirty: tuple[Plan, TableSpec]) -> None:
    of, (plan, spec) = SHAPES["uuid key"], thirty
    with (
        standing_in_the_way(session, of, OBSTACLES["a trigger after"], {7}),
        pytest.raises(psycopg.Error, match="not this one"),
    ):
        carry_out(session, plan, spec)


@pytest.mark.parametrize(
    "state",
    ["08006", "25006", "40001", "42501", "53100", "55006", "57014", "57P01", "58030", "XX000", "0A000", "99001"],
)
def test_what_is_no_rows_fault_stops_the_run(session: Session, thirty: tuple[Plan, TableSpec], state: str) -> None:
    of, (plan, spec) = SHAPES["uuid key"], thirty
    fault = Obstacle("AFTER UPDATE", f"RAISE EXCEPTION 'away' USING ERRCODE = '{state}';", "")
    spec, patient = replace(spec, failing=100), replace(quiet(session), waiting=lambda why: None)
    with standing_in_the_way(session, of, fault, {7}), pytest.raises(psycopg.Error, match="away"):
        carry_out(session, plan, spec, patient)
    assert session.value("SELECT count(*) FROM vital.failing_row") == 0
