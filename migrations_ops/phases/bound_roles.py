"""Roles of others that isolation binds, as changes that know their undo: whose requests they make, what they lose of
their rights, and the tenant of the rows that they write. Their policies are made with those of each table."""

from collections.abc import Callable, Iterator

from psycopg.sql import Composable

from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Check, Severity, Statement
from migrations_ops.phases.grants import Held
from migrations_ops.phases.inventory import bound_roles_of, closed_of
from migrations_ops.phases.queries import keys_that_are_not_unique, of_table, query
from migrations_ops.rules.model import Plan
from tenants.inventory import OWN_SCHEMA, BoundRole, Inventory, Routine
from tenants.isolation import bound, unbound
from tenants.isolation.comparison import is_as_wanted
from tenants.isolation.difference import BOUND_FUNCTIONS, BOUND_RIGHTS, BOUND_WRITERS
from vital.db import sql
from vital.errors import Problem


def not_bound(ask: unbound.Ask, plan: Plan) -> list[unbound.Unbound]:
    """The roles of others that isolation leaves alone, and nobody has accepted."""
    return unbound.reaching(ask, closed_of(plan), bound_roles_of(plan), plan.unbound)


def none_is_left_alone(plan: Plan) -> Check:
    """What comes first: isolation that is not enforced for somebody is said to be so."""

    def problems(session: Session) -> Iterator[Problem]:
        for one in not_bound(session.execute, plan):
            yield Problem("", "", f"{one.seen}: isolation is not enforced for this role. {one.fix}")

    return Check("roles that isolation does not bind", problems, Severity.WARN)


def can_be_bound(plan: Plan) -> Iterator[Check]:
    """Each role is there, policies bind it and do not bind the owner, and its users are known by a unique key."""
    if not plan.bound:
        return
    roles = sql.literal([one.role for one in plan.bound])
    tables = sql.literal([plan.registry, *(spec.relation for spec in plan.tables)])
    questions = [query("roles_that_cannot_be_bound", roles=roles, tables=tables)]
    questions.append(keys_that_are_not_unique((one.users[0], (one.users[1],)) for one in plan.bound if one.users))
    yield Check("roles of [[bind]] that cannot be bound", sql.join(questions, " UNION ALL "), gate=True)


def functions(plan: Plan, inventory: Callable[[], Inventory]) -> Iterator[Statement]:
    """Before the policies, which call them."""
    for one in bound_roles_of(plan):
        if one.has_tenant:
            routine = bound.tenant_function(one, plan.registry)
            yield Statement(
                name=bound.knowing(one),
                is_applied=is_as_wanted(inventory, BOUND_FUNCTIONS, role=one.role),
                up=(
                    query("create_tenant_function", **_parts(routine)),
                    query("close_function", signature=sql.literal(routine.signature)),
                    query("open_function", role=sql.ident(one.role), **_parts(routine)),
                ),
                undo_blockers=query("built_on_function", signature=sql.literal(routine.signature)),
                down=lambda _, routine=routine: (query("drop_tenant_function", **_parts(routine)),),  # type: ignore[misc]  # a default, to bind it now
            )


def rights(plan: Plan, inventory: Callable[[], Inventory]) -> Iterator[Statement]:
    """What passes policies by is taken from the roles: TRUNCATE, and a partition that is read by its own name."""
    for one in bound_roles_of(plan):
        for relation in one.limited:
            yield _rights(plan, one, relation, inventory)


def _rights(plan: Plan, one: BoundRole, relation: str, inventory: Callable[[], Inventory]) -> Statement:
    name, heirs = bound.limiting(one, relation), of_table("heirs_of", relation)
    family = of_table(
        "family_but_planned", relation, heirs=heirs, planned=sql.literal([*closed_of(plan), *plan.common])
    )
    held = Held(name, of_table("held_on_table", relation, family=family), (one.role,))
    allowed = sql.literal(sorted(bound.rights(one, relation)))
    return Statement(
        name=name,
        relation=relation,
        is_applied=is_as_wanted(inventory, BOUND_RIGHTS, relation, role=one.role),
        saved_state=held.before,
        up=(of_table("take_rights", relation, role=sql.literal(one.role), allowed=allowed, held_by_roles=held.now),),
        down=held.as_before,
        undo_blockers=held.by_others,
        locks=(relation,),
    )


def writers(plan: Plan, inventory: Callable[[], Inventory]) -> Iterator[Statement]:
    """Applications that know no tenants write rows without one: here it is the caller's."""
    for one in bound_roles_of(plan):
        for relation in bound.writes(one):
            yield _writer(one, relation, inventory)


def _writer(one: BoundRole, relation: str, inventory: Callable[[], Inventory]) -> Statement:
    routine = bound.writer_function(one)
    trigger = {"trigger": sql.ident(bound.writer(one))}
    head = {"function": sql.verbatim(routine.signature), "result": sql.raw("trigger")}
    condition = sql.verbatim(bound.writer_condition(one))
    return Statement(
        name=bound.giving(one, relation),
        relation=relation,
        is_applied=is_as_wanted(inventory, BOUND_WRITERS, relation, role=one.role),
        up=(
            query("create_guard", **(_parts(routine) | head)),
            query("close_function", signature=sql.literal(routine.signature)),
            of_table("create_writer", relation, condition=condition, **trigger, **_parts(routine)),
        ),
        down=lambda _: (
            of_table("drop_writer", relation, **trigger),
            query("drop_unused_function", signature=sql.literal(routine.signature)),
        ),
        locks=(relation,),
    )


def _parts(routine: Routine) -> dict[str, Composable]:
    return {"function": sql.ident(OWN_SCHEMA, routine.name), "body": sql.literal(routine.body)}
