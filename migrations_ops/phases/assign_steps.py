"""The assignment of a table's rows, as the phases 003 and 004 have it."""

from collections.abc import Iterator, Sequence

from psycopg.sql import Composable

from migrations_ops.engine.steps import Assign, Check, Severity
from migrations_ops.phases import probes
from migrations_ops.phases.queries import of_table, short
from migrations_ops.rules.compile import verdict
from migrations_ops.rules.model import TENANT_COLUMN, Plan, TableSpec
from migrations_ops.rules.plan_keys import PHASES
from vital.db import sql


def _only(plan: Plan) -> Composable | None:
    """A canary tenant's verdicts; all, where there is no canary."""
    if not plan.only_tenant:
        return None
    tenant = sql.literal(plan.tenant(plan.only_tenant).id)
    return sql.compose("v.{column} = {tenant}::uuid", column=sql.ident(TENANT_COLUMN), tenant=tenant)


def step_name(spec: TableSpec) -> str:
    """What the assignment of a table's rows is called, in each phase."""
    return f"tenant of {short(spec.relation)}"


def refused(spec: TableSpec) -> Iterator[Check]:
    """The rows that the assignment has left, where the plan lets it leave some."""
    if spec.failing is not None:
        name = f"rows of {short(spec.relation)} that refuse their tenant"
        yield Check(name, probes.refusing_rows(spec, step_name(spec)), Severity.WARN, spec.relation, kind="failing")


def assign(plan: Plan, spec: TableSpec, phases: Sequence[str]) -> Assign:
    """Rows without a tenant; and, of those that have one, what a person decided or a reassigning rule may move."""
    reassignable = [of_table("decided_by_person", spec.relation, key=sql.key_text("t", spec.table.key))]
    if any(rule.reassigns for rule in spec.rules):
        reassignable.append(of_table("stood_at_baseline", spec.relation, key=sql.key_text("t", spec.table.key)))
    return Assign(
        name=step_name(spec),
        table=spec.table,
        columns=(TENANT_COLUMN,),
        verdict=verdict(plan, spec, phases),
        open=of_table("is_unassigned", spec.relation),
        reassignable=sql.join(reassignable, " OR "),
        only=_only(plan),
        failing=spec.failing,
        goes_on=PHASES[-1] not in phases,
    )
