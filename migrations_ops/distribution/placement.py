"""Where each table is to lie: as the plan file says, and where it says nothing, by size and by who refers to it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from migrations_ops.distribution.queries import query
from migrations_ops.engine.session import Session
from migrations_ops.phases import org_tables
from migrations_ops.rules.model import Plan
from vital.db import introspection, sql
from vital.db.cluster import DISTRIBUTED, REFERENCE

SMALL = 256 * 1024 * 1024  # bytes up to which a copy on each node costs less than it saves
OF_PLAN = "the plan says so"
CHOICE = "where each table lies"
Pair = tuple[tuple[str, ...], tuple[str, ...]]  # the names of a table and of one that it refers to


@dataclass(frozen=True)
class Size:
    """Of a table: rows as the server estimates them, bytes with its indexes."""

    rows: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class Layout:
    """Table → how it is placed, and why; every table that is VITAL's business has its place."""

    placement: Mapping[str, str]
    reasons: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, Size] = field(default_factory=dict)

    @property
    def distributed(self) -> list[str]:
        return [name for name, how in self.placement.items() if how == DISTRIBUTED]

    @property
    def reference(self) -> list[str]:
        return [name for name, how in self.placement.items() if how == REFERENCE]

    def how(self, relation: str) -> str:
        """How this table is placed, whichever way its name is spelled; empty where it is not."""
        return {sql.names(name): how for name, how in self.placement.items()}.get(sql.names(relation), "")


def layout_of(session: Session, plan: Plan) -> Layout:
    """As it was chosen when a distribution began that stands, else as the plan and the tables say now."""
    noted = session.execute(query("chosen_placement", statement=sql.literal(CHOICE)))
    if noted:
        return Layout(noted[0][0])
    return proposed(plan, _sizes(session, plan), introspection.foreign_keys(session))


def tables_of(plan: Plan) -> list[str]:
    """Every table that is to be placed, those that others refer to first."""
    common = [plan.registry, *plan.common, *plan.passed_through]
    return list(dict.fromkeys([*common, *(spec.relation for spec in plan.tables), *org_tables.own_tables(plan)]))


def proposed(plan: Plan, sizes: Mapping[str, Size], keys: Iterable[introspection.ForeignKey]) -> Layout:
    """The plan's own word counts. Else: what has no tenant, and what is shared and small or referred to, is copied to
    each node; and so is what such a table refers to, since it cannot refer to a distributed one. The rest is
    distributed."""
    placement, reasons = dict.fromkeys(tables_of(plan), REFERENCE), dict.fromkeys(tables_of(plan), "it has no tenant")
    references = [(sql.names(key.child), sql.names(key.parent)) for key in keys]
    for relation in org_tables.own_tables(plan):
        reasons[relation] = "shared and small"
    for spec in plan.tables:
        name, size = spec.relation, sizes.get(spec.relation, Size())
        others = [child for child, parent in references if parent == sql.names(name) and child != parent]
        if spec.placement:
            placement[name], reasons[name] = spec.placement, OF_PLAN
        elif spec.shared and (others or size.bytes <= SMALL):
            reasons[name] = "shared, and others refer to it" if others else "shared and small"
        else:
            placement[name], reasons[name] = DISTRIBUTED, "large" if spec.shared else "private"
    _follow(placement, reasons, references)
    return Layout(placement, reasons, sizes)


def _follow(
    placement: dict[str, str], reasons: dict[str, str], references: list[tuple[tuple[str, ...], tuple[str, ...]]]
) -> None:
    """A table that is copied to each node cannot refer to one that is not."""
    names = {sql.names(name): name for name in placement}
    changed = True
    while changed:
        changed = False
        for child, parent in references:
            if child not in names or parent not in names or reasons[names[parent]] == OF_PLAN:
                continue
            if placement[names[child]] == REFERENCE and placement[names[parent]] == DISTRIBUTED:
                placement[names[parent]] = REFERENCE
                reasons[names[parent]] = f"{sql.shown(names[child])} refers to it, a reference table"
                changed = True


def _sizes(session: Session, plan: Plan) -> dict[str, Size]:
    found = session.execute(query("sizes_to_place", tables=sql.literal(tables_of(plan))))
    return {name: Size(rows, size) for name, rows, size in found}
