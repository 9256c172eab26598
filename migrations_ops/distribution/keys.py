"""Keys of tables that are placed: set aside as they were, and made again with the tenant where they must have it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from psycopg.sql import Composable

from migrations_ops.distribution.placement import Layout, tables_of
from migrations_ops.distribution.queries import of_table, query
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import SavedState
from migrations_ops.rules.model import TENANT_COLUMN, Plan
from vital.db import sql
from vital.db.cluster import DISTRIBUTED, REFERENCE, form_of


@dataclass(frozen=True)
class Reference:
    """A foreign key as it stood before: both tables, their columns in the same order, and what makes it again."""

    name: str
    child: str
    parent: str
    own: tuple[str, ...]
    of_parent: tuple[str, ...]
    on_delete: str
    follows_updates: bool
    definition: str

    def becomes(self, layout: Layout) -> Composable | None:
        """Its definition where the tables are placed; None where Citus knows no such key, which `refusal` explains."""
        if self.refusal(layout):
            return None
        if not self.gains_tenant(layout):
            return sql.verbatim(self.definition)
        return query(
            "composite_key",
            own=_columns([*self.own, TENANT_COLUMN]),
            parent=sql.relation(self.parent),
            of_parent=_columns([*self.of_parent, TENANT_COLUMN]),
            on_delete=sql.raw(self.on_delete),
        )

    def gains_tenant(self, layout: Layout) -> bool:
        """Whether both its tables are distributed, and it does not hold the tenant yet."""
        both = layout.how(self.child) == layout.how(self.parent) == DISTRIBUTED
        return both and TENANT_COLUMN not in self.own

    def refusal(self, layout: Layout) -> str:
        """Why it cannot be kept; empty where it can."""
        child, parent = layout.how(self.child), layout.how(self.parent)
        if not child or not parent:
            outside = self.parent if child else self.child
            return f"{sql.shown(outside)} is not placed: it lies on the coordinator alone"
        if child == REFERENCE and parent == DISTRIBUTED:
            return "a reference table cannot refer to a distributed one"
        if self.gains_tenant(layout) and self.on_delete.startswith("SET"):
            return f"a key that holds the tenant cannot say ON DELETE {self.on_delete}"
        if self.gains_tenant(layout) and self.follows_updates:
            return "a key that holds the tenant cannot say ON UPDATE"
        return ""

    @property
    def given(self) -> Composable:
        """Predicate on `c`: the row refers to something."""
        nulls = (sql.compose("{column} IS NOT NULL", column=sql.column("c", name)) for name in self.own)
        return sql.join(nulls, " AND ")

    @property
    def same(self) -> Composable:
        return sql.same_values("p", self.of_parent, "c", self.own)

    def parts(self) -> dict[str, Composable]:
        """What questions about its rows are composed of."""
        named: dict[str, Composable] = {"child": sql.relation(self.child), "parent": sql.relation(self.parent)}
        return named | {"given": self.given, "same": self.same, "tenant": sql.ident(TENANT_COLUMN)}


def set_aside(relation: str) -> str:
    """The statement that sets a table's foreign keys aside; its memo has them."""
    return f"foreign keys of {sql.shown(relation)} are set aside"


def references_of(session: Session, plan: Plan, relation: str) -> list[Reference]:
    """As they stood before the distribution."""
    noted = session.execute(query("noted_keys", statement=sql.literal(set_aside(relation))))
    found = noted[0][0] if noted else session.value(standing(plan, relation))
    return [reference_of(one) for one in found]


def standing(plan: Plan, relation: str) -> Composable:
    """A query of the foreign keys to set aside, as JSON."""
    return of_table("foreign_keys_to_place", relation, tables=sql.literal(tables_of(plan)))


def reference_of(noted: dict[str, Any]) -> Reference:
    facts = noted | {"own": tuple(noted["own"]), "of_parent": tuple(noted["of_parent"])}
    return Reference(**facts)


def drop_all(references: Iterable[Reference]) -> tuple[Composable, ...]:
    return tuple(
        query("drop_key", relation=sql.relation(one.child), constraint=sql.ident(one.name)) for one in references
    )


def as_before(saved_state: SavedState) -> tuple[Composable, ...]:
    """Foreign keys by their definitions."""
    return tuple(_added(one, sql.verbatim(one.definition)) for one in map(reference_of, saved_state or []))


def placed(references: Iterable[Reference], layout: Layout, refused: Iterable[str]) -> tuple[Composable, ...]:
    """Those that can be kept, in their new form; `refused` are names of keys that rows break."""
    left_out = {*refused}
    kept = [(one, one.becomes(layout)) for one in references if one.name not in left_out]
    return tuple(_added(one, definition) for one, definition in kept if definition is not None)


def _added(one: Reference, definition: Composable) -> Composable:
    return query("add_key", relation=sql.relation(one.child), constraint=sql.ident(one.name), definition=definition)


def rows_that_break(session: Session, one: Reference, layout: Layout) -> int:
    """How many rows refer to a row of another tenant, which a key that holds the tenant would refuse. None are counted
    while only one of the two tables has moved: Citus joins no such two, and keys are made again when both have."""
    if not one.gains_tenant(layout):
        return 0
    if len(form_of(session.execute, [one.child, one.parent]).placement) == 1:
        return 0
    return int(session.value(query("rows_without_parent", **one.parts())))


def rows_of(session: Session, one: Reference) -> int:
    """How many rows refer by it."""
    return int(session.value(query("rows_of_key", **one.parts())))


# --- unique keys ---


def without_tenant(relation: str) -> Composable:
    """A query of a table's unique keys that do not hold the tenant, as JSON."""
    return of_table("unique_keys_without_tenant", relation)


def with_tenant(relation: str, saved_state: SavedState) -> tuple[Composable, ...]:
    """Each key with the tenant as its last column, under its name: a question by the id alone goes by it."""
    changes: list[Composable] = []
    for key in saved_state:
        changes.append(_dropped(relation, key))
        columns = _columns([*key["columns"], TENANT_COLUMN])
        if key["constraint"]:
            kind = sql.raw("PRIMARY KEY" if key["is_primary"] else "UNIQUE")
            definition = query("unique_columns", kind=kind, columns=columns)
            changes.append(_key(relation, key["constraint"], definition))
        else:
            changes.append(
                query("unique_index", index=sql.ident(key["name"]), relation=sql.relation(relation), columns=columns)
            )
    return tuple(changes)


def unique_as_before(relation: str, saved_state: SavedState) -> tuple[Composable, ...]:
    changes: list[Composable] = []
    for key in saved_state or []:
        changes.append(_dropped(relation, key))
        if key["constraint"]:
            changes.append(_key(relation, key["constraint"], sql.verbatim(key["definition"])))
        else:
            changes.append(sql.verbatim(key["create"]))
    if any(not key["tenant_not_null"] for key in saved_state or []):
        changes.append(of_table("tenant_may_be_null", relation))
    return tuple(changes)


def in_two_tenants(relation: str, saved_state: SavedState) -> Composable:
    """(relation, key, message) of keys that could not be given back."""
    questions = [
        of_table(
            "same_in_two_tenants",
            relation,
            columns=_columns(key["columns"]),
            listed=sql.literal(", ".join(key["columns"])),
        )
        for key in saved_state or []
    ]
    return sql.join([sql.compose("({q})", q=one) for one in questions], " UNION ALL ")


def _dropped(relation: str, key: dict[str, Any]) -> Composable:
    if key["constraint"]:
        return query("drop_key", relation=sql.relation(relation), constraint=sql.ident(key["constraint"]))
    return query("drop_unique_index", index=sql.ident(sql.names(relation)[0], key["name"]))


def _key(relation: str, name: str, definition: Composable) -> Composable:
    return query("add_key", relation=sql.relation(relation), constraint=sql.ident(name), definition=definition)


def _columns(names: Iterable[str]) -> Composable:
    return sql.join(sql.ident(name) for name in names)
