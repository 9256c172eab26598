"""What a process remembers of the plan in force: where the tenants are, who the Platform is, which tables there are."""

from django.db.models import Model

from tenants.inventory import Inventory, inventory
from tenants.models import TenantRecord
from tenants.ttl_cache import Memory
from vital.db import sql

SECONDS = 60.0
_known: Memory[Inventory] = Memory(1, SECONDS)


def remembered() -> Inventory | None:
    """The plan as it was read at most a minute ago; None where nobody has."""
    return _known.get("plan")


def read() -> Inventory:
    """Read now, over a connection of its own, and remembered. Raises what reading the plan does."""
    return _known.put("plan", inventory())


def known() -> Inventory:
    """The remembered one, else as it is read now."""
    return remembered() or read()


def forget() -> None:
    """The next who asks reads it."""
    _known.forget()


def bind() -> None:
    """From here on the model of tenants reads and joins the plan's table; the platform's own needs no word."""
    if (relation := known().registry) != table_of(TenantRecord):
        read_from(sql.spelled(*sql.names(relation)))


def read_from(table: str) -> None:
    """Let the model of tenants read this table, as SQL spells it."""
    TenantRecord._meta.db_table = table
    for field in TenantRecord._meta.concrete_fields:  # each remembers its column by the table's name
        vars(field).pop("cached_col", None)


def has(model: type[Model]) -> bool:
    """Whether the plan names the model's table: another database need not have the platform's."""
    plan, relation = known(), table_of(model)
    return relation in plan.common or any(table.relation == relation for table in plan.tables)


def table_of(model: type[Model]) -> str:
    """The table of a model as plans and the ledger name it."""
    return sql.relation_named(model._meta.db_table)
