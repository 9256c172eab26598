"""An operator starts, watches, stops and undoes runs over REST; a worker carries them out, and nobody else may."""

import json
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import jwt
import pytest

from tests.support import citus, patience, service_under_test
from tests.support.cast import DIGITAL_HEALTH, PHARMA
from tests.support.contract import refusal
from tests.support.pause_point import paused_at
from tests.support.service import PRODUCTION, Service, served
from tests.support.service_under_test import ServiceDatabase, ServiceUnderTest
from tests.support.tokens import NOBODY, Who, admin, super_admin, user

pytestmark = citus.one_server("runs are refused while tables are distributed")

RUNS = "/api/migrations/runs"
OPERATOR = super_admin()
SUBJECT = jwt.decode(OPERATOR["Authorization"].split()[1], options={"verify_signature": False})["sub"]
FENCE = "006_row_level_security"
IN_006 = "SELECT count(*) > 0 FROM vital.phase_run WHERE phase = '006_row_level_security' AND status = 'started'"
ADDRESSES = [
    ("GET", RUNS), ("POST", RUNS), ("GET", "/api/migrations/preview"),
    *[("GET", f"{RUNS}/1{part}") for part in ("", "/findings", "/events")],
    *[("POST", f"{RUNS}/1/{what}") for what in ("pause", "resume", "cancel", "undo")],
]  # fmt: skip


@pytest.fixture(scope="module")
def control(service_database: ServiceDatabase) -> Iterator[ServiceUnderTest]:
    """A service without Redis, whose workers are processes of their own that work as the owner."""
    with service_under_test.copied_database(service_database) as own:
        settings = {"REDIS_URL": "", "VITAL_MIGRATIONS_DATABASE_URL": own.database.owner_url, "VITAL_LONG_ANSWERS": "1"}
        with served(own.login, PRODUCTION | settings) as service:
            yield ServiceUnderTest(service, own.database, own.login)


def until(service: Service, run: int, *statuses: str, seconds: float = 60) -> dict[str, Any]:
    """The run, once it stands so."""
    deadline = time.monotonic() + patience.seconds(seconds)
    while True:
        answer = service.get(f"{RUNS}/{run}", OPERATOR)
        assert answer.status == 200, answer
        document: dict[str, Any] = answer.json
        if document["status"] in statuses:
            return document
        assert time.monotonic() < deadline, document
        time.sleep(0.2)


def act(control: ServiceUnderTest, address: str, body: dict[str, Any] | None = None) -> int:
    """Hand something over to a worker; returns the run's id."""
    answer = control.service.post(f"{RUNS}{address}", OPERATOR, body or {})
    assert answer.status == 202, answer
    return int(answer.json["run"])


@contextmanager
def events(service: Service, run: int) -> Iterator[Iterator[dict[str, Any]]]:
    """What a browser's EventSource hears."""
    with closing(HTTPConnection("127.0.0.1", service.port, timeout=30)) as connection:
        connection.request("GET", f"{RUNS}/{run}/events", headers=OPERATOR)
        response = connection.getresponse()
        assert (response.status, response.headers.get_content_type()) == (200, "text/event-stream"), response.read()
        yield heard(response)


def heard(response: HTTPResponse) -> Iterator[dict[str, Any]]:
    event: dict[str, Any] = {}
    while line := response.readline().decode():
        name, _, value = line.rstrip("\n").partition(": ")
        if name in ("id", "event", "data"):
            event[name] = json.loads(value) if name == "data" else value
        elif not name and event:
            yield event
            event = {}


def first_run(control: ServiceUnderTest) -> int:
    ((run,),) = control.sql("SELECT min(id) FROM vital.run")
    return int(run)


@pytest.mark.parametrize(
    ("who", "status"),
    [(NOBODY, 401), (user(PHARMA), 403), (admin(DIGITAL_HEALTH), 403)],
    ids=["nobody", "a user", "an admin of a tenant"],
)
def test_only_operators_are_let_in(control: ServiceUnderTest, who: Who, status: int) -> None:
    before = control.sql("SELECT id, status, stop_requested FROM vital.run")

    for method, address in ADDRESSES:
        refusal(control.service.call(method, address, who), status)

    assert control.sql("SELECT id, status, stop_requested FROM vital.run") == before


def test_runs_are_listed_and_one_is_shown_with_its_phases(control: ServiceUnderTest) -> None:
    run = first_run(control)

    (listed,) = [one for one in control.service.get(RUNS, OPERATOR).json["runs"] if one["id"] == run]
    shown = control.service.get(f"{RUNS}/{run}", OPERATOR).json

    assert (listed["kind"], listed["status"], listed["at_work"]) == ("run", "completed", False)
    assert [phase["phase"] for phase in shown["phases"]] == listed["phases"]
    assert {phase["status"] for phase in shown["phases"]} == {"completed"}
    ((changed,),) = control.sql("SELECT sum(rows_changed)::int FROM vital.step_run AS s JOIN vital.phase_run AS p"
                                " ON p.id = s.phase_run_id WHERE p.run_id = %s", run)  # fmt: skip
    assert sum(phase["rows_changed"] for phase in shown["phases"]) == changed > 0


def test_the_findings_of_a_run_are_those_of_its_checks(control: ServiceUnderTest) -> None:
    run = first_run(control)
    ((found,),) = control.sql("SELECT count(*) FROM vital.finding WHERE run_id = %s", run)

    answer = control.service.get(f"{RUNS}/{run}/findings?limit=2", OPERATOR).json

    assert (len(answer["findings"]), answer["left_out"]) == (2, found - 2)


@pytest.mark.parametrize("address", ["", "/findings", "/events"])
def test_a_run_that_is_not_there_is_404(control: ServiceUnderTest, address: str) -> None:
    refusal(control.service.get(f"{RUNS}/4711{address}", OPERATOR), 404)


@pytest.mark.parametrize("what", ["pause", "resume", "cancel", "undo"])
def test_nothing_is_done_to_a_run_that_is_not_there(control: ServiceUnderTest, what: str) -> None:
    refusal(control.service.call("POST", f"{RUNS}/4711/{what}", OPERATOR), 404)


@pytest.mark.parametrize("body", [{"only": "999"}, {"tenant": "nobody"}, {"first": "004", "last": "002"}, {"only": 4}])
def test_what_cannot_be_meant_opens_no_run(control: ServiceUnderTest, body: dict[str, Any]) -> None:
    before = control.sql("SELECT max(id) FROM vital.run")

    refusal(control.service.post(RUNS, OPERATOR, body), 400)

    assert control.sql("SELECT max(id) FROM vital.run") == before


@pytest.mark.slow
def test_what_is_left_is_carried_out_and_then_no_run_is_opened(control: ServiceUnderTest) -> None:
    """The cast has come after the run: 002 has tenants to register, and what comes after it is looked at again."""
    run = act(control, "")
    done = [phase["phase"] for phase in until(control.service, run, "completed")["phases"]]
    assert (done[0], done[-1]) == ("002_tenant_setup", FENCE)

    answer = control.service.post(RUNS, OPERATOR, {})

    assert (answer.status, answer.json) == (200, {"run": None, "status": "nothing_to_do"}), answer


def test_what_is_over_cannot_be_stopped(control: ServiceUnderTest) -> None:
    for what in ("pause", "resume", "cancel"):
        refusal(control.service.call("POST", f"{RUNS}/{first_run(control)}/{what}", OPERATOR), 409)


def test_the_preview_says_what_a_run_would_do(control: ServiceUnderTest) -> None:
    document = control.service.get("/api/migrations/preview", OPERATOR).json

    assert document["tables"]["tools"]["rows"] == control.count("tools")
    assert set(document["total"]["tenants"]) >= {"pharma", "digital-health"}


@pytest.mark.slow
def test_a_phase_is_undone_and_done_again_and_the_audit_says_by_whom(control: ServiceUnderTest) -> None:
    service, reader = control.service, user(PHARMA)
    undo = act(control, f"/{first_run(control)}/undo", {"phase": "006", "reason": "a key is wrong"})
    assert [phase["phase"] for phase in until(service, undo, "completed")["phases"]] == [FENCE]
    deadline = time.monotonic() + patience.seconds(5)
    while service.get("/api/tools-crud?limit=1", reader).status != 503:
        assert time.monotonic() < deadline, "the fence is open, and tenants are still served"

    run = act(control, "", {"reason": "it is mended"})  # operators are not shut out with the others
    done = until(service, run, "completed")

    assert done["started_by"] == SUBJECT
    assert done["phases"][-1]["phase"] == FENCE
    written = control.sql("SELECT action, who, reason, facts -> 'run' FROM vital.audit ORDER BY id DESC LIMIT 2")
    assert written == [("start", SUBJECT, "it is mended", run), ("undo", SUBJECT, "a key is wrong", undo)]
    while service.get("/api/tools-crud?limit=1", reader).status != 200:
        assert time.monotonic() < deadline + 30, "the fence is closed again"
        time.sleep(0.1)


@pytest.mark.slow
def test_a_run_at_work_is_watched_paused_resumed_and_given_up(control: ServiceUnderTest) -> None:
    service = control.service
    with paused_at(control.database, "vital.step_run", IN_006) as stands:
        run = act(control, "", {"only": "006"})
        deadline = time.monotonic() + patience.seconds(30)
        while not stands():
            assert time.monotonic() < deadline, service.get(f"{RUNS}/{run}", OPERATOR).text
            time.sleep(0.1)
        shown = service.get(f"{RUNS}/{run}", OPERATOR).json
        assert (shown["status"], shown["at_work"], shown["in_background"]) == ("running", True, True)
        with events(service, run) as first:
            seen = next(first)
            assert (seen["event"], seen["data"]["id"]) == ("progress", run)
            refusal(service.get(f"{RUNS}/{run}/events", OPERATOR), 429)
            refusal(service.post(RUNS, OPERATOR, {"only": "006"}), 409)
            asked = service.post(f"{RUNS}/{run}/pause", OPERATOR, {"reason": "lunch"})
            assert (asked.status, asked.json) == (202, {"run": run, "status": "running"}), asked
            assert next(first)["data"]["stop_requested"] == "pause"
    assert until(service, run, "paused")["at_work"] is False

    assert act(control, f"/{run}/resume") == run
    assert until(service, run, "completed", "paused")["status"] == "completed"
    with events(service, run) as last:
        ended = list(last)
    assert [event["event"] for event in ended] == ["end"]
    assert ended[0]["data"]["status"] == "completed"
    again = service.get(f"{RUNS}/{run}/events", OPERATOR | {"Last-Event-ID": ended[0]["id"]})
    assert (again.status, again.body) == (204, b"")
    actions = control.sql("SELECT action, reason FROM vital.audit WHERE (facts ->> 'run')::int = %s ORDER BY id", run)
    assert actions == [("start", ""), ("pause", "lunch"), ("resume", "")]


@pytest.mark.slow
def test_a_paused_run_is_given_up(control: ServiceUnderTest) -> None:
    with paused_at(control.database, "vital.step_run", IN_006) as stands:
        run = act(control, "", {"only": "006"})
        while not stands():
            time.sleep(0.1)
        assert control.service.call("POST", f"{RUNS}/{run}/pause", OPERATOR).status == 202
    until(control.service, run, "paused")

    given_up = control.service.post(f"{RUNS}/{run}/cancel", OPERATOR, {"reason": "another day"})

    assert (given_up.status, given_up.json) == (200, {"run": run, "status": "cancelled"}), given_up
    assert until(control.service, act(control, ""), "completed")["phases"][-1]["phase"] == FENCE
