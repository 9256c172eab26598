"""Drafts of rules: the values that mark a tenant's rows, put into a rule that has them otherwise, or into a new one."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from psycopg.sql import Composable

from migrations_ops.rules import comparisons, conditions
from migrations_ops.rules.model import Hop, Parent, Plan
from migrations_ops.rules.suggest.column_stats import Column, Evidence
from migrations_ops.rules.suggest.current_rule import CurrentRules
from migrations_ops.rules.suggest.rule_groups import Family
from migrations_ops.rules.suggest.scoring import Choice, choices
from migrations_ops.rules.suggest.vocabulary import Vocabulary
from vital.db import sql

UNASKED = 0.6  # how far a column is believed that the plan has not asked for so far
PARENTS = 0.8
MOST_CHOICES = 40  # of a rule; more nobody reads
MOST_DRAFTS = 40  # of a family


@dataclass
class Draft:
    """A rule as the plan file would have it. `replaces`: the number of the rule whose place it takes, or 0.

    `tenant` is empty where each row gets its parent's. `asks` is what it asks of a row more than the rule it replaces.
    """

    kind: str
    raw: dict[str, Any]
    tenant: str
    confidence: float
    replaces: int = 0
    columns: dict[str, str] = field(default_factory=dict)
    choices: list[Choice] = field(default_factory=list)
    asks: list[dict[str, Any]] = field(default_factory=list)
    parent: Parent | None = None

    def condition(self, alias: str, known: dict[str, str]) -> Composable:
        """What the rule asks of the relation `alias`, as SQL."""
        return comparisons.condition(
            alias, conditions.condition(self.raw["when"], self.raw["name"], known | self.columns)
        )

    def as_new(self, family: Family, *, guarded: bool) -> "Draft":
        """The same as a rule of its own before the fall-back rule, so that it takes nothing from others."""
        name = f"{self.raw['name']}, spelt otherwise"
        raw = _new_rule(family, name, self.asks, self.tenant, guarded=guarded)
        return replace(self, raw=raw, replaces=0)


def drafts(current: CurrentRules, plan: Plan, family: Family, evidence: Evidence) -> list[Draft]:
    """Every draft for a family, the most promising first."""
    vocabulary = Vocabulary(plan, family)
    found: list[Draft] = []
    # Rows that only follow others belong to them, whatever they say of themselves.
    follow = bool(family.rules) and all(rule.parent for rule in family.rules)
    for column in () if follow else evidence.columns:
        groups: dict[tuple[str, int], list[Choice]] = {}
        for choice in choices(plan, vocabulary, evidence, column):
            groups.setdefault((choice.tenant, choice.rule), []).append(choice)
        for (_, number), chosen in groups.items():
            found.append(_draft(family, column, number, chosen[:MOST_CHOICES], guarded=evidence.guarded))
    found = _merged(found)
    found.sort(key=lambda draft: -sum(choice.loose * choice.confidence for choice in draft.choices))
    return found[:MOST_DRAFTS] + list(_parents(current, plan, family))


def _draft(family: Family, column: Column, number: int, chosen: list[Choice], *, guarded: bool) -> Draft:
    values, tenant = [choice.value for choice in chosen], chosen[0].tenant
    sure = _sureness(chosen) * (1 if column.planned else UNASKED)
    asks = [{"column": column.name, column.kind: values}]
    if number and not family.rules[number - 1].reassigns:  # such a rule, widened, would take rows from their tenants
        raw = _extended(family.raw[number - 1], column, values)
        return Draft("spelling", raw, tenant, sure, number, {}, chosen, asks)
    spelt = all(choice.spelling for choice in chosen)
    name = f"{family.relation.rpartition('.')[2]} of {tenant} by {column.name}"
    raw = _new_rule(family, name + (", as the plan spells it" if spelt else ""), asks, tenant, guarded=guarded)
    kind = "spelling" if spelt else "words" if column.kind == "contains" else "values"
    extra = {} if column.planned else {column.name: "text[]" if column.kind == "overlaps" else "text"}
    return Draft(kind, raw, tenant, sure, 0, extra, chosen, asks)


def _sureness(chosen: list[Choice]) -> float:
    return sum(choice.confidence * choice.loose for choice in chosen) / sum(choice.loose for choice in chosen)


def _new_rule(family: Family, name: str, asks: list[dict[str, Any]], tenant: str, *, guarded: bool) -> dict[str, Any]:
    """A rule for what is asked of a row; where `guarded`, only of rows that the fall-back rule would take."""
    when = asks[0] if len(asks) == 1 else {"any": asks}
    guard = family.raw[family.fallback.number - 1].get("when") if guarded and family.fallback else None
    if guard and guard != {"always": True}:
        when = {"all": [guard, when]}
    return {"name": _free(name, family), "phase": family.phase, "when": when, "tenant": tenant}


def _extended(rule: dict[str, Any], column: Column, values: list[str]) -> dict[str, Any]:
    """The rule with more values in each list that it compares the column with."""
    raw = copy.deepcopy(rule)
    for comparison in _comparisons(raw["when"]):
        if comparison.get("column") == column.name and "json" not in comparison and column.kind in comparison:
            listed = comparison[column.kind]
            listed = [listed] if isinstance(listed, str) else listed
            comparison[column.kind] = [*listed, *(value for value in values if value not in listed)]
    return raw


def _comparisons(when: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What a row must say of itself; what stands under `not` stays as it is."""
    yield when
    for part in (*when.get("all", ()), *when.get("any", ())):
        yield from _comparisons(part)


def _merged(found: list[Draft]) -> list[Draft]:
    """Drafts that replace the same rule become one: the second would take the first away."""
    merged: dict[int, Draft] = {}
    rest = []
    for draft in found:
        if not draft.replaces:
            rest.append(draft)
        elif draft.replaces not in merged:
            merged[draft.replaces] = draft
        else:
            first = merged[draft.replaces]
            first.raw = _both(first.raw, draft.raw)
            first.choices, first.asks = first.choices + draft.choices, first.asks + draft.asks
            first.confidence = _sureness(first.choices)
    return [*merged.values(), *rest]


def _both(one: Any, other: Any) -> Any:
    """The same rule, each extended: every list has what either has."""
    if isinstance(one, dict):
        return {key: _both(entry, other[key]) for key, entry in one.items()}
    if isinstance(one, list) and one and isinstance(one[0], dict):
        return [_both(*pair) for pair in zip(one, other, strict=True)]
    if isinstance(one, list):
        return one + [entry for entry in other if entry not in one]
    return one


def _free(name: str, family: Family) -> str:
    """The name, with a number where a rule is called so already."""
    used = {rule.name for rule in family.rules}
    return next(free for n in range(1, len(used) + 2) if (free := name if n == 1 else f"{name} ({n})") not in used)


def _parents(current: CurrentRules, plan: Plan, family: Family) -> Iterator[Draft]:
    """References to tables that stand earlier in the plan, as a rule must have it, and that no rule follows yet."""
    if len(family.members) > 1:  # a rule of theirs needs the column in every one of them
        return
    (spec,) = family.members
    earlier = {other.relation: other for other in plan.tables[: plan.tables.index(spec)]}
    followed = {column for rule in family.rules if rule.parent for column in rule.parent.hops[0].columns}
    for column, relation, key in current.references(spec.relation):
        parent = next((other for name, other in earlier.items() if sql.names(name) == sql.names(relation)), None)
        # Anybody may use a shared row; that says nothing of a private one's owner.
        if parent is None or column in followed or (parent.shared and not spec.shared):
            continue
        table = family.relation.rpartition(".")[2]
        raw = {
            "name": _free(f"{table} follow {column}", family),
            "phase": family.phase,
            "parent": {"column": column, "table": parent.relation, "key": key},
        }
        extra = {} if column in spec.columns else {column: current.columns(spec.relation)[column]}
        yield Draft("parent", raw, "", PARENTS, 0, extra, parent=Parent((Hop((column,), parent.relation, (key,)),)))
