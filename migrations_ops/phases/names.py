"""The names that VITAL gives to what it adds to tables of others: free, or its own, before anything changes."""

from collections.abc import Iterator

from psycopg.sql import Composable

from migrations_ops.engine.steps import Check, Statement
from migrations_ops.phases import (
    api_indexes,
    columns,
    not_null,
    org_tables,
    row_level_security,
    tenant_data,
    unique_keys,
)
from migrations_ops.phases import policies as rls
from migrations_ops.phases.inventory import bound_roles_of
from migrations_ops.phases.queries import of_table
from migrations_ops.rules.model import TENANT_COLUMN, Plan
from tenants.isolation import bound, wanted
from vital.db import sql


def are_free(plan: Plan) -> Check:
    """A run would take what is called so for its own work half done, and an undo would drop it."""
    return Check("names that are taken", sql.join(_taken(plan), " UNION ALL "))


def _taken(plan: Plan) -> Iterator[Composable]:
    for relation, closing in row_level_security.closings(plan):
        if relation not in org_tables.own_tables(plan):
            yield _asked("policy_name_taken", relation, closing, **_policies(plan, relation))
    for relation in plan.passed_through:
        way = rls.way_to_parents(relation)
        yield _asked("policy_name_taken", relation, way, policies=sql.literal(["vital_operator_reads"]))
    for spec in plan.tables:
        yield of_table("trigger_name_taken", spec.relation)
        key = columns.tenant_key(plan, spec)
        yield _constraint(spec.relation, key, columns.tenant_key_name(plan, spec))
        check, *_ = not_null.statements(spec)
        yield _constraint(spec.relation, check, columns.not_null_name(spec))
        yield _index(spec.relation, tenant_data.index(spec))
        for unique in spec.rescope:
            built, named = unique_keys.rescoped(spec, unique)
            name = unique_keys.name_per_tenant(spec, unique)
            yield _asked("index_name_taken", spec.relation, built, index_name=_in_schema(spec.relation, name))
            yield _constraint(spec.relation, named, name)
    for statement in api_indexes.indexes(plan):
        yield _index(statement.relation, statement)


def _policies(plan: Plan, relation: str) -> dict[str, Composable]:
    """The names of the policies that a closed table has; whose rows they are about is no matter here."""
    rows: rls.Rows = {"shared": False, "platform": plan.platform_id, "column": TENANT_COLUMN}
    roles = [one for one in bound_roles_of(plan) if relation in one.tables]
    theirs = [policy.name for one in roles for policy in bound.policies(one, **rows)]
    return {"policies": sql.literal([*wanted.POLICY_NAMES, *theirs])}


def _asked(question: str, relation: str, statement: Statement, **parts: Composable) -> Composable:
    parts |= {"statement": sql.literal(statement.name), "column": sql.literal(TENANT_COLUMN)}
    return of_table(question, relation, **parts)


def _constraint(relation: str, statement: Statement, name: str) -> Composable:
    return _asked("constraint_name_taken", relation, statement, constraint_name=sql.literal(name))


def _index(relation: str, statement: Statement) -> Composable:
    assert statement.index is not None
    return _asked("index_name_taken", relation, statement, index_name=_in_schema(relation, statement.index.name))


def _in_schema(relation: str, name: str) -> Composable:
    return sql.literal(sql.spelled(sql.names(relation)[0], name))
