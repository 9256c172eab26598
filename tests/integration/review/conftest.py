"""A small database in which people decide about rows."""

from collections.abc import Iterator

import pytest

from tests.support import reference_database as reference_database_
from tests.support.command_results import Manage
from tests.support.decision_database import DecisionDatabase, created
from tests.support.reference_database import ReferenceDatabase


@pytest.fixture(scope="module")
def decision_database(
    server_url: str, manage: Manage, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DecisionDatabase]:
    """A small database in which people decide; it has the rows of the test before, so call `forget` and `fill`."""
    with created(server_url, manage, tmp_path_factory.mktemp("decisions")) as made:
        yield made


@pytest.fixture(scope="module")
def reference_database(
    server_url: str, manage: Manage, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ReferenceDatabase]:
    """A small database whose rows refer to each other; it has the rows of the test before, so call `forget`."""
    with reference_database_.created(server_url, manage, tmp_path_factory.mktemp("references")) as made:
        yield made


@pytest.fixture
def filled(decision_database: DecisionDatabase) -> DecisionDatabase:
    """`decision_database` with ten people, their letters and three parts; 004 is done, a rule matched two parts."""
    decision_database.forget()
    decision_database.fill(10)
    assert decision_database.run() == 2
    return decision_database
