"""The attack run against the service: every tenant's users and admins, and nobody, against others' rows. As in the
database, all pairs are tried among a dozen tenants, and each further one against one other.

A request cannot see what is not committed, so these rows are planted for real, under keys that begin with MARK; they
are removed in the end, and what a killed run has left is removed at the start of the next.
"""

import itertools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from uuid import uuid4

from tenants.inventory import Inventory
from tenants.isolation.clients import Caller
from tenants.isolation.endpoints import ENDPOINTS, Endpoint
from tenants.isolation.fixtures import NotPlantable, Planted, Planter
from tenants.isolation.http_attacks import Intruder, Victim
from tenants.isolation.queries import QUERIES, of_table
from tenants.isolation.report import Report
from tenants.isolation.targets import MARK, NOBODY, Actor, Target, in_turn, targets
from vital.db import sql
from vital.db.session import Session

Sessions = Callable[[], AbstractContextManager[Session]]
Sign = Callable[[str, str], str]  # (tenant, role) → token
Pair = tuple[Actor, Actor]
Pairs = Sequence[Pair]
ROLES = ("user", "admin")
SOME = 12  # tenants that are tried against each other
CHUNK = 16  # pairs beyond those for which rows are planted at once
BUDGET = 60.0  # seconds
SHOWS_WITHIN = 5.0  # seconds until the service knows of a row that was planted behind its back
NO_ANSWER = "the service does not show this tenant its own row (it answered {status}): is its secret the right one?"


def prove(
    sessions: Sessions,
    inventory: Inventory,
    caller: Caller,
    sign: Sign,
    domain: str,
    *,
    budget: float = BUDGET,
    all_pairs: bool = False,
) -> Report:
    """The attack run; tenants' subdomains lie under `domain`. `all_pairs`: each tenant against each other one, however
    long that takes; else what has had no turn within the budget is named in the report.

    Raises AnotherRunIsActive while a migration or another attack run is at work.
    """
    run = Run(inventory, caller, sign, domain)
    started = time.monotonic()
    with sessions() as session, session.run_lock(), run.planted(sessions, session):
        run.carry_out(session, math.inf if all_pairs else started + budget, all_pairs=all_pairs)
    run.report.seconds = time.monotonic() - started
    return run.report


def runs_here(session: Session) -> bool:
    """Whether the service could work in this process: with this login. The owner may become a tenant as well."""
    return bool(session.value(QUERIES["may_be_tenant"])) and not session.value(QUERIES["sees_own_schema"])


@contextmanager
def as_operator(session: Session) -> Iterator[None]:
    """One transaction as vital_operator; the service's own login, too, may do this much and no more."""
    with session.connection.transaction():
        session.execute(QUERIES["wait_briefly"])
        session.execute(QUERIES["be_operator"])
        yield


class Run:
    """One attack run: who there is, what is planted, and what came of it."""

    def __init__(self, inventory: Inventory, caller: Caller, sign: Sign, domain: str) -> None:
        self.inventory, self.caller, self.sign, self.domain = inventory, caller, sign, domain
        self.report = Report()
        self.tables = {target.relation: target for target in targets(inventory)}
        self.endpoints = [endpoint for endpoint in ENDPOINTS if endpoint.relation in self.tables]
        self.rows: dict[tuple[str, str], Planted] = {}
        self.as_planted: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
        self.hosts: dict[str, str] = {}
        self.cast: list[Actor] = []
        self.planters: dict[str, Planter] = {}
        self.planted_for: set[str] = set()
        self.known: dict[tuple[str, str], bool] = {}

    @contextmanager
    def planted(self, sessions: Sessions, session: Session) -> Iterator[None]:
        """Committed rows, there for the time of the attacks."""
        self._remove(session)
        try:
            self._call_in(session)
            yield
        finally:
            with sessions() as another:  # the first connection may have been broken off
                self._remove(another)

    def _call_in(self, session: Session) -> None:
        with as_operator(session):
            found = session.execute(of_table("tenants_to_call", self.inventory.registry))
        self.cast = [Actor(key, name) for key, name, _ in found]
        self.hosts = {key: f"{slug}.{self.domain}" for key, _, slug in found}

    def _plant(self, session: Session, pairs: Pairs) -> None:
        """A row for each endpoint of everybody in these pairs who has none."""
        newcomers = {
            actor.id: actor for pair in pairs for actor in pair if actor.id and actor.id not in self.planted_for
        }
        self.planted_for |= newcomers.keys()
        with as_operator(session):
            for endpoint in self.endpoints:
                target = self.tables[endpoint.relation]
                planter = self.planters.setdefault(endpoint.path, Planter(session, [target]))
                for actor in newcomers.values():
                    try:
                        planted = planter.plant_one(target, actor, {endpoint.mark: f"{MARK}-{uuid4().hex[:12]}"})
                        self.as_planted[endpoint.path, actor.id] = self._now(session, target, planted)
                        self.rows[endpoint.path, actor.id] = planted
                    except NotPlantable as refusal:
                        what = f"{actor.name}'s row for {endpoint.path}"
                        self.report.leave_out(what, f"none could be planted: {refusal}")

    def _remove(self, session: Session) -> None:
        with as_operator(session):
            for endpoint in self.endpoints:
                parts = {"mark": sql.ident(endpoint.mark), "pattern": sql.literal(f"{MARK}-%")}
                session.execute(of_table("remove_marked", endpoint.relation, **parts))

    def carry_out(self, session: Session, deadline: float, *, all_pairs: bool) -> None:
        some, others = self._pairs(all_pairs=all_pairs)
        left = len(some) + len(others)
        for pairs in [some, *(others[start : start + CHUNK] for start in range(0, len(others), CHUNK))]:
            if time.monotonic() < deadline:
                self._plant(session, pairs)
            for attacker, victim in pairs:
                if time.monotonic() >= deadline:
                    self._stop(left, len(some) + len(others), f"{attacker.name} against {victim.name}")
                    return
                self._try(session, attacker, victim, counted=pairs is not some)
                left -= 1

    def _stop(self, left: int, total: int, first: str) -> None:
        why = f"the service: {left:,} of {total:,} pairs of tenants had no turn within the budget: {first} and on"
        self.report.not_reached.append(why)

    def _pairs(self, *, all_pairs: bool) -> tuple[list[Pair], list[Pair]]:
        """All among the first tenants, each against the next before each against the one after it; and the others."""
        some = self.cast[:SOME]
        among = [(NOBODY, victim) for victim in some]
        for distance in range(1, len(some)):
            among += zip(some, some[distance:] + some[:distance], strict=True)
        tried = set(among)
        wanted = itertools.permutations(self.cast, 2) if all_pairs else in_turn(self.cast)
        return among, [pair for pair in wanted if pair not in tried]

    def _try(self, session: Session, attacker: Actor, victim: Actor, *, counted: bool) -> None:
        """With each of the attacker's credentials."""
        for role in ROLES if attacker.id else ("",):
            headers = {"Authorization": f"Bearer {self.sign(attacker.id, role)}"} if attacker.id else {}
            intruder = Intruder(attacker, role, self.caller, self.report, headers, counted=counted)
            if not attacker.id or self._is_known(intruder, role):
                self._attack(session, intruder, victim)

    def _is_known(self, intruder: Intruder, role: str) -> bool:
        """Whether the service takes the attacker for who it is: else its refusals would prove nothing."""
        asked = intruder.actor.id, role
        if asked not in self.known:
            self.known[asked] = self._shows_its_own(intruder)
        return self.known[asked]

    def _shows_its_own(self, intruder: Intruder) -> bool:
        status, until = 0, time.monotonic() + SHOWS_WITHIN
        for endpoint in self.endpoints:
            own = self.rows.get((endpoint.path, intruder.actor.id))
            if own is None or not endpoint.routes:
                continue
            while (status := intruder.sees(endpoint, own)) != 200 and status not in {401, 403}:
                if time.monotonic() > until:
                    break
                time.sleep(0.2)
            if status == 200:
                return True
        self.report.leave_out(f"the service as {intruder.name}", NO_ANSWER.format(status=status or "nothing"))
        return False

    def _attack(self, session: Session, intruder: Intruder, actor: Actor) -> None:
        for endpoint in self.endpoints:
            row = self.rows.get((endpoint.path, actor.id))
            if row is None:
                continue
            shared = actor.id == self.inventory.platform_id and self.tables[endpoint.relation].shared
            victim = Victim(actor, self.hosts[actor.id], row, str(row.texts[endpoint.mark]), shared)
            intruder.attack(endpoint, victim)
            self._look(session, intruder, endpoint, victim)

    def _now(self, session: Session, target: Target, planted: Planted) -> list[tuple[Any, ...]]:
        """The row as it stands; nothing where it is gone."""
        rows = sql.key_equals("t", session.typed_key(target.relation, target.key), sql.literal(planted.key))
        return session.execute(of_table("row_now", target.relation, rows=rows))

    def _look(self, session: Session, intruder: Intruder, endpoint: Endpoint, victim: Victim) -> None:
        """Whatever was answered: the victim's row must be as it was, and no other in its name."""
        target = self.tables[endpoint.relation]
        parts = {
            "tenant": sql.ident(target.tenant), "victim": sql.literal(victim.actor.id),
            "mark": sql.ident(endpoint.mark), "code": sql.literal(intruder.code),
        }  # fmt: skip
        with as_operator(session):
            before = self.as_planted[endpoint.path, victim.actor.id]
            unchanged = self._now(session, target, victim.planted) == before
            forged = bool(session.value(of_table("rows_in_its_name", target.relation, **parts)))
        intruder.note(endpoint, victim, "its row afterwards", "" if unchanged else "it was changed or deleted")
        if endpoint.new:
            intruder.note(endpoint, victim, "POST in its name", "a row of the attacker's is there" if forged else "")
