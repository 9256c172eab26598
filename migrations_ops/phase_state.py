"""The engine's connection to the configured database, the plan, and how far its phases are."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from django.db import connection as django_connection

from migrations_ops.engine.executor import has_work
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Phase, Step
from migrations_ops.phases.inventory import inventory_of
from migrations_ops.rules.current import current_plan, read_named_plan
from migrations_ops.rules.model import Plan
from tenants.inventory import Inventory
from vital.db import session as ground
from vital.db.own_schema import NotSetUp, bring_up_to_date, opened
from vital.errors import EngineError

DISTRIBUTION = "007_distribution"  # the phase of a cluster, which no run of the others has
Waits = Callable[[Step, str], None]


def no_wait_callback(step: Step, why: str) -> None:
    """Nobody is there to be told."""


def open_session(*, read_only: bool = False) -> AbstractContextManager[Session]:
    """The engine's own connection to the configured database; see `own_schema.opened`."""
    return opened(Session, read_only=read_only)


@contextmanager
def open_with_plan(*, read_only: bool = False) -> Iterator[tuple[Session, Plan]]:
    """A session, and the plan in force, which is asked for over it. Raises PlanError, before anything is opened where
    a plan is named."""
    read_named_plan()
    with open_session(read_only=read_only) as session:
        yield session, current_plan(session)


def inventory(session: ground.Session | None = None) -> Inventory:
    """What tenants must know of the plan in force; they ask for it by the name in settings.INVENTORY."""
    return inventory_of(current_plan(session))


def make_ready(session: Session) -> None:
    """VITAL's own tables are those of this version, and writable. Raises NotSetUp, NotForThisLogin.

    The service's login may not make them; it works on as vital_operator.
    """
    if not session.read_as_operator() and not django_connection.in_atomic_block:
        bring_up_to_date()
    elif not session.named("is_set_up")[0][0]:
        raise NotSetUp
    elif not session.named("may_open_runs")[0][0]:
        raise NotForThisLogin


class NotForThisLogin(EngineError):
    """The service's login may not write down runs in this database. As the tables' owner: ./manage.py migrate, which
    grants it."""


def phase_states(session: Session, scope: str = "") -> list[dict[str, Any]]:
    """The last record of each phase that was ever started, for the whole and for this canary."""
    names = ("phase", "status", "run", "started_at", "completed_at", "metrics", "error")
    return [dict(zip(names, row, strict=True)) for row in session.named("phase_states", {"scope": scope})]


def position(phases: Sequence[Phase], name: str) -> int:
    """The place of a phase by its key or number (004). Raises UnknownPhase."""
    for number, phase in enumerate(phases):
        if name == phase.key or name == phase.key.split("_", 1)[0]:
            return number
    raise UnknownPhase(name=name, known=", ".join(phase.key for phase in phases))


class UnknownPhase(EngineError):
    """There is no phase {name}. The phases are: {known}."""

    exit_code = 2


def pending(session: Session, phases: Sequence[Phase], scope: str = "") -> Sequence[Phase]:
    """Everything from the first phase that is not completed or has work left. Read-only."""
    completed = completed_phases(session, scope)
    for number, phase in enumerate(phases):
        if phase.key not in completed or has_work(session, phase):
            return phases[number:]
    return ()


def completed_phases(session: Session, scope: str) -> set[str]:
    if not session.named("is_set_up")[0][0]:
        return set()
    return {state["phase"] for state in phase_states(session, scope) if state["status"] == "completed"}


def refuse_distributed(session: Session) -> None:
    """Raises DistributedNow where tables lie on several servers: what goes by a row's place and version (runs, undos,
    decisions of people, restores) is for one. They are others on each node, and no row changes its tenant there."""
    if session.named("is_set_up")[0][0] and DISTRIBUTION in {phase for phase, _ in session.named("phases_not_undone")}:
        raise DistributedNow


class DistributedNow(EngineError):
    """The tables are distributed over a cluster, and this finds rows by their place in the files of one server. Nothing
    was changed. Take the distribution back first: ./manage.py distribute --undo. What repairs isolation is ./manage.py
    migrate_tenants --only 006, and a distribution that has stopped goes on with ./manage.py distribute --yes."""

    exit_code = 2


def has_begun(session: Session) -> bool:
    """Whether anything of a run or a canary stands that changes the platform; 000 only looks."""
    return any(not phase.startswith("000") for phase, _ in session.named("phases_not_undone"))


def tenants_are_there(session: Session) -> bool:
    if not session.named("is_set_up")[0][0]:
        return False
    return ("001_schema_fixes", "completed") in [(state["phase"], state["status"]) for state in phase_states(session)]
