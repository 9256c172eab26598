"""A plan as Python objects, after it was read and checked."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from migrations_ops.engine.steps import Table
from migrations_ops.rules.reader import Place

TENANT_COLUMN = "tenant_id"


@dataclass(frozen=True)
class Bound:
    """What a row's value is compared with in its order: the text and the type that PostgreSQL reads it as."""

    text: str
    type: str


@dataclass(frozen=True)
class Condition:
    """One condition on a row. `kind` is the operator; `all` and `any` hold `parts`, the others compare `column`.

    `at` leads to it in the plan's file.
    """

    kind: str
    column: str = ""
    json: tuple[str, ...] = ()
    value: Any = None
    parts: tuple["Condition", ...] = ()
    at: Place = field(default=(), compare=False, repr=False)

    def leaves(self) -> Iterator["Condition"]:
        """Itself, or the comparisons that it is made of."""
        if not self.parts:
            yield self
        for part in self.parts:
            yield from part.leaves()


@dataclass(frozen=True)
class Hop:
    """One step from a row to the row that its `columns` refer to, which has these values in its `key`. Of a single
    column it may be the value at a place inside its JSON, one that is read as another type, or `each` of a list."""

    columns: tuple[str, ...]
    table: str
    key: tuple[str, ...]
    json: tuple[str, ...] = ()
    read_as: str = ""
    each: bool = False
    at: Place = field(default=(), compare=False, repr=False)


@dataclass(frozen=True)
class Parent:
    """The row's tenant is that of the row at the end of these hops; each goes on from the row before.

    `is_tree`: the hop leads to a row of the same table, and the nearest row above that has a tenant gives it. With a
    `share` there may be many rows at the end, and the tenant that at least this share of those with a tenant have is
    the row's: more than half, so that there is one.
    """

    hops: tuple[Hop, ...]
    is_tree: bool = False
    share: Decimal | None = None

    @property
    def table(self) -> str:
        """The table whose rows have a tenant to give."""
        return self.hops[-1].table

    @property
    def is_reference(self) -> bool:
        """Whether it is what a foreign key could say: the values themselves, and one row at the end."""
        plain = not any(hop.json or hop.read_as or hop.each for hop in self.hops)
        return plain and not self.is_tree and self.share is None


@dataclass(frozen=True)
class Rule:
    """`when` names `tenant` (a slug); or the `parent` does, of the rows that `when` matches where it is there; or each
    row is a tenant of its `own`, where the plan takes its tenants from this table. `number` is its place in the table,
    from 1."""

    number: int
    name: str
    phase: str
    when: Condition | None = None
    tenant: str = ""
    parent: Parent | None = None
    reassigns: bool = False
    own: bool = False
    at: Place = field(default=(), compare=False, repr=False)

    @property
    def condition(self) -> Condition | None:
        """What alone decides that the rule matches; None where another row has a say."""
        return self.when if self.parent is None else None


@dataclass(frozen=True)
class RowValue:
    """A value of a row: of a column, or of an SQL expression of the plan's own."""

    column: str = ""
    sql: str = ""
    at: Place = field(default=(), compare=False, repr=False)


@dataclass(frozen=True)
class TenantSource:
    """The table of which each row is a tenant: its key, of which types, and where the row has the tenant's name, its
    slug (made of the name where there is none) and whether it is let in (always where nothing says so)."""

    table: Table
    types: tuple[str, ...]
    name: RowValue
    slug: RowValue | None = None
    active: RowValue | None = None

    @property
    def values(self) -> dict[str, RowValue]:
        named = {"name": self.name, "slug": self.slug, "active": self.active}
        return {key: value for key, value in named.items() if value is not None}


@dataclass(frozen=True)
class TenantSpec:
    """A tenant that the plan wants, with its configuration and its organisation."""

    id: str
    slug: str
    name: str
    domain: str
    compliance_level: str
    settings: dict[str, Any]
    metadata: dict[str, Any]
    departments: tuple[dict[str, Any], ...] = ()
    levels: tuple[dict[str, Any], ...] = ()
    functions: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class TableSpec:
    """A table whose rows get a tenant. `columns` are what the plan needs of it, `rescope` its keys for each tenant."""

    table: Table
    critical: bool
    shared: bool
    person_decides: bool
    columns: dict[str, str]
    rules: tuple[Rule, ...]
    rescope: tuple[tuple[str, ...], ...] = ()
    unmatched: str = ""
    required: bool = False  # rows without a tenant, though no rule may know a new one
    placement: str = ""  # on a cluster: "reference" or "distributed"; empty: as it is proposed
    failing: int | None = None  # rows that may refuse their tenant and become findings; None: the run stops

    @property
    def relation(self) -> str:
        return self.table.relation

    @property
    def decides(self) -> bool:
        """Whether the plan may give a row its tenant; where not, a person does."""
        return bool(self.rules or self.unmatched)

    @property
    def has_expressions(self) -> bool:
        """Whether a rule has an SQL expression of the plan's own."""
        return any(leaf.kind == "sql" for rule in self.rules if rule.when for leaf in rule.when.leaves())

    @property
    def knows_every_row(self) -> bool:
        """Whether no row can be written that the plan has no tenant for."""
        return bool(self.unmatched or any(rule.condition and rule.condition.kind == "always" for rule in self.rules))


@dataclass(frozen=True)
class Bind:
    """A role that somebody else's service puts on, bound by the same isolation. It `sees` its caller's `own` rows and
    the shared ones, or for every caller the `shared` ones or `nothing`. The caller's tenant is in the `claim`, else it
    is that of the row of `users` (table, key) that the token is for. `tables`: these alone, to try it first."""

    role: str
    sees: str = "own"
    claim: tuple[str, ...] = ()
    users: tuple[str, str] | None = None
    tables: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """Everything a run needs to know of the database it is made for. `text` and `digest` identify it."""

    name: str
    platform: str
    registry: str
    product: str
    tenants: tuple[TenantSpec, ...]
    tables: tuple[TableSpec, ...]
    common: tuple[str, ...]
    text: str = field(repr=False)
    source: TenantSource | None = None  # of the tenants that no plan lists
    reachable: tuple[str, ...] = ()  # what tenants may reach past the policies, as the proof names it
    bound: tuple[Bind, ...] = ()
    unbound: tuple[str, ...] = ()  # roles of which somebody has said, with a reason, that isolation leaves them alone
    digest: str = ""
    scope: str = ""  # a canary's; empty: the whole plan
    only_tenant: str = ""  # the slug of a canary tenant
    left_out: tuple[str, ...] = ()  # the tables that are not the canary's
    revoke_temp: bool = (
        False  # temporary tables are for the database's owner, and for those who were granted them by name
    )
    force_owner: bool = True  # the tables' owner is bound by row level security as well
    keep_indexes: bool = False  # indexes on the tenant column stay while rows are assigned

    @property
    def adopts(self) -> bool:
        """Whether a tenant column that is there already may refer to the table that the tenants are taken from: its
        keys are their ids."""
        return self.source is not None and self.source.types == ("uuid",)

    def tenant(self, slug: str) -> TenantSpec:
        return next(tenant for tenant in self.tenants if tenant.slug == slug)

    def has(self, *relations: str) -> bool:
        return set(relations) <= {spec.relation for spec in self.tables}

    def table(self, relation: str) -> TableSpec:
        return next(table for table in self.tables if table.relation == relation)

    @property
    def platform_id(self) -> str:
        return self.tenant(self.platform).id

    @property
    def passed_through(self) -> tuple[str, ...]:
        """Tables between a row and the one that gives it its tenant, which have none of their own."""
        hops = [hop for spec in self.tables for rule in spec.rules if rule.parent for hop in rule.parent.hops]
        known = {*self.common, *self.left_out, *(spec.relation for spec in self.tables)}
        return tuple(dict.fromkeys(hop.table for hop in hops if hop.table not in known))
