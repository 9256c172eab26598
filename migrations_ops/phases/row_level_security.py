"""Row level security: close. Every row's tenant is proven, keys become unique per tenant, roles and policies come into
force, and an attack run shows that isolation holds. Undo turns it off until 006 turns it on again."""

import json
from collections.abc import Callable, Iterator
from functools import partial

import psycopg
from psycopg.sql import Composable

from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Check, Phase, Probe, SavedState, Severity, Statement, Step
from migrations_ops.phases import bound_roles, not_null, org_tables, unique_keys, who_is_bound
from migrations_ops.phases import policies as rls
from migrations_ops.phases.columns import tenant_key, tenant_key_parts
from migrations_ops.phases.inventory import bound_roles_of, inventory_of, lazily
from migrations_ops.phases.queries import of_table, schemas_of, short
from migrations_ops.rules.model import Plan, TableSpec
from tenants.inventory import TENANT_COLUMN, Inventory
from tenants.isolation import bypasses, comparison
from tenants.isolation.comparison import CLOSES
from vital.db import sql
from vital.errors import Problem

KEY, TITLE = CLOSES, "Row level security"


def phase(plan: Plan) -> Phase:
    steps = tuple(_steps(plan, lazily(plan)))
    summary = partial(who_is_bound.in_words, plan)
    return Phase(KEY, TITLE, steps, one_look=comparison.one_look, summary=summary)


def _steps(plan: Plan, inventory: Callable[[], Inventory]) -> Iterator[Step]:
    yield bound_roles.none_is_left_alone(plan)
    yield Check("rights that VITAL's roles should not have", _roles(plan), gate=True)
    for spec in plan.tables:
        yield _valid_tenant_key(plan, spec)
        yield from not_null.statements(spec)
        # Unique per tenant binds no row without one, so a canary tenant leaves the keys as they are.
        for key in () if plan.only_tenant else spec.rescope:
            yield from unique_keys.rescoped(spec, key)
    relations = [spec.relation for spec in plan.tables]
    own = list(org_tables.own_tables(plan))
    yield from rls.roles()
    for schema in schemas_of([plan.registry, *relations, *plan.common, *plan.passed_through]):
        yield rls.schema_usage(schema)
    yield from bound_roles.can_be_bound(plan)
    yield from bound_roles.functions(plan, inventory)
    # Policies before grants: whoever comes in between is shown nothing, in the undo as well.
    yield from (step for relation, closing in closings(plan) for step in (rls.narrowed(relation), closing))
    for relation in [*relations, *own]:
        yield rls.grants(relation, inventory)
    yield from bound_roles.rights(plan, inventory)
    yield from bound_roles.writers(plan, inventory)
    for relation in [plan.registry, *plan.common]:
        yield rls.grants(relation, inventory, ["SELECT"])
    for relation in plan.passed_through:
        yield rls.way_to_parents(relation)
    # From here on data work runs as vital_operator, which must see every row by then; beside a canary table it would be
    # shown none of those that are left out.
    if not plan.left_out:
        yield rls.own_tables()
    yield rls.temporary_tables(revoked=plan.revoke_temp)
    if plan.revoke_temp:
        yield Check("logins that may still make temporary tables", bypasses.who_may_shadow(), Severity.WARN)
    yield rls.guard_functions(inventory)
    for relation in [*relations, *own]:
        yield rls.guarded_references(relation, inventory, [*relations, *own], plan.platform_id)
    yield Check("differences that a run may not repair", _left(inventory))
    yield Check("tables that tenants reach beyond the plan", _reach(plan), Severity.WARN)
    yield Check("tenants that see more or less than their rows", _attack(plan))


def _roles(plan: Plan) -> Probe:
    """Attributes and memberships are the whole cluster's, and a DBA's to take back."""

    def problems(session: Session) -> Iterator[Problem]:
        for one in comparison.of_roles(session.execute, [bind.role for bind in plan.bound]):
            if one.dangerous:
                yield Problem("", "", f"{one.seen}. {one.fix}")

    return problems


def _left(inventory: Callable[[], Inventory]) -> Probe:
    """What keeps tenants apart and is not as it should be after all that was made anew."""

    def problems(session: Session) -> Iterator[Problem]:
        for one in comparison.standing(session.execute, inventory()).dangerous:
            if one.own:
                yield Problem(one.relation, "", f"{one.seen}. {one.fix}")

    return problems


def _reach(plan: Plan) -> Probe:
    """The question what tenants reach beside the plan; `prove_isolation` fails on it."""

    def problems(session: Session) -> Iterator[Problem]:
        from tenants.isolation import reachability

        for one in reachability.not_allowed(session, inventory_of(plan)):
            yield Problem(one.name, "", one.advice)

    return problems


def _attack(plan: Plan) -> Probe:
    """The question whether isolation holds: the plan's tenants against each other, in the database."""

    def problems(session: Session) -> Iterator[Problem]:
        from tenants.isolation import database_probe, report

        try:
            attacks = database_probe.prove(session, inventory_of(plan), everybody=False)
        except database_probe.CannotBecomeTenant as error:
            yield Problem("", "", str(error))
            return
        except psycopg.errors.InsufficientPrivilege as error:
            yield Problem("", "", f"the attack run as vital_tenant was refused: {error.diag.message_primary}")
            return
        yield from (Problem(table, "", message) for table, message in report.problems(attacks))
        missing = {database_probe.attacks_as(one.role) for one in plan.bound}
        for left_out in attacks.not_tried:
            if left_out["what"] in missing:
                yield Problem("", "", f"{left_out['what']} could not be tried: {left_out['why']}")

    return problems


def closings(plan: Plan) -> Iterator[tuple[str, Statement]]:
    """The closing of each table, with the table."""
    inventory, platform, bound = lazily(plan), plan.platform_id, bound_roles_of(plan)
    tables = [(spec.relation, spec.shared, TENANT_COLUMN) for spec in plan.tables]
    tables += [(relation, True, TENANT_COLUMN) for relation in org_tables.own_tables(plan)]
    for relation, shared, column in [*tables, (plan.registry, False, "id")]:
        roles = [one for one in bound if relation in one.tables]
        how: rls.Rows = {"shared": shared, "platform": platform, "column": column}
        yield relation, rls.policies(relation, inventory, force_owner=plan.force_owner, roles=roles, **how)


def _valid_tenant_key(plan: Plan, spec: TableSpec) -> Statement:
    parts = tenant_key_parts(plan, spec)
    made = sql.literal(tenant_key(plan, spec).name)

    def not_valid(saved_state: SavedState) -> tuple[Composable, ...]:
        return tuple(
            of_table("tenant_key_not_valid_again", spec.relation, **parts, key=sql.literal(json.dumps(key)))
            for key in saved_state.get("not_valid", [])
        )

    return Statement(
        name=f"every tenant in {short(spec.relation)} exists",
        relation=spec.relation,
        is_applied=of_table("tenant_key_is_valid", spec.relation, **parts),
        saved_state=of_table("tenant_keys_not_valid", spec.relation, **parts, made=made),
        up=(of_table("validate_tenant_key", spec.relation, **parts),),
        down=not_valid,  # of a key that was there before; what 001 made it takes away with its column
        locks=(spec.relation,),
    )
