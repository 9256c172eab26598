"""The attack run against the database: tenants, and nobody at all, against each other's rows, table by table.

Policies know tenants by one setting, so each tenant is tried against one other; all pairs are tried among a dozen. The
rows that are attacked are planted in short transactions that are rolled back: nothing is planted for real, a killed run
leaves nothing behind, and nothing else of the server waits for it. Of real rows it is only counted which are shown.
"""

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from uuid import uuid4

from tenants.inventory import BoundRole, Inventory, every_tenant
from tenants.isolation import cluster_probe
from tenants.isolation.attacks import LOCKED, Answer, Move, Try, Verdict, Weapons, judge, script, together
from tenants.isolation.fixtures import Planter
from tenants.isolation.privilege_attacks import Sideways
from tenants.isolation.queries import QUERIES, of_table, query
from tenants.isolation.report import HELD, LEAK, NOT_TRIED, Attempt, Report
from tenants.isolation.sequences import Sequences
from tenants.isolation.targets import AS_TENANT, NOBODY, Actor, Guise, Target, guise_of, in_turn, targets
from tenants.isolation.trial import Piece, Trial
from vital.db import cluster, sql
from vital.db.session import Session
from vital.errors import EngineError

BUDGET, FOR_EACH_TABLE = 60.0, 2.0  # seconds; the longer of both
CHUNK = 16  # tenants that are tried together
MOVES = 256  # attacks that one message begins
BRIEFLY = 0.25  # seconds that a piece of work is to take
MAY_NOT = "it may not read the table"
ALL_PAIRS = "all pairs of tenants"
Pairs = Sequence[tuple[Actor, Actor]]


class CannotBecomeTenant(EngineError):
    """{login} may not become vital_tenant, so nothing can be attacked. Nothing was changed. Let a role that may do it
    run: {statement}"""

    exit_code = 2


def prove(
    session: Session,
    inventory: Inventory,
    *,
    everybody: bool = True,
    budget: float | None = None,
    all_pairs: bool = False,
) -> Report:
    """The attack run. `everybody`: all registered tenants and every way; else the plan's tenants, and no temporary
    tables, about which 006 has a question of its own. `all_pairs`: each tenant against each other one, however long
    that takes; else what has had no turn within the budget (seconds; None: as many as the tables need) is named in the
    report.

    Raises CannotBecomeTenant, and psycopg.errors.InsufficientPrivilege where the role that logged in may not become
    VITAL's roles.
    """
    if not session.value(QUERIES["may_be_tenant"]):
        ((login, statement),) = session.execute(query("how_to_be_tenant"))
        raise CannotBecomeTenant(login=login, statement=statement)
    form = cluster.form_of(session.execute, inventory.closed)
    if form.placement:
        most = budget_for(len(inventory.closed)) if budget is None else budget
        deadline = math.inf if all_pairs else time.monotonic() + most
        return cluster_probe.prove(session, inventory, form, deadline, everybody=everybody)
    started, report = time.monotonic(), Report()
    for run in _runs(session, inventory, report, everybody=everybody):
        most = budget_for(len(run.targets)) if budget is None else budget
        run.carry_out(math.inf if all_pairs else time.monotonic() + most, all_pairs=all_pairs)
        report.moved |= run.sequences.moved
    report.seconds = time.monotonic() - started
    return report


def budget_for(tables: int) -> float:
    """Seconds in which a dozen tenants have their turn in that many tables, where nobody says how many."""
    return max(BUDGET, FOR_EACH_TABLE * tables)


def _runs(session: Session, inventory: Inventory, report: Report, *, everybody: bool) -> "Iterator[Run]":
    """As tenants of the service, then as the callers of each role that the plan binds."""
    yield Run(session, inventory, report, everybody=everybody)
    for one in inventory.bound:
        may, login, statement = session.execute(query("may_put_on", role=sql.literal(one.role)))[0]
        if not may:
            report.leave_out(attacks_as(one.role), f"{login} may not become it; let who may do it run: {statement}")
            continue
        yield BoundRun(session, inventory, report, everybody=everybody, bound=one)


def attacks_as(role: str) -> str:
    """What is left out where the login may not become a bound role."""
    return f"attacks as {role}"


class Run:
    """One attack run: who there is, what is tried, and what came of it. Everybody comes in one `guise`."""

    guise = AS_TENANT

    def __init__(self, session: Session, inventory: Inventory, report: Report, *, everybody: bool) -> None:
        self.session, self.inventory, self.everybody = session, inventory, everybody
        self.report = report
        self.targets = self._targets()
        self.planter = Planter(session, targets(inventory))
        self.sequences = Sequences(session)
        self.trial = Trial(session, self.planter.forget, self.sequences)
        self.weapons = {target.relation: Weapons(self.planter, target, self.guise) for target in self.targets}
        self.not_looked_at: set[str] = set()

    def carry_out(self, deadline: float, *, all_pairs: bool) -> None:
        cast = self._cast()
        planted = [Actor(str(uuid4()), name, True) for name in ("a planted tenant", "another planted one")]
        some = [*cast[:12], *planted]
        sideways = Sideways(self.session, self.report, self.guise)
        sideways.ask(self.targets, self.inventory.common)
        self._go("the first tenants against each other", list(self._among(some)), deadline)
        self._go("writes without a filter", list(self._at_large(sideways, planted)), deadline)
        self._go("claims that are forged", list(self._further(some)), deadline)
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

    def _targets(self) -> tuple[Target, ...]:
        return targets(self.inventory)

    def _further(self, cast: Sequence[Actor]) -> "Iterator[Piece]":
        """What is tried beside, in this guise alone."""
        yield from ()

    # --- who against whom ---

    def _among(self, actors: Sequence[Actor]) -> Iterator[Piece]:
        """Table by table: the rows of all of them are planted once for all who attack."""
        for target in self.targets:
            for attacker in (*actors, NOBODY):
                pairs = [(attacker, victim) for victim in actors if victim is not attacker]
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

    def _chunk(self, target: Target, pairs: Pairs) -> Piece | None:
        self._look(target, pairs, counted=True)
        return self._attack(target, pairs, counted=True, each_alone=True)

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
            if self.everybody and self._may_look(target):
                for attacker in (NOBODY, *planted):
                    yield partial(sideways.copy_out, target, attacker, platform)
                if self.guise is AS_TENANT:
                    yield partial(sideways.shadow, target)

    def _go(self, what: str, pieces: "Sequence[Piece] | Iterator[Piece]", deadline: float) -> None:
        done = self.trial.work_off(pieces, self._failed(what), deadline)
        if isinstance(pieces, Sequence) and done < len(pieces):
            self.report.not_reached.append(f"{what}: {len(pieces) - done:,} of {len(pieces):,} parts")

    def _failed(self, what: str) -> Callable[[str], None]:
        return lambda why: self.report.leave_out(what, why)

    # --- attacks on planted rows ---

    def _attack(self, target: Target, pairs: Pairs, *, counted: bool = False, each_alone: bool = False) -> Piece | None:
        """As many of them as go into one message, fewer where rows had to be planted first; what is left of them."""
        begun = time.monotonic()
        self._plant(target, list({actor.id: actor for pair in pairs for actor in pair if actor.id}.values()))
        weapons, platform = self.weapons[target.relation], self.inventory.platform_id
        tries: list[tuple[Actor, Try]] = []
        most = MOVES * max(1 - (time.monotonic() - begun) / BRIEFLY, 0.1)
        rest = list(pairs)
        while rest and len(tries) < most:
            attacker, victim = rest.pop(0)
            tries += [(attacker, one) for one in weapons.against(attacker, victim, platform, each_alone=each_alone)]
            for verb, why in weapons.impossible(attacker, victim, platform):
                self._note(target, attacker, victim, verb, Verdict(NOT_TRIED, why), counted=counted)
        self._try(target, tries, counted=counted)
        return partial(self._attack, target, rest, counted=counted, each_alone=each_alone) if rest else None

    def _try(self, target: Target, tries: Sequence[tuple[Actor, Try]], *, counted: bool) -> None:
        weapons = self.weapons[target.relation]
        controls: dict[str, Move] = {}
        for _, one in tries:
            if one.control:
                controls.setdefault(one.verb, one.control)
        found = self.trial.answers([*(one.move for _, one in tries), *controls.values()])
        attacks, harmless = found[: len(tries)], dict(zip(controls, found[len(tries) :], strict=True))
        weapons.controlled |= {verb for verb, answer in harmless.items() if answer.taken}
        written = [pair for pair, answer in zip(tries, attacks, strict=True) if answer.taken and pair[1].writes_a_row]
        left = self._left(weapons, written)
        for (attacker, one), answer in zip(tries, attacks, strict=True):
            verdict = judge(one, answer, harmless.get(one.verb), left.get((attacker, one)))
            repeat = script(one.move, self._made(attacker, one)) if verdict.outcome == LEAK else ""
            self._note(target, attacker, one.victim, one.verb, verdict, repeat, counted=counted)

    def _left(self, weapons: Weapons, written: Sequence[tuple[Actor, Try]]) -> dict[tuple[Actor, Try], Answer]:
        """What became of the rows that were written."""
        if not written:
            return {}
        moves = [weapons.watched(attacker, one, self.inventory.platform_id) for attacker, one in written]
        return dict(zip(written, self.trial.answers(moves), strict=True))

    def _made(self, attacker: Actor, one: Try) -> list[str]:
        """What makes the rows that it is about, and tenants that exist only in the run."""
        registered = [self.planter.planted.get((self.inventory.registry, actor.id)) for actor in (attacker, one.victim)]
        return self.planter.remade(together(*(row.made for row in registered if row), *one.made))

    def _plant(self, target: Target, actors: Sequence[Actor]) -> None:
        self.sequences.hold(target.relation)
        self.planter.plant(target, actors)

    def _everything(self, target: Target, verb: str, name: str) -> None:
        """No filter at all, as a tenant without a row: its own might be refused for those that refer to it."""
        if any(leak.what == target.name for leak in self.report.leaks):
            return  # it would write to rows that are not ours, to show what is known already
        self.sequences.hold(target.relation)
        newcomer = str(uuid4())
        owner = sql.compose("{id}::uuid", id=sql.literal(newcomer))
        statement = sql.text_of(of_table(name, target.relation, tenant=sql.ident(target.tenant), owner=owner))
        move = Move(newcomer, statement, guise=self.guise)
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
        if not self._may_look(target):
            for attacker, victim in pairs:
                verdict = Verdict(HELD, MAY_NOT)
                self._note(target, attacker, victim, "select without filter", verdict, counted=counted)
            return
        self.not_looked_at.add(target.relation)  # should it take too long
        tenant, platform = sql.ident(target.tenant), self._readable(target, NOBODY)
        victims: dict[Actor, list[Actor]] = {}
        for attacker, victim in pairs:
            victims.setdefault(attacker, []).append(victim)
        owners = sql.literal(sorted(({attacker.id for attacker in victims} | platform) - {""}))
        owned = dict(self.session.execute(of_table("rows_of_owners", target.relation, tenant=tenant, owners=owners)))
        question = sql.text_of(of_table("rows_by_owner", target.relation, tenant=tenant))
        values = [self.guise.value(attacker.id) for attacker in victims]
        everything = self.trial.shown(question, self.guise, values)
        self.not_looked_at.discard(target.relation)
        for (attacker, others), shown in zip(victims.items(), everything, strict=True):
            readable = self._readable(target, attacker)
            names = {actor.id: actor for actor in others}
            for owner in {*shown, *names} - ({attacker.id} & readable) | ({""} & shown.keys()):
                leaked = shown.get(owner, 0) if owner not in readable else 0
                actor = names.get(owner) or replace(NOBODY, name=owner or NOBODY.name)
                if owner in names or leaked:
                    verdict = Verdict(LEAK, f"{leaked:,} rows") if leaked else Verdict(HELD)
                    repeat = script(Move(attacker.id, question, guise=self.guise)) if leaked else ""
                    self._note(target, attacker, actor, "select without filter", verdict, repeat, counted=counted)
            for owner in readable if self.guise is AS_TENANT else ():  # policies of others may hide some
                lost = owned.get(owner, 0) - shown.get(owner, 0)
                if lost > 0:
                    whose = "its own" if owner == attacker.id else "the Platform's"
                    detail = f"is not shown {lost:,} of {whose} rows"
                    self.report.hidden.append({"attacker": attacker.name, "what": target.name, "detail": detail})

    def _may_look(self, target: Target) -> bool:
        """A role of others may have no right to read a table."""
        return True

    def _readable(self, target: Target, attacker: Actor) -> set[str]:
        return self.guise.readable(attacker, self.inventory.platform_id, shared=target.shared)

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
        attacking = attacker.name + self.guise.suffix
        attempt = Attempt(attacking, victim.name, "table", target.name, verb, verdict.outcome, verdict.detail)
        self.report.add(attempt, repeat if verdict.outcome == LEAK else "", counted=counted)


class BoundRun(Run):
    """As PostgREST puts a bound role on: by the claims of a token, also of one that is forged."""

    def __init__(
        self, session: Session, inventory: Inventory, report: Report, *, everybody: bool, bound: BoundRole
    ) -> None:
        self.bound, self.guise = bound, guise_of(bound)
        super().__init__(session, inventory, report, everybody=everybody)

    def _may_look(self, target: Target) -> bool:
        parts = {"role": sql.literal(self.bound.role), "tenant": sql.literal(target.tenant)}
        return bool(self.session.value(of_table("may_look", target.relation, **parts)))

    def _targets(self) -> tuple[Target, ...]:
        return tuple(target for target in targets(self.inventory) if target.relation in self.bound.tables)

    def _further(self, cast: Sequence[Actor]) -> Iterator[Piece]:
        victims = [actor for actor in cast if actor.id != self.inventory.platform_id][:2]
        for target in filter(self._may_look, self.targets):
            for victim in victims:
                yield partial(self._forge, target, victim)
                if self.bound.users is not None:
                    yield partial(self._as_user, target, victim)

    def _forge(self, target: Target, victim: Actor) -> None:
        """Claims that name the victim where no tenant is read from, or as nothing that is a tenant."""
        texts = forged(self.guise, victim.id)
        question = sql.text_of(of_table("rows_by_owner", target.relation, tenant=sql.ident(target.tenant)))
        for how, text in texts.items():
            found, refusal = self.trial.shown_or_refused(question, self.guise, text)
            leaked = sum(rows for owner, rows in found.items() if owner not in self._readable(target, NOBODY))
            verdict = Verdict(LEAK, f"{leaked:,} rows") if leaked else Verdict(HELD, refusal)
            self._note(target, replace(NOBODY, name=how), victim, "select without filter", verdict)

    def _as_user(self, target: Target, victim: Actor) -> None:
        """A token without the claim: whoever it is for sees the rows of the own tenant alone."""
        relation, key = self.bound.users or ("", "")
        users = next(one for one in targets(self.inventory) if one.relation == relation)
        self._plant(users, [victim])
        row, verb = self.planter.planted.get((relation, victim.id)), "select without filter"
        if row is None or key not in row.texts:
            why = self.planter.refusals.get((relation, victim.id), "the row that stands in is not ours")
            self._note(target, victim, victim, f"{verb}, by the row in {users.name}", Verdict(NOT_TRIED, why))
            return
        question = sql.text_of(of_table("rows_by_owner", target.relation, tenant=sql.ident(target.tenant)))
        (found,) = self.trial.shown(question, self.guise, [json.dumps({"sub": row.texts[key]})])
        leaked = sum(rows for owner, rows in found.items() if owner not in self._readable(target, victim))
        verdict = Verdict(LEAK, f"{leaked:,} rows") if leaked else Verdict(HELD)
        self._note(target, victim, replace(NOBODY, name="others"), f"{verb}, by the row in {users.name}", verdict)


def forged(guise: Guise, tenant: str) -> dict[str, str]:
    """Texts of claims that must mean nobody."""
    of_user = {"user_metadata": {"tenant_id": tenant}, "raw_user_meta_data": {"tenant_id": tenant}}
    others = ("tenant", "tenant_id", "x-tenant-id", "https://example.com/tenant_id", "role")
    elsewhere = {name: tenant for name in others if name != guise.claim[0]}
    return {
        "no claims": "",
        "user_metadata": json.dumps(of_user),
        "a claim of another name": json.dumps(elsewhere),
        "no tenant's id": guise.value(f"{tenant} or any"),
        "half of the claims": guise.value(tenant)[:-1],
        "no JSON": tenant,
        "a list of claims": f"[{guise.value(tenant)}]",
    }
