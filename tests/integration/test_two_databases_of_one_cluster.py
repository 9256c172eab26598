"""Roles belong to the cluster: undoing one database takes nothing from another that is isolated."""

from collections.abc import Iterator

import pytest

from tests.support import clusters, databases
from tests.support.command_results import Manage
from tests.support.databases import OWNER, Scratch

pytestmark = pytest.mark.server

MEMBER = "SELECT pg_has_role(%s, 'vital_operator', 'MEMBER')"
ROLES = "SELECT rolname FROM pg_roles WHERE rolname LIKE 'vital\\_%%' AND rolname <> %s"


@pytest.fixture
def cluster(server_url: str) -> Iterator[str]:
    with clusters.private(server_url) as url:
        yield url


def closed(cluster: str, manage: Manage) -> Scratch:
    """An empty platform after a whole run."""
    scratch = databases.create_empty(cluster)
    for command in (["migrate"], ["migrate_tenants", "--yes"]):
        done = manage(scratch, *command)
        assert done.returncode == 0, done.stdout + done.stderr
    return scratch


@pytest.mark.slow
def test_an_undo_leaves_the_other_database_its_operator(cluster: str, manage: Manage) -> None:
    first, second = closed(cluster, manage), closed(cluster, manage)

    undone = manage(first, "migrate_tenants", "undo", "--yes")

    assert undone.returncode == 0, undone.stdout + undone.stderr
    assert databases.rows(cluster, MEMBER, [OWNER]) == [(True,)]
    assert manage(second, "migrate_tenants", "validate").returncode == 0
    again = manage(second, "migrate_tenants", "--yes")
    assert "Nothing to do" in again.stdout, again.stdout + again.stderr


@pytest.mark.slow
def test_the_undo_of_the_only_database_takes_every_role_along(cluster: str, manage: Manage) -> None:
    only = closed(cluster, manage)
    assert {("vital_tenant",), ("vital_operator",)} <= {*databases.rows(cluster, ROLES, [OWNER])}

    undone = manage(only, "migrate_tenants", "undo", "--yes")

    assert undone.returncode == 0, undone.stdout + undone.stderr
    assert databases.rows(cluster, ROLES, [OWNER]) == []
