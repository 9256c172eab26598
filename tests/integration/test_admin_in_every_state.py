"""Every page of the admin answers in every state of a database, to every kind of login: it works, or says why not in
the admin's own frame; and while isolation is off, that is the first thing on each of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from tenants import availability
from tenants.admin import permissions
from tenants.auth import db_logins
from tests.support import admin_client, databases
from tests.support.admin_pages import addresses, one_of_each
from tests.support.command_results import Manage, said
from tests.support.databases import Scratch
from tests.support.in_process_django import django_on
from tests.support.paths import ROOT

pytestmark = pytest.mark.slow

SHOP = ROOT / "docs" / "tutorial" / "shop.sql"


@dataclass(frozen=True)
class State:
    """How a database came to be where it is: what it is a copy of, what is done then, and whether isolation is on."""

    template: str
    commands: tuple[tuple[str, ...], ...] = ()
    isolated: bool = False
    has_own_tables: bool = True


STATES = {
    "no tables of VITAL's": State("legacy", has_own_tables=False),
    "tables, but no run": State("legacy", (("migrate", "--verbosity", "0"),)),
    "after 002": State("prepared"),
    "after 005": State("prepared", (("migrate_tenants", "--to", "005", "--yes"),)),
    "after 006": State("migrated", isolated=True),
    "006 undone": State("migrated", (("migrate_tenants", "undo", "--phase", "006", "--yes"),)),
    "all undone": State("migrated", (("migrate_tenants", "undo", "--yes"),)),
    "disarmed": State("migrated", (("migrate_tenants", "disarm", "--reason", "the vacuum", "--yes"),)),
    "another plan": State("another plan", isolated=True),
}


@dataclass
class Place:
    """A database in a state, and the addresses by which each kind of login reaches it, with its cookies."""

    state: State
    scratch: Scratch
    urls: dict[str, str] = field(default_factory=dict)
    cookie: str = ""

    def reached_by(self, kind: str) -> str:
        """The login's URL; before there is one of that kind, the demo is its owner."""
        return self.urls.get(kind, self.scratch.owner_url)


@pytest.fixture(scope="module", params=STATES)
def place(
    request: pytest.FixtureRequest, manage: Manage, tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any
) -> Iterator[Place]:
    state = STATES[request.param]
    if state.template == "another plan":
        scratch = _of_another_plan(request.getfixturevalue("server_url"), manage, tmp_path_factory.mktemp("plan"))
    else:
        scratch = databases.clone(request.getfixturevalue(f"{state.template}_template"))
    try:
        yield _prepared(state, scratch, manage, django_db_blocker)
    finally:
        databases.drop(scratch)


def _of_another_plan(server_url: str, manage: Manage, folder: Path) -> Scratch:
    scratch, plan = databases.create_empty(server_url), str(folder / "plan.toml")
    databases.rows(scratch.owner_url, SHOP.read_text(encoding="utf-8"))
    for words in (("init-plan", "--out", plan), ("run", "--yes", "--plan", plan)):
        done = manage(scratch, "migrate_tenants", *words)
        assert done.returncode == 0, said(done)
    return scratch


def _prepared(state: State, scratch: Scratch, manage: Manage, blocker: Any) -> Place:
    """The logins are made while they can be, and the database is brought to its state under them."""
    place = Place(state, scratch)
    before, after = state.commands[:1], state.commands[1:]
    if state.template == "migrated" or not state.has_own_tables:
        before, after = (), state.commands
    for words in before:
        done = manage(scratch, *words)
        assert done.returncode == 0, said(done)
    if state.has_own_tables:
        done = manage(scratch, "create_login", f"service_{scratch.name}")
        assert done.returncode == 0, said(done)
        place.urls["service"] = done.stdout.strip()
        with django_on(scratch.owner_url, blocker):
            db_logins.become_restricted()
            connection.close()
            availability._roles.forget()
            parts = connection.settings_dict
            place.urls["demo"] = databases.login_url(scratch.owner_url, parts["USER"], parts["PASSWORD"])
            place.cookie = _session()
    for words in after:
        done = manage(scratch, *words)
        assert done.returncode == 0, said(done)
    return place


def _session() -> str:
    settings.SESSION_COOKIE_SECURE = False
    with permissions.accounts():
        client = Client()
        client.force_login(User.objects.create_superuser("platform-admin"))
        return client.cookies[settings.SESSION_COOKIE_NAME].value


# --- every page, in every state, for every login ---

KINDS = {"owner": one_of_each, "service": addresses, "demo": one_of_each}  # the service's login may do least
OFF = "Isolation is off:"
FRAMED = "<title>"
FRAGMENTS = ("/live/", "/late/", "/log/", "/preview/", "/suggestions/", "/jsi18n/", "/autocomplete/", "/search/")
DOCUMENTS = ("/report/", "/export/")  # to keep and to print: what was, not what is


@pytest.mark.parametrize("kind", KINDS)
def test_every_page_works_or_says_why_not(place: Place, kind: str, django_db_blocker: Any) -> None:
    wrong = {}
    with django_on(place.reached_by(kind), django_db_blocker):
        client = browser(place)
        for address in KINDS[kind]():
            answer = client.get(address)
            if problem := _wrong_with(answer, address, place.state):
                wrong[address] = problem

    assert not wrong


def browser(place: Place) -> Client:
    """One in which the Platform's admin was logged in while that could be, and which remembers it."""
    client = Client(raise_request_exception=False)
    client.cookies[settings.SESSION_COOKIE_NAME] = place.cookie or "of-another-database" * 2
    return client


def _wrong_with(answer: Any, address: str, state: State) -> str:
    page = answer.getvalue().decode(errors="replace")
    if answer.status_code >= 500 or "Traceback" in page:
        return f"{answer.status_code} {getattr(answer.wsgi_request, 'failure', None)!r}"
    redirected, logged_out = answer.status_code in (301, 302), "logout" in address and answer.status_code == 405
    if redirected or logged_out or any(part in address for part in (*FRAGMENTS, *DOCUMENTS)) or not page:
        return ""
    if FRAMED not in page:
        return f"{answer.status_code} without the admin's frame: {page[:80]}"
    words = admin_client.visible_text(page)
    if (OFF in words) == state.isolated:
        return f"{answer.status_code}: isolation is {'on' if state.isolated else 'off'}, and the page says otherwise"
    if state.isolated or not state.has_own_tables:
        return ""
    return "" if "The API answers every tenant with 503" in words else "not said what the API answers"


# --- what they say ---

RUNS, FINDINGS = "/admin/migrations_ops/run/", "/admin/migrations_ops/finding/"
FIRST = ("/admin/", RUNS, f"{RUNS}start/")


def test_who_has_turned_isolation_off_and_why_is_said(place: Place, django_db_blocker: Any) -> None:
    if place.state is not STATES["disarmed"]:
        pytest.skip("of the state in which it was turned off by hand")
    with django_on(place.reached_by("service"), django_db_blocker):
        page = admin_client.visible_text(browser(place).get("/admin/").content.decode())

    assert "the vacuum" in page
    assert "rearm" in page


def test_the_first_page_and_the_runs_work_wherever_there_are_tables(place: Place, django_db_blocker: Any) -> None:
    if not place.state.has_own_tables:
        pytest.skip("nobody can be logged in")
    with django_on(place.reached_by("service"), django_db_blocker):
        client = browser(place)
        for address in FIRST:
            assert client.get(address).status_code == 200, address


def test_without_vitals_tables_the_command_that_makes_them_is_named(place: Place, django_db_blocker: Any) -> None:
    if place.state.has_own_tables:
        pytest.skip("of the database that has none")
    with django_on(place.scratch.owner_url, django_db_blocker):
        answer = browser(place).get("/admin/")

    assert answer.status_code == 409
    assert "./manage.py migrate" in admin_client.visible_text(answer.content.decode())


NOT_YET = ("tables, but no run", "all undone")


def test_before_any_run_nothing_is_called_done(place: Place, request: Any, django_db_blocker: Any) -> None:
    if place.state not in [STATES[name] for name in NOT_YET]:
        pytest.skip("of the states before any run")
    with django_on(place.scratch.owner_url, django_db_blocker):
        client = browser(place)
        pages = {
            address: admin_client.visible_text(client.get(address).content.decode())
            for address in ("/admin/", f"{FINDINGS}queue/", FINDINGS)
        }

    for address, page in pages.items():
        assert "Nothing was checked yet" in page, address
        assert "Nothing is left to review" not in page, address
    assert "Not validated yet" in pages["/admin/"]
