"""What must be so before tables are placed, and what will be another afterwards: asked first, with counts."""

from collections.abc import Iterator

from migrations_ops.distribution import clocks, keys
from migrations_ops.distribution.placement import CHOICE, Layout, tables_of
from migrations_ops.distribution.queries import of_table, query
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Check, Probe, Severity
from migrations_ops.phases.inventory import inventory_of
from migrations_ops.rules.model import Plan
from tenants.isolation import comparison
from tenants.isolation.difference import REFERENCES
from vital.counts import counted
from vital.db import cluster, sql
from vital.errors import Problem


def checks(plan: Plan, layout: Layout) -> Iterator[Check]:
    """In the order in which one would mend them. The first ones are gates: without them nothing else can be asked."""
    yield Check("nodes of the cluster", query("nodes"), gate=True)
    yield Check("isolation that is not on", _isolation(plan), gate=True)
    yield Check("what this VITAL cannot place", _unfit(plan, layout), gate=True)
    yield Check("rows that have no place", _without_tenant(layout))
    yield Check("triggers that would make copies differ", _triggers(layout))
    yield Check("foreign keys that cannot be kept", _lost(plan, layout), Severity.WARN)
    yield Check("keys that will be unique in each tenant only", _per_tenant(layout), Severity.WARN)


def _isolation(plan: Plan) -> Probe:
    def problems(session: Session) -> Iterator[Problem]:
        stands = comparison.standing(session.execute, inventory_of(plan))
        if stands.is_off:
            yield Problem("", "", "isolation is not on: ./manage.py migrate_tenants, and distribute afterwards")
        begun = bool(session.execute(query("chosen_placement", statement=sql.literal(CHOICE))))
        found = [one for one in stands.dangerous if not (begun and one.part == REFERENCES)]  # those are set aside
        for one in found[:1]:
            more = f" ({len(found) - 1} more: ./manage.py doctor)" if found[1:] else ""
            yield Problem(one.relation, "", f"{one.seen}. {one.fix}{more}")

    return problems


def _unfit(plan: Plan, layout: Layout) -> Probe:
    def problems(session: Session) -> Iterator[Problem]:
        for bind in plan.bound:
            yield Problem(
                "", bind.role, f"the plan binds the role {bind.role}: its policies are not those of a cluster"
            )
        placed, every = sql.literal(layout.distributed), sql.literal(tables_of(plan))
        questions = [query(name, tables=every) for name in ("restrictive_policies", "subqueries_in_policies")]
        questions += [query("shapes_that_do_not_fit", tables=every), query("keys_that_cannot_gain", tables=placed)]
        for question in questions:
            yield from (Problem(*map(str, row)) for row in session.execute(question))
        for child, parent in ((r.child, r) for t in tables_of(plan) for r in keys.references_of(session, plan, t)):
            if layout.how(child) == cluster.REFERENCE and layout.how(parent.parent) == cluster.DISTRIBUTED:
                why = f"it refers by {parent.name} to {sql.shown(parent.parent)}, which is to be distributed"
                yield Problem(child, "", f"{why}: place both alike in the plan")

    return problems


def _without_tenant(layout: Layout) -> Probe:
    def problems(session: Session) -> Iterator[Problem]:
        for relation in layout.distributed:
            with session.work():
                yield from (
                    Problem(*map(str, row)) for row in session.execute(of_table("rows_without_place", relation))
                )

    return problems


def _triggers(layout: Layout) -> Probe:
    def problems(session: Session) -> Iterator[Problem]:
        for one in clocks.triggers_of(session, layout.reference):
            if one.differs:
                why = f"the trigger {one.name} fires on each node by itself, and writes what may be another there"
                yield Problem(one.relation, "", f"{why}: drop it, or place the table as a distributed one")

    return problems


def _lost(plan: Plan, layout: Layout) -> Probe:
    def problems(session: Session) -> Iterator[Problem]:
        for relation in tables_of(plan):
            for one in keys.references_of(session, plan, relation):
                if why := lost(session, one, layout):
                    yield Problem(one.child, "", f"{one.name} to {sql.shown(one.parent)}: {why}")

    return problems


def lost(session: Session, one: keys.Reference, layout: Layout) -> str:
    """Why this foreign key cannot be kept, with how many rows it is about; empty where it can."""
    if why := one.refusal(layout):
        return f"{counted(keys.rows_of(session, one), 'row')} refer by it, and {why}"
    if broken := keys.rows_that_break(session, one, layout):
        return f"{counted(broken, 'row')} refer to a row of another tenant, which a key with the tenant refuses"
    return ""


def _per_tenant(layout: Layout) -> Probe:
    def problems(session: Session) -> Iterator[Problem]:
        for relation in layout.distributed:
            for key in session.value(keys.without_tenant(relation)):
                if not key["is_primary"]:
                    yield Problem(relation, "", f"({', '.join(key['columns'])}) is unique in each tenant from now on")

    return problems


def afterwards(plan: Plan) -> Check:
    """Isolation as the cluster must have it, on every node."""

    def problems(session: Session) -> Iterator[Problem]:
        for one in comparison.standing(session.execute, inventory_of(plan)).dangerous:
            yield Problem(one.relation, "", f"{one.seen}. {one.fix}")

    return Check("isolation that does not hold on every node", problems)
