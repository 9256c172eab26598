"""Post-validation: every question of the guide and a few more, as PASS, WARN or FAIL. It only reads."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict

from psycopg.sql import Composable

from migrations_ops.engine import baseline
from migrations_ops.engine.baseline import Comparison
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Check, Phase, Probe, Severity, Step
from migrations_ops.phases import org_tables, probes, tenant_source, vital_product, who_is_bound
from migrations_ops.phases.assign_steps import step_name
from migrations_ops.phases.inventory import inventory_of
from migrations_ops.phases.queries import every, in_words, of_table, query, schemas_of, short
from migrations_ops.rules.model import TENANT_COLUMN, Plan, TableSpec
from tenants.isolation import bypasses
from tenants.isolation.comparison import Standing, standing
from tenants.isolation.difference import Difference
from vital.db import sql
from vital.errors import Problem

KEY, TITLE = "005_post_validation", "Post-validation"

COLUMN = sql.literal(TENANT_COLUMN)


def phase(plan: Plan) -> Phase:
    return Phase(KEY, TITLE, tuple(_steps(plan)), reads_only=True)


def _steps(plan: Plan) -> Iterator[Step]:
    ids = sql.literal([tenant.id for tenant in plan.tenants])
    yield from vital_product.api_checks(plan)
    yield Check(
        "tenants that are not active", of_table("inactive_tenants", plan.registry, ids=ids, words=_wanted(plan))
    )
    yield Check("tenants that are not in the registry", of_table("unregistered", plan.registry))
    yield from tenant_source.are_tenants(plan)
    for spec in plan.tables:
        yield from _of_table(plan, spec)
    yield from _against_baseline(plan)
    if not plan.scope:
        yield Check("tenants without rows", _owning(plan, ids), Severity.WARN)
    across = probes.references_across_tenants(plan)
    yield Check("references into another tenant", across, Severity.WARN, kind="reference")
    yield from _isolation(plan)


def _of_table(plan: Plan, spec: TableSpec) -> Iterator[Check]:
    table, relation = short(spec.relation), spec.relation
    severity = Severity.FAIL if spec.critical else Severity.WARN
    if not plan.only_tenant:  # of a canary tenant only its own rows have been assigned
        yield Check(f"{table}: rows without a tenant", of_table("unassigned_count", relation), severity, relation)
    if spec.failing is not None:
        yield Check(f"{table}: rows that refused their tenant", _refused(spec), severity, relation)
    registry = sql.relation(plan.registry)
    yield Check(
        f"{table}: rows of tenants that do not exist",
        every("lost_tenants", [spec], registry=registry),
        relation=relation,
    )
    if not plan.only_tenant and any(
        rule.tenant == plan.platform and rule.phase.startswith("003") for rule in spec.rules
    ):
        owns = of_table("platform_owns_none", relation, platform=sql.literal(plan.platform_id))
        yield Check(f"{table}: no rows of the Platform", owns, Severity.WARN, relation)
    changed = every("assigned_by_other_rules", [spec], column=COLUMN, **_before_and_now(plan))
    yield Check(f"{table}: assigned rows that were moved", changed, Severity.WARN, relation)
    yield Check(
        f"{table}: assigned rows without an explanation", every("unexplained_rows", [spec]), Severity.WARN, relation
    )
    yield Check(f"{table}: invalid indexes", of_table("invalid_indexes", relation), relation=relation)
    yield Check(f"{table}: no index by tenant", of_table("no_tenant_index", relation, column=COLUMN), relation=relation)
    if spec.decides:
        yield Check(
            f"{table}: no trigger for new rows", of_table("no_legacy_writer_trigger", relation), relation=relation
        )


def _refused(spec: TableSpec) -> Probe:
    """How many rows have refused, as one line; each of them is a finding of 004."""
    rows = probes.refusing_rows(spec, step_name(spec))

    def count(session: Session) -> Iterator[Problem]:
        if found := len(list(rows(session))):
            what = "1 row has" if found == 1 else f"{found:,} rows have"
            which = "which, and why: ./manage.py migrate_tenants findings --check failing --keys"
            yield Problem(spec.relation, "", f"{what} refused the tenant; {which}")

    return count


def _against_baseline(plan: Plan) -> Iterator[Check]:
    """A difference is a failure where nobody else wrote; where somebody did, it is a warning with their writes.

    The tables are read once, by the first of the three questions.
    """
    found: list[Comparison] = []

    def rows(session: Session) -> Iterator[Problem]:
        found[:] = baseline.compare(session, [spec.table for spec in plan.tables])
        for table in found:
            if table.rows_now != table.rows_before and not table.by_others:
                yield Problem(table.relation, "", f"{table.rows_before:,} rows before, {table.rows_now:,} now")

    def content(_: Session) -> Iterator[Problem]:
        for table in found:
            if not table.same_content and not table.by_others:
                yield Problem(table.relation, "", "its content is not what it was, and no other session wrote to it")

    def writes(_: Session) -> Iterator[Problem]:
        for table in found:
            rows = f"{table.rows_before:,} rows before, {table.rows_now:,} now"
            if table.emptied:
                yield Problem(table.relation, "", f"was emptied or rewritten by another session; {rows}")
            if table.foreign:
                yield Problem(table.relation, "", f"{table.foreign:,} writes by others since the baseline; {rows}")

    yield Check("tables with more or fewer rows than before", rows, facts=lambda: [asdict(table) for table in found])
    yield Check("tables in which more than the tenant has changed", content)
    yield Check("rows that others wrote meanwhile", writes, Severity.WARN)


def _wanted(plan: Plan) -> Composable:
    return in_words(plan, sql.column("wanted", "id"))


def _before_and_now(plan: Plan) -> dict[str, Composable]:
    return {name: in_words(plan, sql.column("moved", at)) for name, at in (("before", "assigned"), ("now", "found"))}


def _owning(plan: Plan, ids: Composable) -> Composable:
    any_rows = sql.join([of_table("has_rows", spec.relation) for spec in plan.tables], " OR ")
    owns = sql.join([of_table("has_rows_of_wanted", spec.relation) for spec in plan.tables], " OR ")
    return query("tenant_without_data", ids=ids, words=_wanted(plan), any_rows=any_rows, owns_rows=owns)


def _isolation(plan: Plan) -> Iterator[Check]:
    relations = [spec.relation for spec in plan.tables]
    tables = sql.literal(relations)
    schemas = sql.literal(schemas_of(relations))
    bound = [one.role for one in plan.bound if not one.tables]
    known = [*relations, *plan.left_out, plan.registry, *plan.common, *org_tables.own_tables(plan)]
    yield Check(
        "roles that bypass row level security",
        query("roles_that_bypass_row_level_security", tables=tables, bound=sql.literal(bound)),
        Severity.WARN,
    )
    yield Check("functions that bypass row level security", query("definer_functions", schemas=schemas), Severity.WARN)
    yield Check("views that bypass row level security", bypasses.owner_views(relations), Severity.WARN)
    unlisted = bypasses.unlisted_tables(relations, known)
    yield Check("tables that the plan does not name", unlisted, Severity.WARN)
    yield who_is_bound.refused_loads(plan)
    yield from isolation_stands(plan)


def isolation_stands(plan: Plan) -> Iterator[Check]:
    """Everything by which tenants are kept apart, as far as it was made, is as the plan wants it."""
    looks: list[Standing] = []

    def dangerous(session: Session) -> Iterator[Problem]:
        looks[:] = [standing(session.execute, inventory_of(plan))]
        return _problems(one for one in looks[0].dangerous if one.own)

    def others(_: Session) -> Iterator[Problem]:
        return _problems(one for look in looks for one in look.differences if not (one.dangerous and one.own))

    yield Check("isolation that is not as it was made", dangerous)
    yield Check("other differences from the plan", others, Severity.WARN)


def _problems(differences: Iterable[Difference]) -> Iterator[Problem]:
    for one in differences:
        yield Problem(one.relation, "", f"{one.seen}. {one.fix}")
