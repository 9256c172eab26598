"""Tenant setup: the plan's tenants, their configuration and organisation; last, the trigger for rows that old code
still writes without a tenant (not before: its foreign key would fail)."""

import json
from collections.abc import Iterator

from psycopg.sql import Composable

from migrations_ops.engine.steps import Assign, Check, Insert, Phase, Step, Table
from migrations_ops.phases import columns, legacy_writers, org_tables, probes, tenant_source
from migrations_ops.phases.inventory import lazily
from migrations_ops.phases.queries import of_table, query, registry
from migrations_ops.rules.model import Plan
from vital.db import sql

KEY, TITLE = "002_tenant_setup", "Tenant setup"

CONFIGURED = ("name", "slug", "domain", "compliance_level", "is_active", "settings", "metadata")
BY_PERSON = {alias: query("configured_by_person", tenant=sql.column(alias, "id")) for alias in ("t", "batch")}


def phase(plan: Plan) -> Phase:
    return Phase(KEY, TITLE, tuple(_steps(plan)))


def _steps(plan: Plan) -> Iterator[Step]:
    wanted = _wanted(plan)
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
        undo_blockers=probes.rows_of_our_tenants(plan),
        removable=org_tables.has_no_rows(plan),
    )
    yield from tenant_source.missing(plan)
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
    yield from org_tables.rows(plan)
    yield probes.rules_fit(plan)
    yield from tenant_source.added_later(plan)
    yield from (columns.tenant_key(plan, spec) for spec in plan.tables if plan.adopts)
    yield from legacy_writers.triggers(plan, lazily(plan), for_changed_rows=False)
    yield from tenant_source.are_tenants(plan)
    yield Check("tenants of the plan without a row", of_table("missing_tenant_rows", plan.registry, **_ids(plan)))


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
