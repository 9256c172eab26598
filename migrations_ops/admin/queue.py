"""The review queue: one group of findings at a time, worked through from the keyboard."""

import re
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from migrations_ops.admin import decision_page
from migrations_ops.admin.mixins import may_act
from migrations_ops.review import service as review_service
from tenants.admin.base import ModelAdmin
from tenants.admin.links import names_of
from tenants.admin.tenant_choice import TenantChoice
from tenants.models import TenantRecord
from vital.errors import EngineError

REASON = "review_reason"  # where the session keeps the reason given last
BIGINT = re.compile(r"[0-9]{1,18}")
DIGITS = 9  # tenants that have a key each; more are searched
SHOWN_VALUES = 5  # values of a row that are shown


class TenantForm(forms.Form):
    tenant = TenantChoice(by="slug", label="Assign to")


def urls(model_admin: ModelAdmin) -> list[URLPattern]:
    view = model_admin.admin_site.admin_view
    return [
        path("queue/", view(lambda request: queue(model_admin, request)), name="migrations_ops_finding_queue"),
        path("queue/back/", view(take_back), name="migrations_ops_finding_queue_back"),
        path("queue/suggestions/", view(suggestions), name="migrations_ops_finding_queue_suggestions"),
    ]


def queue(model_admin: ModelAdmin, request: HttpRequest) -> HttpResponse:
    """The group; posted, what a decision would come to, and then the group again without what is decided."""
    _refuse_onlookers(request)
    place = _place(request)
    if request.method == "POST":
        request.session[REASON] = request.POST.get("reason", "")
        keys = request.POST.getlist("_selected_action")
        if "whole" in request.POST:
            keys = [row.key for row in review_service.review(place, decision_page.MOST).rows]
        answer = decision_page.page(model_admin, request, [(place.table, key) for key in keys], "queue", keys)
        return answer or HttpResponseRedirect(request.get_full_path())
    review, chosen = review_service.review(place), request.GET.get("tenant", "")
    names_of(request).load("row", [(review.place.table, row.key) for row in review.rows])
    names_of(request).load("finding", [row.finding for row in review.rows])
    context = model_admin.admin_site.each_context(request) | {
        "title": "Review",
        "opts": model_admin.opts,
        "review": review,
        "group": review.group,
        "groups": [(group, group.name, _query(start)) for group, start in review.groups],
        "parts": [(column, value, rows, _query(review.place, column, value)) for column, value, rows in review.parts],
        "rows": [(row, _values(row.values)) for row in review.rows],
        "here": _query(review.place, review.place.column, review.place.value),
        "next_rows": f"{_query(review.place, review.place.column, review.place.value)}&after={review.rows[-1].finding}"
        if review.more
        else "",
        "next_group": _query(review.further),
        "left": sum(group.open for group, _ in review.groups),
        "tenants": _tenants(),
        "choice": TenantForm(initial={"tenant": chosen}),
        "chosen": chosen,
        "reason": request.session.get(REASON, ""),
    }
    return TemplateResponse(request, "migrations_ops/queue.html", context)


def suggestions(request: HttpRequest) -> HttpResponse:
    """Rules proposed for the table, as a part of the page; it may take seconds, and comes by itself."""
    _refuse_onlookers(request)
    place, problem = _place(request), ""
    found: list[dict[str, Any]] = []
    try:
        found = review_service.suggestions(place.table)[:SHOWN_VALUES]
    except EngineError as error:
        problem = str(error)
    for one in found:
        single = next(iter(one["columns"])) if len(one["columns"]) == 1 and one["tenant"] else ""
        one["links"] = [
            (value["value"], value["rows"], f"{_query(place, single, value['value'])}&tenant={one['tenant']}")
            for value in one["values"]
            if single
        ]
    return TemplateResponse(request, "migrations_ops/suggestions.html", {"suggestions": found, "problem": problem})


def take_back(request: HttpRequest) -> HttpResponse:
    """Undo what this person decided last, all its rows."""
    _refuse_onlookers(request)
    if request.method == "POST":
        try:
            rows = review_service.take_back_last(
                request.user.get_username(), "withdrawn in the review", lambda why: None
            )
            messages.info(request, f"{rows:,} decisions are withdrawn.")
        except EngineError as error:
            messages.error(request, str(error))
    return HttpResponseRedirect(f"{reverse('admin:migrations_ops_finding_queue')}?{request.GET.urlencode()}")


def _refuse_onlookers(request: HttpRequest) -> None:
    if not may_act(request):
        raise PermissionDenied


def _place(request: HttpRequest) -> review_service.ReviewPlace:
    asked = {name: request.GET.get(name, "").replace("\0", "") for name in ("table", "check", "column", "value")}
    after = request.GET.get("after", "")
    return review_service.ReviewPlace(**asked, after=int(after) if BIGINT.fullmatch(after) else 0)


def _query(place: review_service.ReviewPlace, column: str = "", value: str = "") -> str:
    words = {"table": place.table, "check": place.check, "column": column, "value": value}
    return f"?{urlencode({name: word for name, word in words.items() if word})}"


def _values(row: dict[str, Any]) -> list[tuple[str, str]]:
    """What tells a person what the row is: its first short texts, no keys and no times."""
    plain = [(name, str(value)) for name, value in row.items() if isinstance(value, str | bool | int)]
    telling = [
        (name, value[:80]) for name, value in plain if value and name != "id" and not name.endswith(("_id", "_at"))
    ]
    return telling[:SHOWN_VALUES]


def _tenants() -> list[tuple[int, TenantRecord]]:
    """Each with its key, where there are as many keys; none where they must be searched."""
    found = list(TenantRecord.objects.filter(is_active=True).order_by("name")[: DIGITS + 1])
    return list(enumerate(found, start=1)) if len(found) <= DIGITS else []
