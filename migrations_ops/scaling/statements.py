"""The statements of a plan, each for the tables as they are or for empty copies of them elsewhere."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from psycopg.sql import Composable

from migrations_ops.engine import sql
from migrations_ops.rules.model import TENANT_COLUMN
from migrations_ops.scaling.catalogue import QUERIES, Key, Reference

EMPTIES = re.compile(r"ON DELETE SET (?:NULL|DEFAULT)")
At = Callable[[str], Composable]  # where a relation is


@dataclass(frozen=True)
class Statement:
    """`of` gives its text; `untried` is what only Citus knows, or what is about a sequence, which has no empty copy."""

    of: Callable[[At], Composable]
    untried: bool = False

    def text(self) -> str:
        return sql.text_of(self.of(sql.relation)) + ";"


def statement(name: str, relation: str, tables: dict[str, str] | None = None, /, **parts: Composable) -> Statement:
    """The named statement about a relation; `tables` are further ones, by the part that they are."""

    def of(at: At) -> Composable:
        others = {part: at(table) for part, table in (tables or {}).items()}
        return sql.compose(QUERIES[name], relation=at(relation), **others, **parts)

    return Statement(of)


def drop_reference(one: Reference) -> Statement:
    return statement("drop_a_constraint", one.child, constraint=sql.ident(one.name))


def add_reference(one: Reference, *, with_tenant: bool) -> Statement:
    front = (TENANT_COLUMN,) if with_tenant else ()
    own, key = (sql.join(sql.ident(name) for name in (*front, *names)) for names in (one.own, one.key))
    beside = one.beside
    if with_tenant and EMPTIES.search(beside):  # of the reference alone: a row must not lose its tenant (15 and newer)
        emptied = sql.text_of(sql.join(sql.ident(name) for name in one.own))
        beside = EMPTIES.sub(lambda found: f"{found[0]} ({emptied})", beside)
    parts = {"constraint": sql.ident(one.name), "own": own, "key": key, "beside": sql.verbatim(beside)}
    return statement("add_a_reference", one.child, {"parent": one.parent}, **parts)


def drop_key(key: Key) -> Statement:
    if key.is_constraint:
        return statement("drop_a_constraint", key.relation, constraint=sql.ident(key.name))
    return statement("drop_an_index", sql.spelled(sql.names(key.relation)[0], key.name))


def add_key(key: Key, definition: str) -> Statement:
    """The key with this definition, which is a constraint's or that of a whole index."""
    if key.is_constraint:
        parts = {"constraint": sql.ident(key.name), "definition": sql.verbatim(definition)}
        return statement("add_a_key", key.relation, **parts)
    _, _, how = definition.partition(" USING ")
    unique = sql.raw("UNIQUE" if key.is_unique else "")
    return statement("add_an_index", key.relation, unique=unique, index=sql.ident(key.name), how=sql.verbatim(how))


def spread(relation: str, beside: str) -> Statement:
    """Over the servers by tenant; rows of one tenant lie together with those of the table `beside`."""

    def of(at: At) -> Composable:
        together = sql.compose(QUERIES["lie_together"], beside=named(at, beside)) if beside else sql.raw("")
        parts = {"relation_name": named(at, relation), "column": sql.literal(TENANT_COLUMN), "together": together}
        return sql.compose(QUERIES["spread_over_servers"], **parts)

    return Statement(of, untried=True)


def copied_everywhere(relation: str) -> Statement:
    def of(at: At) -> Composable:
        return sql.compose(QUERIES["copy_to_every_server"], relation_name=named(at, relation))

    return Statement(of, untried=True)


def named(at: At, relation: str) -> Composable:
    """A relation as a text, for a function that is given its name."""
    return sql.literal(sql.text_of(at(relation)))
