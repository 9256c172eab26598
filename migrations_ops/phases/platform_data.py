"""Platform data: every row that is shared by all goes to the Platform, by the rules of the plan for this phase.
Undo: the ledger; the indexes that were dropped are built again."""

from migrations_ops.engine.steps import Phase, Step
from migrations_ops.phases import probes, tenant_indexes
from migrations_ops.phases.assign_steps import assign, refused
from migrations_ops.rules.model import Plan
from migrations_ops.rules.plan_keys import PHASES

KEY, TITLE = "003_platform_data", "Platform data"


def phase(plan: Plan) -> Phase:
    tables = [spec for spec in plan.tables if any(rule.phase == PHASES[0] for rule in spec.rules)]
    steps: list[Step] = [probes.rules_fit(plan), *(tenant_indexes.dropped(plan, spec) for spec in tables)]
    steps += [assign(plan, spec, PHASES[:1]) for spec in tables]
    steps += [check for spec in tables for check in refused(spec)]
    return Phase(KEY, TITLE, tuple(steps))
