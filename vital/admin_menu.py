"""The control room's sidebar: every page once, in the order in which one works, and to those alone who may see it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse


@dataclass(frozen=True)
class Page:
    """A page of the admin: `address` is its URL's name, `permission` who may see it (empty: every member of staff)."""

    title: str
    icon: str
    address: str
    permission: str = ""

    def shown_to(self, user: User | AnonymousUser) -> bool:
        return not self.permission or user.has_perm(self.permission)


def rows_of(title: str, icon: str, model: str) -> Page:
    """The list of a model, for whoever may look at it; `model` is app_label.model."""
    app, name = model.split(".")
    return Page(title, icon, f"{app}_{name}_changelist", f"{app}.view_{name}")


GROUPS: tuple[tuple[str, tuple[Page, ...]], ...] = (
    ("Overview", (Page("Dashboard", "dashboard", "index"),)),
    (
        "Assignments",
        (
            rows_of("Tools", "build", "catalog.tool"),
            rows_of("Agents", "smart_toy", "catalog.agent"),
            rows_of("Prompts", "chat", "catalog.prompt"),
            rows_of("Knowledge domains", "category", "catalog.knowledgedomain"),
            rows_of("Knowledge sources", "menu_book", "catalog.knowledgesource"),
            rows_of("Knowledge chunks", "segment", "catalog.knowledgechunk"),
            rows_of("Users of the platform", "badge", "catalog.platformuser"),
            rows_of("Conversations", "forum", "catalog.conversation"),
            rows_of("Decisions", "gavel", "migrations_ops.override"),
        ),
    ),
    (
        "Findings",
        (
            Page("Review", "checklist", "migrations_ops_finding_queue", "migrations_ops.change_finding"),
            rows_of("Findings", "flag", "migrations_ops.finding"),
        ),
    ),
    (
        "Runs",
        (
            rows_of("Runs", "play_circle", "migrations_ops.run"),
            rows_of("Ledger", "history", "migrations_ops.ledgerentry"),
            rows_of("Maintenance", "engineering", "tenants.maintenance"),
            rows_of("Audit", "policy", "migrations_ops.auditevent"),
        ),
    ),
    (
        "Tenants",
        (
            rows_of("Tenants", "apartment", "tenants.tenantrecord"),
            rows_of("Host names", "dns", "tenants.tenant"),
            rows_of("API keys", "key", "tenants.apikey"),
        ),
    ),
    (
        "People",
        (
            rows_of("Staff", "person", "auth.user"),
            rows_of("Groups", "group", "auth.group"),
            rows_of("Memberships", "card_membership", "tenants.membership"),
        ),
    ),
)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The groups in unfold's words; one without a page for this person is not there."""
    groups = [{"title": title, "items": list(_items(request, pages))} for title, pages in GROUPS]
    return [group for group in groups if group["items"]]


def _items(request: HttpRequest, pages: tuple[Page, ...]) -> Iterator[dict[str, Any]]:
    for page in pages:
        try:
            link = reverse(f"admin:{page.address}")
        except NoReverseMatch:  # a part of VITAL that is not installed
            continue
        if page.shown_to(request.user):
            yield {"title": page.title, "icon": page.icon, "link": link, "active": _is_at(request, link)}


def _is_at(request: HttpRequest, link: str) -> bool:
    """Whether the page is this one or beneath it; beneath the dashboard and the findings are pages of their own."""
    if link in (reverse("admin:index"), reverse("admin:migrations_ops_finding_changelist")):
        return request.path == link
    return request.path.startswith(link)
