"""What these tests compare a migrated database with, and platforms: with bound browsers, with vectors, backed up."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import browsers, databases, restores, supabase, vectors
from tests.support.command_results import Manage, said
from tests.support.databases import Scratch
from tests.support.restores import BackedUp


@pytest.fixture(scope="session")
def legacy_dump(legacy_template: Scratch, manage: Manage) -> str:
    """The dump of the legacy database before its migration, with VITAL's own tables in place."""
    scratch = databases.clone(legacy_template)
    done = manage(scratch, "migrate", "--verbosity", "0")
    assert done.returncode == 0, done.stderr
    dump = databases.dump(scratch.admin_url)
    databases.drop(scratch)
    return dump


@pytest.fixture(scope="module")
def bound(server_url: str, manage: Manage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Scratch, Path]]:
    """A platform whose browsers are bound, with its plan."""
    plan = browsers.plan(tmp_path_factory.mktemp("plan"))
    with supabase.project(server_url, old=False) as scratch:
        browsers.more_tables(scratch)
        done = manage(scratch, "migrate_tenants", "--yes", cwd=plan.parent, env={"VITAL_PLAN": str(plan)})
        assert done.returncode == 0, said(done)
        yield scratch, plan


@pytest.fixture(scope="module")
def platform_with_vectors(
    server_url: str, manage: Manage, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scratch]:
    """An isolated platform with vectors of ten tenants; skips where there is no pgvector."""
    with vectors.isolated(server_url, manage, tmp_path_factory.mktemp("vectors")) as scratch:
        yield scratch


@pytest.fixture
def searched(platform_with_vectors: Scratch) -> Iterator[Scratch]:
    """A copy of the platform with vectors, of the test's own."""
    copy = databases.clone_with_grants(platform_with_vectors)
    yield copy
    databases.drop(copy)


@pytest.fixture(scope="session")
def backed_up(
    migrated_template: Scratch, manage: Manage, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BackedUp]:
    """A migrated platform whose tenant Pharma has rows of every kind, with its backup, for copies."""
    copy = databases.clone_with_grants(migrated_template)
    restores.filled(copy)
    file = tmp_path_factory.mktemp("backup") / "monday.dump"
    restores.backup(copy, manage, file)
    yield BackedUp(copy, file)
    databases.drop(copy)


@pytest.fixture
def restorable(backed_up: BackedUp) -> Iterator[Scratch]:
    """A copy of the platform that is backed up, of the test's own, to damage."""
    copy = databases.clone_with_grants(backed_up.database)
    yield copy
    databases.drop(copy)


@pytest.fixture
def rehearsal_home() -> Iterator[Path]:
    """A VITAL_HOME of one's own, where the system user that runs the server for root may pass through."""
    folder = Path(tempfile.mkdtemp(prefix="vital-rehearsal-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
