"""SQL by name, and the only place where an identifier or a literal becomes SQL text.

A `.sql` file holds statements under `-- name: what_it_does` lines. `{braces}` are identifiers or fragments composed
here at the last moment; `%(names)s` are parameters bound by the driver.
"""

import hashlib
import re
from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path
from string import Formatter
from typing import Any, Protocol

from psycopg import sql
from psycopg.sql import Composable, Composed, Identifier

NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
LONGEST = 63  # bytes of a name; PostgreSQL cuts what is longer
PART = re.compile(r'"(?:[^"]|"")+"|[^."]+')


class Column(Protocol):
    """What is known of a column: its name, its type as SQL, and whether PostgreSQL has a hash function for the type."""

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def hashable(self) -> bool: ...


@cache
def load(folder: Path) -> dict[str, str]:
    """Every named statement of the folder's `.sql` files. Raises ValueError where a name is given twice."""
    statements: dict[str, str] = {}
    for file in sorted(folder.glob("*.sql")):
        parts = NAME.split(file.read_text(encoding="utf-8"))
        for name, body in zip(parts[1::2], parts[2::2], strict=True):
            if name in statements:
                raise ValueError(f"{file.name}: the statement {name!r} exists already")
            statements[name] = body.strip()
    return statements


def compose(text: str, /, **parts: Composable) -> Composed:
    """The text with its `{names}` replaced by composed parts."""
    found: list[Composable] = []
    for before, name in _pieces(text):
        found.append(before)
        if name is not None:
            found.append(parts[name])
    return Composed(found)


def unbound(text: str, /, **parts: Composable) -> Composed:
    """The same of a text that binds no parameters, so that a % in it is a %."""
    return compose(_escaped(text), **parts)


@lru_cache(maxsize=2048)
def _pieces(text: str) -> tuple[tuple[sql.SQL, str | None], ...]:
    """What stands before each `{name}`, and the name; a plan composes the same statements thousands of times."""
    return tuple((sql.SQL(before), name) for before, name, _, _ in Formatter().parse(text))


def raw(text: str) -> sql.SQL:
    """SQL text of our own without braces or parameters."""
    return sql.SQL(text)


def verbatim(text: str) -> Composable:
    """SQL that came out of the database's own catalogue (a definition to restore), used as it is."""
    return sql.SQL(_escaped(text).replace("{", "{{").replace("}", "}}")).format()


def statement_of(body: str) -> str:
    """A named statement without the sentences above it."""
    lines = body.split("\n")
    return "\n".join(lines[next(i for i, line in enumerate(lines) if not line.startswith("--")) :])


def text_of(composed: Composable) -> str:
    """The SQL as text, e.g. for the body of a function."""
    return composed.as_string(None).replace("%%", "%")


def ident(*names: str) -> Identifier:
    """A quoted name; several are joined by dots."""
    return Identifier(*(_escaped(name) for name in names))


def literal(value: object) -> sql.Literal:
    """A quoted value: text, number, boolean, or a list of texts."""
    if isinstance(value, str):
        return sql.Literal(_escaped(value))
    if isinstance(value, list):
        return sql.Literal([_escaped(item) if isinstance(item, str) else item for item in value])
    return sql.Literal(value)


def _escaped(text: str) -> str:
    """The driver reads % as a parameter in every statement, in quoted parts as well (Session always binds)."""
    return text.replace("%", "%%")


def quoted(value: str) -> str:
    """A text as SQL spells it, for statements that are put together by the thousand."""
    text = value.replace("'", "''")
    return " E'" + text.replace("\\", "\\\\") + "'" if "\\" in text else f"'{text}'"


def row(values: Iterable[str], kinds: Iterable[str]) -> str:
    """Values with their types as SQL spells a row."""
    return "(" + ", ".join(f"{quoted(value)}::{kind}" for value, kind in zip(values, kinds, strict=True)) + ")"


def join(parts: Iterable[Composable], separator: str = ", ") -> Composed:
    return sql.SQL(separator).join(parts)


def relation(name: str) -> Identifier:
    """A table's name, as steps carry it, as an identifier."""
    return ident(*names(name))


def names(relation: str) -> tuple[str, ...]:
    """The schema and table of a name as SQL spells it, which is how steps carry it: public.tools, public."To-do"."""
    return tuple(part[1:-1].replace('""', '"') if part[0] == '"' else part for part in PART.findall(relation))


def shown(relation: str) -> str:
    """A table's name as people say it: without the schema where that is `public`."""
    return relation.removeprefix("public.")


def relation_named(name: str) -> str:
    """The table that people call so: the reverse."""
    return name if "." in name else f"public.{name}"


def spelled(*names: str) -> str:
    """The reverse of `names`: schema and table as one name that SQL reads."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def fitting(name: str) -> str:
    """A name of our own as PostgreSQL keeps it: a longer one ends in a hash of the whole, so that two stay two."""
    whole = name.encode()
    if len(whole) <= LONGEST:
        return name
    return f"{whole[: LONGEST - 9].decode(errors='ignore')}_{hashlib.sha256(whole).hexdigest()[:8]}"


def column(alias: str, name: str) -> Composed:
    return raw(alias + ".") + ident(name)


def same_values(one: str, columns: Iterable[str], other: str, others: Iterable[str]) -> Composed:
    """Whether a row of `one` has in these columns what a row of `other` has in those, in the same order."""
    pairs = zip(columns, others, strict=True)
    return join([compose("{a} = {b}", a=column(one, a), b=column(other, b)) for a, b in pairs], " AND ")


def key_text(alias: str, key: tuple[str, ...]) -> Composed:
    """A row's key as one text: the value itself, or a JSON array of texts where the key has several columns."""
    if len(key) == 1:
        return column(alias, key[0]) + sql.SQL("::text")
    parts = join(column(alias, name) + sql.SQL("::text") for name in key)
    return compose("jsonb_build_array({parts})::text", parts=parts)


def key_equals(alias: str, key: tuple[tuple[str, str], ...], text: Composable) -> Composed:
    """`alias`'s key equals the key text; `key` gives (column, type) so that the table's index serves the comparison."""
    if len(key) == 1:
        name, kind = key[0]
        return compose("{column} = {text}::{kind}", column=column(alias, name), text=text, kind=verbatim(kind))
    parts = (
        compose(
            "{column} = ({text}::jsonb ->> {at})::{kind}",
            column=column(alias, name),
            text=text,
            at=literal(position),
            kind=verbatim(kind),
        )
        for position, (name, kind) in enumerate(key)
    )
    return join(parts, " AND ")


def jsonb_of(alias: str, columns: Iterable[str]) -> Composed:
    """These columns of a row as one jsonb object, as the ledger keeps them."""
    pairs = [part for name in columns for part in (literal(name) + sql.SQL("::text"), column(alias, name))]
    return compose("jsonb_build_object({pairs})", pairs=join(pairs))


def typed(alias: str, item: Column) -> Composed:
    """A value as the column's own type, so that a verdict may give a text for an enum."""
    return compose("{value}::{kind}", value=column(alias, item.name), kind=verbatim(item.kind))


def row_hash(alias: str, columns: Iterable[Column]) -> Composed:
    """A 64-bit hash of the row's columns. Types without a hash function (json, vector, xml) go by their text.

    PostgreSQL's hash of a record is a sum over its columns. It is hashed once more, or the sum over all rows would be
    the same after two rows have exchanged their values.
    """
    parts = [column(alias, c.name) if c.hashable else column(alias, c.name) + sql.SQL("::text") for c in columns]
    return compose("hashtextextended(hash_record_extended(ROW({parts}), 0)::text, 0)", parts=join(parts))


def same_image(one: str, other: str, columns: Iterable[Column]) -> Composed:
    """Whether two versions of a row are the same in these columns, byte for byte, whatever a type calls equal."""
    names = [c.name for c in columns]
    parts = {alias: join(column(alias, name) for name in names) for alias in (one, other)}
    return compose("record_image_eq(ROW({one}), ROW({other}))", one=parts[one], other=parts[other])


Params = dict[str, Any]
