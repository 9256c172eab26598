"""The door to the review: findings, decisions about them, and why a row is where it is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from migrations_ops.engine.session import Session
from migrations_ops.phase_state import (
    completed_phases,
    open_session,
    open_with_plan,
    pending,
    refuse_distributed,
    tenants_are_there,
)
from migrations_ops.plan import phases as phases_of
from migrations_ops.review import findings as listing
from migrations_ops.review import queue
from migrations_ops.review.findings import Findings, Group, Wanted
from migrations_ops.review.queue import ReviewPlace, Row
from migrations_ops.rules.current import current_plan
from migrations_ops.rules.model import Plan
from migrations_ops.rules.service import suggest
from tenants.lifecycle.service import require_tenants
from vital.db.own_schema import bring_up_to_date, me
from vital.errors import EngineError, OutOfOrder
from vital.lazy import names_of

if TYPE_CHECKING:
    from migrations_ops.review.assignments import InLedger, last_rules, rows_of_rule, rules_at_work
    from migrations_ops.review.decide import Decision, Source
    from migrations_ops.review.reference_ways import REFERENCE_WAYS
    from migrations_ops.review.references import NoSuchReferences, References

__all__ = [
    "REFERENCE_WAYS",
    "Decision",
    "InLedger",
    "NoSuchReferences",
    "NothingDecided",
    "References",
    "Review",
    "ReviewPlace",
    "Wanted",
    "crossing",
    "decide",
    "decisions_in",
    "explain",
    "export_findings",
    "findings",
    "last_rules",
    "move_back",
    "move_rows",
    "next_phase",
    "one_decision",
    "reference_groups",
    "resolutions",
    "resolve",
    "review",
    "rows_of_rule",
    "rules_at_work",
    "suggestions",
    "take_back_last",
    "undo_resolution",
    "withdraw",
]
__getattr__ = names_of(
    __package__,
    {
        "assignments": "InLedger last_rules rows_of_rule rules_at_work",
        "decide": "Decision",
        "reference_ways": "REFERENCE_WAYS",
        "references": "NoSuchReferences References",
    },
)

Say = Callable[[str], None]
AT_ONCE = 25  # rows on the screen
MOST = 1_000  # rows that are decided, or taken back, in one go
CHECKS = "004_tenant_data"  # the last phase that assigns rows: what it leaves open is for the review
PATIENCE = 10.0  # seconds for suggestions


def findings(wanted: Wanted, limit: int) -> dict[str, Any]:
    """What people should look at, by table and check, and the first single ones; see `findings.listing`."""
    with _findings(wanted) as found:
        return listing.document(found, limit) if found else {"findings": [], "rows": [], "left_out": 0}


def export_findings(wanted: Wanted, file: Path) -> int:
    """Write the open ones, to be filled in and given to `decide`; returns how many. Raises FileExistsError."""
    from migrations_ops.review import csv_files

    with _findings(wanted) as found:
        return csv_files.write(file, listing.to_decide(found) if found else ())


@contextmanager
def _findings(wanted: Wanted) -> Iterator[listing.Findings | None]:
    with open_with_plan(read_only=True) as (session, plan):
        found = listing.Findings(session, plan, phases_of(plan), wanted)
        yield found if session.named("is_set_up")[0][0] else None


def one_decision(table: str, key: str, tenant: str, *, reason: str) -> "Source":
    from migrations_ops.review.decide import Decision

    return lambda: [Decision(0, table, key, tenant, reason.strip())]


def decisions_in(file: Path) -> "Source":
    from migrations_ops.review import csv_files

    return partial(csv_files.read, file)


def decide(
    source: "Source", waiting: Callable[[str], None], *, who: str = "", seen: str = "", dry_run: bool = False
) -> dict[str, Any]:
    """People's decisions about rows, all or none; see `findings.decide`. Carried out at once where that is possible.

    `seen` is the token that a dry run has answered: what was decided since is not overruled unseen.
    """
    from migrations_ops.review import apply
    from migrations_ops.review.decide import record

    who = who or me()
    with open_with_plan() as (session, plan):
        _let_decide(session)
        recorded = record(session, plan, source, who, seen=seen, dry_run=dry_run, waiting=waiting)
        document = recorded.document()
        if dry_run or not recorded.new:
            return document
        document |= apply.decided(session, plan, recorded.relations(), recorded.moment, who, waiting)
        return document | {"next": next_phase(session, plan)}


def withdraw(table: str, key: str, reason: str, waiting: Callable[[str], None], *, who: str = "") -> dict[str, Any]:
    """Take a decision back; see `withdraw.withdraw`."""
    from migrations_ops.review import withdraw as withdrawals

    who = who or me()
    with open_with_plan() as (session, plan):
        _let_decide(session)
        document = withdrawals.withdraw(session, plan, table, key, who, reason, waiting)
        return document | {"next": next_phase(session, plan)}


def _let_decide(session: Session) -> None:
    """VITAL's tables are there, and the platform's on one server; the service's login has no rights of its own and
    decides as vital_operator."""
    session.read_as_operator()
    if not session.named("is_set_up")[0][0]:
        bring_up_to_date()
    refuse_distributed(session)


def next_phase(session: Session, plan: Plan) -> str | None:
    """The first phase with something to do."""
    return next((phase.key for phase in pending(session, phases_of(plan))), None)


def explain(table: str, key: str) -> dict[str, Any]:
    """Why a row is where it is; see `explain.explain`."""
    from migrations_ops.review import explain as explaining

    with open_session(read_only=True) as session:
        if not tenants_are_there(session):
            raise OutOfOrder(phase="explain", needed="001_schema_fixes")
        return explaining.explain(session, current_plan(session), table, key)


def crossing(rows: list[tuple[str, str]], tenant: str) -> int:
    """How many of these rows (table, key) would refer across two customers, were they this tenant's; see
    `cross_tenant`."""
    from migrations_ops.review import cross_tenant

    by_table: dict[str, list[str]] = {}
    for table, key in rows:
        by_table.setdefault(table, []).append(key)
    with open_with_plan(read_only=True) as (session, plan):
        return sum(cross_tenant.crossing(session, plan, table, keys, tenant) for table, keys in by_table.items())


@dataclass(frozen=True)
class Review:
    """What is on the screen. `groups`: (the group, where it begins); `parts`: (column, value, rows); `more`: there are
    rows after these; `checked`: rows were assigned and checked, so that there being none means something."""

    groups: list[tuple[Group, ReviewPlace]]
    place: ReviewPlace
    rows: list[Row]
    parts: list[tuple[str, str, int]]
    more: bool
    checked: bool = True

    @property
    def group(self) -> Group | None:
        return next((group for group, place in self.groups if _same(place, self.place)), None)

    @property
    def further(self) -> ReviewPlace:
        """Where the next group begins; the first one after the last."""
        number = next((n for n, (_, place) in enumerate(self.groups) if _same(place, self.place)), -1)
        return self.groups[(number + 1) % len(self.groups)][1] if self.groups else ReviewPlace()


def review(place: ReviewPlace, most: int = AT_ONCE) -> Review:
    """The group at this place; the first one where it has nothing open any more, or none is named."""
    with open_with_plan(read_only=True) as (session, plan):
        if not (session.named("is_set_up")[0][0] and session.named("phases_not_undone")):
            return Review([], ReviewPlace(), [], [], False, checked=False)
        findings = Findings(session, plan, phases_of(plan), Wanted())
        groups = [(group, ReviewPlace(group.table, group.check)) for group in queue.open_groups(findings)]
        begins = [start for _, start in groups]
        if not any(_same(place, start) for start in begins):
            place = begins[0] if begins else ReviewPlace()
        if not place.table:
            return Review([], place, [], [], False, checked=CHECKS in completed_phases(session, ""))
        rows = queue.rows_at(session, findings, place, most + 1)
        return Review(groups, place, rows[:most], queue.in_common(session, findings, place), len(rows) > most)


def suggestions(table: str) -> list[dict[str, Any]]:
    """Rules proposed for rows of a table that no rule matches; see `suggest`. Raises TookTooLong."""
    return list(suggest(table, "", patience=PATIENCE)["suggestions"])


def take_back_last(who: str, reason: str, waiting: Callable[[str], None]) -> int:
    """Withdraw what this person decided last, all its rows, and return how many. Raises NothingDecided."""
    with open_session(read_only=True) as session:
        chosen = queue.last_of(session, who, MOST) if session.named("is_set_up")[0][0] else []
    if not chosen:
        raise NothingDecided(who=who)
    for table, key in chosen:
        withdraw(table, key, reason, waiting, who=who)
    return len(chosen)


class NothingDecided(EngineError):
    """{who} has no decision that stands, so there is nothing to withdraw."""


def _same(one: ReviewPlace, other: ReviewPlace) -> bool:
    return replace(one, after=0, column="", value="") == replace(other, after=0, column="", value="")


def move_rows(
    file: Path, reason: str, waiting: Callable[[str], None], *, who: str = "", seen: str = "", dry_run: bool = False
) -> dict[str, Any]:
    """Give rows of one tenant to another by the rules in this file; see `moves.carry`."""
    from migrations_ops.review import reassign

    with open_with_plan() as (session, plan):
        require_tenants(session)
        refuse_distributed(session)
        document = reassign.carry(session, plan, file, who or me(), reason, waiting, seen=seen, dry_run=dry_run)
        return document if "carried_out" not in document else document | {"next": next_phase(session, plan)}


def move_back(number: int, reason: str, waiting: Callable[[str], None], *, who: str = "") -> dict[str, Any]:
    """Take a move back; see `moves.take_back`."""
    from migrations_ops.review import reassign

    with open_with_plan() as (session, plan):
        require_tenants(session)
        refuse_distributed(session)
        document = reassign.take_back(session, plan, number, who or me(), reason, waiting)
        return document | {"next": next_phase(session, plan)}


def reference_groups(table: str = "", key: str = "") -> list[dict[str, Any]]:
    """The references into another tenant that are open: by table, columns and the two tenants, with how many. Those of
    one row, where one is named. Raises DistributedNow."""
    from migrations_ops.review.references import carry_out, documents

    with open_with_plan(read_only=True) as (session, plan):
        if not tenants_are_there(session):
            return []
        refuse_distributed(session)
        graph, groups = carry_out.groups(session, plan, table, key)
        return [documents.described(group, graph.slugs) | {"references": group.count} for group in groups]


def resolve(
    wanted: "References", reason: str, waiting: Say, *, who: str = "", seen: str = "", dry_run: bool = False,
    say: Say = lambda what: None,
) -> dict[str, Any]:  # fmt: skip
    """Resolve references into another tenant, or say what that comes to; see `carry_out.resolve`.

    `seen` is the token that a dry run has answered: what has changed since is not resolved unseen.
    """
    from migrations_ops.review.references import carry_out

    with open_with_plan(read_only=dry_run) as (session, plan):
        if not dry_run:
            _let_decide(session)
        refuse_distributed(session)
        if not tenants_are_there(session):
            raise OutOfOrder(phase="resolve", needed="001_schema_fixes")
        if dry_run:
            return carry_out.preview(session, plan, wanted)
        document = carry_out.resolve(session, plan, wanted, who or me(), reason, seen=seen, waiting=waiting, say=say)
        return document | {"next": next_phase(session, plan)}


def resolutions(most: int = AT_ONCE) -> list[dict[str, Any]]:
    """The last resolutions of references of which something stands."""
    from migrations_ops.review.references import carry_out

    with open_with_plan(read_only=True) as (session, plan):
        return carry_out.resolutions(session, plan, most) if session.named("is_set_up")[0][0] else []


def undo_resolution(
    number: int, reason: str, waiting: Say, *, who: str = "", say: Say = lambda what: None
) -> dict[str, Any]:
    """Undo a resolution of references; see `undoing.undo`."""
    from migrations_ops.review.references import undoing

    with open_with_plan() as (session, plan):
        _let_decide(session)
        document = undoing.undo(session, plan, number, who or me(), reason, waiting, say)
        return document | {"next": next_phase(session, plan)}
