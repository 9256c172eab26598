"""Pre-validation: refuse early and clearly, and remember how everything was. Changes nothing of the platform."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import psycopg
from psycopg.sql import Composable

from migrations_ops.engine import checks
from migrations_ops.engine.events import Outcome
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Baseline, Check, Phase, Probe, Severity, Step
from migrations_ops.impact import service as impacts
from migrations_ops.phases import (
    bound_roles,
    event_triggers,
    names,
    org_tables,
    probes,
    tenant_source,
    tenant_table,
    triggers,
    unique_keys,
    updates,
    vital_product,
    who_is_bound,
)
from migrations_ops.phases.inventory import inventory_of
from migrations_ops.phases.queries import (
    keys_that_are_not_unique,
    of_table,
    query,
    schemas_of,
    short,
    wrong_columns,
)
from migrations_ops.rules import database_check
from migrations_ops.rules.model import TENANT_COLUMN, Plan
from tenants.isolation import reachability, wanted
from tenants.isolation.comparison import hiding
from vital.db import sql
from vital.db.introspection import COLUMNS
from vital.errors import Problem

KEY, TITLE = "000_pre_validation", "Pre-validation"

REGISTRY_COLUMNS = {
    "id": "uuid",
    "name": "text",
    "slug": "text",
    "domain": "text",
    "compliance_level": "text",
    "is_active": "boolean",
    "settings": "jsonb",
    "metadata": "jsonb",
}


def phase(plan: Plan) -> Phase:
    return Phase(KEY, TITLE, tuple(_steps(plan)))


def _steps(plan: Plan) -> Iterator[Step]:
    tables, tenants = plan.tables, tenant_table.adopted(plan)
    yield Check("server version", query("server_version"), gate=True)
    yield Check("settings that stand in the way", query("settings_in_the_way"), gate=True)
    yield from fits(plan)
    ours = sql.literal([spec.relation for spec in tables])
    unfit = [
        of_table("no_column_can_be_added", spec.relation, heirs=of_table("heirs_of", spec.relation)) for spec in tables
    ] + [query("inherits_from_another_of_the_plan", tables=ours)]
    yield Check("tables that cannot have a tenant column", sql.join(unfit, " UNION ALL "), gate=True)
    yield Check("existing tenants that the plan does not name", sql.join(_other_tenants(plan), " UNION ALL "))
    yield Check("tables of another origin under VITAL's names", sql.join(_in_the_way(plan), " UNION ALL "), gate=True)
    whose = [*tenants, *(spec.relation for spec in tables), *org_tables.own_tables(plan)]
    owners = [of_table(question, name) for name in whose for question in ("not_owner", "owner_lacks_privileges")]
    owners.append(query("belong_to_a_provider", read=sql.literal([*plan.common, *plan.passed_through]), tables=ours))
    yield Check("tables that the role does not own", sql.join(owners, " UNION ALL "), gate=True)
    schemas = sorted({*schemas_of(_written(plan)), "vital"})
    lacking = query("missing_privileges", schemas=sql.literal(schemas))
    used = query("usage_cannot_be_granted", schemas=sql.literal(schemas_of([plan.registry, *_relations(plan)])))
    rights = [lacking, used, query("unreachable_roles"), query("bound_by_row_level_security")]
    yield Check("privileges that the role lacks", sql.join(rights, " UNION ALL "), gate=True)
    yield unfiltered(plan)
    yield unhidden(plan)
    yield from bound_roles.can_be_bound(plan)
    yield probes.rules_fit(plan)
    yield from tenant_source.can_be_tenants(plan)
    yield Check("values in the plan that no row can have", database_check.dead_values(plan), Severity.WARN)
    yield Check("votes that read a whole table for each row", database_check.slow_votes(plan), Severity.WARN)
    yield Check("free disk space", probes.free_disk)
    yield Check("load signals that cannot be read", probes.hidden_signals, Severity.WARN)
    yield from (check for relation in tenants for check in _tenants_there(plan, relation))
    yield from (check for spec in tables for check in unique_keys.can_be_rescoped(spec))
    yield names.are_free(plan)
    yield probes.changeable(plan)
    yield from updates.checks(plan)
    yield from event_triggers.checks(schemas)
    yield from _to_know(plan)
    for spec in tables:
        yield Baseline(f"baseline of {short(spec.relation)}", spec.table, TENANT_COLUMN)


def _to_know(plan: Plan) -> Iterator[Check]:
    """What stops nothing, and somebody may want to know beforehand."""
    yield Check("sessions that fire no trigger", query("sessions_past_triggers"), Severity.WARN)
    yield triggers.that_fire(plan)
    yield Check("triggers that 001 holds back", triggers.held_back(plan), Severity.WARN)
    yield Check("triggers whose changes of a row are put back", triggers.put_right(plan), Severity.WARN)
    yield who_is_bound.refused_loads(plan)
    yield Check("statements that isolation will break", lambda session: impacts.problems(session, plan), Severity.WARN)
    yield Check("tables that tenants will reach beyond the plan", _reach(plan), Severity.WARN)


def _reach(plan: Plan) -> Probe:
    """What 006 and `prove_isolation` would name when everything else was done. Of bound roles 006 itself takes much."""

    def problems(session: Session) -> Iterator[Problem]:
        inventory = replace(inventory_of(plan), bound=())
        for one in reachability.not_allowed(session, inventory):
            yield Problem(one.name, "", one.advice)
        for one in reachability.open_to_everybody(session, inventory):
            yield Problem(one.name, "", f"{one.how}. Close it: {one.closing}")

    return problems


def _written(plan: Plan) -> list[str]:
    return [*tenant_table.adopted(plan), *(spec.relation for spec in plan.tables), *plan.common]


def _relations(plan: Plan) -> list[str]:
    return [*_written(plan), *plan.passed_through]


def fits(plan: Plan) -> Iterator[Check]:
    """Without these nothing can be asked of the plan's tables."""
    tables = sql.literal(_relations(plan))
    missing = [query(name, tables=tables) for name in ("another_database", "missing_tables", "no_tables")]
    yield Check("tables that are missing", sql.join(missing, " UNION ALL "), gate=True)
    yield Check("columns that are missing or of another type", _columns(plan), gate=True)


def unfiltered(plan: Plan) -> Check:
    """A role that policies filter would count what it may see for all there is."""
    filtered = query("filtered_by_policies", tables=sql.literal([*_relations(plan), *org_tables.own_tables(plan)]))
    return Check("policies that hide rows from the role", filtered, gate=True)


def unhidden(plan: Plan) -> Check:
    """A RESTRICTIVE policy for everybody binds VITAL's roles, and the owner where row level security is forced."""
    relations = [*_relations(plan), *org_tables.own_tables(plan)]

    def problems(session: Session) -> Iterator[Problem]:
        owner = "the owner, " if plan.force_owner else ""
        for one, condition in hiding(session.execute, relations, force_owner=plan.force_owner):
            what = f"the {one.object.removesuffix(f' of {one.relation}')} is {one.found}"
            hides = f"from 006 on it would hide rows from {owner}tenants and VITAL's own work"
            count = _hidden(session, one.relation, condition) if condition else ""
            yield Problem(one.relation, "", f"{what}: {hides}{count}. Say whom it is for: {one.fix}")

    return Check("policies of others that would hide rows", problems, gate=True)


def _hidden(session: Session, relation: str, condition: str) -> str:
    """How many rows a policy's condition leaves out as it is asked here, and how to see them. It may be no question for
    this session, or one that must not leave anything behind."""
    rows = wanted.hidden_rows(relation, condition)
    try:
        with session.work(as_operator=False), session.connection.transaction(force_rollback=True):
            count = session.value(query("count_of", rows=sql.verbatim(rows)))
    except (psycopg.DataError, psycopg.ProgrammingError, psycopg.errors.RaiseException):
        return ""
    return f" (from a session like this one {count:,}: {rows};)" if count else ""


def _tenants_there(plan: Plan, relation: str) -> Iterator[Check]:
    yield Check("slugs and domains that are taken", of_table("taken_slugs", relation, **_wanted(plan)))
    titles = sql.literal([tenant.name for tenant in plan.tenants])
    renamed = of_table("renamed_tenants", relation, titles=titles, **_wanted(plan))
    yield Check("existing tenants renamed, ids kept", renamed, Severity.WARN)


def _columns(plan: Plan) -> Composable:
    tables = sql.literal([spec.relation for spec in plan.tables])
    needed: list[tuple[str, Mapping[str, str], bool]] = [
        *((relation, REGISTRY_COLUMNS, True) for relation in tenant_table.adopted(plan)),
        *((spec.relation, spec.columns, True) for spec in plan.tables),
        *((relation, columns, False) for relation, columns in vital_product.added(plan)),
    ]
    questions = [
        wrong_columns(needed),
        query("wrong_tenant_columns", tables=tables, column=sql.literal(TENANT_COLUMN), all_columns=COLUMNS),
        keys_that_are_not_unique((spec.relation, spec.table.key) for spec in plan.tables),
    ]
    return sql.join(questions, " UNION ALL ")


def _other_tenants(plan: Plan) -> Iterator[Composable]:
    adopted = sql.literal(plan.source.table.relation) if plan.source and plan.adopts else sql.raw("NULL")
    parts = {"column": sql.literal(TENANT_COLUMN), "registry": sql.literal(plan.registry), "adopted": adopted}
    for spec in plan.tables:
        yield of_table("tenants_of_another_table", spec.relation, **parts)


def _in_the_way(plan: Plan) -> Iterator[Composable]:
    yield query("foreign_tracking_table")
    own = org_tables.own_tables(plan)
    yield query("no_tables", tables=sql.literal([*own]))
    yield from map(org_tables.misfits, own)


def _wanted(plan: Plan) -> dict[str, Composable]:
    return {
        "ids": sql.literal([tenant.id for tenant in plan.tenants]),
        "slugs": sql.literal([tenant.slug for tenant in plan.tenants]),
        "domains": sql.literal([tenant.domain for tenant in plan.tenants]),
    }


def outcomes(session: Session, plan: Plan) -> list[dict[str, Any]]:
    """What this phase finds, asked and not written down."""
    asked = []
    for step in phase(plan).steps:
        if isinstance(step, Check):
            outcome = _outcome(session, step)
            asked.append({"check": step.name, "outcome": outcome.status, "messages": outcome.messages})
            if step.gate and outcome.status == "FAIL":
                break
    return asked


def _outcome(session: Session, check: Check) -> Outcome:
    """A database from before VITAL has no schema of VITAL's, and is given none here: it is to be as it was."""
    try:
        return checks.outcome_of(check, checks.ask(session, check))
    except (psycopg.errors.InvalidSchemaName, psycopg.errors.UndefinedTable):
        return Outcome("later", messages=["VITAL has no tables of its own here yet; a run makes them and asks"])
