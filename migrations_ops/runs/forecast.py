"""What a run or an undo would do, before it is done. Nothing here writes, not even VITAL's own tables."""

from collections.abc import Callable
from typing import Any

from django.conf import settings

from migrations_ops.engine import undo
from migrations_ops.phase_state import (
    has_begun,
    no_wait_callback,
    open_session,
    open_with_plan,
    position,
    refuse_distributed,
)
from migrations_ops.phases import pre_validation
from migrations_ops.plan import phases as phases_of
from migrations_ops.preview import forecast
from migrations_ops.preview.predicted_rows import EARLY, LATE
from migrations_ops.preview.service import preview
from migrations_ops.rules.canary import Scope, narrowed, touched
from migrations_ops.rules.current import chosen
from migrations_ops.rules.plan_tables import has_tenant_column
from migrations_ops.runs import horizon
from migrations_ops.runs.earlier_plans import with_earlier_plans
from migrations_ops.runs.runner import Request, is_refused, wanted_phases
from migrations_ops.runs.undo import standing_scopes, to_undo
from vital.errors import PhaseRefused

Document = dict[str, Any]
LOOKS_FOR = "5s"


def forecast_run(request: Request, waiting: Callable[[str], None]) -> Document:
    """The phases that a run would carry out, and what each would do; `refused` is what 000 would refuse it for.

    Raises what the run would raise before it begins.
    """
    with open_with_plan(read_only=True) as (session, whole):
        plan, in_words = narrowed(whole, Scope(request.tenant, request.table)), chosen(session).in_words
        phases = phases_of(plan)
        for name in filter(None, (request.first, request.last, request.only)):
            position(phases, name)
        wanted = wanted_phases(session, phases, request, plan.scope, no_wait_callback)
        documents = [forecast.of_phase(session, phase) for phase in wanted]
        backup = settings.BACKUP and bool(wanted) and not _has_begun(session)
    refused = []
    if phases[0] in wanted:
        with open_session() as session:  # expressions are tried on a temporary table, which is rolled back
            session.read_as_operator()
            refused = [one for one in pre_validation.outcomes(session, plan) if one["outcome"] == "FAIL"]
    if not refused and any(document["phase"] in (EARLY, LATE) for document in documents):
        rows = preview(None, waiting)
        for document in documents:
            if document["phase"] in (EARLY, LATE):
                document |= forecast.rows_of_phase(plan, document["phase"], rows)
    return {
        "status": "dry_run" if documents else "nothing_to_do",
        "plan_file": in_words,
        "backup": str(settings.BACKUP_DIR) if backup else None,
        "phases": documents,
        "refused": refused,
    }


def _has_begun(session: Any) -> bool:
    return bool(session.named("is_set_up")[0][0]) and has_begun(session)


def undo_horizon() -> Document | None:
    """What would become of rows by an undo of everything, within 5 seconds for each table; None where there is nothing
    to undo. What it would lose or refuse is not asked: that reads tables whole. Raises DistributedNow."""
    with open_with_plan(read_only=True) as (session, plan):
        refuse_distributed(session)
        if not session.named("is_set_up")[0][0]:
            return None
        plan = touched(plan, standing_scopes(session))
        standing = to_undo(session, phases_of(plan), "")
        phases = with_earlier_plans(session, phases_of(plan), [phase.key for phase in standing])
        found = forecast.of_undo(session, to_undo(session, phases, ""), LOOKS_FOR) if standing else None
        horizon.remember(session, found)
        return found


def forecast_undo(first: str) -> Document:
    """The phases that an undo would take back, what becomes of rows, what it would lose (an archive can keep it), and
    what forbids it. Raises UnknownPhase, DistributedNow, UndoRefused where no plan knows what was done, PhaseRefused
    for a role that may not undo."""
    with open_with_plan(read_only=True) as (session, plan):
        position(phases_of(plan), first or phases_of(plan)[0].key)
        refuse_distributed(session)
        wanted = []
        if session.named("is_set_up")[0][0]:
            plan = touched(plan, standing_scopes(session))
            wanted = to_undo(session, phases_of(plan), first)
        if not wanted:
            return {"status": "nothing_to_do", "phases": [], "refused": []}
        gone = [spec.relation for spec in plan.tables if not has_tenant_column(session, spec)]
        if is_refused(session, phases_of(plan)[0], no_wait_callback, gone):
            raise PhaseRefused(phase="undo", failed="1 check", log="./manage.py migrate_tenants run --only 000")
        phases = with_earlier_plans(session, phases_of(plan), [phase.key for phase in wanted])
        wanted = to_undo(session, phases, first)
        lost, broken = undo.losses(session, wanted, phases, no_wait_callback)
        document = {"status": "dry_run", "phases": [phase.key for phase in wanted]}
        found = forecast.of_undo(session, wanted)
        if not first:
            horizon.remember(session, found, len(broken))
        losses = {"lost": forecast.problems(lost), "refused": forecast.problems(broken)}
        return document | found | losses
