"""A command works on one connection: the plan that the database remembers is read over it as well."""

import time

import psycopg
import pytest

from tests.support import patience, queries
from tests.support.command_results import Manage, said
from tests.support.databases import Scratch

pytestmark = pytest.mark.slow

REASON = ("--reason", "counted")
ONE = {
    "status": ("migrate_tenants", "status"),
    "report": ("migrate_tenants", "report"),
    "findings": ("migrate_tenants", "findings"),
    "an undo is forecast": ("migrate_tenants", "undo", "--dry-run"),
    "limits": ("migrate_tenants", "tune"),
    "a limit is set": ("migrate_tenants", "tune", "batch=500", "--yes"),
    "a row is decided": ("migrate_tenants", "decide", "users", "{user}", "pharma", *REASON, "--yes"),
    "isolation is turned off": ("migrate_tenants", "disarm", *REASON, "--yes"),
    "tenants are looked at": ("tenants",),
    "a tenant is configured": ("tenants", "set", "pharma", "limits.max_tools=7", *REASON),
    "a tenant is suspended": ("tenants", "suspend", "pharma", *REASON, "--yes"),
    "one look of the monitor": ("monitor", "--once"),
}


@pytest.mark.parametrize("words", ONE.values(), ids=ONE)
def test_a_command_opens_one_connection(migrated: Scratch, manage: Manage, words: tuple[str, ...]) -> None:
    user = str(queries.scalar(migrated, "SELECT id FROM users ORDER BY id LIMIT 1"))
    before = sessions(migrated)

    done = manage(migrated, *(word.format(user=user) for word in words))

    assert done.returncode in (0, 1), said(done)  # 1: the monitor has seen something
    assert sessions(migrated) - before == 1, said(done)


def sessions(scratch: Scratch) -> int:
    """How many connections to the database there have been, once nobody is on it any more."""
    with psycopg.connect(scratch.admin_url, dbname="postgres", autocommit=True) as outside:
        deadline = time.monotonic() + patience.seconds(10)
        on_it = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
        while outside.execute(on_it, [scratch.name]).fetchone() != (0,):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(0.2)
        found = outside.execute("SELECT sessions FROM pg_stat_database WHERE datname = %s", [scratch.name]).fetchone()
        assert found is not None
        return int(found[0])
