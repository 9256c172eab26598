"""Tenant data: every other row goes to its tenant, children follow their parents (the plan lists parents first), and
the customers' agents get the Platform's tools. Rows that match no rule stay unassigned and are findings.
Undo: the ledger; the indexes are dropped."""

from collections.abc import Iterator

from migrations_ops.engine.checks import KEPT
from migrations_ops.engine.steps import Check, Index, Phase, Severity, Statement, Step
from migrations_ops.phases import api_indexes, columns, legacy_writers, probes, tenant_indexes, vital_product
from migrations_ops.phases.assign_steps import assign, refused, step_name
from migrations_ops.phases.inventory import lazily
from migrations_ops.phases.queries import every, of_table, query, short
from migrations_ops.rules import evidence
from migrations_ops.rules.model import TENANT_COLUMN, Plan, TableSpec
from migrations_ops.rules.plan_keys import PHASES
from vital.db import sql

KEY, TITLE = "004_tenant_data", "Tenant data"

LEDGER = "vital.ledger"


def phase(plan: Plan) -> Phase:
    return Phase(KEY, TITLE, tuple(_steps(plan)))


def _steps(plan: Plan) -> Iterator[Step]:
    yield probes.rules_fit(plan)
    yield from legacy_writers.triggers(plan, lazily(plan), for_changed_rows=True)
    for spec in plan.tables:
        if all(rule.phase != PHASES[0] for rule in spec.rules):  # else 003 has dropped it
            yield tenant_indexes.dropped(plan, spec)
    for spec in plan.tables:
        yield assign(plan, spec, PHASES)
    yield from vital_product.tool_assignments(plan)
    for spec in plan.tables:
        yield tenant_indexes.built(plan, spec)
        yield index(spec)
    yield from api_indexes.indexes(plan)
    yield _ledger_index()
    for spec in plan.tables:
        yield from refused(spec)
    for spec in () if plan.only_tenant else plan.tables:
        name, step = f"rows of {short(spec.relation)} that match no rule", sql.literal(step_name(spec))
        unassigned = every("unassigned_rows", [spec], step=step, evidence=evidence.in_words(plan, spec, "t"))
        kind = "person" if spec.person_decides else "unmatched"
        news = every("unnoted_rows", [spec], step=step, check=sql.literal(name), kept=sql.literal(KEPT))
        yield Check(name, unassigned, Severity.REVIEW, spec.relation, kind=kind, news=news)


def index(spec: TableSpec) -> Statement:
    schema, table = sql.names(spec.relation)
    name = columns.tenant_index_name(spec)
    index = sql.ident(schema, name)
    there = {"column": sql.literal(TENANT_COLUMN), "index_name": sql.literal(sql.spelled(schema, name))}
    return Statement(
        name=f"{table} has an index by tenant",
        relation=spec.relation,
        is_applied=of_table("has_tenant_index", spec.relation, **there),
        repair=of_table("drop_index", spec.relation, index=index),
        up=(of_table("create_tenant_index", spec.relation, index=sql.ident(name)),),
        down=lambda _: (of_table("drop_index", spec.relation, index=index),),
        online=True,
        index=Index(name, sql.ident(TENANT_COLUMN)),
        locks=(spec.relation,),
    )


def _ledger_index() -> Statement:
    """Who decided about a row is asked for each row that a person looks at."""
    index = sql.ident("vital", "ledger_by_row")
    return Statement(
        name="the ledger has an index by row",
        relation=LEDGER,
        is_applied=query("index_is_valid", index_name=sql.literal("vital.ledger_by_row")),
        repair=of_table("drop_index", LEDGER, index=index),
        up=(of_table("create_ledger_index", LEDGER, index=sql.ident("ledger_by_row")),),
        down=lambda _: (of_table("drop_index", LEDGER, index=index),),
        online=True,
        locks=(LEDGER,),
    )
