"""Rules in words, for people who ask why a row is where it is."""

from typing import Any

from migrations_ops.rules.model import Condition, Parent, Rule
from vital.db import sql

VERBS = {
    "equals": "is",
    "in": "is",
    "overlaps": "has",
    "less": "is less than",
    "at_most": "is at most",
    "greater": "is greater than",
    "at_least": "is at least",
}  # the others are their own words


def rule_in_words(rule: Rule) -> str:
    """When the rule applies: `tier is tier_1 or tier_2`."""
    if rule.parent is not None:
        follows = _parent_in_words(rule.parent)
        return f"{in_words(rule.when, inside=True)} and {follows}" if rule.when else follows
    if rule.own:
        return "always: each row is a tenant of its own"
    return in_words(rule.when) if rule.when else ""


def _parent_in_words(parent: Parent) -> str:
    """Which row has to have a tenant, or how many."""
    first = parent.hops[0]
    columns = ", ".join(".".join((column, *first.json)) for column in first.columns)
    if parent.is_tree:
        return f"a row above it, by {columns}, has a tenant"
    way = " over ".join(sql.shown(hop.table) for hop in reversed(parent.hops))
    if parent.share is None:
        return f"its {columns} refers to a row of {way} that has a tenant"
    agree = "all" if parent.share == 1 else f"{parent.share:.0%} or more"
    return f"{agree} of the rows of {way} that its {columns} leads to, and that have a tenant, are of one"


def in_words(condition: Condition, *, inside: bool = False) -> str:
    """A condition as a person would say it; `inside` another one with its own brackets."""
    match condition.kind:
        case "always":
            return "always"
        case "not":
            return f"not ({in_words(condition.parts[0])})"
        case "all" | "any" as kind:
            parts = [in_words(part, inside=len(condition.parts) > 1) for part in condition.parts]
            text = (" and " if kind == "all" else " or ").join(parts)
            return f"({text})" if inside and len(parts) > 1 else text
        case "is_null":
            return f"{_place(condition)} is {'empty' if condition.value else 'not empty'}"
        case "sql":
            return str(condition.value)
        case "between":
            first, last = condition.value
            return f"{_place(condition)} is between {first} and {last}"
    verb = VERBS.get(condition.kind, condition.kind.replace("_", " "))
    return f"{_place(condition)} {verb} {_values(condition.value)}"


def _place(condition: Condition) -> str:
    return ".".join((condition.column, *condition.json))


def _values(value: Any) -> str:
    values = [str(one) for one in value] if isinstance(value, tuple | list) else [str(value)]
    return " or ".join(filter(None, (", ".join(values[:-1]), values[-1])))
