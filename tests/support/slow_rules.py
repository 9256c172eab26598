"""A slow, obvious reading of rules: what each condition says about a row, and which rule decides it."""

import json
import re
from datetime import date
from fractions import Fraction
from typing import Any

from migrations_ops.rules.compile import BY_PERSON, UNMATCHED
from tests.support.cast import PHARMA, PLATFORM
from tests.support.random_rules import EXPRESSIONS, Item, Told
from tests.support.rule_tables import OWNERS, TENANTS, Row


def holds(item: Item, row: Row, lower: dict[str, str]) -> bool:
    """Whether the condition holds for the row; what is unknown does not hold."""
    if "always" in item:
        return True
    if "all" in item:
        return all(holds(part, row, lower) for part in item["all"])
    if "any" in item:
        return any(holds(part, row, lower) for part in item["any"])
    if "not" in item:
        return not holds(item["not"], row, lower)
    if "sql" in item:
        return bool(EXPRESSIONS[item["sql"]](row))
    value = row[item["column"]]
    if "json" in item and "overlaps" in item:
        value = at(value, item["json"])
        return isinstance(value, list) and any(one in value for one in item["overlaps"])
    if "json" in item:
        value = inside(value, item["json"])
    if not {"less", "at_most", "greater", "at_least", "between"}.isdisjoint(item):
        return in_order(item, value)
    if item["column"] == "size" and value is not None:
        value = str(value)
    if "is_null" in item:
        return (value is None) is item["is_null"]
    if value is None:
        return False
    if "equals" in item:
        return bool(value == shown(item["equals"]))
    if "in" in item:
        return value in [shown(one) for one in item["in"]]
    if "overlaps" in item:
        return any(one in value for one in item["overlaps"])
    if "matches" in item:
        # PostgreSQL's $ is the very end, and its dot any sign.
        return bool(re.search(re.sub(r"\$$", r"\\Z", item["matches"]), value, re.DOTALL))
    (kind,) = {"contains", "starts_with", "ends_with"} & set(item)
    wanted = [item[kind]] if isinstance(item[kind], str) else item[kind]
    compare = {"contains": str.__contains__, "starts_with": str.startswith, "ends_with": str.endswith}[kind]
    return any(compare(lowered(value, lower), lowered(one, lower)) for one in wanted)


def in_order(item: Item, value: Any) -> bool:
    """Whether the value is less, greater and the like. Inside JSON, what is no number or no day is neither."""
    (kind,) = {"less", "at_most", "greater", "at_least", "between"} & set(item)
    low, high = item[kind] if kind == "between" else (item[kind], item[kind])
    if value is not None and "json" in item:
        if isinstance(low, date):
            value, low, high = day_of(value), low.isoformat(), high.isoformat()
        else:
            value = Fraction(value) if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?", value) else None
    if value is None:
        return False
    if not isinstance(low, date | str):
        value, low, high = Fraction(value), Fraction(str(low)), Fraction(str(high))
    return bool(
        {
            "less": value < low,
            "at_most": value <= low,
            "greater": value > low,
            "at_least": value >= low,
            "between": low <= value <= high,
        }[kind]
    )


def day_of(text: str) -> str | None:
    found = re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text)
    return found[0] if found else None


def shown(value: object) -> str:
    """A value of the plan as PostgreSQL shows it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def lowered(text: str, lower: dict[str, str]) -> str:
    return "".join(lower.get(letter, letter) for letter in text)


def inside(document: Any, path: list[str]) -> str | None:
    """The value at the path as text: PostgreSQL's #>>."""
    document = at(document, path)
    return document if document is None or isinstance(document, str) else as_jsonb(document)


def at(document: Any, path: list[str]) -> Any:
    """The value at the path: PostgreSQL's #>."""
    for step in path:
        if isinstance(document, dict) and step in document:
            document = document[step]
        elif isinstance(document, list) and step == "0" and document:
            document = document[0]
        else:
            return None
    return document


def as_jsonb(document: Any) -> str:
    """A document as jsonb is shown."""
    if isinstance(document, dict):
        pairs = (f"{as_jsonb(key)}: {as_jsonb(document[key])}" for key in sorted(document))
        return "{" + ", ".join(pairs) + "}"
    if isinstance(document, list):
        return "[" + ", ".join(map(as_jsonb, document)) + "]"
    return json.dumps(document, ensure_ascii=False)


Verdict = tuple[str | None, str]  # the tenant, or none, and the rule
UNDECIDED: Verdict = (None, "")


def tenant_now(row: Row) -> str | None:
    """The tenant of a row when the migration comes to it."""
    tenant: str | None = row["moved"] or row["tenant"]
    return tenant


def stands(row: Row) -> bool:
    """Whether the row has the tenant of the baseline: what came or was moved since is nobody's to reassign.

    The verdict itself does not know it; the batch offers it no such row.
    """
    return not row["since"] and row["moved"] in (None, row["tenant"])


def decided(row: Row, rules: list[Told], unmatched: str, lower: dict[str, str], *, may_move: bool) -> Verdict:
    """What the rules say about one row; `may_move` is whether a reassigning rule may take it from its tenant."""
    if row["decided"]:
        return row["decided"], BY_PERSON
    is_open = tenant_now(row) is None
    for number, told in enumerate(rules, start=1):
        if not (is_open or (told.reassigns and may_move)):
            continue
        if told.when is None:
            tenant = {OWNERS[1]: PLATFORM, OWNERS[2]: PHARMA}.get(row["owner"])
            if tenant:
                return tenant, f"rule {number}"
        elif holds(told.when, row, lower):
            return TENANTS[told.tenant], f"rule {number}"
    return (TENANTS[unmatched], UNMATCHED) if is_open and unmatched else UNDECIDED
