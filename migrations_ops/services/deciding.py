"""Findings, and people's decisions about them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from migrations_ops.engine.session import Session
from migrations_ops.findings import carry_out, listing, sheets
from migrations_ops.findings import withdraw as withdrawals
from migrations_ops.findings.decide import Decision, Source, record
from migrations_ops.findings.listing import Wanted
from migrations_ops.plan import phases as phases_of
from migrations_ops.rules.model import Plan
from migrations_ops.services.database import bring_up_to_date, current_plan, me, open_session, pending


def findings(wanted: Wanted, limit: int) -> dict[str, Any]:
    """What people should look at, by table and check, and the first single ones; see `findings.listing`."""
    with _findings(wanted) as found:
        return listing.document(found, limit) if found else {"findings": [], "rows": [], "left_out": 0}


def export_findings(wanted: Wanted, file: Path) -> int:
    """Write the open ones, to be filled in and given to `decide`; returns how many. Raises FileExistsError."""
    with _findings(wanted) as found:
        return sheets.write(file, listing.to_decide(found) if found else ())


@contextmanager
def _findings(wanted: Wanted) -> Iterator[listing.Findings | None]:
    plan = current_plan()
    with open_session(read_only=True) as session:
        found = listing.Findings(session, plan, phases_of(plan), wanted)
        yield found if session.named("is_set_up")[0][0] else None


def one_decision(table: str, key: str, tenant: str, *, reason: str) -> Source:
    return lambda: [Decision(0, table, key, tenant, reason.strip())]


def decisions_in(file: Path) -> Source:
    return partial(sheets.read, file)


def decide(
    source: Source, waiting: Callable[[str], None], *, who: str = "", seen: str = "", dry_run: bool = False
) -> dict[str, Any]:
    """People's decisions about rows, all or none; see `findings.decide`. Carried out at once where that is possible.

    `seen` is the token that a dry run has answered: what was decided since is not overruled unseen.
    """
    plan, who = current_plan(), who or me()
    with open_session() as session:
        _let_decide(session)
        recorded = record(session, plan, source, who, seen=seen, dry_run=dry_run, waiting=waiting)
        document = recorded.document()
        if dry_run or not recorded.new:
            return document
        document |= carry_out.decided(session, plan, recorded.relations(), recorded.moment, who, waiting)
        return document | {"next": next_phase(session, plan)}


def withdraw(table: str, key: str, reason: str, waiting: Callable[[str], None], *, who: str = "") -> dict[str, Any]:
    """Take a decision back; see `findings.withdraw`."""
    plan, who = current_plan(), who or me()
    with open_session() as session:
        _let_decide(session)
        document = withdrawals.withdraw(session, plan, table, key, who, reason, waiting)
        return document | {"next": next_phase(session, plan)}


def _let_decide(session: Session) -> None:
    """VITAL's tables are there; the service's login has no rights of its own and decides as vital_operator."""
    session.read_as_operator()
    if not session.named("is_set_up")[0][0]:
        bring_up_to_date()


def next_phase(session: Session, plan: Plan) -> str | None:
    """The first phase with something to do."""
    return next((phase.key for phase in pending(session, phases_of(plan))), None)
