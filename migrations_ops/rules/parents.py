"""Read which other rows say whose a row is: the one that it refers to, those above it in a tree, or rows that vote."""

from decimal import Decimal

from migrations_ops.rules.conditions import column
from migrations_ops.rules.model import Hop, Parent
from migrations_ops.rules.paths import READ_AS
from migrations_ops.rules.plan_keys import HOP_KEYS, VOTE_KEYS
from migrations_ops.rules.reader import Given, Place

ONE_HOP = tuple(HOP_KEYS)
ALL_AGREE = Decimal(1)
OF_ONE_COLUMN = ("json", "as", "each")


def parent(item: object, where: str, columns: dict[str, str], so_far: list[str], place: Place) -> Parent:
    """The parent at this place of the file, for the last of the tables `so_far`. Raises PlanError."""
    given = Given(item, where, (*ONE_HOP, "path"), place)
    hops = _hops(given, columns, so_far)
    for hop, step in zip(hops, _steps(given), strict=True):
        if hop.each:
            raise step.wrong("a list refers to several rows, which may be of several tenants: let them vote.", "each")
    is_tree = hops[-1].table == so_far[-1]
    if is_tree and (len(hops) > 1 or not Parent(hops).is_reference):
        # What it may pass through would be a row's owner or not by how far the run has come.
        raise given.wrong(
            "a tree is one reference to the row above: column and key, without path, json and as.",
            "path" if "path" in given else "table",
        )
    return Parent(hops, is_tree)


def votes(item: object, where: str, columns: dict[str, str], so_far: list[str], place: Place) -> Parent:
    """The rows that vote about a row, and the share of them that decides. Raises PlanError."""
    given = Given(item, where, tuple(VOTE_KEYS), place)
    hops = _hops(given, columns, so_far)
    if hops[-1].table == so_far[-1]:
        raise given.wrong("rows of its own table cannot vote: the result would depend on their order.")
    return Parent(hops, share=given.majority("at_least") if "at_least" in given else ALL_AGREE)


def _hops(given: Given, columns: dict[str, str], so_far: list[str]) -> tuple[Hop, ...]:
    if "path" in given:
        for key in ONE_HOP:
            if key in given:
                raise given.wrong(f"{key} belongs into the hops of `path`, or stands alone without one.", key)
    steps = _steps(given)
    if not steps:
        raise given.wrong("path is empty.", "path")
    last = len(steps)
    return tuple(
        _hop(step, columns if n == 1 else {}, so_far if n == last else None) for n, step in enumerate(steps, start=1)
    )


def _steps(given: Given) -> list[Given]:
    if "path" not in given:
        return [given]
    return [Given(hop, f"{given.where}, hop {n}", ONE_HOP, given.at("path", n)) for n, hop in given.tables("path")]


def _hop(given: Given, columns: dict[str, str], so_far: list[str] | None) -> Hop:
    """One hop; `so_far` are the tables that it may end at, where it is the last one."""
    table = given.relation("table")
    if so_far is not None:
        given.one_of("table", so_far, "must be this table, or one that stands before it in the plan")
    names = given.text_or_texts("column")
    hop = Hop(
        names,
        table,
        given.text_or_texts("key") if "key" in given else ("id",),
        json=given.texts("json"),
        read_as=given.one_of("as", READ_AS) if "as" in given else "",
        each=given.flag("each"),
        at=given.place,
    )
    if not names:
        raise given.wrong("column is missing.")
    if len(hop.key) != len(names):
        raise given.wrong(f"column has {len(names)} and key {len(hop.key)} columns; they belong together in pairs.")
    for key in OF_ONE_COLUMN:
        if key in given and len(names) > 1:
            raise given.wrong(f"{key} says how one column is read; here are {len(names)}.", key)
    if columns:
        for name in names:
            column(Given({"column": name}, given.where, ("column",), given.place), columns)
    return hop
