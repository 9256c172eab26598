"""Where the tenants are, and who the Platform is: as the plan in force says, which need not be the platform's own."""

from dataclasses import dataclass

from django.db.models import Model

from tenants.inventory import inventory
from tenants.models import TenantRecord
from tenants.ttl_cache import Memory
from vital.db import sql

SECONDS = 300  # a database's table of tenants does not change while it is served


@dataclass(frozen=True)
class Registry:
    """The table of tenants, the Platform's id, and the tables that the plan names."""

    relation: str
    platform: str
    tables: frozenset[str]


_known: Memory[Registry] = Memory(1, SECONDS)


def registry() -> Registry:
    """Read over a connection of its own and remembered for minutes. Raises what reading the plan does."""
    return _known.recall("registry", _read)


def bind() -> None:
    """From here on the model of tenants reads and joins this table; the platform's own needs no word."""
    if (relation := registry().relation) != f"public.{TenantRecord._meta.db_table}":
        TenantRecord._meta.db_table = sql.spelled(*sql.names(relation))


def has(model: type[Model]) -> bool:
    """Whether the plan names the model's table: another database need not have the platform's."""
    return f"public.{model._meta.db_table}" in registry().tables


def _read() -> Registry:
    known = inventory()
    tables = (*(table.relation for table in known.tables), *known.common)
    return Registry(known.registry, known.platform_id, frozenset(tables))
