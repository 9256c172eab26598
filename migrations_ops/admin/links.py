"""The kinds of things that the migration names: rows and tables, rules, runs and their phases, findings, decisions."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.text import Truncator

from migrations_ops.models import AuditEvent, Finding, LedgerEntry, Override, Run
from tenants.admin.links import KINDS, Found, Kind, Named, change_page, list_page, rows_of
from tenants.identity import tenant_id
from tenants.models import ApiKey
from vital.db.sql import relation_named, shown

TENANT_FACTS = ("tenant", "of", "from", "to", "tenants")


def model_of(relation: str) -> type[Model] | None:
    """The model whose pages show the rows of this table; None where there are none."""
    name = shown(relation)
    return next((one for one in admin.site._registry if one._meta.db_table == name and not one._meta.managed), None)


def _tables(keys: set[Any]) -> Found:
    models = {relation: model_of(relation) for relation in keys}
    return {relation: (shown(relation), list_page(model) if model else "") for relation, model in models.items()}


def _rows(keys: set[Any]) -> Found:
    """Of (table, key): the rows that there still are, by their titles."""
    found: Found = {}
    for relation in {table for table, _ in keys}:
        if model := model_of(relation):
            wanted = {value for table, key in keys if table == relation and (value := _as_key(model, key)) is not None}
            for row in model._default_manager.filter(pk__in=wanted):
                found[relation, str(row.pk)] = (str(row)[:80] or str(row.pk), change_page(model, row.pk))
    return found


def _as_key(model: type[Model], key: str) -> Any:
    try:
        return model._meta.pk.to_python(key)
    except ValidationError:
        return None


def _rules(keys: set[Any]) -> Found:
    """Of (table, rule): what the ledger has of it."""
    return {
        (table, rule): (rule, list_page(LedgerEntry, relation__exact=table, rule__exact=rule)) for table, rule in keys
    }


def _rows_of_rules(keys: set[Any]) -> Found:
    """Of (table, rule): the rows that it decided about."""
    models = {key: model_of(key[0]) for key in keys}
    return {key: (key[1], list_page(model, rule=key[1]) if model else "") for key, model in models.items()}


def _checks(keys: set[Any]) -> Found:
    """Of (table, check): what it has found."""
    return {
        (table, name): (name, list_page(Finding, relation__exact=table, check_name__exact=name)) for table, name in keys
    }


def _phases(keys: set[Any]) -> Found:
    """Of (run, phase): it has its place on the run's page."""
    there = set(Run.objects.filter(pk__in={run for run, _ in keys}).values_list("pk", flat=True))
    return {(run, phase): (phase, f"{change_page(Run, run)}#{phase}") for run, phase in keys if run in there}


def run_name(run: Run) -> str:
    return str(run).capitalize()


KINDS |= {
    "run": rows_of(Run, run_name),
    "phase": Kind(lambda key: Run, _phases),
    "table": Kind(model_of, _tables),
    "row": Kind(lambda key: model_of(key[0]), _rows),
    "rule": Kind(lambda key: LedgerEntry, _rules),
    "rows of rule": Kind(lambda key: model_of(key[0]), _rows_of_rules),
    "check": Kind(lambda key: Finding, _checks),
    "finding": rows_of(Finding),
    "decision": rows_of(Override),
    "ledger entry": rows_of(LedgerEntry),
    "audit entry": rows_of(AuditEvent),
    "API key": rows_of(ApiKey, by="prefix"),
}


def facts_of(event: AuditEvent) -> list[Named | str]:
    """What an entry of the audit is about: what is named in it, and plain words for the rest."""
    facts = event.facts if isinstance(event.facts, dict) else {}
    table = facts.get("table") if isinstance(facts.get("table"), str) else None
    relation = relation_named(table) if table else table
    return [one for name, value in facts.items() for one in _named(name, value, relation)]


def _named(name: str, value: Any, relation: str | None) -> list[Named | str]:
    if name == "run" and isinstance(value, int):
        return [("run", value)]
    if name == "table" and relation:
        return [("table", relation)]
    if name in ("key", "successor") and isinstance(value, str):
        return [("row", (relation, value)) if relation else ("API key", value)]
    if name == "user" and isinstance(value, str):
        return [("staff", value)]
    if name in TENANT_FACTS:
        ids = value if isinstance(value, list) else [value]
        return [("tenant", one) for one in ids if isinstance(one, str) and one and (tenant_id(one) or name == "tenant")]
    if value in (None, "", [], {}):
        return []
    words = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return [f"{name} {Truncator(words).chars(80)}"]


def by_relation(attribute: str, kind: str) -> Any:
    """What a row of VITAL's names in its table: a row by its key, a rule, a check."""

    def what(row: Any) -> list[Named | str]:
        value = getattr(row, attribute)
        return [(kind, (row.relation, str(value)))] if value else []

    return what


def phase_of(row: Any) -> list[Named | str]:
    return [("phase", (row.run_id, row.phase))] if row.run_id else [row.phase]
