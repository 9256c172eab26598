"""Who owns a row: the way from each table over foreign keys to the one whose rows are the tenants."""

import heapq
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter

from migrations_ops.rules.scaffold.introspection import Catalogue, Table
from vital.db import sql
from vital.errors import EngineError

# By the last word of the name: an account_heading is none.
CALLED_LIKE_TENANTS = re.compile(
    r"(tenant|organi[sz]ation|account|compan(y|ie)|workspace|mandant(en)?|merchant)s?$|^(org|store|shop|team)s?$", re.I
)
CALLED_LIKE_KINDS = re.compile(
    r"(^|_|[a-z](?=[A-Z]))(type|class|kind|status|state|categor(y|ie)|countr(y|ie)|currenc(y|ie)|language|locale|gender)(e?s)?$",
    re.I,
)
LEAST_SHARE = 5  # a name speaks for a table to which a fifth as many lead as to the one that most lead to

CALLED_PARENT = re.compile(r"parent|above|ancestor|superior|belongs", re.I)


class NoRoot(EngineError):
    """No table is referred to by others, so none can be guessed whose rows are the tenants. Name it: --root TABLE."""

    exit_code = 2


class UnknownRoot(EngineError):
    """There is no table {name} that could be planned. There are: {known}. Give one of them with --root, as it is
    spelled here, or its schema with --schema."""

    exit_code = 2


@dataclass(frozen=True)
class Edge:
    """Columns whose values are a key of another table's. `needed`: they always have one."""

    child: str
    columns: tuple[str, ...]
    parent: str
    key: tuple[str, ...]
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
    """Every reference; of a foreign key of several columns also those whose value leads on by itself."""
    found: dict[tuple[str, tuple[str, ...], str, tuple[str, ...]], Edge] = {}
    pairs: list[tuple[Table, str, str, str, bool]] = []
    for table in catalogue.tables.values():
        for reference in table.references:
            needed = reference.binds_every_row and table.needed.issuperset(reference.own)
            edge = Edge(table.relation, reference.own, reference.parent, reference.key, needed)
            found.setdefault((edge.child, edge.columns, edge.parent, edge.key), edge)
            if len(reference.own) > 1:
                for column, key in zip(reference.own, reference.key, strict=True):
                    pairs.append((table, column, reference.parent, key, needed))
    known = 0
    while known != len(found):  # each round goes one foreign key further
        known = len(found)
        leading: dict[tuple[str, tuple[str, ...]], list[Edge]] = {}
        for edge in found.values():
            leading.setdefault((edge.child, edge.columns), []).append(edge)
        for table, column, parent, key, needed in pairs:
            for edge in leading.get((parent, (key,)), []):
                implied = Edge(table.relation, (column,), edge.parent, edge.key, needed and edge.needed)
                found.setdefault((implied.child, implied.columns, implied.parent, implied.key), implied)
    return [edge for edge in found.values() if edge.parent in catalogue.tables]


def find(catalogue: Catalogue, wanted: str) -> tuple[Catalogue, Ownership]:
    """The root, named or guessed, and the way from every table that leads there; of tables of the same name only one
    is in the catalogue that comes back. Raises NoRoot, UnknownRoot."""
    owned = _owned(catalogue, wanted)
    once = _named_once(catalogue, owned)
    return once, owned if once is catalogue else _owned(once, owned.root)


def _named_once(catalogue: Catalogue, owned: Ownership) -> Catalogue:
    """A plan names a table once: of several the one that is nearest to the root, then the one that others refer to."""
    referred = {r.parent for t in catalogue.tables.values() for r in t.references if r.parent != t.relation}
    place = {relation: number for number, relation in enumerate(owned.ways)}

    def rank(relation: str) -> tuple[int, bool, bool, str]:
        not_public = sql.names(relation)[0] != "public"
        return place.get(relation, len(place)), relation not in referred, not_public, relation

    first: dict[str, str] = {}
    for relation in sorted(catalogue.tables, key=rank):
        first.setdefault(catalogue.tables[relation].name, relation)
    left_out = {
        relation: f"a plan names a table once, and {first[table.name]} is called the same"
        for relation, table in catalogue.tables.items()
        if first[table.name] != relation
    }
    if not left_out:
        return catalogue
    tables = {relation: table for relation, table in catalogue.tables.items() if relation not in left_out}
    return replace(catalogue, tables=tables, left_out=catalogue.left_out | left_out)


def _owned(catalogue: Catalogue, wanted: str) -> Ownership:
    edges = edges_of(catalogue)
    to = _by_parent(edges)
    leading = {relation: len(_distances(relation, to)) - 1 for relation in catalogue.tables}
    others = {relation: count for relation, count in sorted(leading.items(), key=lambda item: -item[1]) if count}
    root = _named(catalogue, wanted, leading) if wanted else _guessed(catalogue, others)
    far = _distances(root, to)
    ordered = sorted(far, key=lambda relation: (far[relation], relation))
    place = {relation: number for number, relation in enumerate(ordered)}
    own: dict[str, list[Edge]] = {}
    for edge in edges:
        own.setdefault(edge.child, []).append(edge)
    ways = {relation: tuple(_ways(own.get(relation, []), far, place)) for relation in ordered}
    return Ownership(root, ways, {relation: count for relation, count in others.items() if relation != root})


def _by_parent(edges: list[Edge]) -> dict[str, list[Edge]]:
    found: dict[str, list[Edge]] = {}
    for edge in edges:
        found.setdefault(edge.parent, []).append(edge)
    return found


def _distances(root: str, to: dict[str, list[Edge]]) -> dict[str, tuple[int, int]]:
    """How far each table is from the root: first in references that may be empty, then in references at all. `to`:
    table → the references to it."""
    far: dict[str, tuple[int, int]] = {}
    queue = [((0, 0), root)]
    while queue:
        distance, relation = heapq.heappop(queue)
        if relation not in far:
            far[relation] = distance
            for edge in to.get(relation, []):
                if edge.child not in far:
                    heapq.heappush(queue, ((distance[0] + (not edge.needed), distance[1] + 1), edge.child))
    return far


def _ways(mine: list[Edge], far: dict[str, tuple[int, int]], place: dict[str, int]) -> Iterator[Edge]:
    """Those to tables before this one until one is always there. None to its own rows: a plan refuses that."""
    before = [edge for edge in mine if edge.parent in far and place[edge.parent] < place[edge.child]]
    for edge in sorted(before, key=lambda edge: (not edge.needed, far[edge.parent], edge.columns)):
        yield edge
        if edge.needed:
            return


def tree_of(table: Table) -> Edge | None:
    """The reference from a table's rows to the row above each, where there is one; of several the one that is called a
    parent, as the others may be replies or copies."""
    above = [reference for reference in table.references if reference.parent == table.relation]
    if not above:
        return None
    one = min(
        above, key=lambda reference: (not any(CALLED_PARENT.search(name) for name in reference.own), reference.own)
    )
    return Edge(table.relation, one.own, one.parent, one.key, needed=False)


def _named(catalogue: Catalogue, wanted: str, leading: dict[str, int]) -> str:
    """The table of this name; of several in different schemas the one that most others lead to."""
    called = [
        relation
        for relation in catalogue.tables
        if wanted in (relation, sql.names(relation)[1], ".".join(sql.names(relation)))
    ]
    if not called:
        raise UnknownRoot(name=wanted, known=", ".join(catalogue.tables) or "none")
    return max(called, key=lambda relation: (wanted == relation, leading[relation]))


def _guessed(catalogue: Catalogue, others: dict[str, int]) -> str:
    """A table called like tenants that many others lead to; without one, what most others lead to and is no list of
    kinds. `others`: how many tables lead to each, most first."""
    if not others:
        raise NoRoot
    names = {relation: catalogue.tables[relation].name for relation in others}
    owners = [relation for relation, name in names.items() if not CALLED_LIKE_KINDS.search(name)]
    most = max(others.values())
    called = [
        relation
        for relation in owners
        if CALLED_LIKE_TENANTS.search(names[relation]) and LEAST_SHARE * others[relation] >= most
    ]
    return next(iter([*called, *owners, *others]))


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
