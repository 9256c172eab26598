"""A rehearsal on a copy."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from migrations_ops.phase_state import open_session, phase_states
from migrations_ops.plan import phases as phases_of
from migrations_ops.rehearsal import records
from migrations_ops.rules.current import current_plan
from vital.db.own_schema import bring_up_to_date, connection_params, me


@dataclass(frozen=True)
class RehearsalRequest:
    """What is asked of a rehearsal: how many rows of a table, where (server, embedded, or whichever there is), logs."""

    rows: int
    where: str
    log_dir: Path


def rehearse(request: RehearsalRequest, say: Callable[[str], None]) -> dict[str, Any]:
    """The migration, its undo and the migration again on a sampled copy; see `rehearsal.rehearse`.

    Writes nothing to the platform's database but the one row that remembers it. Raises EngineError where there can be
    no copy; what fails in the copy is the result.
    """
    from migrations_ops.rehearsal.rehearse import Order, Rehearsal, refuse_where_begun

    plan = current_plan()
    with open_session() as keeper, keeper.run_lock():
        bring_up_to_date()
        completed = {state["phase"] for state in phase_states(keeper) if state["status"] == "completed"}
        refuse_where_begun(keeper, plan, completed)
        command = (
            sys.executable,
            str(settings.BASE_DIR / "manage.py"),
            "migrate_tenants",
            "--plan",
            str(settings.PLAN),
        )
        order = Order(
            rows=request.rows,
            where=request.where,
            params=connection_params(),
            home=settings.HOME / "rehearsal",
            command=command,
            log_dir=request.log_dir.resolve() / "rehearsal",
        )
        with open_session(read_only=True) as source:
            document = Rehearsal(source, plan, phases_of(plan), order, say).hold()
        return records.note(keeper, me(), plan.digest, document) | document
