"""What a resolution comes to, as a document for programs with sentences for people."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from migrations_ops.review.reference_ways import COPY, SHARE
from migrations_ops.review.references.graph import Graph, Group
from migrations_ops.review.references.outcome import Kind, Outcome
from vital.counts import counted
from vital.db.sql import shown


def document(graph: Graph, outcome: Outcome, left: int) -> dict[str, Any]:
    """`left` references of the group are open in all; `says` has what follows, `refused` what forbids it."""
    group = outcome.group
    facts = {
        **described(group, graph.slugs),
        "way": outcome.way,
        "references": len(outcome.resolves),
        "open": left,
        "moves": _moves(graph, outcome),
        "copies": _copies(graph, outcome),
        "reused": len(outcome.reuses),
        "emptied": {shown(table): columns for table, columns in outcome.emptied.items()},
        "exposes": _exposes(graph, outcome),
        "would_cross": _crossing(graph, outcome.would_cross),
        "still_cross": _crossing(graph, outcome.still_cross),
        "overruled": len(outcome.overruled),
    }
    forbids = list(dict.fromkeys(problem.message for problem in outcome.forbids))
    forbids += [f"{reference_in_words(one)} would lead into another tenant" for one in facts["would_cross"]]
    return facts | {"says": list(_says(facts)), "refused": forbids, "token": outcome.token}


def described(group: Group, slugs: dict[str, str]) -> dict[str, Any]:
    """A group by its names."""
    return {
        "table": shown(group.link.child.relation),
        "columns": group.link.columns,
        "tenant": slugs.get(group.tenant, group.tenant),
        "parent": shown(group.link.parent.relation),
        "parent_tenant": slugs.get(group.other, group.other),
    }


def reference_in_words(one: dict[str, Any]) -> str:
    """Which rows refer to which."""
    who = f"{counted(one['rows'], 'row')} of {one['table']} in {one['tenant']}"
    return f"{who} by {one['columns']} to {one['parent']} in {one['parent_tenant']}"


def _says(facts: dict[str, Any]) -> Iterator[str]:
    for one in facts["moves"]:
        yield f"{one['table']}: {counted(one['rows'], 'row')} from {one['from']} to {one['to']}"
    for one in facts["copies"]:
        yield f"{one['table']}: {counted(one['rows'], 'row')} of {one['of']} copied for {one['for']}"
    if facts["reused"]:
        yield f"used again: {counted(facts['reused'], 'copy' if facts['reused'] == 1 else 'existing copie')}"
    for table, columns in facts["emptied"].items():
        yield f"{table}: the copies have no {', '.join(columns)}, which only one row may have"
    for one in facts["exposes"]:
        yield f"{one['table']}: {counted(one['rows'], 'row')} of {one['of']} can be read by {one['to']} from then on"
    for one in facts["still_cross"]:
        yield f"still into another tenant: {reference_in_words(one)}"
    if facts["overruled"]:
        yield f"overruled: {counted(facts['overruled'], 'earlier decision')}"
    if facts["way"] == "accept":
        yield "nothing is changed; they are findings no more, until one of the rows or its tenant changes"


def _moves(graph: Graph, outcome: Outcome) -> list[dict[str, Any]]:
    found = Counter((table, move.before, move.after) for (table, _), move in outcome.moves.items())
    return [
        {"table": shown(table), "from": _name(graph, before), "to": _name(graph, after), "rows": rows}
        for (table, before, after), rows in sorted(found.items())
    ]


def _copies(graph: Graph, outcome: Outcome) -> list[dict[str, Any]]:
    found = Counter((copy.row[0], copy.owner) for copy in outcome.copies)
    tenant = _name(graph, outcome.group.tenant)
    return [
        {"table": shown(table), "of": _name(graph, owner), "for": tenant, "rows": rows}
        for (table, owner), rows in sorted(found.items())
    ]


def _exposes(graph: Graph, outcome: Outcome) -> list[dict[str, Any]]:
    """Whose rows are read by whom from then on."""
    platform, everybody = graph.plan.platform_id, f"all {len(graph.slugs):,} tenants"
    found: Counter[tuple[str, str]] = Counter()
    if outcome.way == SHARE:
        found.update((table, move.before) for (table, _), move in outcome.moves.items())
    if outcome.way == COPY:
        found.update((copy.row[0], copy.owner) for copy in outcome.copies)
    said = []
    for (table, owner), rows in sorted(found.items()):
        shared = outcome.way == SHARE or outcome.group.tenant == platform
        to = everybody if shared and graph.plan.table(table).shared else _name(graph, outcome.group.tenant)
        said.append({"table": shown(table), "of": _name(graph, owner), "to": to, "rows": rows})
    return said


def _crossing(graph: Graph, found: Counter[Kind]) -> list[dict[str, Any]]:
    return [
        {
            "table": shown(link.child.relation),
            "columns": link.columns,
            "tenant": _name(graph, tenant),
            "parent": shown(link.parent.relation),
            "parent_tenant": _name(graph, other),
            "rows": rows,
        }
        for (link, tenant, other), rows in sorted(found.items(), key=lambda one: (one[0][0].columns, one[0][1:]))
    ]


def _name(graph: Graph, tenant: str | None) -> str | None:
    return graph.slugs.get(tenant, tenant) if tenant else None
