"""The review queue: what is open, one group at a time, and a person's last decisions taken back."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from migrations_ops.engine.errors import EngineError
from migrations_ops.findings import queue
from migrations_ops.findings.listing import Findings, Group, Wanted
from migrations_ops.findings.queue import ReviewPlace, Row
from migrations_ops.plan import phases as phases_of
from migrations_ops.services.database import completed_phases, current_plan, open_session
from migrations_ops.services.deciding import withdraw
from migrations_ops.services.looking import suggest

CHECKS = "004_tenant_data"  # the last phase that assigns rows: what it leaves open is for the review
AT_ONCE = 25  # rows on the screen
MOST = 1_000  # rows that are decided, or taken back, in one go
PATIENCE = 10.0  # seconds for suggestions


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
    plan = current_plan()
    with open_session(read_only=True) as session:
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
    """What the workshop proposes for a table's loose rows; see `looking.suggest`. Raises TookTooLong."""
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
    """{who} has no decision that stands, so there is nothing to take back."""


def _same(one: ReviewPlace, other: ReviewPlace) -> bool:
    return replace(one, after=0, column="", value="") == replace(other, after=0, column="", value="")
