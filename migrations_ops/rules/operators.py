"""The words of a condition: what each compares with and what it means. Loader, JSON schema and tests read them here."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A comparison. `takes` names the shape of its value (see `values` and `schema`)."""

    name: str
    takes: str
    means: str


COMPARISONS = {
    kind.name: kind
    for kind in (
        Kind("equals", "scalar", "The value as text is this one."),
        Kind("in", "scalars", "The value as text is one of these."),
        Kind("contains", "texts", "One of these is inside the text, ignoring case."),
        Kind("starts_with", "texts", "The text begins with one of these, ignoring case."),
        Kind("ends_with", "texts", "The text ends with one of these, ignoring case."),
        Kind("matches", "pattern", "The text matches this PostgreSQL regular expression somewhere."),
        Kind("overlaps", "list", "The array has one of these."),
        Kind("less", "bound", "Less than this number, date or time."),
        Kind("at_most", "bound", "This number, date or time, or less."),
        Kind("greater", "bound", "Greater than this number, date or time."),
        Kind("at_least", "bound", "This number, date or time, or greater."),
        Kind("between", "range", "From the first to the second, both included."),
        Kind("is_null", "flag", "NULL (true), or not (false)."),
    )
}
COMBINATIONS = {
    "all": "Every one of these conditions holds.",
    "any": "One of these conditions holds.",
    "not": "This condition does not hold; an unknown one does not.",
    "always": "Every row.",
    "sql": "One boolean SQL expression over the row's own columns; the last resort.",
}
CONDITIONS = (*COMPARISONS, *COMBINATIONS)
OPERATORS = {"less": "<", "at_most": "<=", "greater": ">", "at_least": ">="}
