"""Who owns a row: the way from each table over foreign keys to the one whose rows are the tenants."""

import heapq
import re
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from migrations_ops.rules.scaffold.introspection import Catalogue, Table
from vital.db import sql
from vital.errors import EngineError

CALLED_LIKE_TENANTS = re.compile(
    r"tenant|organi[sz]ation|^orgs?$|account|compan(y|ies)|workspace|^stores?$|^shops?$|^teams?$|mandant|merchant", re.I
)


class NoRoot(EngineError):
    """No table is referred to by others, so none can be guessed whose rows are the tenants. Name it: --root TABLE."""

    exit_code = 2


class UnknownRoot(EngineError):
    """There is no table {name} that could be planned. There are: {known}. Give one of them with --root, as it is
    spelled here, or its schema with --schema."""

    exit_code = 2


@dataclass(frozen=True)
class Edge:
    """A column whose value is a key of another table's. `needed`: it always has one."""

    child: str
    column: str
    parent: str
    key: str
    needed: bool


@dataclass(frozen=True)
class Ownership:
    """Each table that leads to the root, parents first, with the ways that its rows may follow, the best one first."""

    root: str
    ways: dict[str, tuple[Edge, ...]]
    others: dict[str, int]  # what else could be the root, and how many tables lead to it

    def path(self, relation: str) -> list[Edge]:
        """The best way from a table to the root."""
        found: list[Edge] = []
        while relation != self.root:
            found.append(self.ways[relation][0])
            relation = found[-1].parent
        return found

    def always(self, relation: str) -> bool:
        """Whether every row of the table leads to the root."""
        return all(edge.needed for edge in self.path(relation))


def edges_of(catalogue: Catalogue) -> list[Edge]:
    """Every reference by one column; of a foreign key of several columns those whose value leads on by itself."""
    found: dict[tuple[str, str, str, str], Edge] = {}
    pairs: list[tuple[Table, str, str, str, bool]] = []
    for table in catalogue.tables.values():
        for reference in table.references:
            needed = table.needed.issuperset(reference.own)
            if len(reference.own) == 1:
                edge = Edge(table.relation, reference.own[0], reference.parent, reference.key[0], needed)
                found.setdefault((edge.child, edge.column, edge.parent, edge.key), edge)
            else:
                for column, key in zip(reference.own, reference.key, strict=True):
                    pairs.append((table, column, reference.parent, key, needed))
    known = 0
    while known != len(found):  # each round goes one foreign key further
        known = len(found)
        for table, column, parent, key, needed in pairs:
            for edge in [edge for edge in found.values() if (edge.child, edge.column) == (parent, key)]:
                implied = Edge(table.relation, column, edge.parent, edge.key, needed and edge.needed)
                found.setdefault((implied.child, implied.column, implied.parent, implied.key), implied)
    return [edge for edge in found.values() if edge.parent in catalogue.tables]


def find(catalogue: Catalogue, wanted: str) -> Ownership:
    """The root, named or guessed, and the way from every table that leads there. Raises NoRoot, UnknownRoot."""
    edges = edges_of(catalogue)
    leading = {relation: len(_distances(relation, edges)) - 1 for relation in catalogue.tables}
    others = {relation: count for relation, count in sorted(leading.items(), key=lambda item: -item[1]) if count}
    root = _named(catalogue, wanted) if wanted else _guessed(catalogue, others)
    far = _distances(root, edges)
    ordered = sorted(far, key=lambda relation: (far[relation], relation))
    place = {relation: number for number, relation in enumerate(ordered)}
    ways = {relation: tuple(_ways(relation, edges, far, place)) for relation in ordered}
    return Ownership(root, ways, {relation: count for relation, count in others.items() if relation != root})


def _distances(root: str, edges: list[Edge]) -> dict[str, tuple[int, int]]:
    """How far each table is from the root: first in references that may be empty, then in references at all."""
    far: dict[str, tuple[int, int]] = {}
    queue = [((0, 0), root)]
    while queue:
        distance, relation = heapq.heappop(queue)
        if relation not in far:
            far[relation] = distance
            for edge in edges:
                if edge.parent == relation and edge.child not in far:
                    heapq.heappush(queue, ((distance[0] + (not edge.needed), distance[1] + 1), edge.child))
    return far


def _ways(relation: str, edges: list[Edge], far: dict[str, tuple[int, int]], place: dict[str, int]) -> Iterator[Edge]:
    """Those to tables before this one until one is always there; where none is, also to another row of its own."""
    mine = [edge for edge in edges if edge.child == relation and edge.parent in far]
    before = [edge for edge in mine if place[edge.parent] < place[relation]]
    for edge in sorted(before, key=lambda edge: (not edge.needed, far[edge.parent], edge.column)):
        yield edge
        if edge.needed:
            return
    if before:
        yield from (edge for edge in mine if edge.parent == relation)


def _named(catalogue: Catalogue, wanted: str) -> str:
    for relation in catalogue.tables:
        if wanted in (relation, sql.names(relation)[1], ".".join(sql.names(relation))):
            return relation
    raise UnknownRoot(name=wanted, known=", ".join(catalogue.tables) or "none")


def _guessed(catalogue: Catalogue, others: dict[str, int]) -> str:
    """A table called like tenants that most others lead to; without one, what most others lead to at all."""
    if not others:
        raise NoRoot
    called = [relation for relation in others if CALLED_LIKE_TENANTS.search(catalogue.tables[relation].name)]
    return (called or list(others))[0]


def cycles(catalogue: Catalogue) -> Iterator[list[str]]:
    """Tables that refer to each other in a circle; each circle once, as far as it takes to open them all."""
    graph = {
        table.relation: {reference.parent for reference in table.references} - {table.relation}
        for table in catalogue.tables.values()
    }
    while True:
        try:
            TopologicalSorter(graph).prepare()
            return
        except CycleError as error:
            circle: list[str] = error.args[1]
            yield circle
            graph[circle[1]].discard(circle[0])
