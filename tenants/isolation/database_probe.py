"""The attack run against the database: tenants, and nobody at all, against each other's rows, table by table.

Policies know tenants by one setting, so each tenant is tried against one other; all pairs are tried among a dozen. The
rows that are attacked are planted in short transactions that are rolled back: nothing is planted for real, a killed run
leaves nothing behind, and nothing else of the server waits for it. Of real rows it is only counted which are shown.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from uuid import uuid4

from tenants.inventory import Inventory, every_tenant
from tenants.isolation.attacks import LOCKED, Answer, Move, Try, Verdict, Weapons, judge, script, together
from tenants.isolation.fixtures import NotPlantable, Planter
from tenants.isolation.privilege_attacks import Sideways
from tenants.isolation.queries import QUERIES, of_table, query
from tenants.isolation.report import HELD, LEAK, NOT_TRIED, Attempt, Report
from tenants.isolation.targets import NOBODY, Actor, Target, in_turn, targets
from tenants.isolation.trial import Trial
from vital.db import sql
from vital.db.session import Session
from vital.errors import EngineError

BUDGET = 60.0  # seconds
CHUNK = 16  # tenants that are tried together
ALL_PAIRS = "all pairs of tenants"
Piece = Callable[[], None]
Pairs = Sequence[tuple[Actor, Actor]]


class CannotBecomeTenant(EngineError):
    """{login} may not become vital_tenant, so nothing can be attacked. Nothing was changed. Let a role that may do it
    run: {statement}"""

    exit_code = 2


def prove(
    session: Session, inventory: Inventory, *, everybody: bool = True, budget: float = BUDGET, all_pairs: bool = False
) -> Report:
    """The attack run. `everybody`: all registered tenants and every way; else the plan's tenants, and no temporary
    tables, about which 006 has a question of its own. `all_pairs`: each tenant against each other one, however long
    that takes; else what has had no turn within the budget is named in the report.

    Raises CannotBecomeTenant, and psycopg.errors.InsufficientPrivilege where the role that logged in may not become
    the fence's roles.
    """
    if not session.value(QUERIES["may_be_tenant"]):
        ((login, statement),) = session.execute(query("how_to_be_tenant"))
        raise CannotBecomeTenant(login=login, statement=statement)
    run = Run(session, inventory, everybody=everybody)
    started = time.monotonic()
    run.carry_out(math.inf if all_pairs else started + budget, all_pairs=all_pairs)
    run.report.seconds = time.monotonic() - started
    return run.report


class Run:
    """One attack run: who there is, what is tried, and what came of it."""

    def __init__(self, session: Session, inventory: Inventory, *, everybody: bool) -> None:
        self.session, self.inventory, self.everybody = session, inventory, everybody
        self.report = Report()
        self.targets = targets(inventory)
        self.planter = Planter(session, self.targets)
        self.trial = Trial(session, self.planter.forget)
        self.weapons = {target.relation: Weapons(self.planter, target) for target in self.targets}
        self.not_looked_at: set[str] = set()

    def carry_out(self, deadline: float, *, all_pairs: bool) -> None:
        cast = self._cast()
        planted = [Actor(str(uuid4()), name, True) for name in ("a planted tenant", "another planted one")]
        some = [*cast[:12], *planted]
        sideways = Sideways(self.session, self.report)
        sideways.ask(self.targets, self.inventory.common)
        self._go("the first tenants against each other", list(self._among(some)), deadline)
        self._go("writes without a filter", list(self._at_large(sideways, planted)), deadline)
        if all_pairs and len(cast) > len(some):
            self._go(ALL_PAIRS, self._every_pair(cast), deadline)
        elif len(cast) > 12:
            self._each_in_turn(cast, deadline)

    def _cast(self) -> list[Actor]:
        """The tenants there are. Two more exist only in the run: they own nothing but what is planted."""
        with self.session.work():
            found = every_tenant(self.session, self.inventory.registry)
        wanted = set(self.inventory.tenants)
        return [Actor(key, name) for key, name in found if self.everybody or key in wanted]

    # --- who against whom ---

    def _among(self, actors: Sequence[Actor]) -> Iterator[Piece]:
        for attacker in (*actors, NOBODY):
            pairs = [(attacker, victim) for victim in actors if victim is not attacker]
            for target in self.targets:
                yield partial(self._look, target, pairs)
                yield partial(self._attack, target, pairs)

    def _each_in_turn(self, cast: Sequence[Actor], deadline: float) -> None:
        """Each tenant against the next."""
        pairs = in_turn(cast)
        per_chunk = len(self.targets)
        pieces = (
            partial(self._chunk, target, pairs[start : start + CHUNK])
            for start in range(0, len(pairs), CHUNK)
            for target in self.targets
        )
        done = self.trial.work_off(pieces, self._failed("attacks of tenants in turn"), deadline)
        rest = pairs[done // per_chunk * CHUNK :]
        if rest:
            first, last = rest[0][0].name, rest[-1][0].name
            self.report.not_reached.append(
                f"{len(rest):,} of {len(pairs):,} tenants had no turn within the budget: {first} to {last}"
            )

    def _chunk(self, target: Target, pairs: Pairs) -> None:
        self._look(target, pairs, counted=True)
        self._attack(target, pairs, counted=True, each_alone=True)

    def _every_pair(self, cast: Sequence[Actor]) -> Iterator[Piece]:
        for attacker in cast:
            others = [victim for victim in cast if victim is not attacker]
            for start in range(0, len(others), CHUNK):
                pairs = [(attacker, victim) for victim in others[start : start + CHUNK]]
                for target in self.targets:
                    yield partial(self._attack, target, pairs, counted=True)

    def _at_large(self, sideways: Sideways, planted: Sequence[Actor]) -> Iterator[Piece]:
        """What aims at no tenant in particular: tried once for each table."""
        platform = self.inventory.platform_id
        for target in self.targets:
            if target.writable:
                yield partial(self._everything, target, "update without filter", "update_everything")
                yield partial(self._everything, target, "delete without filter", "delete_everything")
            if self.everybody:
                for attacker in (NOBODY, *planted):
                    yield partial(sideways.copy_out, target, attacker, platform)
                yield partial(sideways.shadow, target)

    def _go(self, what: str, pieces: "Sequence[Piece] | Iterator[Piece]", deadline: float) -> None:
        done = self.trial.work_off(pieces, self._failed(what), deadline)
        if isinstance(pieces, Sequence) and done < len(pieces):
            self.report.not_reached.append(f"{what}: {len(pieces) - done:,} of {len(pieces):,} parts")

    def _failed(self, what: str) -> Callable[[str], None]:
        return lambda why: self.report.leave_out(what, why)

    # --- attacks on planted rows ---

    def _attack(self, target: Target, pairs: Pairs, *, counted: bool = False, each_alone: bool = False) -> None:
        self._plant(target, list({actor.id: actor for pair in pairs for actor in pair if actor.id}.values()))
        weapons, platform = self.weapons[target.relation], self.inventory.platform_id
        tries: list[tuple[Actor, Try]] = []
        for attacker, victim in pairs:
            tries += [(attacker, one) for one in weapons.against(attacker, victim, platform, each_alone=each_alone)]
            for verb, why in weapons.impossible(attacker, victim, platform):
                self._note(target, attacker, victim, verb, Verdict(NOT_TRIED, why), counted=counted)
        controls: dict[str, Move] = {}
        for _, one in tries:
            if one.control:
                controls.setdefault(one.verb, one.control)
        found = self.trial.answers([*(one.move for _, one in tries), *controls.values()])
        attacks, harmless = found[: len(tries)], dict(zip(controls, found[len(tries) :], strict=True))
        weapons.controlled |= {verb for verb, answer in harmless.items() if answer.taken}
        for (attacker, one), answer in zip(tries, attacks, strict=True):
            verdict = judge(one, answer, harmless.get(one.verb))
            repeat = script(one.move, self._made(attacker, one)) if verdict.outcome == LEAK else ""
            self._note(target, attacker, one.victim, one.verb, verdict, repeat, counted=counted)

    def _made(self, attacker: Actor, one: Try) -> list[str]:
        """What makes the rows that it is about, and tenants that exist only in the run."""
        registered = [self.planter.planted.get((self.inventory.registry, actor.id)) for actor in (attacker, one.victim)]
        return self.planter.remade(together(*(row.made for row in registered if row), one.made))

    def _plant(self, target: Target, actors: Sequence[Actor]) -> None:
        try:
            self.planter.plant(target, actors)
        except NotPlantable as refusal:  # not even its columns are known
            self.planter.refusals |= {(target.relation, actor.id): str(refusal) for actor in actors}

    def _everything(self, target: Target, verb: str, name: str) -> None:
        """No filter at all, as a tenant without a row: its own might be refused for those that refer to it."""
        if any(leak.what == target.name for leak in self.report.leaks):
            return  # it would write to rows that are not ours, to show what is known already
        newcomer = str(uuid4())
        owner = sql.compose("{id}::uuid", id=sql.literal(newcomer))
        statement = sql.text_of(of_table(name, target.relation, tenant=sql.ident(target.tenant), owner=owner))
        move = Move(newcomer, statement)
        (answer,) = self.trial.answers([move])
        if answer.sqlstate == LOCKED:  # it waits for a row that somebody else holds: so it reached it
            answer = Answer(1)
        verdict = judge(Try(Actor("", "everybody"), verb, move), answer, None)
        self._note(target, NOBODY, Actor("", "everybody"), verb, verdict, script(move))

    # --- what is shown ---

    def _look(self, target: Target, pairs: Pairs, *, counted: bool = False) -> None:
        """SELECT without a filter: what is shown must be one's own rows and the Platform's shared ones, all of them."""
        if target.relation in self.not_looked_at:
            return
        self.not_looked_at.add(target.relation)  # should it take too long
        tenant, platform = sql.ident(target.tenant), {self.inventory.platform_id} if target.shared else set()
        victims: dict[Actor, list[Actor]] = {}
        for attacker, victim in pairs:
            victims.setdefault(attacker, []).append(victim)
        owners = sql.literal(sorted(({attacker.id for attacker in victims} | platform) - {""}))
        owned = dict(self.session.execute(of_table("rows_of_owners", target.relation, tenant=tenant, owners=owners)))
        question = sql.text_of(of_table("rows_by_owner", target.relation, tenant=tenant))
        everything = self.trial.shown(question, [attacker.id for attacker in victims])
        self.not_looked_at.discard(target.relation)
        for (attacker, others), shown in zip(victims.items(), everything, strict=True):
            readable = ({attacker.id} | platform) - {""}
            names = {actor.id: actor for actor in others}
            for owner in {*shown, *names} - {attacker.id} | ({""} & shown.keys()):
                leaked = shown.get(owner, 0) if owner not in readable else 0
                actor = names.get(owner) or replace(NOBODY, name=owner or NOBODY.name)
                if owner in names or leaked:
                    verdict = Verdict(LEAK, f"{leaked:,} rows") if leaked else Verdict(HELD)
                    repeat = script(Move(attacker.id, question)) if leaked else ""
                    self._note(target, attacker, actor, "select without filter", verdict, repeat, counted=counted)
            for owner in readable:
                lost = owned.get(owner, 0) - shown.get(owner, 0)
                if lost > 0:
                    whose = "its own" if owner == attacker.id else "the Platform's"
                    detail = f"is not shown {lost:,} of {whose} rows"
                    self.report.hidden.append({"attacker": attacker.name, "what": target.name, "detail": detail})

    # --- saying it ---

    def _note(
        self,
        target: Target,
        attacker: Actor,
        victim: Actor,
        verb: str,
        verdict: Verdict,
        repeat: str = "",
        *,
        counted: bool = False,
    ) -> None:
        if verdict.outcome == NOT_TRIED:
            self.report.leave_out(f"{verb} on {target.name}", verdict.detail)
        attempt = Attempt(attacker.name, victim.name, "table", target.name, verb, verdict.outcome, verdict.detail)
        self.report.add(attempt, repeat if verdict.outcome == LEAK else "", counted=counted)
