"""A rehearsal on a copy."""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings

from migrations_ops.impact import service as impacts
from migrations_ops.impact.service import Asked
from migrations_ops.phase_state import completed_phases, open_session, open_with_plan, phase_states
from migrations_ops.phases.inventory import inventory_of
from migrations_ops.plan import phases as phases_of
from migrations_ops.rehearsal import records
from migrations_ops.rules.current import current_plan
from tenants.isolation.comparison import standing
from vital.db.own_schema import bring_up_to_date, connection_params, me
from vital.db.sql import shown
from vital.errors import Problem

if TYPE_CHECKING:
    from migrations_ops.rehearsal.rehearse import Order


@dataclass(frozen=True)
class RehearsalRequest:
    """What is asked of a rehearsal: how many rows of a table, where (server, embedded, or whichever there is), logs."""

    rows: int
    where: str
    log_dir: Path
    statements: Asked = field(default_factory=Asked)


def rehearse(request: RehearsalRequest, say: Callable[[str], None]) -> dict[str, Any]:
    """The migration, its undo and the migration again on a sampled copy; see `rehearsal.rehearse`.

    Writes nothing to the platform's database but the one row that remembers it. Raises EngineError where there can be
    no copy; what fails in the copy is the result.
    """
    from migrations_ops.rehearsal.rehearse import Rehearsal, refuse_where_begun

    plan = current_plan()
    with open_session() as keeper, keeper.run_lock():
        bring_up_to_date()
        completed = {state["phase"] for state in phase_states(keeper) if state["status"] == "completed"}
        refuse_where_begun(keeper, plan, completed)
        with open_session(read_only=True) as source:
            known = impacts.at_hand(source, plan, request.statements) if impacts.are_at_hand(source) else None
            document = Rehearsal(source, plan, phases_of(plan), _order(request), say, known).hold()
        return records.note(keeper, me(), plan.digest, document) | document


def try_statements(request: RehearsalRequest, say: Callable[[str], None]) -> dict[str, Any]:
    """What becomes of the statements that applications send: on this database where isolation is on, else on a copy
    after a first run there. Writes nothing to the platform's database.

    Raises NoStatements and NotRead where there are none to try, and what a rehearsal raises.
    """
    from migrations_ops.rehearsal.rehearse import Tryout, refuse_where_begun

    with open_with_plan(read_only=True) as (source, plan):
        impact = impacts.at_hand(source, plan, request.statements)
        if not standing(source.execute, inventory_of(plan)).is_off:
            return {"place": "", **impact.after(source), "failed": None}
        refuse_where_begun(source, plan, completed_phases(source, ""))
        return Tryout(source, plan, phases_of(plan), _order(request), say, impact).hold()


def statements_that_break() -> list[dict[str, str]]:
    """Those in pg_stat_statements of which their text alone says that they will break: none is tried."""
    with open_with_plan(read_only=True) as (source, plan):
        return _documents(impacts.problems(source, plan))


def judge_statements(asked: Asked) -> dict[str, Any]:
    """What becomes of these statements, as far as it can be said at once: where isolation is on they are tried on this
    database; else `problems` are what their text alone says, and none is tried. Raises NoStatements."""
    with open_with_plan(read_only=True) as (source, plan):
        impact = impacts.at_hand(source, plan, asked)
        if not standing(source.execute, inventory_of(plan)).is_off:
            return {"tried": True, **impact.after(source)}
        found = _documents(impact.problems(source))
        return {"tried": False, "source": impact.source, "statements": len(impact.statements), "problems": found}


def _documents(problems: Iterable[Problem]) -> list[dict[str, str]]:
    return [{"table": shown(problem.relation), "message": problem.message} for problem in problems]


def _order(request: RehearsalRequest) -> "Order":
    from migrations_ops.rehearsal.rehearse import Order

    program = str(settings.BASE_DIR / "manage.py")
    return Order(
        rows=request.rows,
        where=request.where,
        params=connection_params(),
        home=settings.HOME / "rehearsal",
        command=(sys.executable, program, "migrate_tenants", "--plan", str(settings.PLAN)),
        log_dir=request.log_dir.resolve() / "rehearsal",
    )
