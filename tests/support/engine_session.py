"""A scratch database that has VITAL's own tables, and the engine's session on it."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg.conninfo import conninfo_to_dict

from migrations_ops.engine.session import Session
from tests.support import databases
from tests.support.command_results import Manage


@contextmanager
def on_empty_database(server_url: str, manage: Manage, name: str) -> Iterator[Session]:
    """The session, by the name that the server shows; the database goes with it."""
    scratch = databases.create_empty(server_url)
    done = manage(scratch, "migrate")
    assert done.returncode == 0, done.stderr
    opened = Session.open(dict(conninfo_to_dict(scratch.owner_url)), name)
    yield opened
    opened.close()
    databases.drop(scratch)
