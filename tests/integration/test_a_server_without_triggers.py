"""A server that is told to fire no triggers has no guards of references: that is noticed, with what to run."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.support import clusters, databases
from tests.support.command_results import Manage, said

pytestmark = pytest.mark.server

FIX = "ALTER SYSTEM RESET session_replication_role;"
RELOAD = b"SELECT pg_sleep(0.2) FROM pg_reload_conf()"


@pytest.fixture
def cluster(server_url: str) -> Iterator[str]:
    with clusters.private(server_url) as url:
        yield url


@pytest.mark.slow
def test_a_setting_of_the_server_is_noticed_and_its_fix_repairs_it(cluster: str, manage: Manage) -> None:
    scratch = databases.create_empty(cluster)
    for command in (["migrate"], ["migrate_tenants", "--yes"]):
        done = manage(scratch, *command)
        assert done.returncode == 0, said(done)
    with psycopg.connect(cluster, autocommit=True) as admin:
        admin.execute(b"ALTER SYSTEM SET session_replication_role = replica")
        admin.execute(RELOAD)

        checked = manage(scratch, "check", "--deploy")

        assert checked.returncode == 1, said(checked)
        assert "settings of SYSTEM: session_replication_role = replica" in checked.stderr
        assert FIX in checked.stderr
        admin.execute(FIX.encode())
        admin.execute(RELOAD)
    again = manage(scratch, "check", "--deploy")
    assert again.returncode == 0, said(again)
