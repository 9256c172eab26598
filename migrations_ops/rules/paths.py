"""The ways from a row to the rows that say whose it is, as SQL: over references, up a tree, by votes."""

from pathlib import Path

from psycopg.sql import Composable

from migrations_ops.rules.model import Hop, Parent
from vital.db import sql

QUERIES = sql.load(Path(__file__).parent / "sql")
# Which texts are a value of a type. Anything else refers to nothing, and is never an error.
READ_AS = {
    "text": "",
    "uuid": "^[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){4}[0-9a-fA-F]{8}$",
    "integer": "^-?[0-9]{1,9}$",
    "bigint": "^-?[0-9]{1,18}$",
}


def value_of_parent(parent: Parent, row: str, value: Composable, last: str = "parent") -> Composable:
    """SELECT of a tenant, which is a `value` of the row called `last`: that of the row which a row of `row` refers to,
    or the one that enough of such rows have."""
    tables, links = path_to_parent(parent.hops, row, last)
    parts = {"value": value, "tables": sql.join(tables), "links": sql.join(links, " AND ")}
    if parent.share is None:
        return sql.compose(QUERIES["value_of_parent"], **parts)
    return sql.compose(QUERIES["tenant_by_votes"], share=sql.literal(parent.share), **parts)


def path_to_parent(hops: tuple[Hop, ...], row: str, last: str) -> tuple[list[Composable], list[Composable]]:
    """The tables on the way from a row of `row` to its parent, which is called `last`; and how each follows from the
    one before."""
    names = [*(f"{last}_{number}" for number in range(1, len(hops))), last]
    tables: list[Composable] = []
    links: list[Composable] = []
    for hop, before, name in zip(hops, [row, *names], names, strict=False):
        values = [_value(hop, before, column) for column in hop.columns]
        if hop.each:
            tables.append(_listed(hop, before, f"{name}_each"))
            values = [sql.column(f"{name}_each", "vital_value")]
        tables.append(sql.compose("{table} AS {name}", table=sql.relation(hop.table), name=sql.ident(name)))
        pairs = zip(hop.key, values, strict=True)
        same = [sql.compose("{a} = {b}", a=sql.column(name, key), b=value) for key, value in pairs]
        links.append(sql.join(same, " AND "))
    return tables, links


def steps_up(hops: tuple[Hop, ...], row: str, above: str, up: str) -> tuple[Composable, Composable]:
    """In a tree: how the row `up` stands above a row of `row`, and above one of `above`."""
    (_, (first,)), (_, (following,)) = path_to_parent(hops, row, up), path_to_parent(hops, above, up)
    return first, following


def _value(hop: Hop, row: str, column: str) -> Composable:
    """What a row's column says of the key of another."""
    value = sql.column(row, column)
    if hop.json:
        value = sql.compose("({value} #>> {path}::text[])", value=value, path=sql.literal(list(hop.json)))
    return _read(value, hop.read_as)


def _listed(hop: Hop, row: str, name: str) -> Composable:
    """The values of a list, each in a row of its own."""
    column, parts = sql.column(row, hop.columns[0]), {"name": sql.ident(name)}
    value = _read(sql.raw("element.value"), hop.read_as)
    if not hop.json:
        return sql.compose(QUERIES["values_of_array"], value=value, list=column, **parts)
    at = sql.compose("({column}::jsonb #> {path}::text[])", column=column, path=sql.literal(list(hop.json)))
    return sql.compose(QUERIES["values_of_json_array"], value=value, list=at, **parts)


def _read(value: Composable, kind: str) -> Composable:
    if not kind:
        return value
    text, parts = sql.compose("{value}::text", value=value), {"kind": sql.raw(kind)}
    if not READ_AS[kind]:
        return text
    return sql.compose(QUERIES["text_read_as"], text=text, pattern=sql.literal(READ_AS[kind]), **parts)
