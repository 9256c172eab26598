"""The tenant is NOT NULL where no new row can be without one, or the plan refuses it.

What an application may write without a tenant (who registers) would fail otherwise. Where an earlier run made it NOT
NULL all the same, the next one withdraws that.
"""

from collections.abc import Iterator
from functools import partial

from psycopg.sql import Composable

from migrations_ops.engine import throttle_limits
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Statement
from migrations_ops.phases.columns import not_null_name
from migrations_ops.phases.queries import of_table, query, short
from migrations_ops.rules import completeness
from migrations_ops.rules.model import TENANT_COLUMN, TableSpec
from tenants.isolation import wanted
from vital.db import sql


def statements(spec: TableSpec) -> Iterator[Statement]:
    """Without a long lock: a check for new rows, its proof for the old ones, then the column itself."""
    table, relation = short(spec.relation), spec.relation
    check = not_null_name(spec)
    parts = {"constraint_name": sql.literal(check), "column": sql.literal(TENANT_COLUMN)}
    constraint = sql.ident(check)
    dropped = of_table("drop_constraint", relation, constraint=constraint)
    common = {"relation": relation, "locks": (relation,), "ready": _ready(spec), "wanted": partial(_is_wanted, spec)}
    yield Statement(
        name=f"no new row of {table} without a tenant",
        is_applied=of_table("not_null_check_exists", relation, **parts),
        up=(of_table("add_not_null_check", relation, constraint=constraint),),
        down=lambda _: (dropped,),
        **common,  # type: ignore[arg-type]
    )
    yield Statement(
        name=f"no old row of {table} without a tenant",
        is_applied=of_table("not_null_check_is_valid", relation, **parts),
        up=(of_table("validate_constraint", relation, constraint=constraint),),
        down=lambda _: (),
        **common,  # type: ignore[arg-type]
    )
    yield Statement(
        name=wanted.requiring(relation),
        is_applied=of_table("is_not_null", relation, column=parts["column"]),
        up=(of_table("set_not_null", relation), dropped),
        down=lambda _: (of_table("drop_not_null", relation),),
        **common,  # type: ignore[arg-type]
    )


def _is_wanted(spec: TableSpec, session: Session) -> bool:
    return spec.required or not completeness.gap(session, spec, completeness.never_null(session))


def _ready(spec: TableSpec) -> Composable:
    """Every row has a tenant; where a new one may have none, nobody has relied on that for a while."""
    if spec.required and not spec.knows_every_row:
        quiet = query("quiet", default=sql.literal(throttle_limits.BY_NAME["quiet"].default))
        return of_table("nobody_is_late", spec.relation, quiet=quiet)
    return of_table("no_unassigned_rows", spec.relation)
