"""Where what a page names is looked at: a run, a phase, a tenant, a table's rows, findings."""

from django.urls import reverse

from migrations_ops.admin.links import model_of
from migrations_ops.models import Finding, LedgerEntry, Run
from tenants.admin.links import change_page, list_page
from tenants.models import TenantRecord
from vital.db.sql import relation_named

NO_TENANT = "none"  # stands for rows that have none


def to_run(run: int) -> str:
    return change_page(Run, run)


def to_phase(phase: str, run: int | None) -> str:
    """The phase on the page of the run that carried it out; where none has, the page that starts one."""
    return f"{to_run(run)}#{phase}" if run else reverse("admin:migrations_ops_run_start")


def to_tenant(tenant: str) -> str:
    return change_page(TenantRecord, tenant)


def to_findings(**asked: str | int) -> str:
    """Those with these values: `check_name`, `relation`, `severity`, `run_id`, `phase`, or the row's `tenant`."""
    return list_page(Finding, **asked)


def to_rows(relation: str, tenant: str = "") -> str:
    """A table's list, of this tenant's rows where one is named. A table without a list has what the ledger knows."""
    model = model_of(relation)
    if model is None:
        return to_ledger(relation=relation)
    asked = {"tenant__isnull": "True"} if tenant == NO_TENANT else {"tenant__id__exact": tenant} if tenant else {}
    return list_page(model, **asked)


def to_row(relation: str, key: str) -> str:
    """A row's own page; where its table has none, what the ledger knows of the table."""
    model = model_of(relation)
    if model is None or not key:
        return to_rows(relation)
    return change_page(model, key)


def to_findings_of(tenant: str, relation: str) -> str:
    """About rows of this tenant's; of the whole table where no page of ours shows its rows."""
    return to_findings(relation=relation, **({"tenant": tenant} if model_of(relation) else {}))


def to_ledger(**asked: str | int) -> str:
    return list_page(LedgerEntry, **asked)


def to_scope(scope: str) -> str:
    """What a canary was about: tenant:SLUG or table:NAME; nothing where it was everything."""
    kind, _, name = scope.partition(":")
    if kind == "tenant":
        return to_tenant(name)
    return to_rows(relation_named(name)) if name else ""
