"""No filter, search, page or key of the admin is a 500: every address, every parameter of a list, each odd value."""

import os
from collections.abc import Callable, Iterator
from urllib.parse import quote, urlencode

import pytest
from django.contrib.admin import autodiscover, site
from django.db.models import Model
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.support import service_under_test
from tests.support.cast import PHARMA
from tests.support.command_results import Manage
from tests.support.forms import form_of
from tests.support.hostile_values import VALUES
from tests.support.service_under_test import ServiceDatabase

STEP = 1 if os.environ.get("VITAL_SLOW_TESTS") else 4
ALL_LISTS = ("q", "p", "o", "all", "e", "_to_field", "_popup", "id", "id__exact", "id__in", "pk__gt", "nothing")


Admin = Callable[[str], int]


@pytest.fixture(scope="module")
def admin(service_database: ServiceDatabase, manage: Manage) -> Iterator[Admin]:
    """The status of a page, as a superuser is shown it."""
    with service_under_test.started(service_database) as opened:
        who = {"USERNAME": "asks-oddly", "PASSWORD": "a-long-password-of-the-tests", "EMAIL": "x@localhost"}
        env = {f"DJANGO_SUPERUSER_{name}": value for name, value in who.items()}
        done = manage(opened.database, "createsuperuser", "--noinput", env=env)
        assert done.returncode == 0, done.stderr
        token, cookie = form_of(opened.service)
        form = {"csrfmiddlewaretoken": token, "username": who["USERNAME"], "password": who["PASSWORD"]}
        kind = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
        answer = opened.service.call("POST", "/admin/login/", kind, urlencode(form).encode())
        assert answer.status == 302, answer
        session = "; ".join(given.partition(";")[0] for given in answer.headers.get_all("Set-Cookie") or [])
        yield lambda path: opened.service.get(path, {"Cookie": session}).status


def encoded(value: str | bytes) -> str:
    return quote(value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass"), safe="")


def addresses() -> list[str]:
    """Every address of the admin that has a key in it, {} in the place of each key."""
    found = []

    def walk(patterns: list[URLPattern | URLResolver], before: str) -> None:
        for pattern in patterns:
            here = before + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                walk(pattern.url_patterns, here)
            elif "<" in here and here.startswith("admin/"):
                found.append("/" + "".join(part if i % 2 == 0 else "{}" for i, part in enumerate(split(here))))

    walk(get_resolver().url_patterns, "")
    return sorted({address for address in found if "^" not in address and "(" not in address})


def split(address: str) -> list[str]:
    return [part for piece in address.split("<") for part in piece.split(">")]


OF_EACH_KIND = ("catalog.tool", "auth.user", "migrations_ops.finding")  # by key, Django's own, with a queue
autodiscover()  # as the first request does
LISTS = list(site._registry)


@pytest.mark.slow
@pytest.mark.parametrize("model", LISTS, ids=lambda model: str(model._meta.label_lower))
def test_every_parameter_of_a_list(admin: Admin, model: type[Model]) -> None:
    options = model._meta
    names = [*ALL_LISTS] if options.label_lower in OF_EACH_KIND else []
    for one in site._registry[model].list_filter:
        name = getattr(one, "parameter_name", None) or (one[0] if isinstance(one, tuple) else one)
        names += [str(name), f"{name}__exact", f"{name}__id__exact", f"{name}__isnull", f"{name}__gte"]
    page = reverse(f"admin:{options.app_label}_{options.model_name}_changelist")
    _all_answered(admin, [f"{page}?{name}={{}}" for name in names])


@pytest.mark.slow
def test_every_parameter_of_the_other_pages(admin: Admin) -> None:
    queue = reverse("admin:migrations_ops_finding_queue")
    names = ("table", "check", "column", "value", "after", "tenant")
    _all_answered(admin, [f"{queue}?{name}={{}}" for name in names])
    _all_answered(admin, ["/admin/search/?s={}", "/admin/migrations_ops/run/1/live/?seen={}", "/admin/?next={}"])
    _all_answered(admin, [f"/admin/own/catalog/tool/?{name}={{}}" for name in (*ALL_LISTS, "whose")])


@pytest.mark.slow
@pytest.mark.parametrize("address", addresses())
def test_every_key(admin: Admin, address: str) -> None:
    _all_answered(admin, [address])


def _all_answered(admin: Admin, paths: list[str]) -> None:
    """Where there is little time each address has a quarter of the values, and another one than its neighbour."""
    wrong = {}
    for number, path in enumerate(paths):
        for name, value in list(VALUES.items())[number % STEP :: STEP]:
            status = admin(path.replace("{}", encoded(value)))
            if status not in (200, 302, 400, 403, 404, 405):
                wrong[path, name] = status
    assert not wrong


@pytest.mark.parametrize(
    "path",
    [
        "/admin/migrations_ops/finding/queue/?after=" + "9" * 5000,
        f"/admin/migrations_ops/run/{2**63}/live/",
        f"/admin/migrations_ops/run/{2**63}/change/",
        "/admin/migrations_ops/run/x/change/",
        "/admin/catalog/tool/?p=after-%00",
        f"/admin/catalog/tool/?rule=x&p=after-{2**70}.{2**70}",
        "/admin/auth/user/?id__exact=" + "9" * 5000,
        "/admin/auth/user/%00/change/",
    ],
)
def test_what_once_was_a_500(admin: Admin, path: str) -> None:
    assert admin(path) in (200, 302, 400, 404)


def test_a_page_of_odd_addresses_still_works(admin: Admin) -> None:
    assert admin(f"{reverse('admin:catalog_tool_changelist')}?tenant__id__exact={PHARMA}") == 200
