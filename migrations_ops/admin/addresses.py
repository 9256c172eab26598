"""Where what a page names is looked at: a run, a phase, a tenant, a table's rows, findings."""

from collections.abc import Mapping
from urllib.parse import urlencode

from django.urls import reverse

from migrations_ops.admin.links import model_of

NO_TENANT = "none"  # stands for rows that have none


def to_run(run: int) -> str:
    return reverse("admin:migrations_ops_run_change", args=[run])


def to_phase(phase: str, run: int | None) -> str:
    """The phase on the page of the run that carried it out; where none has, the page that starts one."""
    return f"{to_run(run)}#{phase}" if run else reverse("admin:migrations_ops_run_start")


def to_tenant(tenant: str) -> str:
    return reverse("admin:tenants_tenantrecord_change", args=[tenant])


def to_findings(**asked: str | int) -> str:
    """The findings with these values: `check_name`, `relation`, `severity`, `run_id`, `phase`."""
    return _list("migrations_ops_finding", asked)


def to_rows(relation: str, tenant: str = "") -> str:
    """A table's list, of this tenant's rows where one is named. A table without a list has what the ledger knows."""
    model = model_of(relation)
    if model is None:
        return _list("migrations_ops_ledgerentry", {"relation": relation})
    asked = {"tenant__isnull": "True"} if tenant == NO_TENANT else {"tenant__id__exact": tenant} if tenant else {}
    return _list(f"{model._meta.app_label}_{model._meta.model_name}", asked)


def to_row(relation: str, key: str) -> str:
    """A row's own page; where its table has none, what the ledger knows of the table."""
    model = model_of(relation)
    if model is None or not key:
        return to_rows(relation)
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[key])


def to_ledger(**asked: str | int) -> str:
    return _list("migrations_ops_ledgerentry", asked)


def to_scope(scope: str) -> str:
    """What a canary was about: tenant:SLUG or table:NAME; nothing where it was everything."""
    kind, _, name = scope.partition(":")
    if kind == "tenant":
        return to_tenant(name)
    return to_rows(relation_named(name)) if name else ""


def relation_named(shown: str) -> str:
    """The table that people call so."""
    return shown if "." in shown else f"public.{shown}"


def _list(name: str, asked: Mapping[str, str | int]) -> str:
    return reverse(f"admin:{name}_changelist") + (f"?{urlencode(asked)}" if asked else "")
