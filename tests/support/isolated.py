"""Tables of anybody's shape behind isolation, in a schema of their own, with the statements that 006 uses."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count

import psycopg
from psycopg.conninfo import conninfo_to_dict

from migrations_ops.engine import ddl
from migrations_ops.engine.session import Session
from migrations_ops.phases import policies
from tenants.inventory import Inventory, TenantTable
from tests.support import databases
from tests.support.databases import Scratch

PLATFORM = "00000000-0000-4000-8000-000000000001"
NORTH = "00000000-0000-4000-8000-000000000002"
SOUTH = "00000000-0000-4000-8000-000000000003"
NUMBERS = count(1)


@contextmanager
def session_of(scratch: Scratch) -> Iterator[Session]:
    session = Session.open(dict(conninfo_to_dict(scratch.owner_url)), "attack run")
    yield session
    session.close()


@contextmanager
def database(server_url: str) -> Iterator[Scratch]:
    """One of its own, with the roles and the functions that guard references."""
    scratch = databases.create_empty(server_url)
    try:
        prepare(scratch)
        yield scratch
    finally:
        databases.drop(scratch)


def prepare(scratch: Scratch) -> None:
    with session_of(scratch) as session:
        session.execute("CREATE SCHEMA vital")
        session.execute("CREATE TABLE vital.applied_statement (statement text, memo jsonb)")
        for one in policies.roles():
            if not ddl.is_there(session, one):
                for statement in one.up:
                    session.execute(statement)
        for statement in policies.guard_functions(_nothing).up:
            session.execute(statement)


def _nothing() -> Inventory:
    return Inventory("", PLATFORM, (), (), ())


@contextmanager
def isolated(session: Session, *ddl: str, tables: Sequence[str], key: str = "id") -> Iterator[Inventory]:
    """The tables that these statements make ({s} is their schema) are isolated; each has a tenant_id."""
    schema = f"shape_{next(NUMBERS)}"
    session.execute(f"CREATE SCHEMA {schema}")
    try:
        session.execute(f"CREATE TABLE {schema}.tenants (id uuid PRIMARY KEY, name text NOT NULL, slug text UNIQUE)")
        for number, tenant in enumerate((PLATFORM, NORTH, SOUTH)):
            session.execute(f"INSERT INTO {schema}.tenants VALUES ('{tenant}', 'tenant {number}', 'slug-{number}')")
        for statement in ddl:
            session.connection.execute(statement.replace("{s}", schema).encode())
        relations = [f"{schema}.{table}" for table in tables]
        yield _isolate(session, schema, relations, key)
    finally:
        with psycopg.Connection.transaction(session.connection):
            session.execute("SET LOCAL client_min_messages = error")
            session.execute(f"DROP SCHEMA {schema} CASCADE")


def _isolate(session: Session, schema: str, relations: Sequence[str], key: str) -> Inventory:
    registry = f"{schema}.tenants"
    tables = tuple(TenantTable(relation, tuple(key.split(",")), shared=False) for relation in relations)
    found = Inventory(registry, PLATFORM, (PLATFORM, NORTH, SOUTH), tables, ())

    def inventory() -> Inventory:
        return found

    steps = [policies.schema_usage(schema)]
    steps += [policies.policies(registry, inventory, shared=False, platform=PLATFORM, column="id")]
    steps += [policies.policies(relation, inventory, shared=False, platform=PLATFORM) for relation in relations]
    steps += [policies.grants(relation, inventory) for relation in relations]
    steps += [policies.grants(registry, inventory, ["SELECT"])]
    steps += [policies.guarded_references(relation, inventory, relations, PLATFORM) for relation in relations]
    for step in steps:
        for statement in ddl.changes(session, step):
            session.execute(statement)
    return found


def repeated(scratch: Scratch, script: str) -> tuple[int, str]:
    """How many rows the last statement but ROLLBACK touches when somebody repeats the script, and what refuses it."""
    *before, last, end = script.rstrip(";").split(";\n")
    assert end == "ROLLBACK"
    with psycopg.connect(scratch.owner_url, autocommit=True) as connection:
        for statement in before:
            connection.execute(statement.encode())
        try:
            return connection.execute(last.encode()).rowcount, ""
        except psycopg.Error as error:
            return 0, str(error.diag.message_primary)
        finally:
            connection.rollback()
