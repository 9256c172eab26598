"""The tables that share a list of rules, and which of these rules only takes what is left."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from migrations_ops.rules.model import Condition, Plan, Rule, TableSpec
from migrations_ops.rules.plan_keys import PHASES
from vital.errors import EngineError

NAMES_NOTHING = ("always", "is_null")


class UnknownRuleOfPlan(EngineError):
    """No table that was asked about has a rule with `when` that is named {name}. There are: {known}."""

    exit_code = 2


@dataclass(frozen=True)
class Family:
    """A table with rules and the tables that use them. `raw` are the rules as the plan file has them."""

    relation: str
    members: tuple[TableSpec, ...]
    raw: tuple[dict[str, Any], ...]
    fallback: Rule | None

    @property
    def rules(self) -> tuple[Rule, ...]:
        return self.members[0].rules

    @property
    def phase(self) -> str:
        """Where new rules belong: to the phase of the fall-back rule."""
        return self.fallback.phase if self.fallback else PHASES[-1]

    @property
    def loose(self) -> set[int]:
        """The numbers of what decides weakly: nothing at all, or the fall-back rule."""
        return {0, self.fallback.number} if self.fallback else {0}

    @property
    def telling(self) -> set[int]:
        """The numbers of the rules whose rows show what a tenant owns. Other phases' rules ask for other things."""
        return {rule.number for rule in self.rules if rule.phase == self.phase} - self.loose

    @property
    def columns(self) -> dict[str, str]:
        """What the plan already says of the columns that every member has."""
        return {
            name: kind
            for name, kind in self.members[0].columns.items()
            if all(name in member.columns for member in self.members)
        }


def families(plan: Plan, table: str = "", rule: str = "") -> list[Family]:
    """Every list of rules with its tables, or the one that decides `table`. Raises UnknownRuleOfPlan."""
    raw = {item["name"]: item for item in tomllib.loads(plan.text)["table"]}
    grouped: dict[str, list[TableSpec]] = {}
    for spec in plan.tables:
        if not spec.person_decides:
            grouped.setdefault(raw[spec.relation].get("rules_as", spec.relation), []).append(spec)
    if table:
        grouped = {name: of for name, of in grouped.items() if table in [spec.relation for spec in of]}
    known = {found.name for members in grouped.values() for found in members[0].rules if found.condition}
    if rule and rule not in known:
        raise UnknownRuleOfPlan(name=rule, known="; ".join(sorted(known)) or "none")
    found = [
        Family(name, tuple(of), tuple(raw[name].get("rule", ())), fallback(of[0].rules, rule))
        for name, of in grouped.items()
    ]
    return [family for family in found if not rule or family.fallback]


def fallback(rules: tuple[Rule, ...], named: str = "") -> Rule | None:
    """The rule that takes what others leave: the one named, else the last with `when` that names nothing of its own.

    That is: it is not the only one, and each of its comparisons is `always`, `is_null`, or one that an earlier rule
    makes as well (every rule of tier 3 asks for tier 3; the last asks for nothing else).
    """
    if named:
        return next((rule for rule in rules if rule.name == named and rule.condition), None)
    ruled = [(rule, set(comparisons(rule.condition))) for rule in rules if rule.condition is not None]
    if len(ruled) < 2:
        return None
    earlier = set().union(*(asked for _, asked in ruled[:-1]))
    last, asked = ruled[-1]
    return last if all(one.kind in NAMES_NOTHING or one in earlier for one in asked) else None


def comparisons(condition: Condition) -> Iterator[Condition]:
    """The comparisons that a condition is made of."""
    if condition.parts:
        for part in condition.parts:
            yield from comparisons(part)
    else:
        yield condition
