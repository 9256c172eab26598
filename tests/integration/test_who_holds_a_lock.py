"""Whoever holds what a step waits for is named: also what all databases of a server share, from another database."""

from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from migrations_ops.engine.session import Session
from tests.support import databases
from tests.support.databases import OWNER, Scratch


@pytest.fixture
def shop(server_url: str) -> Iterator[Scratch]:
    scratch = databases.create_empty(server_url)
    with psycopg.connect(scratch.owner_url) as connection:
        connection.execute("CREATE TABLE stores (id int)")
    yield scratch
    databases.drop(scratch)


@pytest.mark.parametrize("relations", [(), ("public.stores",)])
def test_a_role_that_is_changed_from_another_database(
    shop: Scratch, server_url: str, relations: tuple[str, ...]
) -> None:
    with (
        psycopg.connect(server_url, dbname="postgres", application_name="another's run") as other,
        closing(Session.open(conninfo_to_dict(shop.owner_url), "vital test")) as session,
    ):
        other.execute(f"ALTER ROLE {OWNER} NOINHERIT".encode())

        holders = session.lock_holders(relations)
        pid = other.info.backend_pid
        other.rollback()

        assert f"pid {pid} (another's run, user {other.info.user}, database postgres" in holders
        assert str(pid) not in session.lock_holders(relations)


def test_who_holds_the_table_itself_comes_alone(shop: Scratch, server_url: str) -> None:
    with (
        psycopg.connect(server_url, dbname="postgres") as other,
        psycopg.connect(shop.owner_url) as reader,
        closing(Session.open(conninfo_to_dict(shop.owner_url), "vital test")) as session,
    ):
        other.execute(f"ALTER ROLE {OWNER} NOINHERIT".encode())
        reader.execute("SELECT FROM stores")

        holders = session.lock_holders(("public.stores",))
        other.rollback()

        assert holders.startswith(f"pid {reader.info.backend_pid} (")
        assert "database" not in holders
        assert ";" not in holders
