"""The preview of a run: every table asked once, and one document of it all."""

from functools import partial
from typing import Any

from migrations_ops.engine.session import Session
from migrations_ops.phases import tenant_source, updates, vital_product
from migrations_ops.phases.queries import of_table, query
from migrations_ops.preview import document
from migrations_ops.preview.document import Counts, Words
from migrations_ops.preview.inputs import Asking, Waiting
from migrations_ops.preview.predicted_rows import QUERIES
from migrations_ops.preview.samples import Samples
from migrations_ops.rehearsal import records
from migrations_ops.rules import completeness
from migrations_ops.rules.model import TENANT_COLUMN, Plan
from vital.db import sql
from vital.db.sql import shown

ADVICE = "for a forecast of the time: ./manage.py migrate_tenants rehearse"


def preview(session: Session, plan: Plan, waiting: Waiting) -> dict[str, Any]:
    """What a run would do now. The plan must fit (see `ask`). Each table is read in a short transaction of its own."""
    asking = Asking(session, plan, waiting)
    words, added = Words(asking, registered(asking)), _added(asking)
    gaps = completeness.gaps(session, plan)
    tables = {}
    for spec in plan.tables:
        groups = asking.groups(spec)
        samples = Samples(asking, spec, groups)
        new_rows = added.get(spec.relation, {})
        tables[shown(spec.relation)] = document.of_table(
            spec, groups, words, samples, new_rows, gaps.get(spec.relation, "")
        ) | {"refused": updates.refused_rows(session, spec)}
    return {
        "plan": {"name": plan.name, "digest": plan.digest},
        "tables": tables,
        "total": document.totals(tables),
        "forecast": _forecast(session, plan),
    }


def registered(asking: Asking) -> dict[str, str]:
    """Tenant id → slug of everybody who is there already, or will be because a row of the platform's is a tenant."""
    coming = tenant_source.slugs(asking.session, asking.plan)
    if not asking.session.value(of_table("table_exists", asking.plan.registry)):
        return coming
    statement = query("slugs_of_tenants", relation=sql.relation(asking.plan.registry))
    return coming | asking.short([asking.plan.registry], lambda: dict(asking.session.execute(statement)))


def _added(asking: Asking) -> dict[str, Counts]:
    """Table → tenant → rows that 004 will insert, with agents and tools where they will be by then."""

    def after_run(relation: str, *columns: str) -> Any:
        return sql.compose(
            QUERIES["columns_after_run"],
            columns=sql.join(sql.column("t", column) for column in columns),
            tenant=sql.ident(TENANT_COLUMN),
            rows=asking.prediction.rows(asking.plan.table(relation)),
        )

    relation = vital_product.ASSIGNMENTS.relation
    for rows in vital_product.missing_assignments(asking.plan, after_run):
        statement = sql.compose(QUERIES["added_rows"], rows=rows, tenant=sql.ident(TENANT_COLUMN))
        return {relation: dict(asking.short([relation], partial(asking.session.execute, statement), whole=True))}
    return {}


def _forecast(session: Session, plan: Plan) -> dict[str, Any]:
    """How long the run will take, as the last rehearsal of this plan forecast it."""
    held = records.last(session, plan.digest)
    if held is None or not held["forecast"]:
        return {"seconds": None, "rehearsal": None, "advice": ADVICE}
    seconds = held["forecast"]["total"]["seconds"]
    return {"seconds": seconds, "rehearsal": held["id"], "held_at": held["held_at"], "advice": None}
