"""The references between rows of the plan's tables, as foreign keys have them, asked for some rows at a time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from operator import itemgetter

from psycopg.sql import Composable

from migrations_ops.engine.session import Session
from migrations_ops.phases.probes import is_accepted
from migrations_ops.phases.queries import query
from migrations_ops.review.references.queries import ask
from migrations_ops.rules.model import TENANT_COLUMN, Plan, TableSpec
from migrations_ops.rules.plan_tables import has_tenant_column
from vital.db import sql
from vital.db.introspection import ForeignKey, foreign_keys_between

AT_ONCE = 2_000  # rows whose references are asked for together
Row = tuple[str, str]  # the table and the key, as VITAL spells them


@dataclass(frozen=True, eq=False)
class Link:
    """A foreign key between two tables of the plan; there is one of each."""

    key: ForeignKey
    child: TableSpec
    parent: TableSpec

    @property
    def columns(self) -> str:
        """Those by which rows refer, as findings name them."""
        return ", ".join(self.key.own)


@dataclass(frozen=True)
class Reference:
    """One row's reference to another. Tenants are ids, or None; versions change whenever somebody writes the row."""

    link: Link
    child: Row
    tenant: str | None
    parent: Row
    other: str | None
    version: str
    parent_version: str


@dataclass(frozen=True)
class Group:
    """References of one foreign key from the rows of one tenant to those of another."""

    link: Link
    tenant: str
    other: str
    count: int = 0


class Graph:
    """The plan's tables and the foreign keys between them. Inside a transaction of the caller's."""

    def __init__(self, session: Session, plan: Plan) -> None:
        self.session, self.plan = session, plan
        specs = {sql.names(spec.relation): spec for spec in plan.tables if has_tenant_column(session, spec)}
        found = dict.fromkeys(foreign_keys_between(session, [spec.relation for spec in specs.values()]))
        self.links = [
            Link(key, specs[sql.names(key.child)], specs[sql.names(key.parent)])
            for key in found
            if TENANT_COLUMN not in key.own  # it cannot lead to another tenant
        ]
        self.slugs: dict[str, str] = dict(
            session.execute(query("slugs_of_tenants", relation=sql.relation(plan.registry)))
        )

    def crosses(self, tenant: str | None, other: str | None) -> bool:
        """Whether it is a reference into another tenant. To the Platform's rows everybody may refer."""
        return bool(tenant and other and tenant != other and other != self.plan.platform_id)

    def groups(self) -> Iterator[Group]:
        """Every group that is open, in the plan's order of tables."""
        order = [spec.relation for spec in self.plan.tables]
        for link in sorted(self.links, key=lambda one: (order.index(one.child.relation), one.columns)):
            yield from self.groups_by(link)

    def groups_by(self, link: Link) -> Iterator[Group]:
        """Those of one foreign key, the biggest first."""
        for tenant, other, count in ask(self.session, "reference_groups", None, **self._parts(link)):
            yield Group(link, tenant, other, count)

    def groups_of_row(self, row: Row) -> Iterator[Group]:
        """Those that a row's own references are in."""
        for one in self.up([row]):
            if self.crosses(one.tenant, one.other):
                group = Group(one.link, one.tenant or "", one.other or "", 1)
                yield from [group] if self.of_group(group, [row[1]], 1) else []  # else it is accepted

    def of_group(self, group: Group, keys: list[str], most: int) -> list[Reference]:
        """The open references of a group, by the referring row's key; of these rows alone, where some are named."""
        found = ask(
            self.session,
            "references_of_group",
            {"one": group.tenant, "other": group.other, "keys": keys or None, "rows": most},
            **self._parts(group.link),
        )
        return [self._reference(group.link, row) for row in found]

    def up(self, rows: Iterable[Row]) -> Iterator[Reference]:
        """What these rows refer to."""
        yield from self._around(rows, "references_of_children")

    def down(self, rows: Iterable[Row]) -> Iterator[Reference]:
        """What refers to these rows."""
        yield from self._around(rows, "references_to_parents")

    def _around(self, rows: Iterable[Row], name: str) -> Iterator[Reference]:
        for relation, keys in by_table(rows):
            for link in self.links:
                spec = link.child if name == "references_of_children" else link.parent
                if spec.relation == relation:
                    alias = "t" if spec is link.child and name == "references_of_children" else "p"
                    typed = self.session.typed_key(relation, spec.table.key)
                    given = sql.key_equals(alias, typed, sql.column("given", "vital_key"))
                    for chunk in chunks(keys):
                        found = ask(self.session, name, {"keys": chunk}, given=given, **self._parts(link))
                        yield from (self._reference(link, row) for row in found)

    def _parts(self, link: Link) -> dict[str, Composable]:
        return {
            "child": sql.relation(link.child.relation),
            "parent": sql.relation(link.parent.relation),
            "same": sql.same_values("p", link.key.key, "t", link.key.own),
            "key": sql.key_text("t", link.child.table.key),
            "parent_key": sql.key_text("p", link.parent.table.key),
            "tenant": sql.ident(TENANT_COLUMN),
            "platform": sql.literal(self.plan.platform_id),
            "is_accepted": is_accepted(link.child, link.parent, link.key.own),
        }

    def _reference(self, link: Link, row: tuple[str, ...]) -> Reference:
        key, tenant, parent, other, version, parent_version = row
        child, owner = (link.child.relation, key), (link.parent.relation, parent)
        return Reference(link, child, tenant, owner, other, version, parent_version)


def by_table(rows: Iterable[Row]) -> Iterator[tuple[str, list[str]]]:
    """Table → the keys of these rows, each once."""
    for relation, of_table in groupby(sorted(set(rows)), key=itemgetter(0)):
        yield relation, [key for _, key in of_table]


def chunks(keys: Iterable[str], size: int = AT_ONCE) -> Iterator[list[str]]:
    rest = iter(keys)
    while chunk := list(islice(rest, size)):
        yield chunk
