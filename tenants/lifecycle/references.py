"""What a tenant's rows may refer to: rows of its own and of the Platform.

A foreign key is checked past row level security, so the server takes a reference into anybody's rows, and what is
deleted there takes the referring rows with it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from psycopg.sql import Composable

from tenants.inventory import TENANT_COLUMN, Inventory
from tenants.lifecycle.queries import as_login, ask
from vital.db import introspection, sql
from vital.db.introspection import ForeignKey
from vital.db.session import Session
from vital.db.sql import shown
from vital.errors import Problem

AT_ONCE = 100  # problems that are named


@dataclass(frozen=True)
class Reference:
    """How rows of a table lead to a row that somebody owns, in one step or over tables without a tenant. `owner` is the
    column there that says who; `readable` whether the role at work may look."""

    hops: tuple[ForeignKey, ...]
    owner: str
    readable: bool = True

    @property
    def columns(self) -> str:
        return ", ".join(self.hops[0].own)

    @property
    def parent(self) -> str:
        return self.hops[-1].parent


@dataclass(frozen=True)
class Follower:
    """Rows of a table here that refer by these columns to a key of another, though no foreign key holds them to it."""

    child: str
    columns: tuple[str, ...]
    key: tuple[str, ...]


def of_table(session: Session, inventory: Inventory, relation: str) -> list[Reference]:
    """Every way from this table to a row with an owner: foreign keys, also of partitions, and what the plan says."""
    asked = {"relation": relation, "registry": inventory.registry, "tenant": TENANT_COLUMN}
    found = [
        Reference((ForeignKey(relation, tuple(own), parent, tuple(key)),), owner, readable)
        for own, parent, key, owner, readable in ask(
            session, "references_to_owned", asked, foreign_keys=introspection.FOREIGN_KEYS
        )
    ]
    known = {one.hops for one in found}
    for hops in _declared(inventory, relation):
        if hops not in known and introspection.has_column(session, hops[-1].parent, TENANT_COLUMN):
            known.add(hops)
            found.append(Reference(hops, TENANT_COLUMN))
    return found


def followers(session: Session, inventory: Inventory, relation: str) -> list[Follower]:
    """What may refer to rows of this table before they are there: where the plan says so, and by a foreign key that
    has never been validated."""
    found = [
        Follower(key.child, key.own, key.key)
        for key in introspection.foreign_keys(session, parents=[relation])
        if not key.is_validated and introspection.has_column(session, key.child, TENANT_COLUMN)
    ]
    for table in inventory.tables:
        for way in table.ways:
            if len(way) == 1 and way[0].parent == relation:
                found.append(Follower(table.relation, way[0].own, way[0].key))
    return list(dict.fromkeys(found))


def problems(
    session: Session, inventory: Inventory, relation: str, key: tuple[str, ...], rows: list[str], tenant: str,
    leads: Iterable[Reference], loose: Iterable[Follower],
) -> Iterator[Problem]:  # fmt: skip
    """What is wrong with these rows, each as JSON, before they are anywhere: whose row they would refer to, without a
    word of whose it is. In a transaction."""
    given = {"rows": rows, "tenant": tenant}
    mine = {"relation": sql.relation(relation), "key": sql.key_text("g", key), "column": sql.ident(TENANT_COLUMN)}
    for (name,) in ask(session, "rows_of_another", given, **mine):
        yield Problem(relation, name, f"its {TENANT_COLUMN} is another than the tenant of the archive")
    for lead in leads:
        parts = mine | {"steps": _steps(lead.hops), "owner": sql.column(f"p{len(lead.hops)}", lead.owner)}
        with as_login(session, unless=lead.readable):
            found = ask(session, "refer_to_others", given | {"platform": inventory.platform_id}, **parts)
        for name, is_owned in found:
            whose = "belongs to another tenant" if is_owned else "belongs to no tenant yet"
            yield Problem(relation, name, f"refers by {lead.columns} to a row of {shown(lead.parent)} that {whose}")
    for one in loose:
        child = {"child": sql.relation(one.child), "same": sql.same_values("c", one.columns, "g", one.key)}
        for (name,) in ask(session, "others_would_refer", given, **mine, **child):
            whose = f"{shown(one.child)} of others here refer by {', '.join(one.columns)} to a row with this key"
            yield Problem(relation, name, whose)


def _declared(inventory: Inventory, relation: str) -> Iterator[tuple[ForeignKey, ...]]:
    return (way for table in inventory.tables if table.relation == relation for way in table.ways)


def _steps(hops: tuple[ForeignKey, ...]) -> Composable:
    """The joins from the row `g` to the row at the end, which is p1, or p2 where there are two steps, and so on."""
    joins = [
        sql.compose(
            "JOIN {table} AS {to} ON {same}",
            table=sql.relation(hop.parent),
            to=sql.ident(f"p{number}"),
            same=sql.same_values(f"p{number}", hop.key, f"p{number - 1}" if number > 1 else "g", hop.own),
        )
        for number, hop in enumerate(hops, start=1)
    ]
    return sql.join(joins, " ")
