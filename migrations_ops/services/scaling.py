"""What it would take to spread the platform further than one table in one server. Only reads."""

from typing import Any

from migrations_ops.engine.errors import EngineError
from migrations_ops.life import registry
from migrations_ops.rules.model import Plan
from migrations_ops.scaling import catalogue, citus, partitions
from migrations_ops.scaling.trying import trial
from migrations_ops.services.database import current_plan, open_session, tenants_are_there

SCALING_WAYS = ("citus", "partitions")


class NotMigrated(EngineError):
    """There are no tenants to scale by yet: carry the migration out first, manage.py migrate_tenants"""

    exit_code = 2


def scale_plan(way: str, least: int) -> dict[str, Any]:
    """The plan for one of SCALING_WAYS, and what became of it on empty copies; see `Scale.document` and `trial`.

    Tables with at least so many rows get partitions. Raises NotMigrated.
    """
    plan: Plan = current_plan()
    with open_session() as session:
        if not tenants_are_there(session):
            raise NotMigrated
        slugs = {record.id: record.slug for record in registry.records(session, plan)}
        with session.work():
            found = catalogue.read(session, plan)
            scale = citus.plan(session, found) if way == "citus" else partitions.plan(session, found, slugs, least)
        return scale.document(found.tables) | {"trial": trial(session, found, scale.statements)}
