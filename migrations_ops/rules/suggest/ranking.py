"""What each draft would do, counted over every row of its tables, and which drafts are worth a person's look."""

from collections import Counter
from dataclasses import dataclass, field, replace

from psycopg.sql import Composable

from migrations_ops.rules.model import TableSpec
from migrations_ops.rules.suggest.candidates import Draft
from migrations_ops.rules.suggest.current_rule import CurrentRules
from migrations_ops.rules.suggest.rule_groups import Family
from vital.db import sql

FEWEST_NEW = 2
LEAST_TRUST = 0.25
NO_MATCH, SAME, OTHER = "012"
KEYS = 5
Moves = Counter[tuple[str | None, str]]


@dataclass
class Group:
    """Rows that the same drafts match and the same rule decides."""

    signs: str
    number: int | None
    tenant: str | None
    rows: int
    keys: list[str]


@dataclass
class Weighed:
    """A draft with its figures: loose rows it matches, those nothing above it matches, and what speaks against it."""

    draft: Draft
    rows: int = 0
    new: int = 0
    changed: int = 0
    leaves: Counter[str | None] = field(default_factory=Counter)
    agrees: int = 0
    conflicts: Counter[str | None] = field(default_factory=Counter)
    displaced: int = 0
    keys: list[str] = field(default_factory=list)

    @property
    def trust(self) -> float:
        """How surely the rows are the tenant's: less, the more decided rows say otherwise."""
        against = sum(self.conflicts.values())
        return self.draft.confidence * (1 - against / max(against + self.agrees + self.rows, 1))


def weigh(
    current: CurrentRules, family: Family, drafts: list[Draft], *, guarded: bool
) -> tuple[list[Weighed], Counter[int | None]]:
    """The drafts worth a look, the best first; and how many rows each rule decides, by its number.

    A draft that would take rows from the rules behind the one it replaces is weighed again as a rule of its own.
    """
    groups = _groups(current, family, drafts)
    weighed = [_weighed(family, draft, place, groups) for place, draft in enumerate(drafts)]
    if any(found.displaced for found in weighed):
        instead = [found.draft.as_new(family, guarded=guarded) if found.displaced else found.draft for found in weighed]
        return weigh(current, family, instead, guarded=guarded)
    counts: Counter[int | None] = Counter()
    for group in groups:
        counts[group.number] += group.rows
    return _ranked(family, groups, weighed), counts


def _groups(current: CurrentRules, family: Family, drafts: list[Draft]) -> list[Group]:
    found = []
    for spec in family.members:
        parts: dict[str, Composable] = {
            "signs": sql.join([_sign(current, family, spec, draft) for draft in drafts] or [sql.literal("")], " || "),
            "key": sql.key_text("s", spec.table.key),
            "rows": current.rows(family, spec),
        }
        for signs, number, tenant, rows, first, last in current.ask("rows_by_suggestion", None, **parts):
            found.append(Group(signs, number, tenant, rows, sorted({first, last})))
    return found


def _sign(current: CurrentRules, family: Family, spec: TableSpec, draft: Draft) -> Composable:
    """For a row of `s`: whether the draft matches, where the rule it replaces does not, and whether it names another
    tenant than the row has."""
    if draft.parent is not None:
        tenant = current.on("s").referred(draft.parent, ignore_fallback=True)
        matches: Composable = sql.compose("{tenant} IS NOT NULL", tenant=tenant)
    else:
        tenant, matches = current.on("s").tenant_id(draft.tenant), draft.condition("s", spec.columns)
    if draft.replaces:
        old = current.on("s").matches(family.rules[draft.replaces - 1])
        matches = sql.compose("{new} AND NOT {old}", new=matches, old=old)
    return sql.compose(
        "CASE WHEN NOT ({matches}) THEN '0' WHEN {tenant} IS DISTINCT FROM s.vital_tenant THEN '2' ELSE '1' END",
        matches=matches,
        tenant=tenant,
    )


def _weighed(family: Family, draft: Draft, place: int, groups: list[Group]) -> Weighed:
    found = Weighed(draft)
    for group in groups:
        sign = group.signs[place]
        if sign == NO_MATCH:
            continue
        if group.number in family.loose:
            found.rows += group.rows
            found.keys = [*found.keys, *group.keys][:KEYS]
            if sign == OTHER:
                found.changed += group.rows
                found.leaves[group.tenant] += group.rows
        elif sign == SAME:
            found.agrees += group.rows
        else:
            found.conflicts[group.tenant] += group.rows
            found.displaced += group.rows if 0 < draft.replaces < (group.number or 0) else 0
    return found


def _ranked(family: Family, groups: list[Group], weighed: list[Weighed]) -> list[Weighed]:
    """The one that decides most rows anew, then the one that does among what is left, and so on.

    Rules that take an old one's place come first, since they stand before the new ones in the plan as well; and those
    that need another column of the table last, since a person has to look at it first.
    """
    left = [group for group in groups if group.number in family.loose]
    waiting, ranked = dict(enumerate(weighed)), []
    while waiting:
        new = {place: sum(g.rows for g in left if g.signs[place] != NO_MATCH) for place in waiting}
        best = max(waiting, key=lambda at: _order(waiting[at], new[at], at))
        chosen = waiting.pop(best)
        fewest = 1 if chosen.draft.kind == "spelling" else FEWEST_NEW
        if new[best] < fewest or chosen.trust < LEAST_TRUST:
            continue
        left = [group for group in left if group.signs[best] == NO_MATCH]
        ranked.append(replace(chosen, new=new[best]))
    return ranked


def _order(weighed: Weighed, new: int, place: int) -> tuple[bool, bool, float, int]:
    draft = weighed.draft
    return draft.replaces > 0, not draft.columns, new * weighed.trust, -place
