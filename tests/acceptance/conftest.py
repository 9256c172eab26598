"""What these tests compare a migrated database with."""

import pytest

from tests.support import databases
from tests.support.command_results import Manage
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
