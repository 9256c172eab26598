"""A migrated database on the cluster that CITUS_URL names, before and after its distribution."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import cast_rows, citus, databases
from tests.support.command_results import Manage, said
from tests.support.databases import Scratch


@pytest.fixture(scope="session")
def cluster_plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plan of the databases on the cluster."""
    file = tmp_path_factory.mktemp("plan") / "plan.toml"
    file.write_text(citus.plan(), encoding="utf-8")
    return file


@pytest.fixture(scope="session")
def ready_template(pack: Path, manage: Manage, cluster_plan: Path) -> Iterator[Scratch]:
    """The pack on the cluster, migrated and isolated, with the cast's rows, not distributed yet; skips without one."""
    scratch = databases.build_legacy(citus.needed(), pack)
    done = manage(scratch, "migrate_tenants", "--yes", env={"VITAL_PLAN": str(cluster_plan)}, timeout=600)
    assert done.returncode == 0, said(done)
    cast_rows.insert_cast(scratch)
    yield scratch
    databases.drop(scratch)


@pytest.fixture
def ready(ready_template: Scratch) -> Iterator[Scratch]:
    """A copy of it, of the test's own."""
    scratch = databases.clone_with_grants(ready_template)
    yield scratch
    databases.drop(scratch)


@pytest.fixture(scope="session")
def distributed(ready_template: Scratch, manage: Manage) -> Iterator[Scratch]:
    """The same, distributed: for tests that leave it as it is."""
    scratch = databases.clone_with_grants(ready_template)
    done = manage(scratch, "distribute", "--yes", timeout=600)
    assert done.returncode == 0, said(done)
    yield scratch
    databases.drop(scratch)
