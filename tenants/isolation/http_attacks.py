"""What one attacker asks the service for: another's row in every way there is, in lists, and under another's name."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

from tenants.isolation.clients import Caller, Response
from tenants.isolation.endpoints import TENANTS, Endpoint, Route
from tenants.isolation.fixtures import Planted
from tenants.isolation.report import HELD, LEAK, NOT_TRIED, Attempt, Report
from tenants.isolation.targets import MARK, Actor

TOO_MANY, BROKEN = 429, 500
MINUTE = 61


@dataclass(frozen=True)
class Victim:
    """Whose row is attacked. `shared`: everybody may read it, for it is the Platform's."""

    actor: Actor
    host: str
    planted: Planted
    code: str
    shared: bool


class Intruder:
    """An attacker with its credential. `counted`: what holds is a number in the report, and no line."""

    def __init__(
        self,
        actor: Actor,
        role: str,
        caller: Caller,
        report: Report,
        headers: Mapping[str, str],
        *,
        counted: bool = False,
    ) -> None:
        self.counted = counted
        self.actor, self.caller, self.report, self.headers = actor, caller, report, headers
        self.name = f"{actor.name} ({role})" if role else actor.name
        self.code = f"{MARK}-{uuid4().hex[:12]}"
        self.answers_to_nothing: dict[Route, tuple[int, str]] = {}

    def sees(self, endpoint: Endpoint, own: Planted) -> int:
        """The status with which the service shows an own row."""
        return self._ask(endpoint.routes[0], own.key)[0]

    def attack(self, endpoint: Endpoint, victim: Victim) -> None:
        for route in endpoint.routes:
            self._one_row(endpoint, route, victim)
        disguises: dict[str, tuple[Mapping[str, str], str]] = {
            "": ({}, ""),
            " with its x-tenant-id": ({"x-tenant-id": victim.actor.id}, ""),
            " with its cookie": ({"Cookie": f"tenant_id={victim.actor.id}"}, ""),
            " under its subdomain": ({}, victim.host),
        }
        for disguise, (headers, host) in disguises.items():
            for verb, path in endpoint.lists().items():
                answer = self._call("GET", path, headers=headers, host=host)
                shows = victim.planted.key in answer.text or victim.code in answer.text
                self._judge(endpoint, victim, verb + disguise, answer, shows and not victim.shared)
        self._as_the_victim(endpoint, victim)
        if endpoint.new:
            self._call("POST", endpoint.path, endpoint.body_of_new(self.code, victim.actor.id))
        tenants = self._call("GET", TENANTS)
        self._judge(endpoint, victim, "GET the tenants one may use", tenants, victim.actor.id in tenants.text)

    def _one_row(self, endpoint: Endpoint, route: Route, victim: Victim) -> None:
        """The answer must be the one about a row that does not exist; a shared row may be read, and never written."""
        key = victim.planted.key if route.by == "id" else victim.code
        status, text = self._ask(route, key)
        answer = Response(status, text)
        if victim.shared:
            self._judge(endpoint, victim, route.verb, answer, route.method != "GET" and status < 300)
            return
        if route not in self.answers_to_nothing:
            nothing = str(uuid4()) if route.by == "id" else f"{MARK}-{uuid4().hex[:12]}"
            self.answers_to_nothing[route] = self._ask(route, nothing)
        expected = self.answers_to_nothing[route]
        leaks = status < 300 or (status, text) != expected
        detail = f"it answered {status}, and {expected[0]} about a row that does not exist" if leaks else ""
        self._judge(endpoint, victim, route.verb, answer, leaks, detail)

    def _as_the_victim(self, endpoint: Endpoint, victim: Victim) -> None:
        """Naming another's tenant must be answered like naming one that does not exist."""
        named, unknown = (
            self._call("GET", endpoint.path + "?limit=1", headers={"x-tenant-id": tenant})
            for tenant in (victim.actor.id, str(uuid4()))
        )
        leaks = (named.status, named.text) != (unknown.status, unknown.text)
        detail = f"it answered {named.status}, and {unknown.status} about a tenant that does not exist" if leaks else ""
        self._judge(endpoint, victim, "a tenant of another's in the header", named, leaks, detail)

    def _ask(self, route: Route, key: str) -> tuple[int, str]:
        """Status and body, whatever key was asked for."""
        answer = self._call(route.method, route.path.format(key=key), route.body(key))
        return answer.status, answer.text.replace(key, "KEY")

    def _call(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None, host: str = ""
    ) -> Response:
        sent = {**self.headers, **(headers or {})}
        answer = self.caller.call(method, path, sent, body, host)
        if answer.status == TOO_MANY:  # the limit is per minute
            time.sleep(MINUTE)
            answer = self.caller.call(method, path, sent, body, host)
        return answer

    def _judge(
        self, endpoint: Endpoint, victim: Victim, verb: str, answer: Response, leaks: bool, detail: str = ""
    ) -> None:
        if not leaks and (answer.status >= BROKEN or answer.status == TOO_MANY):
            why = f"the service answered {answer.status}"
            self.report.leave_out(f"{verb} on {endpoint.path}", why)
            self._add(endpoint, victim, verb, NOT_TRIED, why)
        else:
            self.note(endpoint, victim, verb, (detail or f"it answered {answer.status}") if leaks else "")

    def note(self, endpoint: Endpoint, victim: Victim, verb: str, leak: str) -> None:
        self._add(endpoint, victim, verb, LEAK if leak else HELD, leak)

    def _add(self, endpoint: Endpoint, victim: Victim, verb: str, outcome: str, detail: str) -> None:
        attempt = Attempt(self.name, victim.actor.name, "endpoint", endpoint.path, verb, outcome, detail)
        self.report.add(attempt, counted=self.counted)
