"""Read one condition of a rule: `{ column = "tier", in = ["tier_1"] }`, and combinations of such."""

from typing import Any

from migrations_ops.rules.given import Given
from migrations_ops.rules.model import Condition

COMPARISONS = ("equals", "in", "contains", "overlaps", "is_null")
CONDITIONS = (*COMPARISONS, "all", "any", "not", "always")


def condition(item: object, where: str, columns: dict[str, str]) -> Condition:
    """The condition at this place of the file, on a table with these columns. Raises PlanError."""
    given = Given(item, where, ("column", "json", *CONDITIONS))
    kinds = [kind for kind in CONDITIONS if kind in given]
    if len(kinds) != 1:
        raise given.wrong(f"a condition has exactly one of {', '.join(CONDITIONS)}; combine several with all or any.")
    kind = kinds[0]
    if kind not in COMPARISONS and ("column" in given or "json" in given):
        raise given.wrong(f"{kind} has no column or json of its own.")
    if kind in ("all", "any"):
        parts = tuple(condition(part, f"{where}, {kind} {number}", columns) for number, part in given.tables(kind))
        if not parts:
            raise given.wrong(f"{kind} is empty.")
        return Condition(kind, parts=parts)
    if kind == "not":
        return Condition(kind, parts=(condition(given.item[kind], f"{where}, not", columns),))
    if kind == "always":
        if given.item[kind] is not True:
            raise given.wrong("always is true; leave the rule out where it is to match nothing.")
        return Condition(kind)
    column = given.one_of("column", columns, "must be among the table's columns")
    if kind == "overlaps" and "json" in given:
        raise given.wrong("overlaps reads an array column, not a value inside JSON.")
    return Condition(kind, column=column, json=given.texts("json"), value=_value(given, kind))


def _value(given: Given, kind: str) -> Any:
    """What the column is compared with, as the text that PostgreSQL would show for it."""
    value = given.item[kind]
    if kind == "is_null":
        return given.flag(kind)
    if kind == "contains" and isinstance(value, str):
        return (given.text(kind),)
    if kind in ("contains", "overlaps"):
        return given.texts(kind)
    if kind == "in":
        if not isinstance(value, list) or not value:
            raise given.wrong(f'in must be a list, like ["a", "b"], not {value!r}.')
        return tuple(_scalar(given, kind, part) for part in value)
    return _scalar(given, kind, value)


def _scalar(given: Given, kind: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise given.wrong(f"{kind} compares with a text, a number, true or false, not {value!r}.")
