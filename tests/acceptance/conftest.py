"""What these tests compare a migrated database with, and a platform whose browsers are bound."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import browsers, databases, supabase
from tests.support.command_results import Manage, said
from tests.support.databases import Scratch


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
