"""The control room's sidebar: every page once, in the order in which one works, and to those alone who may see it.

A list has the name that its model has: here, in its title, its breadcrumb and its messages.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.text import capfirst


@dataclass(frozen=True)
class Page:
    """A page: `address` is its URL's name, in the admin or outside, `permission` who may see it (empty: every member of
    staff)."""

    title: str | Callable[[], str]
    icon: str
    address: str
    permission: str = ""
    model: str = ""  # whose list it is, which may hide itself
    in_admin: bool = True

    @property
    def link(self) -> str:
        return reverse(f"admin:{self.address}" if self.in_admin else self.address)

    @property
    def name(self) -> str:
        return self.title if isinstance(self.title, str) else self.title()

    def shown_to(self, request: HttpRequest) -> bool:
        if self.permission and not request.user.has_perm(self.permission):
            return False
        return not self.model or admin.site.get_model_admin(apps.get_model(self.model)).has_view_permission(request)


def rows_of(icon: str, model: str) -> Page:
    """The list of a model, for whoever may look at it; `model` is app_label.model."""
    app, name = model.split(".")
    return Page(partial(_name_of, model), icon, f"{app}_{name}_changelist", f"{app}.view_{name}", model)


def _name_of(model: str) -> str:
    return capfirst(str(apps.get_model(model)._meta.verbose_name_plural))


GROUPS: tuple[tuple[str, tuple[Page, ...]], ...] = (
    ("Overview", (Page("Dashboard", "dashboard", "index"),)),
    (
        "Assignments",
        (
            rows_of("build", "catalog.tool"),
            rows_of("smart_toy", "catalog.agent"),
            rows_of("chat", "catalog.prompt"),
            rows_of("category", "catalog.knowledgedomain"),
            rows_of("menu_book", "catalog.knowledgesource"),
            rows_of("segment", "catalog.knowledgechunk"),
            rows_of("badge", "catalog.platformuser"),
            rows_of("forum", "catalog.conversation"),
            rows_of("gavel", "migrations_ops.override"),
        ),
    ),
    (
        "Findings",
        (
            Page("Review", "checklist", "migrations_ops_finding_queue", "migrations_ops.change_finding"),
            rows_of("flag", "migrations_ops.finding"),
            Page("References", "link", "migrations_ops_finding_references", "migrations_ops.change_finding"),
        ),
    ),
    (
        "Runs",
        (
            rows_of("play_circle", "migrations_ops.run"),
            Page("Impact", "troubleshoot", "migrations_ops_run_impact", "migrations_ops.change_run"),
            rows_of("history", "migrations_ops.ledgerentry"),
            rows_of("engineering", "tenants.maintenance"),
            rows_of("policy", "migrations_ops.auditevent"),
        ),
    ),
    (
        "Tenants",
        (
            rows_of("apartment", "tenants.tenantrecord"),
            rows_of("dns", "tenants.tenant"),
            rows_of("key", "tenants.apikey"),
            Page("API", "api", "api_docs", in_admin=False),  # a session of the admin is a credential there
        ),
    ),
    (
        "People",
        (
            rows_of("person", "auth.user"),
            rows_of("group", "auth.group"),
            rows_of("card_membership", "tenants.membership"),
        ),
    ),
)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The groups in unfold's words; one without a page for this person is not there."""
    groups = [(title, list(_items(request, pages))) for title, pages in GROUPS]
    every = [item for _, items in groups for item in items]
    closest = max((item["link"] for item in every if _is_beneath(request, item["link"])), key=len, default="")
    for item in every:
        item["active"] = item["link"] == closest
    return [{"title": title, "items": items} for title, items in groups if items]


def _items(request: HttpRequest, pages: tuple[Page, ...]) -> Iterator[dict[str, Any]]:
    for page in pages:
        try:
            link = page.link
        except NoReverseMatch:  # a part of VITAL that is not installed
            continue
        if page.shown_to(request):
            yield {"title": page.name, "icon": page.icon, "link": link}


def _is_beneath(request: HttpRequest, link: str) -> bool:
    """Whether the request is for this page or one beneath it; everything is beneath the dashboard."""
    return request.path == link if link == reverse("admin:index") else request.path.startswith(link)
