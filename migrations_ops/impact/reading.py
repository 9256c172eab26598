"""What a statement does, out of its syntax tree: the tables that it names, what it inserts, how it looks rows up."""

import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from migrations_ops.impact.splitting import Token, normalised, tokens
from vital.db import sql

logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of every command that it keeps as text
NUMBER = re.compile(r"\$(\d+)")
OVERRIDING = re.compile(r"\bOVERRIDING\s+(SYSTEM|USER)\s+VALUE\b", re.IGNORECASE)
WRAPPED = re.compile(
    r"\s*(?:PREPARE\s+\S+?(?:\s*\([^)]*\))?\s+AS|DECLARE\s+\S+\s+(?:\w+\s+)*?CURSOR\s+(?:WITH(?:OUT)?\s+HOLD\s+)?FOR"
    r"|EXPLAIN(?:\s*\([^)]*\)|\s+ANALYZE\b|\s+VERBOSE\b)*)\s+(?=\w|\()",
    re.IGNORECASE,
)
CALLED = re.compile(r"\s*CALL\s+([\w.\"]+)\s*\(", re.IGNORECASE)
BEGINNINGS = ("select", "insert", "update", "delete", "merge", "with", "values", "table")
READS, UTILITY, UNREAD = "reads", "utility", "unread"
# Commands that set, begin or make something: no statement of an application about rows.
UTILITIES = frozenset(
    (
        *("abort", "alter", "analyze", "analyse", "begin", "checkpoint", "close", "cluster", "comment", "commit"),
        *("create", "deallocate", "discard", "do", "drop", "end", "execute", "fetch", "grant", "import", "listen"),
        *("load", "lock", "move", "notify", "reassign", "refresh", "reindex", "release", "reset", "revoke"),
        *("rollback", "savepoint", "security", "set", "show", "start", "unlisten", "vacuum"),
    )
)
EXPLAINED = (exp.Query, exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Values)


class _Word:
    """A value of which something is known without the statement being carried out."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


ANY, DEFAULT = _Word("any"), _Word("default")
Value = str | None | _Word  # a constant as text, NULL, or one of the two above


@dataclass(frozen=True)
class Insertion:
    """An INSERT into a table: its columns (None: all, in their order), the rows' values where they are written
    down, and what it does about conflicts."""

    table: str
    columns: tuple[str, ...] | None
    rows: tuple[tuple[Value, ...], ...] | None = None
    conflict_keys: tuple[str, ...] = ()
    constraint: str = ""


@dataclass(frozen=True)
class Lookup:
    """Columns of a table that must each equal one value."""

    table: str
    columns: frozenset[str]


@dataclass(frozen=True)
class Reading:
    """`tables` and `functions` are names as SQL spells them, not yet looked up; COPY … FROM fills `copied`."""

    kind: str = UNREAD
    tables: tuple[str, ...] = ()
    insertions: tuple[Insertion, ...] = ()
    lookups: tuple[Lookup, ...] = ()
    functions: tuple[str, ...] = ()
    truncated: tuple[str, ...] = ()
    copied: str = ""
    fingerprint: str = ""
    explained: str = field(default="", repr=False)  # the text that can be prepared and explained; empty: none can


@lru_cache(maxsize=4096)
def read(text: str) -> Reading:
    """Of one statement with `$1` for each parameter."""
    inner = unwrapped(text)
    first = next((one.text.lower() for one in tokens(inner) if one.kind == "word"), "")
    if first in UTILITIES:
        return Reading(UTILITY, fingerprint=normalised(inner))
    if called := CALLED.match(inner):
        return Reading(READS, functions=(called[1].lower(),), fingerprint=normalised(inner))
    tree = _parsed(inner)
    if tree is None:
        return Reading(UNREAD, explained=inner if first in BEGINNINGS else "")
    if isinstance(tree, exp.Copy):
        return _copy(tree, inner)
    if isinstance(tree, exp.TruncateTable):
        names = tuple(_names(tree.find_all(exp.Table)))
        return Reading("truncate", names, truncated=names, fingerprint=_fingerprint(tree))
    if not isinstance(tree, EXPLAINED):
        return Reading(UNREAD, explained=inner if first in BEGINNINGS else "")
    return Reading(
        READS,
        tuple(_tables(tree)),
        tuple(_insertions(tree)),
        tuple(_lookups(tree)),
        tuple(dict.fromkeys(_functions(tree))),
        fingerprint=_fingerprint(tree),
        explained=inner,
    )


def unwrapped(text: str) -> str:
    """The statement that PREPARE, DECLARE … CURSOR or EXPLAIN is about."""
    return text[found.end() :] if (found := WRAPPED.match(text)) else text


def _parsed(text: str) -> exp.Expression | None:
    """None where the parser does not know it. It takes `$1, $2` for a dollar quote, so they are named for it."""
    named = "".join(NUMBER.sub(r":v\1", one.text) if one.kind == "number_of" else one.text for one in tokens(text))
    try:
        tree = sqlglot.parse_one(OVERRIDING.sub("", named), read="postgres")
    except (SqlglotError, RecursionError):
        return None
    return tree if isinstance(tree, exp.Expression) else None


def _copy(tree: exp.Copy, text: str) -> Reading:
    tables = tuple(_names(tree.find_all(exp.Table)))
    mark = _fingerprint(tree)
    if tree.args.get("kind"):
        return Reading("copy", tables, copied=tables[0] if tables else "", fingerprint=mark)
    if isinstance(tree.this, exp.Subquery):
        return Reading(**{**read(_in_brackets(text)).__dict__, "fingerprint": mark})
    return Reading(READS, tables, fingerprint=mark)


def _in_brackets(text: str) -> str:
    """What stands in the first pair of brackets."""
    depth, begin = 0, 0
    one: Token
    for one in tokens(text):
        if one.text == "(":
            begin = begin or one.start + 1
            depth += 1
        elif one.text == ")":
            depth -= 1
            if not depth:
                return text[begin : one.start]
    return text


# --- names ---


def _name(identifier: object) -> str:
    assert isinstance(identifier, exp.Identifier)
    return identifier.name if identifier.args.get("quoted") else identifier.name.lower()


def _spelled(table: exp.Table) -> str:
    parts = [table.args.get("db"), table.this]
    return sql.spelled(*(_name(part) for part in parts if isinstance(part, exp.Identifier)))


def _names(tables: Iterable[exp.Table]) -> Iterator[str]:
    yield from dict.fromkeys(_spelled(one) for one in tables if isinstance(one.this, exp.Identifier))


def _made_here(tree: exp.Expression) -> set[str]:
    """What WITH names is no table."""
    return {sql.spelled(_name(one.args["alias"].this)) for one in tree.find_all(exp.CTE)}


def _tables(tree: exp.Expression) -> Iterator[str]:
    made = _made_here(tree)
    yield from (name for name in _names(tree.find_all(exp.Table)) if name not in made)


def _functions(tree: exp.Expression) -> Iterator[str]:
    """Those that the parser has no meaning of its own for: all that people write are among them."""
    for one in tree.find_all(exp.Anonymous):
        schema = one.parent.this if isinstance(one.parent, exp.Dot) else None
        if isinstance(one.parent, exp.Table) and isinstance(one.parent.args.get("db"), exp.Identifier):
            schema = one.parent.args["db"]
        yield (f"{schema.name}." if isinstance(schema, exp.Identifier) else "") + str(one.name).lower()


# --- what is inserted ---


def _insertions(tree: exp.Expression) -> Iterator[Insertion]:
    for one in tree.find_all(exp.Insert):
        of_merge = one.find_ancestor(exp.Merge)
        target = of_merge.this if of_merge else one.this.this if isinstance(one.this, exp.Schema) else one.this
        if isinstance(target, exp.Table) and isinstance(target.this, exp.Identifier):
            conflict = one.args.get("conflict")
            keys, constraint = _conflict(conflict) if isinstance(conflict, exp.OnConflict) else ((), "")
            yield Insertion(_spelled(target), _columns(one.this), _rows(one), keys, constraint)


def _columns(target: exp.Expression) -> tuple[str, ...] | None:
    if isinstance(target, exp.Tuple | exp.Schema):
        return tuple(_column_name(part) for part in target.expressions)
    return None


def _column_name(part: exp.Expression) -> str:
    found = part.find(exp.Identifier)
    return _name(found) if found is not None else str(part.name)


def _rows(insert: exp.Insert) -> tuple[tuple[Value, ...], ...] | None:
    source = insert.expression
    if insert.args.get("default"):
        return ((),)
    if isinstance(source, exp.Values):
        return tuple(tuple(_value(part) for part in _parts(row)) for row in source.expressions)
    if isinstance(source, exp.Tuple):  # of a MERGE
        return (tuple(_value(part) for part in source.expressions),)
    return None


def _parts(row: exp.Expression) -> list[exp.Expression]:
    return list(row.expressions) if isinstance(row, exp.Tuple) else [row]


def _value(part: exp.Expression) -> Value:
    while isinstance(part, exp.Cast | exp.Paren):
        part = part.this
    if isinstance(part, exp.Null):
        return None
    if isinstance(part, exp.Literal):
        return str(part.this)
    if isinstance(part, exp.Boolean):
        return "true" if part.this else "false"
    is_default = isinstance(part, exp.Column | exp.Var | exp.Identifier) and part.name.upper() == "DEFAULT"
    return DEFAULT if is_default else ANY


def _conflict(conflict: exp.OnConflict) -> tuple[tuple[str, ...], str]:
    constraint = conflict.args.get("constraint")
    keys = conflict.args.get("conflict_keys") or []
    return tuple(_column_name(key) for key in keys), _name(constraint) if isinstance(constraint, exp.Identifier) else ""


# --- by what rows are looked up ---

Scope = exp.Select | exp.Update | exp.Delete | exp.Merge


def _lookups(tree: exp.Expression) -> Iterator[Lookup]:
    made = _made_here(tree)
    for scope in tree.find_all(exp.Select, exp.Update, exp.Delete, exp.Merge):
        if scope.find_ancestor(exp.Exists) is not None or _only_counts(scope):
            continue  # whether there is one, or how many: no row is expected
        sources = {alias: name for alias, name in _sources(scope) if name not in made}
        found: dict[str, set[str]] = {}
        for column in _compared(scope):
            owners = [column.table] if column.table else list(sources)
            for owner in owners:
                if owner in sources:
                    found.setdefault(owner, set()).add(column.name)
        yield from (Lookup(sources[alias], frozenset(columns)) for alias, columns in found.items())


def _only_counts(scope: exp.Expression) -> bool:
    shown = scope.expressions if isinstance(scope, exp.Select) else []
    return bool(shown) and all(isinstance(one.unalias(), exp.AggFunc) for one in shown)


@dataclass(frozen=True)
class _Column:
    table: str
    name: str


def _sources(scope: exp.Expression) -> Iterator[tuple[str, str]]:
    """(alias, table) of what stands in the scope itself."""
    for table in scope.find_all(exp.Table):
        near = table.find_ancestor(exp.Select, exp.Update, exp.Delete, exp.Merge, exp.Insert)
        if near is scope and isinstance(table.this, exp.Identifier):
            alias = table.args.get("alias")
            yield (
                (_name(alias.this) if isinstance(alias, exp.TableAlias) and alias.this else _name(table.this)),
                _spelled(table),
            )


def _compared(scope: exp.Expression) -> Iterator[_Column]:
    """Columns that equal something, in every row that the scope takes."""
    for equal in scope.find_all(exp.EQ):
        if equal.find_ancestor(exp.Select, exp.Update, exp.Delete, exp.Merge) is not scope or not _is_demanded(
            equal, scope
        ):
            continue
        for side in (equal.left, equal.right):
            if isinstance(side, exp.Column) and isinstance(side.this, exp.Identifier):
                table = side.args.get("table")
                yield _Column(_name(table) if isinstance(table, exp.Identifier) else "", _name(side.this))


def _is_demanded(equal: exp.Expression, scope: exp.Expression) -> bool:
    """Whether it is joined to the others by AND alone, up to the WHERE, or the ON of a join."""
    above = equal.parent
    while isinstance(above, exp.And | exp.Paren):
        above = above.parent
    return isinstance(above, exp.Where | exp.Join) or (above is scope and isinstance(scope, exp.Merge))


# --- which statements are one ---


def _fingerprint(tree: exp.Expression) -> str:
    """The same for statements that differ in values, in blanks, and in how many values a list has."""
    same = tree.copy()
    for listed in (*same.find_all(exp.In), *same.find_all(exp.Values)):
        if len(listed.expressions) > 1 and all(_is_value(one) for one in listed.expressions):
            listed.set("expressions", listed.expressions[:1])
    for value in list(same.find_all(exp.Literal, exp.Placeholder, exp.Parameter)):
        value.replace(exp.Placeholder())
    return same.sql(dialect="postgres", normalize=True, comments=False)


def _is_value(one: exp.Expression) -> bool:
    return isinstance(one, exp.Literal | exp.Placeholder | exp.Parameter | exp.Tuple | exp.Cast)
