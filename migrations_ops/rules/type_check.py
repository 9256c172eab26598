"""Which comparison fits which type of column. Said by the plan, or by the database: the same words either way."""

from migrations_ops.rules.model import Condition
from migrations_ops.rules.operators import OPERATORS
from migrations_ops.rules.reader import PlanError

# What a plan calls a type → its family. Of a type that is not here nothing is said.
FAMILIES = {
    **dict.fromkeys(("integer", "bigint", "int2", "int4", "int8", "numeric", "float4", "float8", "real"), "number"),
    **dict.fromkeys(("text", "varchar", "bpchar", "citext"), "text"),
    **dict.fromkeys(("date", "timestamp"), "time"),
    **dict.fromkeys(("json", "jsonb"), "json"),
    "timestamptz": "moment",
    "text[]": "texts",
    "uuid": "uuid",
    "boolean": "boolean",
}
# The type of a bound → the family of column that has an order with it, and how to write one for the others.
ORDERED = {"numeric": "number", "date": "time", "timestamp": "time", "timestamptz": "moment"}
WRITE = {
    "number": "Compare it with a number, like 5.",
    "time": "Compare it with a date or a time without offset, like 2024-01-31.",
    "moment": "Compare it with a time that has its offset, like 2024-01-31T00:00:00Z.",
}


def misfit(given: Condition, family: str, shown: str) -> str:
    """Why the comparison does not fit a column of this family, whose type is `shown`; empty where it does."""
    if not family or given.kind == "sql":
        return ""
    if given.json:
        if family != "json":
            return f"{given.column} is {shown}: `json` reads a json or jsonb column. Leave it out."
        return _inside_json(given)
    if family in ("time", "moment") and given.kind not in (*OPERATORS, "between", "is_null"):
        return f"{given.column} is {shown}, whose text depends on settings of the session: say between, or less."
    if given.kind == "overlaps" and family != "texts":
        return f"{given.column} is {shown}: overlaps reads an array of texts. Say in or contains."
    if given.kind in OPERATORS or given.kind == "between":
        types = {bound.type for bound in (given.value if given.kind == "between" else (given.value,))}
        if {ORDERED[kind] for kind in types} != {family}:
            advice = WRITE.get(family, "It has no order that a plan can use; say equals, in or matches.")
            return f"{given.column} is {shown}: {given.kind} does not fit. {advice}"
    return ""


def _inside_json(given: Condition) -> str:
    bounds = given.value if given.kind == "between" else (given.value,) if given.kind in OPERATORS else ()
    if any(bound.type.startswith("timestamp") for bound in bounds):
        return f"{given.kind} compares a value inside JSON with a number or a day, like 2024-01-31."
    return ""


def refuse_misfits(when: Condition, where: str, columns: dict[str, str]) -> None:
    """Raise PlanError where a comparison does not fit the type that the plan gives its column."""
    for leaf in filter(lambda leaf: leaf.column, when.leaves()):
        kind = columns.get(leaf.column, "")
        family = FAMILIES.get(kind, "json" if leaf.json and not kind else "")
        if problem := misfit(leaf, family, kind):
            raise PlanError(f"{where}: {problem}", (*leaf.at, leaf.kind))
