"""The attack run against the service: it holds on the real one, notices a leaky one, removes what it has planted."""

from collections.abc import Callable, Mapping
from contextlib import closing
from functools import cached_property
from typing import Any

import pytest
from django.conf import settings
from psycopg.conninfo import conninfo_to_dict

from migrations_ops.engine.session import Session
from migrations_ops.phases.inventory import inventory_of
from migrations_ops.rules.load import load
from tenants.isolation import http_probe as attack
from tenants.isolation.clients import Caller, HttpCaller, Response
from tenants.isolation.endpoints import ENDPOINTS
from tenants.isolation.report import HELD, LEAK, NOT_TRIED, Report
from tenants.isolation.targets import MARK
from tenants.isolation.test_tokens import signer
from tests.support import background, citus
from tests.support.cast import PHARMA
from tests.support.command_results import Manage, document, said
from tests.support.service import JWT_SECRET, PRODUCTION, TENANT_DOMAIN
from tests.support.service_under_test import ServiceUnderTest
from tests.support.tokens import super_admin, user

pytestmark = pytest.mark.slow

SECRET = {"SUPABASE_JWT_SECRET": JWT_SECRET, "VITAL_TENANT_DOMAIN": TENANT_DOMAIN}
MARKS = {"tools": "tool_key", "prompts": "name", "knowledge_domains": "slug"}
TENANTS = ("Platform", "Digital Health Startup", "Pharmaceuticals", "Stranger")
CAST = {"nobody", *(f"{name} ({role})" for name in TENANTS for role in ("user", "admin"))}


def address(stage: ServiceUnderTest) -> str:
    return f"http://127.0.0.1:{stage.service.port}"


def planted(stage: ServiceUnderTest) -> dict[str, int]:
    return {table: stage.count(table, where=f"{mark} LIKE '{MARK}-%'") for table, mark in MARKS.items()}


NOTHING = dict.fromkeys(MARKS, 0)


def attacked(stage: ServiceUnderTest, caller: Caller) -> Report:
    """The attack run as the owner, in this process, through this caller."""

    def sessions() -> Any:
        return closing(Session.open(dict(conninfo_to_dict(stage.database.owner_url)), "attack run"))

    return attack.prove(
        sessions, inventory_of(load(settings.PLAN)), caller, signer(JWT_SECRET, "authenticated", ""), TENANT_DOMAIN
    )


# --- the real service ---


def test_the_service_holds(own_service: ServiceUnderTest, manage: Manage) -> None:
    rows = {table: own_service.rows(table) for table in MARKS}

    done = manage(own_service.database, "prove_isolation", "--url", address(own_service), "--json", env=SECRET)

    assert done.returncode == 0, said(done)
    found = document(done)
    attempts = [attempt for attempt in found["matrix"] if attempt["where"] == "endpoint"]
    assert {(a["verb"], a["what"], a["detail"]) for a in attempts if a["outcome"] != HELD} == set()
    assert {attempt["attacker"] for attempt in attempts} == CAST
    assert {attempt["victim"] for attempt in attempts} == set(TENANTS)
    assert {attempt["what"] for attempt in attempts} == {endpoint.path for endpoint in ENDPOINTS}
    assert not [left_out for left_out in found["not_tried"] if "service as" in left_out["what"]]
    assert {table: own_service.rows(table) for table in MARKS} == rows, "nothing is left, and nothing is missing"


@citus.one_server("nothing is planted, so nothing of auth.users is asked for")
def test_the_service_in_this_process_holds(own_service: ServiceUnderTest, manage: Manage) -> None:
    """With the service's own login; tables outside of the plan are closed to it, which the report says."""
    done = manage(
        own_service.login, "prove_isolation", "--json", env=PRODUCTION | {"VITAL_DEMO": "0", "VITAL_SERVING": "1"}
    )

    found = document(done)
    assert {
        (a["attacker"], a["what"], a["verb"], a["detail"]) for a in found["matrix"] if a["outcome"] == LEAK
    } == set()
    assert done.returncode == 0, found["hidden"] + found["open"]
    attempts = [attempt for attempt in found["matrix"] if attempt["where"] == "endpoint"]
    assert {attempt["attacker"] for attempt in attempts} == CAST
    assert {(a["attacker"], a["what"], a["verb"], a["detail"]) for a in attempts if a["outcome"] != HELD} == set()
    assert "auth.users is closed to this login" in str(found["not_tried"])
    assert "reset role and select" in {attempt["verb"] for attempt in found["matrix"]}
    assert planted(own_service) == NOTHING

    for env, reason in (({"VITAL_DEMO": "0"}, "the service's own login"), ({"VITAL_DEMO": "1"}, "demo mode")):
        as_owner = document(manage(own_service.database, "prove_isolation", "--json", env=PRODUCTION | env))
        (why,) = [left["why"] for left in as_owner["not_tried"] if left["what"] == "the service in this process"]
        assert reason in why


def test_rows_of_a_killed_run_are_removed_by_the_next(own_service: ServiceUnderTest, manage: Manage) -> None:
    arguments = ("prove_isolation", "--url", address(own_service))
    with pytest.MonkeyPatch.context() as patched:
        for name, value in SECRET.items():
            patched.setenv(name, value)
        with background.start(own_service.database, *arguments) as running:
            running.until(lambda: min(planted(own_service).values()) > 0)
            running.kill()
        assert min(planted(own_service).values()) > 0

    assert manage(own_service.database, *arguments, env=SECRET).returncode == 0
    assert planted(own_service) == NOTHING


def test_what_cannot_be_attacked_is_not_called_safe(own_service: ServiceUnderTest, manage: Manage) -> None:
    url = address(own_service)
    for env, arguments, reason in (
        ({}, ("--url", url), "is not set"),
        ({"SUPABASE_JWT_SECRET": "x" * 40}, ("--url", url), "knows none of the tenants"),
        (SECRET, ("--url", "http://127.0.0.1:1"), "cannot be attacked"),
        (SECRET, ("--url", "no address"), "no address of a service"),
        ({"OTHER": JWT_SECRET}, ("--url", url, "--jwt-secret-env", "NEITHER"), "NEITHER is not set"),
    ):
        done = manage(own_service.database, "prove_isolation", *arguments, env={"SUPABASE_JWT_SECRET": ""} | env)
        assert done.returncode == 2, said(done)
        assert reason in " ".join(done.stderr.split())
        assert planted(own_service) == NOTHING


# --- leaky ones: the real service behind somebody who bends what is asked ---


class Bent:
    """Passes requests on with other headers, and answers on with another status."""

    def __init__(
        self,
        stage: ServiceUnderTest,
        headers: Callable[[str, str, Mapping[str, str]], Mapping[str, str]] = lambda method, path, sent: sent,
        status: Callable[[int], int] = lambda status: status,
    ) -> None:
        self.real, self.headers, self.status = HttpCaller(address(stage)), headers, status

    def call(self, method: str, path: str, headers: Mapping[str, str], body: object = None, host: str = "") -> Response:
        answer = self.real.call(method, path, self.headers(method, path, headers), body, host)
        return Response(self.status(answer.status), answer.text)


def trusts_the_header(method: str, path: str, sent: Mapping[str, str]) -> Mapping[str, str]:
    return super_admin(sent["x-tenant-id"]) if "x-tenant-id" in sent else sent


def honours_show_all(method: str, path: str, sent: Mapping[str, str]) -> Mapping[str, str]:
    return super_admin() if "showAll" in path else sent


def shows_pharma_to_all(method: str, path: str, sent: Mapping[str, str]) -> Mapping[str, str]:
    return user(PHARMA) if method == "GET" and "Authorization" not in sent else sent


def everybody_is_super_admin_when_deleting(method: str, path: str, sent: Mapping[str, str]) -> Mapping[str, str]:
    return super_admin(PHARMA) if method == "DELETE" else sent


@pytest.mark.parametrize(
    ("bend", "verb", "victims"),
    [
        (trusts_the_header, "GET list with its x-tenant-id", set(TENANTS) - {"Platform"}),
        (honours_show_all, "GET list with showAll", set(TENANTS) - {"Platform"}),
        (shows_pharma_to_all, "GET list", {"Pharmaceuticals"}),
        (everybody_is_super_admin_when_deleting, "its row afterwards", {"Pharmaceuticals"}),
    ],
)
def test_a_leaky_service_is_noticed(own_service: ServiceUnderTest, bend: Any, verb: str, victims: set[str]) -> None:
    report = attacked(own_service, Bent(own_service, bend))

    assert {leak.victim for leak in report.leaks if leak.verb == verb} == victims
    assert planted(own_service) == NOTHING


def test_a_refusal_that_tells_of_a_row_is_noticed(own_service: ServiceUnderTest) -> None:
    """A service that says 403 about others' rows and 404 about none gives away which there are."""

    class Telling(Bent):
        @cached_property
        def keys(self) -> list[str]:
            return [str(row["id"]) for row in own_service.rows("tools", PHARMA)]

        def call(
            self, method: str, path: str, headers: Mapping[str, str], body: object = None, host: str = ""
        ) -> Response:
            answer = super().call(method, path, headers, body, host)
            there = any(key in path for key in self.keys)
            return Response(403, answer.text) if answer.status == 404 and there else answer

    leaks = attacked(own_service, Telling(own_service)).leaks

    assert {(leak.victim, leak.what) for leak in leaks} == {("Pharmaceuticals", "/api/tools-crud")}
    assert "it answered 403, and 404 about a row that does not exist" in {leak.detail for leak in leaks}


def test_a_service_that_breaks_down_has_proven_nothing(own_service: ServiceUnderTest) -> None:
    report = attacked(own_service, Bent(own_service, status=lambda status: 500 if status == 404 else status))

    assert "the service answered 500" in {left_out["why"] for left_out in report.not_tried}
    outcomes = {a.victim: a.outcome for a in report.attempts if a.verb == "PATCH by id" and "(admin)" in a.attacker}
    assert outcomes["Pharmaceuticals"] == NOT_TRIED
