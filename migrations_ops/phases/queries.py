"""The phases' named SQL, composed with the plan's tables."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from psycopg.sql import Composable, Composed

from migrations_ops.engine.steps import Table
from migrations_ops.rules.model import TENANT_COLUMN, Plan, TableSpec
from tenants.inventory import OWN_SCHEMA
from vital.db import sql
from vital.db.introspection import UNIQUE_KEYS

QUERIES = sql.load(Path(__file__).parent / "sql")


def query(name: str, /, **parts: Composable) -> Composed:
    """Phases bind no parameters, so that a % in their files is a %."""
    return sql.unbound(QUERIES[name], **parts)


def of_table(name: str, relation: str, /, **parts: Composable) -> Composed:
    """A query about one table: {relation} is its identifier, {name} its name as text, {tenant} the tenant column."""
    return query(
        name, relation=sql.relation(relation), name=sql.literal(relation), tenant=sql.ident(TENANT_COLUMN), **parts
    )


def every(name: str, tables: Iterable[TableSpec], /, **parts: Composable) -> Composed:
    """The same question about several tables, as one."""
    questions = [of_table(name, spec.relation, key=sql.key_text("t", spec.table.key), **parts) for spec in tables]
    return sql.join([sql.compose("({q})", q=question) for question in questions], " UNION ALL ")


def in_words(plan: Plan, tenant: Composable) -> Composed:
    """The tenant with this id as people call it."""
    return query("tenant_in_words", registry=sql.relation(plan.registry), id=tenant)


def registry(plan: Plan) -> Table:
    return Table(plan.registry, ("id",))


def short(relation: str) -> str:
    """A table's name without its schema."""
    return sql.names(relation)[1]


def schemas_of(relations: Iterable[str]) -> list[str]:
    """The schemas of these tables, each once."""
    return sorted({sql.names(relation)[0] for relation in relations})


def is_made(plan: Plan) -> bool:
    """Whether VITAL makes the table of tenants: a plan says so by putting it into VITAL's own schema."""
    return schemas_of([plan.registry]) == [OWN_SCHEMA]


def wrong_columns(needed: Iterable[tuple[str, Mapping[str, str], bool]]) -> Composed:
    """Columns of tables (table, column → type, whether they are required) of another type than this, or missing."""
    wanted = [(table, name, kind, required) for table, kinds, required in needed for name, kind in kinds.items()]
    relations, columns, kinds, required = (sql.literal([one[place] for one in wanted]) for place in range(4))
    return query("wrong_columns", relations=relations, columns=columns, kinds=kinds, required=required)


def keys_that_are_not_unique(keys: Iterable[tuple[str, Iterable[str]]]) -> Composed:
    """Tables whose rows these columns do not tell apart."""
    wanted = [(table, json.dumps([*key])) for table, key in keys]
    tables, named = (sql.literal([one[place] for one in wanted]) for place in range(2))
    return query("keys_that_are_not_unique", tables=tables, keys=named, unique_keys=UNIQUE_KEYS)
