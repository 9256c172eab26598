"""What tenants must know of the plan: which tables hold their rows, which of them are shared, and who the Platform is.

The migration has the plan; it fills this through one setting, so that nothing here imports it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils.module_loading import import_string

from vital.db import sql
from vital.db.introspection import ForeignKey
from vital.db.session import Session

QUERIES = sql.load(Path(__file__).parent / "sql")
TENANT_COLUMN = "tenant_id"
OWN_SCHEMA = "vital"


@dataclass(frozen=True)
class Routine:
    """A function of VITAL's: its body, the settings that it carries, and the types of its arguments. Where it follows
    rules, `digest`, which is its comment, says which."""

    name: str
    body: str
    settings: tuple[str, ...]
    digest: str = ""
    arguments: str = ""

    def __str__(self) -> str:
        return f"{OWN_SCHEMA}.{self.name}({self.arguments})"

    @property
    def signature(self) -> str:
        """As SQL reads it, whatever the name."""
        return f"{sql.spelled(OWN_SCHEMA, self.name)}({self.arguments})"


@dataclass(frozen=True)
class TenantTable:
    """A table whose rows belong to tenants. A tenant may see the Platform's rows where it is `shared`; `ways` are
    those on which the plan goes from a row to its owner, step by step, with or without foreign keys; `made` says that
    VITAL brought the table along; `rescope` are the keys that are unique in each tenant; `writer` is the function that
    gives rows written without a tenant theirs, where the plan can."""

    relation: str
    key: tuple[str, ...]
    shared: bool
    ways: tuple[tuple[ForeignKey, ...], ...] = ()
    made: bool = False
    rescope: tuple[tuple[str, ...], ...] = ()
    writer: Routine | None = None


@dataclass(frozen=True)
class BoundRole:
    """A role that somebody else's service puts on (PostgREST: anon, authenticated), bound on `tables` as tenants are.

    It `sees` its caller's `own` rows and the shared ones, or for every caller the `shared` ones or `nothing`. The
    caller's tenant is in the `claim` of the token, else it is that of the row of `users` (table, key). `only_read` are
    tables that are the same for everybody, and the callers' to read at most: the tenants, and what is common to them.
    """

    role: str
    sees: str
    claim: tuple[str, ...]
    users: tuple[str, str] | None
    tables: tuple[str, ...]
    only_read: tuple[str, ...] = ()

    @property
    def limited(self) -> tuple[str, ...]:
        """The tables on which it keeps no right that passes policies by."""
        return tuple(dict.fromkeys((*self.tables, *self.only_read)))

    @property
    def has_tenant(self) -> bool:
        """Whether its callers have one, so that they may write."""
        return self.sees == "own"


@dataclass(frozen=True)
class Inventory:
    """`registry` is the table of tenants, `tenants` the ids of those that the plan wants, `tables` those whose rows
    have an owner, `common` the tables that everybody reads, `reachable` what else tenants may reach,
    `passed_through` the tables that VITAL's own work reads on the way from a row to its owner, `bound` the roles of
    others that isolation binds, `unbound` those of which the plan says that it leaves them alone. `force_owner` says
    whether row level security binds the tables' owner as well."""

    registry: str
    platform_id: str
    tenants: tuple[str, ...]
    tables: tuple[TenantTable, ...]
    common: tuple[str, ...]
    reachable: tuple[str, ...] = ()
    passed_through: tuple[str, ...] = ()
    adopts: bool = False  # a tenant column may refer to a table of tenants that was there before, beside the registry
    bound: tuple[BoundRole, ...] = ()
    unbound: tuple[str, ...] = ()
    force_owner: bool = True

    @property
    def closed(self) -> tuple[str, ...]:
        """The tables that row level security holds."""
        return (*(table.relation for table in self.tables), self.registry)

    def bound_on(self, relation: str) -> tuple[BoundRole, ...]:
        """The roles of others that are bound on this table."""
        return tuple(one for one in self.bound if relation in one.tables)

    @property
    def planned(self) -> tuple[TenantTable, ...]:
        """The tables of the plan, without those that VITAL brought along."""
        return tuple(table for table in self.tables if not table.made)


def inventory(session: Session | None = None) -> Inventory:
    """Of the plan in force, for which the database is asked over this session, if there is one. Raises what reading it
    does."""
    fill: Callable[[Session | None], Inventory] = import_string(settings.INVENTORY)
    return fill(session)


def every_tenant(session: Session, registry: str) -> list[tuple[str, str]]:
    """(id, name) of every tenant there is, by name."""
    return [
        (key, name)
        for key, name in session.execute(sql.compose(QUERIES["every_tenant"], relation=sql.relation(registry)))
    ]
