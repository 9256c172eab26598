"""What browsers reach past their policies is named with the statement that closes it; what is no tenant's is not."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from migrations_ops.engine.session import Session
from migrations_ops.phases.inventory import inventory_of
from migrations_ops.rules.load import load
from tenants.isolation import reachability
from tests.support.databases import Scratch
from vital.db import session_settings

pytestmark = [pytest.mark.server, pytest.mark.slow]

DONE = 0
COUNTS = "RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM public.notes'"
REACHED = {
    "a view that shows what its owner sees": (
        "CREATE VIEW all_notes AS TABLE notes", "view", "public.all_notes", "anon may delete, insert, select",
    ),
    "a view of such a view": (
        "CREATE VIEW first AS TABLE notes; REVOKE ALL ON first FROM anon, authenticated;"
        "CREATE VIEW second AS TABLE first",
        "view",
        "public.second",
        "authenticated may",
    ),
    "a materialized view": (
        "GRANT SELECT ON notes_of_orgs TO anon", "materialized view", "public.notes_of_orgs", "anon may select",
    ),
    "a function that works as its owner": (
        f"CREATE FUNCTION count_notes() {COUNTS}", "function", "public.count_notes()", "no policy binds",
    ),
    "a function of the owner's in another schema": (
        f"CREATE SCHEMA api; GRANT USAGE ON SCHEMA api TO anon; CREATE FUNCTION api.count_notes() {COUNTS}",
        "function",
        "api.count_notes()",
        "anon may call it",
    ),
    "a common table that browsers write": (
        "GRANT INSERT ON colours TO authenticated", "table", "public.colours", "authenticated may",
    ),
    "a publication": (
        "CREATE PUBLICATION of_all FOR TABLE topics", "publication", "publication of_all", "past every policy",
    ),
}  # fmt: skip
HARMLESS = {
    "a table without tenants": "CREATE TABLE flags (name text PRIMARY KEY)",
    "a view of it": "CREATE TABLE flags (name text); CREATE VIEW seen_flags AS TABLE flags",
    "a view as who reads it": "CREATE VIEW own_notes WITH (security_invoker = true) AS TABLE notes",
    "a function as who calls it": (
        "CREATE FUNCTION own_notes() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM public.notes'"
    ),
    "a function that browsers may not call": (
        f"CREATE FUNCTION count_notes() {COUNTS}; REVOKE ALL ON FUNCTION count_notes() FROM PUBLIC, anon, authenticated"
    ),
    "a function of the provider's": (
        "SET ROLE supabase_admin; CREATE FUNCTION storage.size() RETURNS bigint LANGUAGE sql SECURITY DEFINER"
        " AS 'SELECT count(*) FROM storage.objects'; SET ROLE postgres"
    ),
}


@pytest.fixture
def connection(bound: tuple[Scratch, Path]) -> Iterator[psycopg.Connection]:
    """As the project's owner, in a transaction that is rolled back."""
    scratch, _ = bound
    with psycopg.connect(scratch.admin_url) as connection:
        Session(connection, {}).execute(session_settings.for_session("public"))
        connection.execute("REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC")
        connection.execute("SET ROLE postgres")
        yield connection
        connection.rollback()


def reached(connection: psycopg.Connection, bound: tuple[Scratch, Path]) -> list[reachability.Reached]:
    inventory = replace(inventory_of(load(bound[1])), reachable=("publication supabase_realtime",))
    return reachability.not_allowed(Session(connection, {}), inventory)


@pytest.mark.parametrize("what", REACHED)
def test_it_is_named_and_can_be_closed(connection: psycopg.Connection, bound: tuple[Scratch, Path], what: str) -> None:
    statement, kind, name, how = REACHED[what]
    assert reached(connection, bound) == []

    connection.execute(statement.encode())

    (found,) = [one for one in reached(connection, bound) if one.name == name]
    assert found.kind == kind
    assert how in found.how
    connection.execute(found.closing.encode())
    assert [one for one in reached(connection, bound) if one.name == name] == []


@pytest.mark.parametrize("what", HARMLESS)
def test_what_is_no_tenants_is_not_named(
    connection: psycopg.Connection, bound: tuple[Scratch, Path], what: str
) -> None:
    connection.execute(HARMLESS[what].encode())

    assert reached(connection, bound) == []
