"""A small platform whose tables are compared with their baseline, the engine's session, and an application."""

from collections.abc import Iterator

import pytest
from psycopg.conninfo import conninfo_to_dict

from migrations_ops.engine.session import Session
from tests.support import databases
from tests.support.baselines import RUN, App
from tests.support.command_results import Manage
from tests.support.databases import Scratch


@pytest.fixture(scope="session")
def things_template(server_url: str, manage: Manage) -> Iterator[Scratch]:
    """VITAL's own tables and two of a platform, one plain and one partitioned, ten rows each, for copies."""
    scratch = databases.create_empty(server_url)
    done = manage(scratch, "migrate")
    assert done.returncode == 0, done.stderr
    body = "name text, tags text[], facts json, twice int GENERATED ALWAYS AS (length(name) * 2) STORED, tenant_id uuid"
    for statement in (
        f"CREATE TABLE things (id bigint PRIMARY KEY, {body})",
        f"CREATE TABLE split (id bigint PRIMARY KEY, {body}) PARTITION BY HASH (id)",
        "CREATE TABLE split_0 PARTITION OF split FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
        "CREATE TABLE split_1 PARTITION OF split FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
        *(
            f"INSERT INTO {table} (id, name, tags, facts) SELECT n, 'thing ' || n, ARRAY['t'], '{{\"n\": 1}}'"
            " FROM generate_series(1, 10) AS n"
            for table in ("things", "split")
        ),
    ):
        databases.rows(scratch.owner_url, statement)
    yield scratch
    databases.drop(scratch)


@pytest.fixture
def scratch(things_template: Scratch) -> Iterator[Scratch]:
    """A copy of `things_template` of the test's own."""
    copy = databases.clone(things_template)
    yield copy
    databases.drop(copy)


@pytest.fixture
def session(scratch: Scratch) -> Iterator[Session]:
    """The engine's session on `scratch`, with a run open."""
    opened = Session.open({str(k): v for k, v in conninfo_to_dict(scratch.owner_url).items()}, "fingerprint")
    opened.named("open_run", RUN)
    yield opened
    opened.close()


@pytest.fixture
def app(scratch: Scratch) -> App:
    """Runs statements as an application does, each in a transaction of its own."""

    def write(*statements: str) -> None:
        for statement in statements:
            databases.rows(scratch.owner_url, statement)

    return write
