"""Rows that get another tenant, with what has to go along: what hangs on them, and, if asked, what they refer to."""

from migrations_ops.engine.session import Session
from migrations_ops.review.reference_ways import MOVE_CHILD, MOVE_PARENT, SHARE
from migrations_ops.review.references.graph import Graph, Reference, Row, by_table, chunks
from migrations_ops.review.references.outcome import (
    MOST_ROWS,
    Move,
    Outcome,
    TooManyRows,
)
from migrations_ops.review.validate import weigh
from vital.db.sql import shown
from vital.errors import Problem


def move(graph: Graph, outcome: Outcome, *, follow: bool) -> None:
    """Fill in what moving the children, moving the parents or sharing the parents comes to."""
    platform, group, way = graph.plan.platform_id, outcome.group, outcome.way
    giver, taker = (group.tenant, group.other) if way == MOVE_CHILD else (group.other, group.tenant)
    if way == SHARE:
        taker = platform
    elif way == MOVE_PARENT and taker == platform:
        outcome.forbids.append(Problem("", "", "the referring rows are the Platform's: to give it the others is share"))
    seeds = {
        (one.child if way == MOVE_CHILD else one.parent): (one.version if way == MOVE_CHILD else one.parent_version)
        for one in outcome.resolves
    }
    versions = _closure(graph, seeds, giver, hanging_on=way != SHARE, referred_to=follow)
    outcome.moves = {row: Move(giver, taker, version) for row, version in versions.items()}
    _look_around(graph, outcome)
    if way == SHARE:
        _private(graph, outcome)
    _weigh(graph.session, graph, outcome)


def _closure(graph: Graph, seeds: dict[Row, str], giver: str, *, hanging_on: bool, referred_to: bool) -> dict[Row, str]:
    """The rows that go, with their versions: these, and step by step the giver's rows that refer to them, and those
    that they refer to. In a circle nothing is added any more, and it ends."""
    found, edge = dict(seeds), dict(seeds)
    while edge:
        more = dict[Row, str]()
        for one in graph.down(edge) if hanging_on else ():
            if one.tenant == giver:
                more[one.child] = one.version
        for one in graph.up(edge) if referred_to else ():
            if one.other == giver:
                more[one.parent] = one.parent_version
        edge = {row: version for row, version in more.items() if row not in found}
        found |= edge
        if len(found) > MOST_ROWS:
            raise TooManyRows(most=MOST_ROWS)
    return found


def _look_around(graph: Graph, outcome: Outcome) -> None:
    """Every reference of the moved rows and to them, before and after."""
    moves, platform = outcome.moves, graph.plan.platform_id
    around: dict[tuple[object, Row, Row], Reference] = {}
    for one in (*graph.up(moves), *graph.down(moves)):
        around[one.link, one.child, one.parent] = one
    for one in around.values():
        tenant = moves[one.child].after if one.child in moves else one.tenant
        other = moves[one.parent].after if one.parent in moves else one.other
        if not graph.crosses(tenant, other):
            continue
        crossed = graph.crosses(one.tenant, one.other)
        leaks = outcome.way == SHARE and one.child in moves and tenant == platform
        where = outcome.would_cross if leaks or not crossed else outcome.still_cross
        where[one.link, tenant, other] += 1


def _private(graph: Graph, outcome: Outcome) -> None:
    """Nobody sees the Platform's rows of a private table: its owner would lose them, and nobody gain."""
    for relation, keys in by_table(outcome.moves):
        if not graph.plan.table(relation).shared:
            why = f"{shown(relation)} is private: no tenant sees the Platform's rows of it ({len(keys):,} rows)"
            outcome.forbids.append(Problem(relation, keys[0], why))


def _weigh(session: Session, graph: Graph, outcome: Outcome) -> None:
    """What people have decided about these rows so far, and keys that the taker has already."""
    for relation, keys in by_table(outcome.moves):
        for chunk in chunks(keys):
            asked = [(number, key, outcome.moves[relation, key].after) for number, key in enumerate(chunk)]
            for row in weigh(session, graph.plan.table(relation), asked, has_column=True).values():
                after = outcome.moves[relation, row.key].after
                if row.taken:
                    taker = graph.slugs.get(after, after)
                    why = f"{shown(relation)} {row.key}: {taker} has another row with the same unique key"
                    outcome.forbids.append(Problem(relation, row.key, why))
                if row.standing and row.standing[0] != after:
                    names = ("tenant", "reason", "by", "at")
                    saved = dict(zip(names, row.standing, strict=True))
                    outcome.overruled.append({"relation": relation, "key": row.key} | saved)
