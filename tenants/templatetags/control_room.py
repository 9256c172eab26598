"""What every page of the admin shows alike: where one is, and times."""

from dataclasses import dataclass
from typing import Any

from django import template
from django.db.models import Model
from django.template.context import Context
from django.utils.text import capfirst

from tenants.admin.links import names_of
from vital.moments import moment

register = template.Library()
register.filter(moment)


@dataclass(frozen=True)
class Crumb:
    title: str
    link: str = ""


@register.simple_tag(takes_context=True)
def breadcrumb(context: Context) -> list[Crumb]:
    """The group and the name of the page as the sidebar has them, then the row, then what is done with it."""
    path, title = context["request"].path, str(context.get("title") or "")
    group, page = _in_sidebar(context.get("sidebar_navigation") or [], path)
    if page is None:
        return [Crumb(title)]
    crumbs = [Crumb(str(group))] if group else []
    crumbs.append(Crumb(str(page["title"]), str(page["link"])))
    row = context.get("original") or context.get("object")
    if row:
        of_itself = isinstance(row, str) or "original" in context
        crumbs.append(Crumb(str(row), "" if of_itself else _address(row, str(page["link"]))))
        if of_itself:
            return crumbs
    if title and capfirst(title) not in {crumb.title for crumb in crumbs}:
        crumbs.append(Crumb(title))
    return crumbs


def _in_sidebar(groups: list[dict[str, Any]], path: str) -> tuple[str, dict[str, Any] | None]:
    """The nearest page above this address; the first page of a site is above none but itself."""
    pages = [(group.get("title") or "", page) for group in groups for page in group["items"]]
    first = str(pages[0][1]["link"]) if pages else ""
    above = [(group, page) for group, page in pages if path.startswith(str(page["link"]))]
    above = [(group, page) for group, page in above if str(page["link"]) != first or path == first]
    return max(above, key=lambda found: len(str(found[1]["link"])), default=("", None))


def _address(row: Any, listed: str) -> str:
    return f"{listed}{row.pk}/change/" if isinstance(row, Model) else ""


@register.simple_tag(takes_context=True)
def named(context: Context, kind: str, *key: Any) -> str:
    """The name of a thing, as a link to its page: `{% named "tenant" id %}`, `{% named "row" table key %}`."""
    return names_of(context["request"]).link(kind, key[0] if len(key) == 1 else key)
