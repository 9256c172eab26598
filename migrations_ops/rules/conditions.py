"""Read one condition of a rule: `{ column = "tier", in = ["tier_1"] }`, and combinations of such."""

from migrations_ops.rules import sql_expression
from migrations_ops.rules.model import Condition
from migrations_ops.rules.operators import COMPARISONS, CONDITIONS
from migrations_ops.rules.reader import Given, Place
from migrations_ops.rules.values import READERS


def condition(item: object, where: str, columns: dict[str, str], place: Place = ()) -> Condition:
    """The condition at this place of the file, on a table with these columns. Raises PlanError."""
    given = Given(item, where, ("column", "json", *CONDITIONS), place)
    kinds = [kind for kind in CONDITIONS if kind in given]
    if len(kinds) != 1:
        problem = f"a condition has exactly one of {', '.join(CONDITIONS)}; combine several with all or any."
        raise given.wrong(problem, *kinds[1:2])
    kind = kinds[0]
    if kind in COMPARISONS:
        return Condition(
            kind, column(given, columns), given.texts("json"), READERS[COMPARISONS[kind].takes](given, kind), at=place
        )
    for key in ("column", "json"):
        if key in given:
            raise given.wrong(f"{kind} has no column or json of its own.", key)
    if kind in ("all", "any"):
        parts = tuple(
            condition(part, f"{where}, {kind} {number}", columns, given.at(kind, number))
            for number, part in given.tables(kind)
        )
        if not parts:
            raise given.wrong(f"{kind} is empty.", kind)
        return Condition(kind, parts=parts, at=place)
    if kind == "not":
        part = condition(given.item[kind], f"{where}, not", columns, (*place, kind))
        return Condition(kind, parts=(part,), at=place)
    if kind == "sql":
        if problem := sql_expression.problem(given.text(kind)):
            raise given.wrong(f"{problem}.", kind)
        return Condition(kind, value=given.text(kind), at=place)
    if given.item[kind] is not True:
        raise given.wrong("always is true; leave the rule out where it is to match nothing.", kind)
    return Condition(kind, at=place)


def column(given: Given, columns: dict[str, str], key: str = "column") -> str:
    """The column that is named: one of the table's, where the plan lists them; else the database knows."""
    if columns:
        return given.one_of(key, columns, "must be among the table's columns")
    return given.text(key)
