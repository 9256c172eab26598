"""Each tenant's organisation: departments, levels, functions, in three tables that VITAL makes where they are missing.

Only a plan that says `product = "vital"` gets them.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from psycopg.sql import Composable

from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Insert, Probe, Statement, Step, Table
from migrations_ops.phases.queries import of_table, short, wrong_columns
from migrations_ops.rules.model import TENANT_COLUMN, Plan
from vital.db import introspection, sql
from vital.errors import Problem

STAMP = "timestamptz"
COLUMNS = {
    "public.business_functions": {
        "id": "uuid", "tenant_id": "uuid", "name": "text", "description": "text", "department": "text",
        "healthcare_category": "text", "regulatory_requirements": "text[]", "metadata": "jsonb", "updated_at": STAMP,
    },
    "public.org_departments": {
        "id": "uuid", "tenant_id": "uuid", "code": "text", "name": "text", "description": "text",
        "parent_department_id": "uuid", "level": "integer", "healthcare_domain": "text", "is_active": "boolean",
        "updated_at": STAMP,
    },
    "public.organizational_levels": {
        "id": "uuid", "tenant_id": "uuid", "code": "text", "name": "text", "description": "text",
        "level_number": "integer", "parent_level_id": "uuid", "role_type": "text", "updated_at": STAMP,
    },
}  # fmt: skip
FILLED = {
    "public.business_functions": (
        "tenant_id", "name", "department", "description", "healthcare_category", "regulatory_requirements",
    ),
    "public.org_departments": ("tenant_id", "code", "name", "description", "healthcare_domain"),
    "public.organizational_levels": ("tenant_id", "code", "name", "level_number", "description", "role_type"),
}  # fmt: skip
NONE = sql.raw("false")


def own_tables(plan: Plan) -> tuple[str, ...]:
    """The tables that VITAL makes where they are missing."""
    return tuple(COLUMNS) if plan.product == "vital" else ()


def tenant_tables(plan: Plan) -> list[str]:
    """Every table with a tenant column: the plan's, and those."""
    return [*(spec.relation for spec in plan.tables), *own_tables(plan)]


def has_no_rows(plan: Plan) -> tuple[tuple[str, str, Composable], ...]:
    """What a tenant `t` must meet to be removed: each table, and that it holds none of its rows."""
    return tuple((relation, TENANT_COLUMN, of_table("has_no_rows_of", relation)) for relation in tenant_tables(plan))


def misfits(relation: str) -> Composable:
    """What keeps a table that is there already from being used as one of these."""
    return of_table(
        "other_shape",
        relation,
        wrong_columns=wrong_columns([(relation, COLUMNS[relation], True)]),
        filled=sql.literal(list(FILLED[relation])),
        all_columns=introspection.COLUMNS,
    )


def tables(plan: Plan) -> Iterator[Step]:
    if plan.product == "vital":
        yield made_table("public.business_functions", "create_business_functions", plan.registry)
        yield made_table("public.org_departments", "create_org_departments", plan.registry)
        yield made_table("public.organizational_levels", "create_organizational_levels", plan.registry)
        yield from map(_touched, COLUMNS)


def _touched(relation: str) -> Statement:
    """`updated_at` moves with every change, as in the platform's own tables."""
    trigger = sql.ident(f"touch_{short(relation)}")
    return Statement(
        name=f"updated_at of {short(relation)}",
        relation=relation,
        is_applied=of_table("updated_at_is_touched", relation),
        up=(of_table("touch_updated_at", relation, trigger=trigger),),
        down=lambda _: (of_table("drop_touch_updated_at", relation, trigger=trigger),),
    )


def made_table(relation: str, create: str, tenants: str, by_trigger: Composable = NONE) -> Statement:
    """A table of VITAL's own that is made where it is missing. `by_trigger` is a predicate on `t`: a trigger of ours
    has made the row, and goes with it."""
    return Statement(
        name=f"the table {short(relation)}",
        relation=relation,
        is_applied=of_table("table_exists", relation),
        up=(
            of_table(create, relation, registry=sql.relation(tenants)),
            of_table("close_to_others", relation),
        ),
        down=lambda _: (of_table("drop_table", relation),),
        data_loss_check=_rows_of_others(relation, by_trigger),
        locks=(tenants,),
    )


def _rows_of_others(relation: str, by_trigger: Composable) -> Probe:
    def lost(session: Session) -> Iterator[Problem]:
        as_it_is = sql.row_hash("t", session.columns(relation))
        of_rows = {"key": sql.key_text("t", ("id",)), "hash": as_it_is, "by_trigger": by_trigger}
        question = of_table("rows_of_others", relation, **of_rows)
        with session.work():
            yield from (Problem(*row) for row in session.execute(question))

    return lost


def rows(plan: Plan) -> Iterator[Step]:
    if plan.product != "vital":
        return
    departments = [(t.id, part) for t in plan.tenants for part in t.departments]
    levels = [(t.id, part) for t in plan.tenants for part in t.levels]
    functions = [(t.id, part) for t in plan.tenants for part in t.functions]
    yield _rows(
        "public.org_departments",
        "departments",
        "missing_departments",
        departments,
        {"codes": "code", "names": "name", "descriptions": "description", "domains": "healthcare_domain"},
    )
    yield _rows(
        "public.organizational_levels",
        "levels",
        "missing_levels",
        levels,
        {"codes": "code", "names": "name", "numbers": "number", "descriptions": "description", "roles": "role_type"},
    )
    yield _rows(
        "public.business_functions",
        "functions",
        "missing_functions",
        [(tenant, part | {"requirements": _json(part)}) for tenant, part in functions],
        {
            "names": "name",
            "departments": "department",
            "descriptions": "description",
            "categories": "healthcare_category",
            "requirements": "requirements",
        },
    )


def _json(function: dict[str, Any]) -> str:
    return json.dumps(function.get("regulatory_requirements", []))


def _rows(
    relation: str, what: str, missing: str, wanted: Sequence[tuple[str, dict[str, Any]]], lists: dict[str, str]
) -> Insert:
    """Rows of the plan's parts. `lists`: the statement's list → the key of a part that fills it."""
    filled = {name: sql.literal([part.get(key) for _, part in wanted]) for name, key in lists.items()}
    tenants = sql.literal([tenant for tenant, _ in wanted])
    return Insert(
        name=f"the tenants' {what}",
        table=Table(relation, ("id",)),
        columns=FILLED[relation],
        rows=of_table(missing, relation, tenants=tenants, **filled),
        rule=f"the plan's {what}",
    )
