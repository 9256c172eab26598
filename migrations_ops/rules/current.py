"""Which plan holds: the one that is named, else the one that this database was migrated by, else VITAL's own."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings

from migrations_ops.engine.session import Session
from migrations_ops.rules.load import load, of_text
from migrations_ops.rules.model import Plan
from vital.db import session as ground
from vital.db.own_schema import connection_params


@dataclass(frozen=True)
class Remembered:
    """The plan of the last run of which anything stands, and that run."""

    plan: Plan
    run: int


@dataclass(frozen=True)
class Chosen:
    """The plan that holds; `remembered` is what this database was migrated by, if by anything."""

    plan: Plan
    is_named: bool
    remembered: Remembered | None = None

    @property
    def in_words(self) -> str:
        """Where it comes from, and how it differs from what was used before."""
        if self.remembered is None:
            return f"{settings.PLAN}" if self.is_named else "VITAL's own plan"
        run = self.remembered.run
        if self.is_named:
            same = self.plan.digest == self.remembered.plan.digest
            return f"{settings.PLAN}, " + (f"as in run {run}" if same else f"which differs from the plan of run {run}")
        return f"the plan of run {run}" + self._of_vitals_own

    @property
    def _of_vitals_own(self) -> str:
        """Somebody may have edited VITAL's own file, or VITAL is a newer one: it is not taken unasked."""
        if not self.plan.product or load(settings.PLAN).digest == self.plan.digest:
            return ""
        return f"; VITAL's own file is another one by now: --plan {settings.PLAN} takes it"

    @property
    def differs(self) -> bool:
        """Whether a plan is named that is not the one this database was migrated by."""
        return self.remembered is not None and self.plan.digest != self.remembered.plan.digest


def current_plan(session: ground.Session | None = None) -> Plan:
    return chosen(session).plan


def chosen(session: ground.Session | None = None) -> Chosen:
    """The database is asked over this session, or over a connection of its own where there is none yet.

    Raises PlanError where the plan cannot be used.
    """
    named = read_named_plan()
    remembered = _last_used(session.connection) if session else _remembered()
    return Chosen(named or (remembered.plan if remembered else load(settings.PLAN)), named is not None, remembered)


def read_named_plan() -> Plan | None:
    """The plan that is named, if one is. Raises PlanError."""
    return load(settings.PLAN) if settings.PLAN_IS_NAMED else None


def plan_of_run(session: Session, run: int) -> Plan:
    """The plan that is named, else the one that the run was opened with."""
    text = str(session.named("plan_of_run", {"id": run})[0][0])
    return read_named_plan() or of_text(text, f"The plan of run {run}")


def name_plan(path: Path) -> None:
    """This plan holds in this process, whatever the database remembers."""
    settings.PLAN, settings.PLAN_IS_NAMED = path, True


def named_plan() -> list[str]:
    """What is said to another process of VITAL's, so that the same plan holds there."""
    return ["--plan", str(settings.PLAN)] if settings.PLAN_IS_NAMED else []


def _remembered() -> Remembered | None:
    """None also where the database cannot be asked: what comes next says why."""
    try:
        with psycopg.connect(**connection_params(), autocommit=True) as connection:
            return _last_used(connection)
    except psycopg.Error:
        return None


def _last_used(connection: psycopg.Connection[Any]) -> Remembered | None:
    session = Session(connection, {})  # whoever asks may have one that knows nothing of runs
    with session.reading_as_operator():
        found = session.named("standing_plan") if session.named("is_set_up")[0][0] else []
    return Remembered(of_text(found[0][1], f"The plan of run {found[0][0]}"), found[0][0]) if found else None
