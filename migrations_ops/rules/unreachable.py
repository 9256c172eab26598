"""Rules that can never match, whatever is in the database: something else was meant. And rules that would give a row
another tenant depending on the order in which rows are decided."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from migrations_ops.rules.model import Condition, Rule
from migrations_ops.rules.plan_keys import PHASES
from migrations_ops.rules.reader import Place, PlanError

Never = tuple[str, Place]  # why a condition can never hold, and where that is


@dataclass(frozen=True)
class Dead:
    """A rule without effect."""

    rule: Rule
    why: str
    at: Place


def dead_rules(rules: Iterable[Rule]) -> Iterator[Dead]:
    """Rules behind one that takes every row they could have, and rules that contradict themselves."""
    before: list[Rule] = []
    for rule in rules:
        for earlier in before:
            # One that reassigns still gets the rows that had a tenant, unless the earlier one took those as well.
            if _takes_all_of(earlier, rule) and (earlier.reassigns or not rule.reassigns):
                why = f"it can never match: rule {earlier.number} ({earlier.name!r}) comes first and takes"
                yield Dead(rule, f"{why} every row of it. Put it before that one, or take it out.", rule.at)
                break
        if rule.when and (never := contradiction(rule.when)):
            yield Dead(rule, never[0], never[1])
        before.append(rule)


def refuse_unclear_order(rules: Sequence[Rule], where: str) -> None:
    """Raise PlanError where a row's tenant would depend on which rows were decided before it."""
    for place, rule in enumerate(rules, start=1):
        if rule.parent is None or (rule.parent.share is None and not rule.parent.is_tree):
            continue
        why = ""
        if rule.phase != PHASES[-1]:
            why = f"votes and trees belong to {PHASES[-1]}: before it, rows that decide may have no tenant yet."
        elif rule.parent.is_tree and place < len(rules):
            why = "a tree comes last: a later rule could give a row its tenant after the rows below it were decided."
        elif rule.parent.is_tree and any(one.reassigns for one in rules):
            why = "no rule of a table with a tree reassigns: rows could be decided before the row above them moves."
        if why:
            raise PlanError(f"{where}, rule {rule.number}: {why}", rule.at)


def _takes_all_of(earlier: Rule, rule: Rule) -> bool:
    """Whether the earlier rule takes every row that this one could match."""
    return earlier.condition is not None and (earlier.condition.kind == "always" or earlier.condition == rule.when)


def contradiction(when: Condition, never_leaf: Callable[[Condition], str] = lambda leaf: "") -> Never | None:
    """Why this condition can never hold; None where it may. `never_leaf` knows more about single comparisons."""
    if when.kind == "any":
        found = [contradiction(part, never_leaf) for part in when.parts]
        return found[0] if all(found) else None
    if when.kind == "all":
        parts = list(_flat(when))
        return next((never for part in parts if (never := contradiction(part, never_leaf))), None) or _clash(parts)
    if when.kind == "not":
        why = "it can never match: not always is never. Take the rule out."
        return (why, when.at) if when.parts[0].kind == "always" else None
    why = never_leaf(when)
    return (why, when.at) if why else None


def _flat(when: Condition) -> Iterator[Condition]:
    """The parts of an `all`, those of an `all` inside it included."""
    for part in when.parts:
        if part.kind == "all":
            yield from _flat(part)
        else:
            yield part


def _clash(parts: list[Condition]) -> Never | None:
    """Two parts of an `all` that no value satisfies."""
    allowed: dict[Any, set[str]] = {}
    null: dict[Any, bool] = {}
    for part in parts:
        value = (part.column, part.json)
        if part.kind in ("equals", "in"):
            values = {part.value} if part.kind == "equals" else set(part.value)
            allowed[value] = allowed.get(value, values) & values
            if not allowed[value]:
                return (
                    f"it can never match: {_called(part)} cannot be two values at once. Say any instead of all.",
                    part.at,
                )
        if not part.column:
            continue
        wanted = part.kind == "is_null" and part.value
        if null.setdefault(value, wanted) != wanted:
            return (
                f"it can never match: {_called(part)} cannot be NULL and something else. Say any instead of all.",
                part.at,
            )
    return None


def _called(part: Condition) -> str:
    return ".".join((part.column, *part.json))
