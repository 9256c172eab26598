"""What approximate indexes give tenants, for people."""

from typing import Any

from rich.console import Console
from rich.markup import escape

from migrations_ops.formatting import size
from migrations_ops.management.output.elements import grid

Document = dict[str, Any]
SHOWN, NAMED = 25, 5


def show_vectors(console: Console, document: Document) -> None:
    if document["pgvector"] is None:
        console.print("pgvector is not installed in this database: there are no vectors.")
        return
    if not (document["indexes"] or document["without_index"]):
        console.print("No table of the plan has a vector.")
        return
    for index in document["indexes"]:
        _index(console, index)
    for one in document["proposals"]:
        _proposal(console, one)
    if "after" in document:
        console.print("\nAfterwards:")
        for index in document["after"]:
            _index(console, index)
    for column in document["without_index"]:
        about = f"{column['table']}.{column['column']}"
        console.print(
            f"{about}: no approximate index; each question reads the tenant's rows, which is exact.", highlight=False
        )


def show_verdict(console: Console, document: Document) -> None:
    """The last line."""
    indexes: list[Document] = document["after"] if "after" in document else document["indexes"]
    measured = sum(len(index.get("tenants", ())) for index in indexes)
    if not measured:
        return
    wanted, below = document["wanted"], document["below"]
    if below:
        console.print(f"[bold red]{below} of {measured}[/] have less than {wanted:g} of their ten nearest rows.")
        if any(one["outcome"] == "" for one in document["proposals"]):
            console.print("Build what is proposed: ./manage.py migrate_tenants vectors --yes")
    else:
        console.print(f"[green]Every tenant measured has at least {wanted:g} of its ten nearest rows.[/]")
    if slow := [tenant["name"] for index in indexes for tenant in index.get("tenants", ()) if _is_sooner_exact(tenant)]:
        names = ", ".join(slow[:NAMED]) + (f" and {len(slow) - NAMED} more" if len(slow) > NAMED else "")
        console.print(
            f"Sooner without the index, which the planner does not see: {names}. A statement that orders by a sum,"
            " (embedding <=> …) + 0, is answered exactly.",
            highlight=False,
            markup=False,
        )


def _is_sooner_exact(tenant: Document) -> bool:
    """By so much that it is worth another statement."""
    return "failed" not in tenant and tenant["plan"] != "exact" and tenant["ms"] > 2 * tenant["exact_ms"] + 5


def _proposal(console: Console, proposal: Document) -> None:
    tried = proposal["worst_recall_tried"]
    words = f"{proposal['about']}: {proposal['why']}"
    words += f"; tried, the worst recall is {tried:.3f}" if tried is not None and not proposal["outcome"] else ""
    console.print(f"[yellow]proposed[/] {escape(words)}", highlight=False)
    for statement in proposal["statements"]:
        console.print(f"  {statement};", highlight=False, markup=False, soft_wrap=True)
    for refused in proposal["refused"]:
        console.print(f"  refused: {refused}", highlight=False, markup=False)
    if proposal["outcome"] and not proposal["refused"]:
        console.print(f"  {proposal['outcome']}", highlight=False, markup=False)


def _index(console: Console, index: Document) -> None:
    about = f"{index['method']} on {index['table']} ({index['column']}), {index['metric']}, {size(index['bytes'])}"
    console.print(f"[bold]{index['index']}[/]: {about}", highlight=False)
    if not index["valid"]:
        console.print(f"  [red]not valid[/]: drop it and build it again: DROP INDEX CONCURRENTLY {index['index']}")
    elif index["where"]:
        console.print(f"  of the rows where {index['where']}: not measured", highlight=False, markup=False)
    elif "tenants" in index:
        _tenants(console, index)


def _tenants(console: Console, index: Document) -> None:
    figures = grid("tenant", "rows", "recall@10", "returned", "median", "exact", "answered by")
    ordered = sorted(index["tenants"], key=lambda one: (one.get("recall", -1), one["rows"]))
    for one in ordered[:SHOWN]:
        if "failed" in one:
            figures.add_row(one["name"], f"{one['rows']:,}", "?", "", "", "", one["failed"])
            continue
        figures.add_row(
            one["name"],
            f"{one['rows']:,}",
            f"{one['recall']:.3f}",
            f"{one['returned']} of {one['of']}",
            f"{one['ms']:.1f} ms",
            f"{one['exact_ms']:.1f} ms",
            one["plan"],
        )
    console.print(figures)
    if len(ordered) > SHOWN:
        console.print(f"  … and {len(ordered) - SHOWN:,} more, with more recall (--json lists them)", highlight=False)
    if index["left_out"]:
        console.print(f"  {index['left_out']:,} tenants were not measured: --tenants N", highlight=False)
