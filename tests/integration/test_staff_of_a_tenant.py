"""A tenant's staff in the admin: they see their own rows and the Platform's; every other page is closed."""

import re
from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.http.response import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tenants.admin import permissions, tenant_site
from tenants.models import Membership
from tests.support import databases, patience
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM, STRANGER
from tests.support.command_results import Manage
from tests.support.databases import Scratch
from tests.support.in_process_django import django_on, django_on_the_cast
from vital.db import scope as context

PASSWORD = "a-long-password-of-the-tests"
LISTS = ("tool", "agent", "prompt", "knowledgedomain", "knowledgesource", "knowledgechunk")
CLOSED = "This page is for the Platform&#x27;s admins."
WORD = "You are staff of no tenant that is active."
OTHERS = ("zebra of digital-health", "zebra of stranger", "zebra of asleep", "zebras of digital-health")
MEMBERS = {
    "pharma-staff": [(PHARMA, "user")],
    "pharma-admin": [(PHARMA, "admin")],
    "of-two": [(PHARMA, "user"), (STRANGER, "user")],
    "of-the-platform": [(PLATFORM, "admin")],
    "of-none": [],
}


@pytest.fixture(scope="module")
def database(
    server_url: str, migrated_template: Scratch, manage: Manage, django_db_blocker: pytest.FixtureRequest
) -> Iterator[Scratch]:
    """The cast's, and Django on it by the service's own login: it has no right but to put a role on."""
    with django_on_the_cast(server_url, migrated_template, manage, django_db_blocker) as scratch:
        with context.acting_as(context.operator_scope(read_only=False)):
            User.objects.create_superuser("the-platform", password=PASSWORD)
            User.objects.create_user("nobody", password=PASSWORD)
            for name, tenants in MEMBERS.items():
                user = User.objects.create_user(name, password=PASSWORD, is_staff=True)
                user.user_permissions.set(Permission.objects.all())  # of Django's: they open nothing
                for tenant, role in tenants:
                    Membership.objects.create(user=user, tenant_id=tenant, role=role)
        yield scratch


def logged_in(name: str) -> Client:
    client = Client(raise_request_exception=False)
    form = {"username": name, "password": PASSWORD, "next": "/admin/"}
    assert client.post(reverse("admin:login"), form).status_code == (302 if name != "nobody" else 200)
    return client


@pytest.fixture(scope="module")
def pharma(database: Scratch) -> Client:
    return logged_in("pharma-staff")


def pages(resolver: URLResolver, before: str = "", space: str = "") -> Iterator[tuple[str, str]]:
    """(name, address) of everything under an address, as it would be guessed."""
    for entry in resolver.url_patterns:
        address = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from pages(entry, address, entry.namespace or space)
        elif isinstance(entry, URLPattern):
            guessed = re.sub(r"\(\?P<app_label>\(?([^|)]*)[^)]*\)+", r"\1", address)
            guessed = re.sub(r"\(\?P<[^>]*>[^)]*\)", "1", guessed)
            guessed = re.sub(r"<[^>]*>", PHARMA, guessed)
            yield f"{space}:{entry.name or ''}", "/" + re.sub(r"[\^$?\\]|\.\*", "", guessed)


def of_the_admin() -> list[tuple[str, str]]:
    return [(name, address) for name, address in pages(get_resolver()) if address.startswith("/admin")]


def text(answer: HttpResponseBase) -> str:
    return answer.getvalue().decode().lower()


def test_there_is_something_to_walk() -> None:
    found = of_the_admin()
    names = {name for name, _ in found}

    assert {"admin:index", "admin:tenants_apikey_add", "admin:migrations_ops_run_changelist", "admin:search"} <= names
    assert {"own:index", "own:catalog_tool_changelist", "own:catalog_tool_change", "own:switch"} <= names
    assert len(found) > 100


@pytest.mark.slow
@pytest.mark.parametrize("name", MEMBERS)
def test_every_page_is_closed_unless_it_is_open(database: Scratch, name: str) -> None:
    client = logged_in(name)
    for page, address in of_the_admin():
        if page.startswith("own:") or page in permissions.FOR_ALL:
            continue
        for answer in (client.get(address), client.post(address, {"action": "delete_selected"})):
            if page == "admin:index":
                assert answer["Location"] == reverse("own:index"), page
                continue
            assert answer.status_code == 403, f"{page} at {address} is {answer.status_code} for {name}"
            assert CLOSED in answer.content.decode(), page
            assert "zebra" not in text(answer), page


@pytest.mark.parametrize("name", ["", "nobody"])
def test_whoever_is_not_of_the_staff_is_sent_to_the_login(database: Scratch, name: str) -> None:
    client = logged_in(name) if name else Client()
    for page, address in of_the_admin():
        if page not in permissions.FOR_ALL:
            for answer in (client.get(address), client.post(address)):
                assert answer.status_code == 302, f"{page} at {address} is {answer.status_code}"
                assert answer["Location"].startswith(reverse("admin:login")), page


def test_what_is_open_is_the_own_site_and_nothing_more(pharma: Client) -> None:
    for page, address in of_the_admin():
        if page.startswith("own:"):
            answer = pharma.get(address)
            assert answer.status_code in (200, 302, 404, 405), f"{page} at {address} is {answer.status_code}"
            assert not any(other in text(answer) for other in OTHERS), page
    names = {page.split(":")[1] for page, _ in of_the_admin() if page.startswith("own:")}
    rows = {f"catalog_{model}_{kind}" for model in LISTS for kind in ("changelist", "change", "export")}
    assert names == rows | set(tenant_site.PAGES), "a page that is new here is seen by tenants: is it behind the fence?"


QUESTIONS = [
    "",
    "?q=zebra",
    f"?tenant__id__exact={DIGITAL_HEALTH}",
    f"?tenant_id={DIGITAL_HEALTH}",
    f"?tenant={DIGITAL_HEALTH}",
    "?whose=own",
    "?whose=shared",
    "?whose=%27%20OR%20true--",
    "?_facets=1",
    "?all=1",
    "?o=1&p=0",
    "?e=1",
    "?is_active__exact=1&q=zebra",
]


@pytest.mark.parametrize("question", QUESTIONS)
def test_lists_show_own_rows_and_shared_ones_whatever_is_asked(
    database: Scratch, pharma: Client, question: str
) -> None:
    for model in LISTS:
        answer = pharma.get(reverse(f"own:catalog_{model}_changelist") + question, follow=True)
        assert answer.status_code in (200, 400), (model, question)
        assert not any(other in text(answer) for other in OTHERS), (model, question)
    tools = text(pharma.get(reverse("own:catalog_tool_changelist") + question))
    if question == "?q=zebra":
        assert "zebra of pharma" in tools
        assert "zebra of vital-platform" in tools


def test_the_search_finds_own_rows_and_shared_ones_in_the_tenant_that_is_looked_into(database: Scratch) -> None:
    client, address = logged_in("of-two"), reverse("own:search") + "?extended=1&s=zebra"
    shown = text(client.get(address))
    assert "zebra of pharma" in shown
    assert not any(other in shown for other in OTHERS)

    client.post(reverse("own:switch"), {"tenant": STRANGER})

    assert "zebra of pharma" not in text(client.get(address))
    assert "zebra of stranger" in text(client.get(address))


def test_own_and_shared_are_told_apart(pharma: Client) -> None:
    address = reverse("own:catalog_tool_changelist")
    own_rows, shared = (text(pharma.get(f"{address}?q=zebra&whose={whose}")) for whose in ("own", "shared"))

    assert "zebra of pharma" in own_rows
    assert "zebra of vital-platform" not in own_rows
    assert "zebra of vital-platform" in shared
    assert "zebra of pharma" not in shared


def key(database: Scratch, table: str, tenant: str) -> str:
    found = databases.rows(
        database.admin_url, f"SELECT id::text FROM {table} WHERE tenant_id = %s ORDER BY id LIMIT 1", [tenant]
    )
    return str(found[0][0])


def test_a_row_of_anothers_is_one_that_is_not_there(database: Scratch, pharma: Client) -> None:
    def answer(identity: str) -> tuple[int, str, str]:
        page = pharma.get(reverse("own:catalog_tool_change", args=[identity]))
        said = pharma.get(reverse("own:index")) if page.status_code == 302 else page
        return page.status_code, page.get("Location", ""), text(said).replace(identity, "")

    nothing = answer(str(uuid4()))
    for tenant in (DIGITAL_HEALTH, STRANGER):
        status, where, said = answer(key(database, "tools", tenant))
        assert (status, where) == nothing[:2]
        assert re.sub(r'value="\w{64}"', "", said) == re.sub(r'value="\w{64}"', "", nothing[2])
    assert "zebra" in answer(key(database, "tools", PHARMA))[2]
    assert answer(key(database, "tools", PLATFORM))[0] == 200


def test_every_row_page_opens_and_has_no_form(database: Scratch, pharma: Client) -> None:
    tables = dict(zip(LISTS, ("tools", "agents", "prompts", "knowledge_domains", "knowledge_sources", "knowledge_base"),
                      strict=True))  # fmt: skip
    for model, table in tables.items():
        page = pharma.get(reverse(f"own:catalog_{model}_change", args=[key(database, table, PHARMA)]))
        assert page.status_code == 200, model
        assert "_save" not in text(page), model


def test_nothing_is_written_from_here(database: Scratch, pharma: Client) -> None:
    identity = key(database, "tools", PHARMA)
    before = databases.dump(database.admin_url)
    forms = [
        {"name": "taken over", "tenant": DIGITAL_HEALTH, "_save": "1"},
        {"action": "delete_selected", "_selected_action": identity, "post": "yes"},
        {"form-0-id": identity, "form-0-name": "taken over", "form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1"},
    ]
    for form in forms:
        for address in (reverse("own:catalog_tool_changelist"), reverse("own:catalog_tool_change", args=[identity])):
            for method in (pharma.post, pharma.put, pharma.patch, pharma.delete):
                assert method(address, form).status_code == 403

    assert databases.dump(database.admin_url) == before


def test_a_page_with_a_bug_shows_nothing_of_others(
    database: Scratch, pharma: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a page asks, the database answers as that tenant: nothing of VITAL's own, nobody else's rows."""
    from catalog.models import Tool
    from migrations_ops.models import LedgerEntry

    asked: list[object] = []

    def names(*_: object) -> dict[str, object]:
        asked.extend(Tool.objects.values_list("name", flat=True))
        return {}

    def ledger(*_: object) -> dict[str, object]:
        return {"name": list(LedgerEntry.objects.values("keys")[:1])}

    def writes(*_: object) -> dict[str, object]:
        return {"name": Tool.objects.update(name="taken over")}

    monkeypatch.setattr(tenant_site.OwnRows, "figures", names)
    pharma.get(reverse("own:index"))
    assert {"Zebra of pharma", "Zebra of vital-platform"} <= set(asked)
    assert not {"Zebra of digital-health", "Zebra of stranger"} & set(asked)

    for bug in (ledger, writes):
        monkeypatch.setattr(tenant_site.OwnRows, "figures", bug)
        assert pharma.get(reverse("own:index")).status_code == 500
    assert databases.rows(database.admin_url, "SELECT count(*) FROM tools WHERE name = 'taken over'") == [(0,)]


def test_the_first_page_says_what_the_tenant_has(database: Scratch, pharma: Client) -> None:
    page = pharma.get("/admin/", follow=True)
    tools = databases.rows(
        database.admin_url,
        "SELECT count(*) FILTER (WHERE tenant_id = %s), count(*) FILTER (WHERE tenant_id = %s) FROM tools",
        [PHARMA, PLATFORM],
    )[0]
    figures = {table["name"]: table for table in page.context["tables"]}

    assert page.context["title"] == "Pharmaceuticals"
    assert (figures["tools"]["own"], figures["tools"]["shared"]) == (str(tools[0]), str(tools[1]))
    assert figures["tools"]["limit"] == "100"
    assert ("tool management", False) in page.context["features"]


def test_somebody_of_two_tenants_looks_into_one_at_a_time(database: Scratch) -> None:
    client = logged_in("of-two")
    address = reverse("own:catalog_tool_changelist") + "?q=zebra"
    assert "zebra of pharma" in text(client.get(address))

    client.post(reverse("own:switch"), {"tenant": STRANGER})
    after = text(client.get(address))
    assert "zebra of stranger" in after
    assert "zebra of pharma" not in after

    client.post(reverse("own:switch"), {"tenant": DIGITAL_HEALTH})
    assert "zebra of stranger" in text(client.get(address)), "a tenant of others' is passed over"


def test_a_membership_that_ends_ends_at_once(database: Scratch) -> None:
    client = logged_in("of-two")
    client.post(reverse("own:switch"), {"tenant": STRANGER})
    databases.rows(
        database.admin_url,
        "DELETE FROM vital.membership AS m USING vital.auth_user AS u"
        " WHERE u.id = m.user_id AND u.username = 'of-two' AND m.tenant_id = %s",
        [STRANGER],
    )

    after = text(client.get(reverse("own:catalog_tool_changelist") + "?q=zebra"))

    assert "zebra of stranger" not in after
    assert "zebra of pharma" in after


def test_a_tenant_that_is_suspended_is_closed_to_its_staff_within_a_second(database: Scratch, pharma: Client) -> None:
    state = "UPDATE tenants SET is_active = %s WHERE id = %s"
    try:
        databases.rows(database.admin_url, state, [False, PHARMA])
        patience.wait(1)
        closed = pharma.get(reverse("own:index"))
    finally:
        databases.rows(database.admin_url, state, [True, PHARMA])
        patience.wait(1)

    assert closed.status_code == 403
    assert WORD in closed.content.decode()
    assert pharma.get(reverse("own:index")).status_code == 200


def test_staff_of_no_tenant_see_a_clear_word(database: Scratch) -> None:
    page = logged_in("of-none").get("/admin/", follow=True)

    assert page.status_code == 403
    assert WORD in page.content.decode()
    assert "changelist" not in text(page)


def test_an_own_password_is_changed_here(database: Scratch) -> None:
    client = logged_in("pharma-admin")
    address = reverse("own:password_change")
    assert client.get(address).status_code == 200
    form = {"old_password": PASSWORD, "new_password1": "another-long-one-7", "new_password2": "another-long-one-7"}

    assert client.post(address, form)["Location"] == reverse("own:password_change_done")

    assert client.get(reverse("own:index")).status_code == 200
    assert client.post(reverse("admin:logout")).status_code == 200
    assert client.get(reverse("own:index")).status_code == 302


def test_the_platforms_admin_sees_everything_and_may_look_as_a_tenant_does(database: Scratch) -> None:
    client = logged_in("the-platform")

    assert client.get(reverse("admin:migrations_ops_run_changelist")).status_code == 200
    client.post(reverse("own:switch"), {"tenant": PHARMA})
    tools = text(client.get(reverse("own:catalog_tool_changelist") + "?q=zebra"))
    assert "zebra of pharma" in tools
    assert "zebra of digital-health" not in tools


@pytest.mark.slow
def test_before_the_fence_is_closed_nobody_looks_into_a_tenant(
    prepared: Scratch, django_db_blocker: pytest.FixtureRequest
) -> None:
    with django_on(prepared.owner_url, django_db_blocker):
        user = User.objects.create_user("early", password=PASSWORD, is_staff=True)
        Membership.objects.create(user=user, tenant_id=PHARMA)
        client = logged_in("early")
        page = client.get("/admin/", follow=True)
        closed = client.get(reverse("admin:migrations_ops_run_changelist"))

    assert page.status_code == closed.status_code == 403
    assert "Isolation is off: no tenant can be opened" in page.content.decode()
