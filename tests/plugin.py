"""Finds or starts the test server before Django's settings are read, and makes the suite's database on it.

DATABASE_URL names a server whose superuser the suite may use to make scratch databases; it never touches the database
that the URL itself names. Without it an embedded PostgreSQL is started. Workers of pytest-xdist share nothing, as roles
are a whole cluster's: each starts an embedded server of its own, or a cluster made with the programs of DATABASE_URL's
server, which itself the first worker has. The process that hands out the tests needs no server.
"""

import os
import signal
import tempfile
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support import cleanup_at_exit, clusters, databases
from vital.db import embedded

SERVER_URL = pytest.StashKey[str]()
WORKER = "PYTEST_XDIST_WORKER"  # set in a worker, to gw0, gw1, …

# A shell ignores Ctrl-C in what it starts in the background, and so would everything the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

os.environ.pop("SUPABASE_DB_URL", None)
os.environ["VITAL_DEMO"] = "1"
os.environ.setdefault("VITAL_SECRET_KEY", "for-tests-only")
os.environ["VITAL_BACKUP"] = "0"  # hundreds of migrations of nobody's data; tests of it say otherwise


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    """In a wrapper, which comes before pytest-django reads the settings."""
    if WORKER in os.environ or not early_config.known_args_namespace.numprocesses:
        opened = ExitStack()
        early_config.add_cleanup(opened.close)
        server = opened.enter_context(_server(os.environ.get("DATABASE_URL", ""), os.environ.get(WORKER, "gw0")))
        suite = databases.create_empty(server)
        opened.callback(databases.drop, suite)
        early_config.stash[SERVER_URL] = server
        os.environ["DATABASE_URL"] = suite.owner_url  # the suite's own process works as the restricted owner does
    return (yield)


@contextmanager
def _server(given: str, worker: str) -> Iterator[str]:
    """The URL of the server's superuser."""
    if given and worker == "gw0":
        yield given
    elif given:
        if not clusters.has_programs(given):
            raise pytest.UsageError("DATABASE_URL's server is on another machine, so one process tests it: add -n 0")
        with clusters.private(given) as url:
            yield url
    else:
        home = Path(tempfile.mkdtemp(prefix="vital-tests-"))
        home.chmod(0o711)  # else the system user that runs the server for root keeps its data elsewhere, for good
        cleanup_at_exit.remove_at_exit(home)
        yield embedded.ensure_running(home, durable=False).superuser_url
