"""The proof holds up no VACUUM: its transactions are short, and what VACUUM may remove moves on while it works."""

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings
from psycopg.conninfo import conninfo_to_dict

from migrations_ops.engine.session import Session
from migrations_ops.phases.inventory import inventory_of
from migrations_ops.rules.load import load
from tenants.isolation import database_probe
from tests.support import databases
from tests.support.databases import Scratch, clone_with_grants, rows

pytestmark = pytest.mark.server

REGISTER = (
    "INSERT INTO tenants (id, name, slug, is_active) SELECT gen_random_uuid(), 'tenant ' || n, 'tenant-' || n, true"
    " FROM generate_series(1, 10) AS n"
)
LONGEST = 5.0  # seconds
OPEN = (
    "SELECT extract(epoch FROM clock_timestamp() - xact_start)::float, backend_xmin::text FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = 'attack run' AND xact_start IS NOT NULL"
)


@pytest.fixture
def database(migrated_template: Scratch) -> Iterator[Scratch]:
    scratch = clone_with_grants(migrated_template)
    yield scratch
    databases.drop(scratch)


@pytest.mark.slow
def test_no_transaction_is_long_and_the_horizon_moves_on(database: Scratch) -> None:
    rows(database.owner_url, REGISTER)
    looks: list[tuple[float, str | None]] = []
    over = threading.Event()

    def look() -> None:
        """Beside it others write: each look has a transaction of its own to move the horizon by."""
        with psycopg.connect(database.admin_url, autocommit=True) as beside:
            while not over.is_set():
                beside.execute(b"SELECT pg_current_xact_id()")
                looks.extend(beside.execute(OPEN.encode()).fetchall())
                time.sleep(0.05)

    looking = threading.Thread(target=look)
    looking.start()
    session = Session.open(dict(conninfo_to_dict(database.owner_url)), "attack run")
    try:
        report = database_probe.prove(session, inventory_of(load(settings.PLAN)))
    finally:
        session.close()
        over.set()
        looking.join()

    assert report.holds
    assert max(seconds for seconds, _ in looks) < LONGEST
    horizons = {xmin for _, xmin in looks if xmin}
    assert len(horizons) > 2, "one horizon for all of it would keep every row that others delete meanwhile"
    with psycopg.connect(database.admin_url, autocommit=True) as beside:
        assert beside.execute(OPEN.encode()).fetchall() == []
