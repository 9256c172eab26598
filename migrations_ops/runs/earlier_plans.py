"""What runs by earlier plans did, where the plan that holds does not name it: an undo works by their plans as well."""

from collections.abc import Collection, Iterable, Sequence, Set
from dataclasses import dataclass, replace

from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Assign, Baseline, Insert, Phase, Statement, Step, Table
from migrations_ops.plan import phases as phases_of
from migrations_ops.rules.load import of_text
from vital.db.sql import shown
from vital.errors import EngineError, Problem, UndoRefused

ADVICE = "Name the plan that it was done by: --plan FILE"


@dataclass(frozen=True)
class AppliedStep:
    """What an undo needs a step for: a phase's statement by its name, or its changes of one kind to a table's rows."""

    phase: str
    kind: str
    name: str


def with_earlier_plans(session: Session, phases: Sequence[Phase], wanted: Collection[str]) -> tuple[Phase, ...]:
    """The phases, with the steps that only earlier plans know, last. Raises UndoRefused where no plan knows one."""
    done = {AppliedStep(*row[:3]): (row[3], row[4]) for row in session.named("what_stands", {"phases": list(wanted)})}
    complete = (_with_baselines(session, phases[0]), *phases[1:])
    for run in sorted({run for run, _ in done.values() if run is not None}, reverse=True):
        left = done.keys() - _known(complete)
        if any(done[applied][0] == run for applied in left):
            complete = _added(complete, _phases_of_run(session, run), left)
    left = done.keys() - _known(complete)
    if left:
        problems = sorted({_unknown(applied, done[applied][1]) for applied in left}, key=lambda one: one.relation)
        raise UndoRefused(count=len(problems), problems=problems, advice=ADVICE)
    return complete


def _with_baselines(session: Session, first: Phase) -> Phase:
    known = {step.table.relation for step in first.steps if isinstance(step, Baseline)}
    others = [relation for (relation,) in session.named("baselines") if relation not in known]
    return replace(
        first, steps=first.steps + tuple(Baseline(f"baseline of {shown(one)}", Table(one, ()), "") for one in others)
    )


def _known(phases: Iterable[Phase]) -> set[AppliedStep]:
    return {applied for phase in phases for step in phase.steps for applied in _applied_by(phase.key, step)}


def _applied_by(phase: str, step: Step) -> tuple[AppliedStep, ...]:
    match step:
        case Statement():
            return (AppliedStep(phase, "statement", step.name),)
        case Assign():
            return (AppliedStep(phase, "assign", step.table.relation),)
        case Insert():
            return (AppliedStep(phase, "insert", step.table.relation),)
    return ()


def _phases_of_run(session: Session, run: int) -> tuple[Phase, ...]:
    """By the plan that the run was opened with; none where this VITAL cannot read it."""
    found = session.named("plan_of_run", {"id": run})
    try:
        return phases_of(of_text(str(found[0][0]), f"The plan of run {run}")) if found and found[0][0] else ()
    except EngineError:
        return ()


def _added(phases: Iterable[Phase], earlier: Iterable[Phase], left: Set[AppliedStep]) -> tuple[Phase, ...]:
    missing = {
        phase.key: tuple(step for step in phase.steps if not left.isdisjoint(_applied_by(phase.key, step)))
        for phase in earlier
    }
    return tuple(replace(phase, steps=phase.steps + missing.get(phase.key, ())) for phase in phases)


def _unknown(applied: AppliedStep, relation: str) -> Problem:
    if applied.kind == "statement" and not relation:
        return Problem("", "", f'the plan has no step "{applied.name}", which {applied.phase} has done')
    return Problem(relation, "", f"the plan does not name {shown(relation)}, which {applied.phase} has changed")
