"""Parents are copied for a tenant, once each, with all that they refer to and the tenant may not refer to."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from uuid import uuid4

from psycopg.sql import Composable

from migrations_ops.review.queries import same_row
from migrations_ops.review.references.graph import Graph, Reference, Row, by_table, chunks
from migrations_ops.review.references.outcome import MOST_ROWS, Copy, Outcome, TooManyRows, Values
from migrations_ops.review.references.queries import ask
from migrations_ops.rules.model import TENANT_COLUMN
from tenants.lifecycle import key_mapping
from tenants.lifecycle.key_mapping import Renewal
from vital.db import sql
from vital.db.sql import shown
from vital.errors import Problem

COPIED = "copied for a tenant that refers to it"


def copy(graph: Graph, outcome: Outcome) -> None:
    """Fill in what copying the parents comes to."""
    copying = _Copying(graph, outcome)
    copying.find({one.parent: one for one in outcome.resolves})
    copying.refuse_what_cannot_be()


def make(graph: Graph, outcome: Outcome) -> None:
    """Give the copies their keys and references. Keys are others each time: not for what only looks."""
    _Copying(graph, outcome).make()


class _Copying:
    """The rows to copy, their references, and how each table's keys come about."""

    def __init__(self, graph: Graph, outcome: Outcome) -> None:
        self.graph, self.session, self.outcome = graph, graph.session, outcome
        self.tenant = outcome.group.tenant
        self.copies = {copy.row: copy for copy in outcome.copies}
        self.refers = outcome.refers
        self._known: dict[tuple[Row, str], str | None] = {}

    @cached_property
    def renewals(self) -> dict[str, Renewal]:
        """Table → what of its rows has to be new; of those that have copies."""
        keys, relations = [link.key for link in self.graph.links], {relation for relation, _ in self.copies}
        return {name: key_mapping.renewal(self.session, name, keys) for name in relations}

    def find(self, parents: dict[Row, Reference]) -> None:
        """The parents and, step by step, the rows of others that they refer to; a copy that is there already serves."""
        edge = {row: (one.other or "", one.parent_version) for row, one in parents.items()}
        while edge:
            self._reuse(edge)
            fresh = {row: Copy(row, *facts) for row, facts in edge.items() if row not in self.outcome.reuses}
            self.copies |= fresh
            if len(self.copies) > MOST_ROWS:
                raise TooManyRows(most=MOST_ROWS)
            edge = {}
            for one in self.graph.up(fresh):
                if one.other and one.other not in (self.tenant, self.graph.plan.platform_id):
                    self.refers[one.child, one.link] = one.parent
                    if one.parent not in self.copies and one.parent not in self.outcome.reuses:
                        edge[one.parent] = (one.other, one.parent_version)
        self.outcome.copies = [self.copies[row] for row in sorted(self.copies)]

    def _reuse(self, rows: Iterable[Row]) -> None:
        """Copies for the tenant that an earlier resolution has made, as far as they are there and the tenant's."""
        for relation, keys in by_table(rows):
            spec = self.graph.plan.table(relation)
            columns = self._referenced(relation)
            for chunk in chunks(keys):
                found = ask(
                    self.session, "copies_there_are", {"relation": relation, "keys": chunk, "for": self.tenant},
                    table=sql.relation(relation), tenant=sql.ident(TENANT_COLUMN),
                    same_row=same_row(self.session, spec, sql.column("c", "copy")),
                    values=_texts("t", columns),
                )  # fmt: skip
                for key, there, run, values in found:
                    self.outcome.reuses[relation, key] = (there, dict(zip(columns, values, strict=True)), run)

    def _referenced(self, relation: str) -> list[str]:
        """The columns of a table by which its rows are known, or refer to others."""
        names = dict.fromkeys(self.graph.plan.table(relation).table.key)
        for link in self.graph.links:
            names |= dict.fromkeys(link.key.key) if link.parent.relation == relation else {}
            names |= dict.fromkeys(link.key.own) if link.child.relation == relation else {}
        return [*names]

    def refuse_what_cannot_be(self) -> None:
        """Say what cannot be made new, or cannot point to a copy."""
        link, forbids = self.outcome.group.link, self.outcome.forbids
        shared = {
            name for one in self.graph.links if one.child is link.child and one is not link for name in one.key.own
        }
        child = shown(link.child.relation)
        if {*link.key.own} & {*link.child.table.key}:
            why = f"{link.columns} is a part of the key of {child}, which stays as it is"
            forbids.append(Problem(link.child.relation, "", why))
        elif both := {*link.key.own} & shared:
            why = f"{', '.join(sorted(both))} of {child} is a part of another reference, which would change as well"
            forbids.append(Problem(link.child.relation, "", why))
        for relation, renewal in self.renewals.items():
            if renewal.stuck:
                key = ", ".join(renewal.stuck)
                why = f"two {shown(relation)} may not have the same {key}, which can be neither made anew nor left out"
                forbids.append(Problem(relation, "", why))
            elif renewal.emptied:
                self.outcome.emptied[relation] = list(renewal.emptied)
        for relation, _, later in in_order(self.graph, self.outcome):
            needed = {column.name for column in self.session.columns(relation) if column.not_null}
            if columns := needed & {name for names in later.values() for name in names}:
                why = f"{', '.join(sorted(columns))} of {shown(relation)} may not be empty, and leads to it in a circle"
                self.outcome.forbids.append(Problem(relation, "", why))

    def make(self) -> None:
        """The values of each copy that differ from its original's."""
        for relation, keys in by_table(self.copies):
            self._read(relation, keys)
            self._number(relation, keys)
        for row, one in self.copies.items():
            one.values |= {column: self._value(row, column) for column in self._referenced(row[0])}
        for relation, keys in by_table(self.copies):
            self._spell(relation, keys)

    def _read(self, relation: str, keys: list[str]) -> None:
        spec, columns = self.graph.plan.table(relation), self._referenced(relation)
        for chunk in chunks(keys):
            for key, values in ask(
                self.session, "values_of_rows", {"keys": chunk},
                relation=sql.relation(relation), key=sql.key_text("t", spec.table.key), values=_texts("t", columns),
                same_row=same_row(self.session, spec, sql.column("given", "vital_key")),
            ):  # fmt: skip
                self.copies[relation, key].old = dict(zip(columns, values, strict=True))

    def _number(self, relation: str, keys: list[str]) -> None:
        """What each copy has of its own."""
        renewal = self.renewals[relation]
        numbers = {
            column: key_mapping.next_numbers(self.session, sequence, len(keys))
            for column, sequence in renewal.numbered.items()
        }
        for place, key in enumerate(keys):
            own: Values = {column: str(uuid4()) for column in renewal.hashed}
            own |= {column: str(numbers[column][place]) for column in renewal.numbered}
            self.copies[relation, key].values = own | dict.fromkeys(renewal.emptied)

    def _value(self, row: Row, column: str) -> str | None:
        """What a copy has in a column: its own, that of the copy that it refers to, or what the original has."""
        if row in self.outcome.reuses:
            return self.outcome.reuses[row][1][column]
        one = self.copies[row]
        if column in one.values:
            return one.values[column]
        if (row, column) not in self._known:
            self._known[row, column] = one.old[column]  # what a circle of keys comes back to
            for link in self.graph.links:
                if column in link.key.own and (parent := self.refers.get((row, link))):
                    self._known[row, column] = self._value(parent, dict(link.key.pairs)[column])
        return self._known[row, column]

    def _spell(self, relation: str, keys: list[str]) -> None:
        """The copies' keys as VITAL spells them: the server says how."""
        spec = self.graph.plan.table(relation)
        columns = {column.name: column for column in self.session.columns(relation)}
        arrays = [
            sql.compose("{v}::text[]", v=sql.literal([self._value((relation, key), name) for key in keys]))
            for name in spec.table.key
        ]
        names = [sql.ident(name) for name in spec.table.key]
        typed = [
            sql.compose("{c}::{kind} AS {c}", c=sql.ident(name), kind=sql.verbatim(columns[name].kind))
            for name in spec.table.key
        ]
        found = ask(
            self.session, "keys_as_spelled", None,
            arrays=sql.join(arrays), names=sql.join(names), typed=sql.join(typed),
            key=sql.key_text("t", spec.table.key),
        )  # fmt: skip
        for key, (spelled,) in zip(keys, found, strict=True):
            self.copies[relation, key].key = spelled


def pointed(outcome: Outcome) -> dict[str, Values]:
    """The referring rows' keys → their columns, as they lead to the copies of their parents."""
    copies = {copy.row: copy.values for copy in outcome.copies}
    values = {row: values for row, (_, values, _) in outcome.reuses.items()} | copies
    return {one.child[1]: {own: values[one.parent][key] for own, key in one.link.key.pairs} for one in outcome.resolves}


def in_order(graph: Graph, outcome: Outcome) -> Iterator[tuple[str, dict[Row, Copy], dict[Row, set[str]]]]:
    """Table → its copies, so that what they refer to is there before them. Where tables refer to each other in a
    circle, also the columns by which a copy refers to one that comes only later."""
    copies = {copy.row: copy for copy in outcome.copies}
    edges = [(row, link, parent) for (row, link), parent in outcome.refers.items() if parent in copies]
    left = [spec.relation for spec in graph.plan.tables if any(spec.relation == relation for relation, _ in copies)]
    while left:
        waits = {row[0] for row, _, parent in edges if row[0] != parent[0] and {row[0], parent[0]} <= {*left}}
        relation = next((one for one in left if one not in waits), left[0])
        left.remove(relation)
        later: dict[Row, set[str]] = {}
        for row, link, parent in edges:
            if row[0] == relation and parent[0] in left:
                later.setdefault(row, set()).update(link.key.own)
        yield relation, {row: copy for row, copy in copies.items() if row[0] == relation}, later


def _texts(alias: str, columns: Iterable[str]) -> Composable:
    parts = [sql.compose("{c}::text", c=sql.column(alias, name)) for name in columns]
    return sql.compose("ARRAY[{parts}]", parts=sql.join(parts))
