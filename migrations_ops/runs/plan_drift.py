"""A run goes on with the plan that it was opened with, and with no other."""

import difflib

from migrations_ops.engine.session import Session
from migrations_ops.rules.model import Plan
from vital.errors import EngineError


class PlanHasChanged(EngineError):
    """Run {run} was opened with another plan, so it cannot continue; nothing was changed. Revert the change
    below, or name the other plan by --plan, and resume. To start over with this one: ./manage.py migrate_tenants
    {difference}"""

    exit_code = 2


def refuse_another(session: Session, run: int, digest: str, plan: Plan) -> None:
    """Raise PlanHasChanged, with the difference, where the run was opened with another plan than this one."""
    if digest == plan.digest:
        return
    before = str(session.named("plan_of_run", {"id": run})[0][0])
    changed = difference(before, plan.text, f"the plan of run {run}", "the plan now")
    raise PlanHasChanged(run=run, difference="\n" + changed)


def difference(before: str, after: str, name_before: str, name_after: str) -> str:
    """What differs between two plans, line by line with two lines around; empty where nothing does."""
    lines = (before.splitlines(), after.splitlines())
    return "\n".join(difflib.unified_diff(*lines, name_before, name_after, n=2, lineterm=""))
