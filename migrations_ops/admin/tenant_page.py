"""A tenant's page: what it is, what it has, what is set for it, and who gets in. Each change is asked about first."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse

from migrations_ops.admin import addresses, mixins, tenant_archives
from migrations_ops.admin.tenant_forms import (
    ActionForm,
    AddAliasForm,
    AddHostForm,
    ExportForm,
    RemoveAliasForm,
    RemoveHostForm,
    SettingsForm,
    StateForm,
    add_error,
)
from vital.db.sql import relation_named
from vital.errors import EngineError

# What a button says it does → what is filled in for it.
FORMS: dict[str, type[ActionForm]] = {
    "settings": SettingsForm,
    "state": StateForm,
    "add host": AddHostForm,
    "remove host": RemoveHostForm,
    "add alias": AddAliasForm,
    "remove alias": RemoveAliasForm,
    "export": ExportForm,
}
Document = dict[str, Any]


def page(model_admin: "admin.ModelAdmin[Any]", request: HttpRequest, tenant: Document) -> HttpResponseBase:
    what = request.POST.get("what", "")
    forms = {name: form(tenant, request.POST if what == name else None) for name, form in FORMS.items()}
    if what in forms:
        mixins.refuse_who_may_not(request)
        answer = _acted(model_admin, request, tenant, what, forms[what])
        if answer is not None:
            return answer
    facts = mixins.frame(model_admin, request, tenant["name"], original=tenant["name"], tenant=tenant)
    facts |= {"forms": {name.replace(" ", "_"): form for name, form in forms.items()}, "rows": _rows(tenant)}
    facts["refusals"] = forms[what].non_field_errors() if what in forms else []
    facts |= {"links": _links(tenant), "too_big": sum(tenant["rows"].values()) > tenant_archives.MOST_ROWS}
    return TemplateResponse(request, "migrations_ops/tenants/page.html", facts)


def _acted(
    model_admin: "admin.ModelAdmin[Any]", request: HttpRequest, tenant: Document, what: str, form: ActionForm
) -> HttpResponseBase | None:
    """What comes of the action: the question first, then where it leads. None where something is wrong with it, which
    the form says."""
    if not form.is_valid():
        return None
    if "confirmed" not in request.POST:
        return _question(model_admin, request, tenant, what, form)
    try:
        if isinstance(form, ExportForm):
            return tenant_archives.export(request, tenant, form)
        messages.success(request, form.carry_out(request.user.get_username()))
    except EngineError as error:
        add_error(form, error)
        return None
    return HttpResponseRedirect(addresses.to_tenant(tenant["id"]))


def _question(
    model_admin: "admin.ModelAdmin[Any]", request: HttpRequest, tenant: Document, what: str, form: ActionForm
) -> HttpResponse:
    """What was filled in is sent along."""
    label = {"settings": "change the settings", "state": "suspend" if tenant["is_active"] else "resume"}.get(what, what)
    title = f"{tenant['name']}: {label}?"
    sent = [(name, value) for name, values in request.POST.lists() for value in values if name != "csrfmiddlewaretoken"]
    facts = mixins.frame(model_admin, request, title, original=tenant["name"], tenant=tenant, sent=sent, label=label)
    facts |= {"question": form.question(), "reason": form.reason, "back": addresses.to_tenant(tenant["id"])}
    return TemplateResponse(request, "migrations_ops/tenants/confirm.html", facts)


def _rows(tenant: Document) -> list[Document]:
    """Table by table, as links to these rows."""
    most = tenant["counted_to"]
    return [
        {
            "table": table,
            "rows": f"more than {most:,}" if rows > most else f"{rows:,}",
            "link": addresses.to_rows(relation_named(table), tenant["id"]),
            "findings": addresses.to_findings_of(tenant["id"], relation_named(table)),
        }
        for table, rows in tenant["rows"].items()
    ]


def _links(tenant: Document) -> Document:
    """Lists of this tenant's, and forms in which it is chosen already."""
    id = tenant["id"]
    asked = {
        "keys": ("tenants_apikey_changelist", {"tenants__contains": f"{{{id}}}"}),
        "add_key": ("tenants_apikey_add", {"tenants": id}),
        "members": ("tenants_membership_changelist", {"tenant_id": id}),
        "add_member": ("tenants_membership_add", {"tenant_id": id}),
        "audit": ("migrations_ops_auditevent_changelist", {"q": id}),
    }
    return {name: f"{reverse(f'admin:{page}')}?{urlencode(words)}" for name, (page, words) in asked.items()}
