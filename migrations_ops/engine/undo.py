"""Take a phase back: its steps in reverse order, rows by the ledger, changes of the schema by their `down`."""

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from pathlib import Path

from psycopg import errors as pg
from psycopg.sql import Composable

from migrations_ops.engine import baseline, ddl, ledger, undo_indexes
from migrations_ops.engine.events import Outcome
from migrations_ops.engine.executor import Executor, relation_of
from migrations_ops.engine.ledger import Touched, Undone
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Assign, Baseline, Insert, Phase, Probe, Statement, Step
from migrations_ops.engine.tables import are_there, has_columns, moved
from vital import private_files
from vital.db import retry, sql
from vital.errors import Problem, UndoRefused

Waits = Callable[[Step, str], None]


def losses(
    session: Session, phases: Iterable[Phase], plan: Sequence[Phase], waiting: Waits
) -> tuple[list[Problem], list[Problem]]:
    """(what the undo would lose, what forbids it), found before anything is touched. Read-only."""
    lost: list[Problem] = []
    broken = moved(session)
    columns = _columns_of_rows(plan)

    def ask(step: Step, question: Composable | Probe | None) -> list[Problem]:
        try:
            return _ask(session, step, question, waiting)
        except pg.UndefinedColumn:  # a table that was made anew has no rows of ours, and nothing to lose with a column
            relation = relation_of(step)
            if not relation or has_columns(session, relation, columns.get(relation, ())):
                raise
            return []

    for phase in phases:
        for step in phase.steps:
            if not are_there(session, *tables_of(step)):
                continue  # what there was to lose is gone with the table
            if isinstance(step, Statement) and ddl.was_applied(session, phase.key, step):
                lost += ask(step, step.data_loss_check)
                broken += ask(step, step.undo_blockers)
            elif isinstance(step, Insert):
                broken += ask(step, step.undo_blockers)
    return lost, broken


def _columns_of_rows(plan: Iterable[Phase]) -> dict[str, tuple[str, ...]]:
    """The columns that a table must have to hold rows that VITAL has changed."""
    tables = [touched for phase in plan for touched in row_tables(phase).values()]
    return {one.table.relation: (*one.table.key, *one.columns) for one in tables if one.columns}


def _ask(session: Session, step: Step, question: Composable | Probe | None, waiting: Waits) -> list[Problem]:
    def answers() -> list[Problem]:
        if not isinstance(question, Composable):
            return list(question(session)) if question else []
        with session.work():
            return [Problem(*(str(part or "") for part in row[:3])) for row in session.execute(question)]

    return retry.retried(session, tables_of(step), answers, partial(waiting, step))


def tables_of(step: Step) -> tuple[str, ...]:
    """The table that a step is about; none where it is about no single one."""
    return tuple(filter(None, (relation_of(step),)))


def refuse_losses(
    session: Session, phases: list[Phase], plan: Sequence[Phase], archive: Path | None, waiting: Waits
) -> list[Problem]:
    """Raise UndoRefused unless nothing is lost, or the archive keeps it. Returns what the archive now holds."""
    lost, broken = losses(session, phases, plan, waiting)
    if broken:
        raise UndoRefused(
            count=len(broken), problems=broken, advice="These must be settled first; an archive does not help."
        )
    if lost and archive is None:
        raise UndoRefused(
            count=len(lost), problems=lost, advice="Give --archive FILE to keep them in a file and go on."
        )
    if lost and archive is not None:
        _write_archive(session, archive, lost, phases, waiting)
    return lost


def _write_archive(session: Session, archive: Path, lost: list[Problem], phases: list[Phase], waiting: Waits) -> None:
    """One JSON line for each row: table, key, why it is here, and the row itself as it is now."""
    about = [step for phase in phases for step in phase.steps if isinstance(step, Assign | Insert | Baseline)]
    steps = {step.table.relation: step for step in about}
    with private_files.lines(archive) as file:
        for problem in lost:
            step = steps.get(problem.relation)
            row = _row(session, step, problem.key, waiting) if step is not None and problem.key else None
            line = {"relation": problem.relation, "key": problem.key, "why": problem.message, "row": row}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _row(session: Session, step: Assign | Insert | Baseline, key: str, waiting: Waits) -> object:
    table = step.table
    same_row = sql.key_equals("t", session.typed_key(table.relation, table.key), sql.literal(key))

    def rows() -> list[tuple[object, ...]]:
        with session.work():
            return session.named("row_as_it_is", relation=sql.relation(table.relation), same_row=same_row)

    found = retry.retried(session, (table.relation,), rows, partial(waiting, step))
    return found[0][0] if found else None


def take_back(executor: Executor, phase: Phase, plan: Sequence[Phase], wanted: Collection[str]) -> Undone:
    """Undo one phase of the plan; its record becomes `rolled_back`. `wanted` are the keys of all that are undone."""
    session, listener = executor.session, executor.listener
    listener.phase_started(phase)
    undone, rows_done = Undone(), False
    tables = row_tables(phase)
    waits = lambda index: executor.watch(index).waiting  # noqa: E731
    undo_indexes.build_for_phase(session, phase, executor.run, waits)
    if tables:
        _hold_triggers(executor, plan, wanted)
    for step in reversed(phase.steps):
        executor.check_stop()
        if isinstance(step, Statement):
            listener.step_started(phase, step)
            late = _undo_trigger_rows(executor, phase, step)
            outcome = ddl.undo(session, phase.key, step, executor.watch(step).waiting)
            outcome = _outcome(late) if late.restored or late.conflicts else outcome
            undone.add(late)
            listener.step_done(phase, step, outcome)
        elif isinstance(step, Assign | Insert) and not rows_done:
            listener.step_started(phase, step)
            session.named("forget_failing_rows_of", {"relations": list(tables)})
            rows, rows_done = ledger.undo_phase(session, phase.key, tables, executor.watch(step)), True
            undone.add(rows)
            listener.step_done(phase, step, _outcome(rows))
        elif isinstance(step, Baseline):
            baseline.forget_baseline(session, step.table)
    undo_indexes.drop(session, waits)
    session.named("roll_back_phase", {"phase": phase.key})
    listener.phase_done(phase, "rolled_back", 0.0, "")
    return undone


def _hold_triggers(executor: Executor, plan: Sequence[Phase], wanted: Collection[str]) -> None:
    """Before rows go back: no trigger of ours gives them again, to whoever changes them, what is taken from them. One
    whose own phase is undone as well is taken off now; others are left for rows that are new. To change a trigger takes
    the table's writers out, so that whatever it has given by now is in the ledger."""
    session = executor.session
    for phase in plan:
        for step in phase.steps:
            if isinstance(step, Statement) and step.trigger and ddl.was_applied(session, phase.key, step):
                fires = session.value(step.trigger.fires)
                change = step.trigger.off if phase.key in wanted else step.trigger.new_only
                if fires == "all" or (fires and phase.key in wanted):
                    retry.retried(session, step.locks, partial(_change, session, change), executor.watch(step).waiting)


def _change(session: Session, change: Composable) -> None:
    with session.work(as_operator=False):
        session.execute(change)


def _undo_trigger_rows(executor: Executor, phase: Phase, step: Statement) -> Undone:
    """What the step's trigger, which is off by now, has given to rows, by the rules of whichever phase. Before the step
    itself is undone, so that an undo that is killed in between comes here again."""
    if step.trigger is None or not ddl.was_applied(executor.session, phase.key, step):
        return Undone()
    touched = Touched(step.trigger.table, step.trigger.columns)
    return ledger.undo_legacy_writes(executor.session, touched, executor.watch(step))


def _outcome(undone: Undone) -> Outcome:
    changed = sum(undone.restored.values()) + sum(undone.removed.values())
    messages = [f"{relation} {key}: changed since, kept as it is" for relation, key in undone.conflicts[:5]]
    return Outcome("WARN" if undone.conflicts else "done", rows_changed=changed, messages=messages)


def row_tables(phase: Phase) -> dict[str, Touched]:
    """Every table whose rows the phase's ledger entries may hold, with what an undo needs to know of it."""
    tables: dict[str, Touched] = {}
    for step in phase.steps:
        known = tables.get(getattr(getattr(step, "table", None), "relation", ""))
        if isinstance(step, Assign):
            tables[step.table.relation] = Touched(step.table, step.columns, known.removable if known else ())
        elif isinstance(step, Insert):
            tables[step.table.relation] = Touched(step.table, known.columns if known else (), step.removable)
    return tables
