"""The attack run against the database: every tenant, and nobody at all, against everybody else's rows, table by table.

One transaction, rolled back in the end: nothing is planted for real, and a killed run leaves nothing behind. The rows
that are attacked are planted ones; of real rows it is only counted which are shown.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from uuid import uuid4

from psycopg.sql import Composable

from tenants.inventory import Inventory, every_tenant
from tenants.isolation.attacks import Attack
from tenants.isolation.fixtures import QUERIES, NotPlantable, Planter
from tenants.isolation.privilege_attacks import Sideways, tenants_or_nobody
from tenants.isolation.report import HELD, LEAK, NOT_TRIED, Attempt, Report
from tenants.isolation.targets import NOBODY, Actor, Target, targets
from vital.db import sql
from vital.db.session import Session


class _RollBack(Exception):
    """Ends the attack run's transaction."""


def prove(session: Session, inventory: Inventory, *, everybody: bool = True) -> Report:
    """The attack run. `everybody`: all registered tenants and every way; else the plan's tenants, which is quick on any
    platform, and no temporary tables, about which 006 has a question of its own.

    Raises psycopg.errors.InsufficientPrivilege where the role that logged in may not become the fence's roles, and
    LockNotAvailable where a table is locked by somebody else.
    """
    run = Run(session, inventory, everybody=everybody)
    started = time.monotonic()
    try:
        with session.connection.transaction():
            session.execute(QUERIES["begin_attacks"])
            run.carry_out()
            raise _RollBack
    except _RollBack:
        run.report.seconds = time.monotonic() - started
    return run.report


class Run:
    """One attack run inside its transaction."""

    def __init__(self, session: Session, inventory: Inventory, *, everybody: bool) -> None:
        self.session, self.inventory, self.everybody = session, inventory, everybody
        self.targets = targets(inventory)
        self.report = Report()

    def carry_out(self) -> None:
        self.session.execute(QUERIES["wait_briefly"])
        self.session.execute(QUERIES["join_tenants_for_now"])
        self.session.execute(QUERIES["be_operator"])
        cast = self._cast()
        planter = Planter(self.session, self.targets)
        self._plant(planter, cast)
        owned = {target.relation: self._shown(target) for target in self.targets}
        attack = Attack(self.session, planter, self.report, self.inventory.platform_id)
        for target in self.targets:
            for attacker in (NOBODY, *cast):
                others = [actor for actor in cast if actor is not attacker]
                self._look(target, attacker, others, owned[target.relation])
                attack.on(target, attacker, others)
        sideways = Sideways(self.session, self.report)
        sideways.go(self.targets, self.inventory.common)
        if self.everybody:
            for target in self.targets:
                for attacker in tenants_or_nobody(cast):
                    sideways.copy_out(target, attacker, self.inventory.platform_id)
                sideways.shadow(target)

    def _cast(self) -> list[Actor]:
        """The tenants there are, and two that exist only here: they own nothing but what is planted."""
        found = every_tenant(self.session, self.inventory.registry)
        wanted = set(self.inventory.tenants)
        there = [Actor(key, name) for key, name in found if self.everybody or key in wanted]
        return [*there, Actor(str(uuid4()), "a planted tenant", True), Actor(str(uuid4()), "another planted one", True)]

    def _plant(self, planter: Planter, cast: Sequence[Actor]) -> None:
        """A row for each tenant in each table; a registered tenant has its row in the registry already."""
        for target in planter.order():
            for actor in cast:
                try:
                    if target.writable or actor.planted:
                        planter.plant(target, actor)
                except NotPlantable as refusal:
                    self.report.leave_out(f"rows of {actor.name} in {target.name}", f"none could be planted: {refusal}")
                    self._note(replace(NOBODY, name="any tenant"), actor, target, "everything by key", NOT_TRIED)

    def _look(self, target: Target, attacker: Actor, others: Sequence[Actor], owned: dict[str, int]) -> None:
        """SELECT without a filter: what is shown must be one's own rows and the Platform's shared ones, all of them."""
        self.session.execute(self._of("be_tenant", target.relation, tenant=sql.literal(attacker.id)))
        shown = self._shown(target)
        readable = {attacker.id, self.inventory.platform_id} if target.shared else {attacker.id}
        names = {actor.id: actor for actor in others}
        for victim in {*owned, *shown, *names} - {attacker.id} | ({""} & shown.keys()):
            leaked = shown.get(victim, 0) if victim not in readable - {""} else 0
            actor = names.get(victim) or replace(NOBODY, name=victim or NOBODY.name)
            if actor is names.get(victim) or leaked:
                detail = f"{leaked:,} rows" if leaked else ""
                self._note(attacker, actor, target, "select without filter", LEAK if leaked else HELD, detail)
        for owner in readable - {""}:
            lost = owned.get(owner, 0) - shown.get(owner, 0)
            if lost > 0:
                whose = "its own" if owner == attacker.id else "the Platform's"
                detail = f"is not shown {lost:,} of {whose} rows"
                self.report.hidden.append({"attacker": attacker.name, "what": target.name, "detail": detail})

    def _shown(self, target: Target) -> dict[str, int]:
        rows = self.session.execute(self._of("rows_by_owner", target.relation, tenant=sql.ident(target.tenant)))
        return dict(rows)

    def _note(self, attacker: Actor, victim: Actor, target: Target, verb: str, outcome: str, detail: str = "") -> None:
        attempt = Attempt(attacker.name, victim.name, "table", target.name, verb, outcome, detail)
        self.report.attempts.append(attempt)

    def _of(self, name: str, relation: str, /, **parts: Composable) -> Composable:
        parts |= {"relation": sql.relation(relation), "name": sql.literal(relation)}
        return sql.compose(QUERIES[name].replace("%", "%%"), **parts)
