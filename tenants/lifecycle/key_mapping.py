"""Which columns of a copied row cannot stay as they are: its own keys, and references to rows that are copied too."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from psycopg.sql import Composable

from tenants.inventory import TENANT_COLUMN, Inventory
from tenants.lifecycle.queries import ask
from vital.db import cluster, introspection, sql
from vital.db.introspection import ForeignKey
from vital.db.session import Session

Column = tuple[str, str]  # of which table


@dataclass
class Renewal:
    """What of a table's rows is made anew: keys by a hash or by their sequence; `emptied` has what only one row may
    have; `stuck` is a key that nothing can be made of."""

    hashed: list[str] = field(default_factory=list)
    numbered: dict[str, str] = field(default_factory=dict)
    emptied: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)

    @property
    def renewed(self) -> set[str]:
        return {*self.hashed, *self.numbered}


def declared(inventory: Inventory) -> Iterable[ForeignKey]:
    """What the plan says of references, which need no foreign key."""
    return (step for table in inventory.tables for way in table.ways for step in way)


def renewal(session: Session, relation: str, references: list[ForeignKey]) -> Renewal:
    """What has to become new so that no unique key is met twice. In a transaction."""
    found = Renewal()
    columns = {column.name: column for column in session.columns(relation)}
    referring = {name for key in introspection.foreign_keys(session, [relation]) for name in key.own}
    sequences = dict(ask(session, "sequences_of_columns", {"relation": relation, "columns": [*columns]}))
    follows = {name for one in references if one.child == relation for name in one.own}
    is_distributed = cluster.form_of(session.execute, [relation]).placement.get(relation) == cluster.DISTRIBUTED
    for key in introspection.unique_keys(session, relation):
        names = key.columns
        if is_distributed and names[-1] == TENANT_COLUMN:  # unique in all, but for Citus, which wants the tenant in it
            names = names[:-1]
        own = {*names}
        if TENANT_COLUMN in own or key.has_expressions or found.renewed & own or {*found.emptied} & own:
            continue
        if follows & own:  # the row that it refers to is a copy as well, or the server says so
            continue
        kinds = [columns[name] for name in names]
        _settle(found, kinds, {name: sequences[name] for name in own - referring})
    return found


def _settle(found: Renewal, key: list[introspection.Column], sequences: dict[str, str | None]) -> None:
    """Make one of the key's columns new. `sequences`: those of its columns that refer to nothing, with what numbers
    each."""
    for column in (column for column in key if column.name in sequences):
        if sequence := sequences[column.name]:
            found.numbered[column.name] = sequence
            return
        if column.kind == "uuid":
            found.hashed.append(column.name)
            return
    empty = [column.name for column in key if not column.not_null]
    if empty:
        found.emptied.append(empty[0])
    else:
        found.stuck = found.stuck or [column.name for column in key]


def origin(column: Column, renewals: dict[str, Renewal], references: list[ForeignKey]) -> Column | None:
    """The renewed column whose values these are, however many references lead there; None where they stay."""
    seen = set[Column]()
    while column not in seen:
        seen.add(column)
        relation, name = column
        if relation in renewals and name in renewals[relation].renewed:
            return column
        for one in references:
            if one.child == relation and name in one.own:
                column = one.parent, one.key[one.own.index(name)]
                break
    return None


def next_numbers(session: Session, sequence: str, count: int) -> list[int]:
    """As many numbers of a sequence, which nobody else is given. In a transaction."""
    ((numbers,),) = ask(session, "next_numbers", {"sequence": sequence, "count": count})
    return numbers or []


def hashed(value: Composable, tenant: str) -> Composable:
    """The key of a row's copy: the same for every reference to it, and another for every tenant."""
    return sql.compose("md5({tenant} || ':' || {value}::text)::uuid", tenant=sql.literal(tenant), value=value)
