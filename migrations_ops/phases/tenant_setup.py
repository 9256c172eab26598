"""Tenant setup: the plan's tenants, their configuration and organisation; last, the trigger for rows that old code
still writes without a tenant (not before: its foreign key would fail)."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace

from psycopg.sql import Composable

from migrations_ops.engine import sql
from migrations_ops.engine.steps import Assign, Check, Insert, Phase, Statement, Step, Table
from migrations_ops.phases import organisation, probes
from migrations_ops.phases.queries import of_table, query, registry, short
from migrations_ops.rules.compile import verdict
from migrations_ops.rules.load import PHASES
from migrations_ops.rules.model import TENANT_COLUMN, Plan, TableSpec

CONFIGURED = ("name", "slug", "domain", "compliance_level", "is_active", "settings", "metadata")
BY_PERSON = {alias: query("configured_by_person", tenant=sql.column(alias, "id")) for alias in ("t", "batch")}


def phase(plan: Plan) -> Phase:
    return Phase("002_tenant_setup", "Tenant setup", tuple(_steps(plan)))


def _steps(plan: Plan) -> Iterator[Step]:
    wanted, owned = _wanted(plan), [*(spec.relation for spec in plan.tables), *organisation.own_tables(plan)]
    yield Assign(
        name="configuration of tenants that exist",
        table=registry(plan),
        columns=CONFIGURED,
        verdict=query("tenant_configuration", by_person=BY_PERSON["batch"], **wanted),
        open=query("is_configured", by_person=BY_PERSON["t"], ids=wanted["ids"]),
    )
    yield Insert(
        name="tenants that are missing",
        table=registry(plan),
        columns=tuple(column for column in ("id", *CONFIGURED) if column != "is_active"),
        rows=of_table("missing_tenants", plan.registry, **wanted),
        rule="the plan's tenants",
        breaks=probes.rows_of_our_tenants(plan),
        removable=sql.join([of_table("has_no_rows_of", relation) for relation in owned], " AND "),
    )
    yield Insert(
        name="tenants in the registry",
        table=Table("vital.tenant", ("id",)),
        columns=("id", "schema_name", "isolation"),
        rows=query("unregistered_tenants", registry=sql.relation(plan.registry)),
        rule="one to one with the platform's tenants",
    )
    yield Insert(
        name="host names of the tenants",
        table=Table("vital.domain", ("id",)),
        columns=("domain", "is_primary", "tenant_id"),
        rows=of_table("unregistered_domains", plan.registry, registry=sql.relation(plan.registry)),
        rule="domains, slugs, and the ones before as aliases",
    )
    yield from organisation.rows(plan)
    yield probes.rules_fit(plan)
    for trigger, spec in zip(late_writers(plan), (spec for spec in plan.tables if spec.decides), strict=True):
        yield replace(trigger, writes=(spec.table, (TENANT_COLUMN,)))
    yield Check("every tenant of the plan is there", of_table("missing_tenant_rows", plan.registry, **_ids(plan)))


def _wanted(plan: Plan) -> dict[str, Composable]:
    tenants = plan.tenants
    return _ids(plan) | {
        "names": sql.literal([tenant.name for tenant in tenants]),
        "slugs": sql.literal([tenant.slug for tenant in tenants]),
        "domains": sql.literal([tenant.domain for tenant in tenants]),
        "levels": sql.literal([tenant.compliance_level for tenant in tenants]),
        "settings": sql.literal([json.dumps(tenant.settings) for tenant in tenants]),
        "metadata": sql.literal([json.dumps(tenant.metadata) for tenant in tenants]),
    }


def _ids(plan: Plan) -> dict[str, Composable]:
    return {"ids": sql.literal([tenant.id for tenant in plan.tenants])}


def late_writers(plan: Plan) -> Iterator[Statement]:
    """The trigger of each table; a plan with other rules replaces its function."""
    for spec in plan.tables:
        if spec.decides:
            yield _late_writer(plan, spec)


def _late_writer(plan: Plan, spec: TableSpec) -> Statement:
    function = sql.ident("vital", sql.fitting(f"late_writer_of_{spec.relation.replace('.', '_')}"))
    body = sql.text_of(_body(plan, spec))
    digest = sql.literal(hashlib.sha256(body.encode()).hexdigest())
    of_function = {"function": function}
    return Statement(
        name=f"rows written to {short(spec.relation)} without a tenant get theirs",
        relation=spec.relation,
        there=of_table("late_writer_is_current", spec.relation, digest=digest),
        up=(
            query("create_late_writer", body=sql.literal(body), **of_function),
            query("mark_late_writer", digest=digest, **of_function),
            query("close_late_writer", **of_function),
            of_table("create_late_trigger", spec.relation, **of_function),
        ),
        down=lambda _: (of_table("drop_late_trigger", spec.relation), query("drop_late_writer", **of_function)),
        locks=(spec.relation,),
    )


def _body(plan: Plan, spec: TableSpec) -> Composable:
    platform = [rule.name for rule in spec.rules if rule.phase == PHASES[0]]
    # An expression of the plan's own may be an error for some row, which must not be one of the application's.
    decides = "late_verdict_or_none" if spec.has_expressions else "late_verdict"
    return of_table(
        "late_writer_body",
        spec.relation,
        decide=of_table(decides, spec.relation, verdict=verdict(plan, spec, PHASES)),
        platform_rules=sql.literal(platform),
        column=sql.literal(TENANT_COLUMN),
        key=sql.key_text("NEW", spec.table.key),
    )
