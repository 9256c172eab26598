"""Read the parent of a rule: the row that a row refers to, directly or over tables that have no tenant of their own."""

from migrations_ops.rules.conditions import column
from migrations_ops.rules.model import Hop, Parent
from migrations_ops.rules.plan_keys import HOP_KEYS
from migrations_ops.rules.reader import Given, Place

ONE_HOP = tuple(HOP_KEYS)
FOLLOWS_ITSELF = (
    "rows cannot follow rows of their own table: the result would hang on their order. Say the tenant by conditions, or"
    " follow another table."
)


def parent(item: object, where: str, columns: dict[str, str], so_far: list[str], place: Place) -> Parent:
    """The parent at this place of the file, for the last of the tables `so_far`. Raises PlanError."""
    given = Given(item, where, (*ONE_HOP, "path"), place)
    if "path" not in given:
        return Parent((_hop(given, columns, so_far),))
    for key in ONE_HOP:
        if key in given:
            raise given.wrong(f"{key} belongs into the hops of `path`, or stands alone without one.", key)
    steps = [(n, Given(hop, f"{where}, hop {n}", ONE_HOP, given.at("path", n))) for n, hop in given.tables("path")]
    if not steps:
        raise given.wrong("path is empty.", "path")
    last = len(steps)
    return Parent(tuple(_hop(hop, columns if n == 1 else {}, so_far if n == last else None) for n, hop in steps))


def _hop(given: Given, columns: dict[str, str], so_far: list[str] | None) -> Hop:
    """One hop; `so_far` are the tables that it may end at, where it is the last one."""
    table = given.relation("table")
    if so_far is not None:
        if table == so_far[-1]:  # a row's tenant would hang on which of the two a batch happens to meet first
            raise given.wrong(FOLLOWS_ITSELF, "table")
        given.one_of("table", so_far[:-1], "must be a table that stands before this one in the plan")
    names = given.text_or_texts("column")
    hop = Hop(names, table, given.text_or_texts("key") if "key" in given else ("id",), at=given.place)
    if not names:
        raise given.wrong("column is missing.")
    if len(hop.key) != len(names):
        raise given.wrong(f"column has {len(names)} and key {len(hop.key)} columns; they belong together in pairs.")
    if columns:
        for name in names:
            column(Given({"column": name}, given.where, ("column",), given.place), columns)
    return hop
