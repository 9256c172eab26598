"""A canary: one tenant, or one table with what its rows follow, is migrated, isolated and proved before the rest."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from migrations_ops.rules.model import Plan, TableSpec
from vital.db import sql
from vital.errors import EngineError


class UnknownTenant(EngineError):
    """The plan has no tenant {name}. Its tenants are: {known}. Nothing was started."""

    exit_code = 2


class UnknownCanaryTable(EngineError):
    """The plan has no table {name}. Its tables are: {known}. Nothing was started."""

    exit_code = 2


class TwoCanaries(EngineError):
    """--tenant and --table are two canaries: name one of them. Nothing was started."""

    exit_code = 2


@dataclass(frozen=True)
class Scope:
    """What a run is limited to: a tenant's slug, or a table as the plan names it; nothing means everything."""

    tenant: str = ""
    table: str = ""

    @property
    def text(self) -> str:
        """As `vital.run` keeps it."""
        return f"tenant:{self.tenant}" if self.tenant else f"table:{self.table}" if self.table else ""

    @classmethod
    def of(cls, text: str) -> "Scope":
        """The reverse of `text`."""
        kind, _, name = text.partition(":")
        return cls(**{kind: name}) if name else cls()


def narrowed(plan: Plan, scope: Scope) -> Plan:
    """The plan of the canary, with the whole plan's digest. Raises UnknownTenant, UnknownCanaryTable, TwoCanaries."""
    if scope.tenant and scope.table:
        raise TwoCanaries
    if scope.tenant:
        slugs = [tenant.slug for tenant in plan.tenants]
        if scope.tenant not in slugs:
            raise UnknownTenant(name=scope.tenant, known=", ".join(slugs))
        # The other tenants' rows have none yet: a role that is bound would be shown nothing of them.
        return replace(plan, scope=scope.text, only_tenant=scope.tenant, bound=())
    if scope.table:
        spec = _named(plan, scope.table)
        return _only(replace(plan, scope=Scope(table=spec.relation).text), _needed(plan, spec))
    return plan


def touched(plan: Plan, scopes: Iterable[str]) -> Plan:
    """The plan of all that runs of these scopes have touched: an undo must not ask for columns that nobody added."""
    tables = {Scope.of(scope).table for scope in scopes}
    if not tables or "" in tables:
        return plan
    return _only(plan, set().union(*(_needed(plan, _named(plan, table)) for table in tables)))


def _only(plan: Plan, wanted: set[str]) -> Plan:
    left_out = tuple(spec.relation for spec in plan.tables if spec.relation not in wanted)
    return replace(plan, tables=tuple(spec for spec in plan.tables if spec.relation in wanted), left_out=left_out)


def _named(plan: Plan, name: str) -> TableSpec:
    for spec in plan.tables:
        if name in (spec.relation, sql.shown(spec.relation)):
            return spec
    known = ", ".join(sql.shown(spec.relation) for spec in plan.tables)
    raise UnknownCanaryTable(name=name, known=known)


def _needed(plan: Plan, spec: TableSpec) -> set[str]:
    """The table, what its rows follow, and the users by whom a bound role's callers are known."""
    users = {one.users[0] for one in plan.bound if one.users}
    return set().union(_with_parents(plan, spec), *(_with_parents(plan, plan.table(name)) for name in users))


def _with_parents(plan: Plan, spec: TableSpec) -> set[str]:
    """The table and every table that its rows' tenants follow, over any number of steps."""
    found = {spec.relation}
    for rule in spec.rules:
        if rule.parent is not None and rule.parent.table not in found:
            found |= _with_parents(plan, plan.table(rule.parent.table))
    return found
