"""Whether a table's rules give every new row a tenant, whatever an application writes.

Where they do not, NOT NULL would refuse rows that were written yesterday: nobody could register any more. Only what the
database guarantees counts: NOT NULL columns, the labels of an enum, foreign keys. A pattern may always fail to match.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from math import prod

from migrations_ops.engine.session import Session
from migrations_ops.rules.columns import Column, columns_of_tables
from migrations_ops.rules.model import TENANT_COLUMN, Condition, Hop, Plan, Rule, TableSpec
from vital.db import introspection, sql

MOST_KINDS_OF_ROWS = 20_000
MOST_VAGUE = 14  # comparisons that may hold or not whatever the others do: each doubles the kinds of rows
TOO_MANY = "its rules are too many to be sure of a row"
EXACT = ("equals", "in", "is_null")  # the value alone says whether they hold
HasTenant = Callable[[str], bool]  # whether every row of a table has a tenant


def gap(session: Session, spec: TableSpec, has_tenant: HasTenant, guaranteed: "Guaranteed | None" = None) -> str:
    """Which new row of the table no rule gives a tenant, in words; empty where there is none."""
    if spec.has_expressions:  # the trigger gives a row that is an error for one no tenant, whatever comes after it
        return "an expression of the plan can be an error for a row"
    if spec.knows_every_row:
        return ""
    if not spec.rules:
        return "no rule gives one its tenant"
    guaranteed = guaranteed or Guaranteed(session, [spec.relation, *_passed(spec)])
    if any(_always_has_parent(guaranteed, spec, rule, has_tenant) for rule in spec.rules):
        return ""
    conditions = [rule.condition for rule in spec.rules if rule.condition]
    if not conditions:
        return "the row that it follows can be missing or have no tenant"
    return unmatched(conditions, columns_of_tables(session, [spec.relation]).of(spec.relation))


def gaps(session: Session, plan: Plan) -> dict[str, str]:
    """Table → its gap, as it will be after a run, for those that have one and are not required to be whole."""
    found: dict[str, str] = {}
    guaranteed = Guaranteed(session, [name for spec in plan.tables for name in (spec.relation, *_passed(spec))])
    for spec in plan.tables:  # parents come first
        if not spec.required and (why := gap(session, spec, lambda parent: parent not in found, guaranteed)):
            found[spec.relation] = why
    return found


def _passed(spec: TableSpec) -> Iterator[str]:
    """The tables that its rows are led through."""
    yield from (hop.table for rule in spec.rules if rule.parent for hop in rule.parent.hops)


class Guaranteed:
    """What the database guarantees of the rows of some tables, asked once for all of them."""

    def __init__(self, session: Session, relations: Iterable[str]) -> None:
        tables = list(dict.fromkeys(relations))
        self._columns = introspection.columns_of(session, tables)
        self._references = introspection.foreign_keys_between(session, tables)

    def are_never_null(self, relation: str, names: Iterable[str]) -> bool:
        """Whether none of these columns is NULL in any row, also in one that is being written."""
        columns = self._columns.get(relation, [])
        return {c.name for c in columns if c.never_null and not c.is_generated}.issuperset(names)

    def refers(self, relation: str, hop: Hop) -> bool:
        """Whether a foreign key says of every row that the row it refers to is there by the time it is written."""
        wanted = sql.names(relation), sql.names(hop.table), {*zip(hop.columns, hop.key, strict=True)}
        return any(
            key.is_validated
            and key.binds_every_row
            and not key.is_deferrable
            and (sql.names(key.child), sql.names(key.parent), {*key.pairs}) == wanted
            for key in self._references
        )


def never_null(session: Session) -> HasTenant:
    """As the database has it now."""

    def has_tenant(relation: str) -> bool:
        return Guaranteed(session, [relation]).are_never_null(relation, (TENANT_COLUMN,))

    return has_tenant


def _always_has_parent(guaranteed: Guaranteed, spec: TableSpec, rule: Rule, has_tenant: HasTenant) -> bool:
    """Whether every row has the row that the rule follows, and that one a tenant."""
    if rule.parent is None or rule.when is not None or not rule.parent.is_reference:
        return False
    before, parent = spec.relation, rule.parent
    for hop in parent.hops:
        if not (guaranteed.are_never_null(before, hop.columns) and guaranteed.refers(before, hop)):
            return False
        before = hop.table
    return has_tenant(parent.table)


def unmatched(conditions: Sequence[Condition], columns: dict[str, Column]) -> str:
    """A row that none of the conditions matches, in words; empty where every possible row is matched by one."""
    leaves = list(dict.fromkeys(leaf for condition in conditions for leaf in condition.leaves()))
    if sum(leaf.kind not in (*EXACT, "always") for leaf in leaves) > MOST_VAGUE:
        return TOO_MANY
    values = dict.fromkeys((leaf.column, leaf.json) for leaf in leaves if leaf.column)
    kinds = [list(_kinds(value, leaves, columns.get(value[0]))) for value in values]
    if prod(map(len, kinds)) > MOST_KINDS_OF_ROWS:
        return TOO_MANY
    for row in product(*kinds):
        true = {leaf for holds, _ in row for leaf in holds}
        if not any(_holds(condition, true) for condition in conditions):
            words = " and ".join(word for _, word in row if word)
            return f"no rule matches one{f' whose {words}' if words else ''}"
    return ""


Value = tuple[str, tuple[str, ...]]


def _kinds(value: Value, leaves: list[Condition], column: Column | None) -> Iterator[tuple[frozenset[Condition], str]]:
    """(the comparisons that hold, what the value is), once for each set of comparisons that can hold together."""
    about = [leaf for leaf in leaves if (leaf.column, leaf.json) == value]
    exact, vague = [leaf for leaf in about if leaf.kind in EXACT], [leaf for leaf in about if leaf.kind not in EXACT]
    name, seen = ".".join((value[0], *value[1])), set()
    for text, word in _values(exact, column if not value[1] else None):
        certain = frozenset(leaf for leaf in exact if _is(leaf, text))
        for some in product((False, True), repeat=0 if text is None else len(vague)):
            holds = certain | {leaf for leaf, held in zip(vague, some, strict=False) if held}
            if holds not in seen:
                seen.add(holds)
                yield holds, f"{name} is {word}" if exact or text is None else ""


def _values(exact: list[Condition], column: Column | None) -> Iterator[tuple[str | None, str]]:
    """(text, word) of each value that makes a difference; None is NULL, and NUL, which no text holds, any other."""
    closed = ("true", "false") if column and column.family == "boolean" else column.labels if column else ()
    if column is None or not column.always:
        yield None, "NULL"
    named = {text for leaf in exact if leaf.kind != "is_null" for text in _texts(leaf)}
    yield from ((text, repr(text)) for text in closed or sorted(named))
    if not closed:
        yield "\0", "none of those that rules name" if named else "not NULL"


def _texts(leaf: Condition) -> tuple[str, ...]:
    return (leaf.value,) if leaf.kind == "equals" else tuple(leaf.value)


def _is(leaf: Condition, text: str | None) -> bool:
    if leaf.kind == "is_null":
        return bool(leaf.value) == (text is None)
    return text in _texts(leaf)


def _holds(condition: Condition, true: set[Condition]) -> bool:
    if condition.kind == "always":
        return True
    if condition.kind == "not":
        return not _holds(condition.parts[0], true)
    if condition.kind in ("all", "any"):
        return (all if condition.kind == "all" else any)(_holds(part, true) for part in condition.parts)
    return condition in true
