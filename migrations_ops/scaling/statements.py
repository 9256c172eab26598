"""The statements of a plan, each for the tables as they are or for empty copies of them elsewhere."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from psycopg.sql import Composable

from migrations_ops.engine import sql
from migrations_ops.rules.model import TENANT_COLUMN
from migrations_ops.scaling.catalogue import Key, Reference

EMPTIES = re.compile(r"ON DELETE SET (?:NULL|DEFAULT)")
At = Callable[[str], Composable]  # where a relation is


@dataclass(frozen=True)
class Statement:
    """`of` gives its text; one that only Citus knows cannot be tried on a plain PostgreSQL."""

    of: Callable[[At], Composable]
    only_citus: bool = False

    def text(self) -> str:
        return sql.text_of(self.of(sql.relation)) + ";"


def drop_reference(one: Reference) -> Statement:
    name = sql.ident(one.name)
    return Statement(
        lambda at: sql.compose("ALTER TABLE {child} DROP CONSTRAINT {name}", child=at(one.child), name=name)
    )


def add_reference(one: Reference, *, with_tenant: bool) -> Statement:
    front = (TENANT_COLUMN,) if with_tenant else ()
    own, key = (sql.join(sql.ident(name) for name in (*front, *names)) for names in (one.own, one.key))
    beside: Composable = sql.verbatim(one.beside)
    if with_tenant and EMPTIES.search(
        one.beside
    ):  # of the reference alone: a row must not lose its tenant (15 and newer)
        emptied = sql.text_of(sql.compose(" ({own})", own=sql.join(sql.ident(name) for name in one.own)))
        beside = sql.verbatim(EMPTIES.sub(lambda found: found[0] + emptied, one.beside))

    def of(at: At) -> Composable:
        text = "ALTER TABLE {child} ADD CONSTRAINT {name} FOREIGN KEY ({own}) REFERENCES {parent} ({key}){beside}"
        parts = {"child": at(one.child), "parent": at(one.parent), "beside": beside}
        return sql.compose(text, name=sql.ident(one.name), own=own, key=key, **parts)

    return Statement(of)


def drop_key(key: Key) -> Statement:
    if key.is_constraint:
        text = "ALTER TABLE {relation} DROP CONSTRAINT {name}"
        return Statement(lambda at: sql.compose(text, relation=at(key.relation), name=sql.ident(key.name)))
    schema = sql.names(key.relation)[0]

    def of(at: At) -> Composable:
        where = at(sql.spelled(schema, key.name))
        return sql.compose("DROP INDEX {index}", index=where)

    return Statement(of)


def add_key(key: Key, definition: str) -> Statement:
    """The key with this definition, which is a constraint's or that of a whole index."""
    if key.is_constraint:
        text = "ALTER TABLE {relation} ADD CONSTRAINT {name} {definition}"
        parts = {"name": sql.ident(key.name), "definition": sql.verbatim(definition)}
        return Statement(lambda at: sql.compose(text, relation=at(key.relation), **parts))
    _, _, how = definition.partition(" USING ")
    unique = "UNIQUE " if key.is_unique else ""

    def of(at: At) -> Composable:
        text = f"CREATE {unique}INDEX {{name}} ON {{relation}} USING {{how}}"
        return sql.compose(text, name=sql.ident(key.name), relation=at(key.relation), how=sql.verbatim(how))

    return Statement(of)


def spread(relation: str, beside: str) -> Statement:
    """Over the servers by tenant; rows of one tenant lie together with those of the table `beside`."""

    def of(at: At) -> Composable:
        together = sql.compose(", colocate_with => {beside}", beside=_named(at, beside)) if beside else sql.raw("")
        text = "SELECT create_distributed_table({relation}, {column}{together})"
        return sql.compose(text, relation=_named(at, relation), column=sql.literal(TENANT_COLUMN), together=together)

    return Statement(of, only_citus=True)


def copied_everywhere(relation: str) -> Statement:
    text = "SELECT create_reference_table({relation})"
    return Statement(lambda at: sql.compose(text, relation=_named(at, relation)), only_citus=True)


def rename(kind: str, relation: str, name: str) -> Statement:
    text = f"ALTER {kind} {{relation}} RENAME TO {{name}}"
    return Statement(lambda at: sql.compose(text, relation=at(relation), name=sql.ident(name)))


def parted(relation: str, model: str) -> Statement:
    text = "CREATE TABLE {relation} (LIKE {model} INCLUDING ALL EXCLUDING INDEXES) PARTITION BY LIST ({column})"
    column = sql.ident(TENANT_COLUMN)
    return Statement(lambda at: sql.compose(text, relation=at(relation), model=at(model), column=column))


def shown_to_its_owner(relation: str) -> Statement:
    """Behind a forced fence an owner may be shown no row, and would carry over none."""
    return Statement(
        lambda at: sql.compose("ALTER TABLE {relation} NO FORCE ROW LEVEL SECURITY", relation=at(relation))
    )


def partition(relation: str, part: str, values: Composable) -> Statement:
    text = "CREATE TABLE {part} PARTITION OF {relation} {values}"
    return Statement(lambda at: sql.compose(text, part=at(part), relation=at(relation), values=values))


def carry(source: str, to: str, columns: list[str]) -> Statement:
    """Every row from the one table into the other, numbers included."""
    text = "INSERT INTO {to} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM {source}"
    names = sql.join(sql.ident(name) for name in columns)
    return Statement(lambda at: sql.compose(text, to=at(to), source=at(source), columns=names))


def _named(at: At, relation: str) -> Composable:
    return sql.literal(sql.text_of(at(relation)))
