"""Every address of the admin, found from its URL patterns, so that no registered page is left out."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.urls import URLPattern, URLResolver, get_resolver, resolve

from tenants.admin import tenant_site

# What an address asks for, and what there may be in its place; `{key}` is a row's that there is, or could be.
VALUES = {
    "object_id": ("{key}", "not-a-key"),
    "run": ("1", "4711"),
    "phase": ("005_post_validation",),
    "what": ("pause", "resume", "cancel", "undo"),
    "app_label": ("catalog", "migrations_ops"),
    "content_type_id": ("1",),
    "url": ("nowhere/",),
    "id": ("1",),
}
QUERIES = (
    {"q": "a"},
    {"q": "11111111-1111-1111-1111-111111111111", "o": "1", "all": ""},
    {"p": "after-11111111-1111-1111-1111-111111111111", "rule": "every tool", "finding": "x", "by": "person"},
)
KEYS = {"UUIDField": "11111111-1111-1111-1111-111111111111"}


def addresses() -> list[str]:
    """Each address of both sites, with each of its values; lists also searched, filtered and turned."""
    found = []
    for pattern in get_resolver().url_patterns:
        if isinstance(pattern, URLResolver) and pattern.app_name == "admin":
            found += list(_walked(pattern, "/", None))
    return list(dict.fromkeys(found))


def one_of_each() -> list[str]:
    """One address of each page, for what differs by page alone."""
    return list({resolve(address.partition("?")[0]).view_name: address for address in reversed(addresses())}.values())


def _walked(resolver: URLResolver, before: str, page: "ModelAdmin[Any] | None") -> Iterator[str]:
    here = before + str(resolver.pattern)
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from _walked(pattern, here, _page_of(here + str(pattern.pattern)) or page)
        else:
            yield from _filled(pattern, here, page)


def _filled(pattern: URLPattern, before: str, page: "ModelAdmin[Any] | None") -> Iterator[str]:
    route = str(pattern.pattern)
    if route.startswith("^") or route == "(?P<url>.*)$":  # the app lists, and whatever is nowhere
        yield from (f"{before}{word}/" for word in ("catalog", "migrations_ops", "tenants", "nowhere"))
        return
    found = [before + route]
    for name in pattern.pattern.converters:
        asked = [f"<{kind}{name}>" for kind in ("", "path:", "int:", "slug:", "str:")]
        at = next(text for text in asked if text in route)
        found = [address.replace(at, value) for address in found for value in VALUES[name]]
    key = KEYS.get(type(page.opts.pk).__name__, "1") if page else "1"
    for address in found:
        yield address.replace("{key}", key)
    if page and str(pattern.name).endswith("_changelist"):
        yield from (f"{before}{route}?{urlencode(query)}" for query in [*QUERIES, *_filters(page)])


def _page_of(route: str) -> "ModelAdmin[Any] | None":
    admin.autodiscover()
    for site, root in ((tenant_site.site, "/admin/own/"), (admin.site, "/admin/")):
        for model, page in site._registry.items():
            if route == f"{root}{model._meta.app_label}/{model._meta.model_name}/":
                return page
    return None


def _filters(page: "ModelAdmin[Any]") -> Iterator[dict[str, str]]:
    """One question to each filter that the list has."""
    for one in page.list_filter:
        if isinstance(one, str):
            field = page.opts.get_field(one)
            lookup = f"{one}__id__exact" if field.is_relation else f"{one}__exact"
            yield {lookup: KEYS["UUIDField"] if field.is_relation else "1"}
        elif isinstance(one, type) and issubclass(one, SimpleListFilter):
            yield {str(one.parameter_name): "own"}
