"""The tenants that no plan lists: each row of a table of the platform's is one, those that are added later as well."""

import hashlib
from collections.abc import Iterator

from psycopg.sql import Composable

from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Check, Insert, Statement
from migrations_ops.phases import org_tables, probes
from migrations_ops.phases.queries import is_made, of_table, query, registry, short
from migrations_ops.rules.compile import tenant_of_row, value_of_row
from migrations_ops.rules.model import Plan, TenantSource
from vital.db import session_settings, sql
from vital.errors import Problem

COLUMNS = ("id", "name", "slug", "is_active", "compliance_level", "settings", "metadata")


def tenants(source: TenantSource, rows: Composable | None = None) -> Composable:
    """SELECT id, name, slug, is_active: the tenants that the table's rows are, or that `rows` are."""
    identity, title = tenant_of_row(source, "batch"), value_of_row(source.name, "batch")
    slug = query("slug_of_name", title=title, id=identity)
    if source.slug is not None:
        slug = sql.compose("{slug}::text", slug=value_of_row(source.slug, "batch"))
    active: Composable = sql.raw("true")
    if source.active is not None:
        active = sql.compose("COALESCE({active}::boolean, false)", active=value_of_row(source.active, "batch"))
    rows = rows or sql.relation(source.table.relation)
    return query("tenants_of_source", id=identity, title=title, slug=slug, active=active, rows=rows)


def can_be_tenants(plan: Plan) -> Iterator[Check]:
    """Each row has a name and a slug of its own. Asked once the plan is known to fit."""
    if plan.source is None:
        return
    source, relation, made = plan.source, plan.source.table.relation, tenants(plan.source)
    listed = {
        "ids": sql.literal([tenant.id for tenant in plan.tenants]),
        "slugs": sql.literal([tenant.slug for tenant in plan.tenants]),
        "shape": query("shape_of_slug"),
    }

    def problems(session: Session) -> Iterator[Problem]:
        is_there: Composable = sql.raw("false")
        questions = []
        if session.value(of_table("table_exists", plan.registry)):
            parts = {"registry": sql.relation(plan.registry)}
            is_there = query("is_tenant", **parts)
            questions.append(of_table("slugs_of_others", relation, made=made, is_there=is_there, **parts))
        questions.append(of_table("rows_that_are_no_tenants", relation, made=made, is_there=is_there, **listed))
        with session.work():
            for question in questions:
                yield from (Problem(*row) for row in session.execute(question))

    yield Check(f"each row of {short(source.table.relation)} can be a tenant", problems, gate=True)


def missing(plan: Plan) -> Iterator[Insert]:
    """Those that are there before the run."""
    if plan.source is None:
        return
    parts = {"made": tenants(plan.source), "registry": sql.relation(plan.registry)}
    yield Insert(
        name=f"tenants of {short(plan.source.table.relation)}",
        table=registry(plan),
        columns=COLUMNS,
        rows=query("missing_tenants_of_rows", **parts),
        rule=f"each row of {short(plan.source.table.relation)} is a tenant",
        undo_blockers=probes.rows_of_our_tenants(plan),
        # Rows whose column was there before belong to a row of the source: that one stays.
        removable=() if plan.adopts else org_tables.has_no_rows(plan),
    )


def added_later(plan: Plan) -> Iterator[Statement]:
    """The trigger by which a row that is added is a tenant at once, and takes it along as it changes."""
    if plan.source is None:
        return
    relation = plan.source.table.relation
    function = sql.ident("vital", sql.fitting(f"new_tenant_of_{relation.replace('.', '_')}"))
    creation = _creation(plan, plan.source, function)
    digest = sql.literal(hashlib.sha256(sql.text_of(creation).encode()).hexdigest())
    yield Statement(
        name=f"rows added to {short(relation)} are tenants at once",
        relation=relation,
        is_applied=of_table("new_tenant_trigger_is_current", relation, digest=digest),
        up=(
            creation,
            query("mark_function", function=function, digest=digest),
            query("close_function", signature=sql.literal(sql.text_of(function) + "()")),
            of_table("create_new_tenant_trigger", relation, function=function),
            _followed(plan, tenants(plan.source)),
        ),
        down=lambda _: (
            of_table("drop_new_tenant_trigger", relation),
            query("drop_function", function=function),
            *_forgotten(plan, relation),
        ),
        locks=(relation,),
    )


def _creation(plan: Plan, source: TenantSource, function: Composable) -> Composable:
    parts = {"registry": sql.relation(plan.registry), "name": sql.literal(source.table.relation)}
    made, was = (tenants(source, sql.raw(f"(SELECT {row}.*)")) for row in ("NEW", "OLD"))
    follow = {"rows_followed": _followed(plan, made), "row_gone": _followed(plan, was, "row_gone")}
    body = query("new_tenant_body", made=made, was=was, shape=query("shape_of_slug"), **follow, **parts)
    return query(
        "create_new_tenant_function",
        function=function,
        settings=session_settings.for_function(),
        body=sql.literal(sql.text_of(body)),
    )


def _followed(plan: Plan, rows: Composable, name: str = "rows_followed") -> Composable:
    """An UPDATE of the tenants that these rows are. Tenants of the plan are as the plan has them."""
    registry_name = sql.literal(plan.registry)
    return query(
        name,
        made=rows,
        was=rows,
        registry=sql.relation(plan.registry),
        ids=sql.literal([tenant.id for tenant in plan.tenants]),
        is_ours=sql.raw("true") if is_made(plan) else query("made_by_us", registry_name=registry_name),
        named_by_person=_by_person("named_by_person", "wanted"),
        let_in_by_person=_by_person("let_in_by_person", "wanted"),
    )


def _by_person(name: str, alias: str = "t") -> Composable:
    return query(name, tenant=sql.column(alias, "id"))


def _forgotten(plan: Plan, relation: str) -> Iterator[Composable]:
    """What the trigger has made since, and what it has changed of others."""
    by_person = _by_person("configured_by_person")
    yield query("as_they_were_made", registry=sql.relation(plan.registry), by_person=by_person)
    yield query(
        "forget_new_tenants",
        registry=sql.relation(plan.registry),
        registry_name=sql.literal(sql.text_of(sql.relation(plan.registry))),
        name=sql.literal(relation),
        tables=sql.literal(org_tables.tenant_tables(plan)),
        made=made_by_trigger(plan),
    )
    yield query("forget_hosts_of_nobody", registry=sql.relation(plan.registry))
    yield query("forget_places_of_nobody", registry=sql.relation(plan.registry))


def are_tenants(plan: Plan) -> Iterator[Check]:
    """Whether every row is one."""
    if plan.source is not None:
        relation, made = plan.source.table.relation, tenants(plan.source)
        without = of_table("rows_without_their_tenant", relation, made=made, registry=sql.relation(plan.registry))
        yield Check(f"every row of {short(relation)} is a tenant", without, relation=relation)


def made_by_trigger(plan: Plan) -> Composable:
    """Predicate on a tenant `t`: the trigger made or changed it, and nobody has set anything for it."""
    if plan.source is None:
        return sql.raw("false")
    by_person = _by_person("configured_by_person")
    return query("is_of_added_row", name=sql.literal(plan.source.table.relation), by_person=by_person)


def slugs(session: Session, plan: Plan) -> dict[str, str]:
    """Tenant id → slug of what the rows are or will be."""
    if plan.source is None:
        return {}
    made = tenants(plan.source)
    with session.work():
        found = dict(session.execute(query("slugs_of_rows", made=made)))
        if session.value(of_table("table_exists", plan.registry)):
            standing = query("slugs_that_stand", made=made, registry=sql.relation(plan.registry))
            found |= dict(session.execute(standing))
        return found
