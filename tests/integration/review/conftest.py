"""A small database in which people decide about rows."""

from collections.abc import Iterator

import pytest

from tests.support.command_results import Manage
from tests.support.decision_database import DecisionDatabase, created


@pytest.fixture(scope="module")
def decision_database(
    server_url: str, manage: Manage, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DecisionDatabase]:
    """Its tables, two tenants and the plan; the rows are those of the test before, so call `forget` and `fill`."""
    with created(server_url, manage, tmp_path_factory.mktemp("decisions")) as made:
        yield made


@pytest.fixture
def filled(decision_database: DecisionDatabase) -> DecisionDatabase:
    """Ten people, their letters, three parts; 004 is done and knows two parts."""
    decision_database.forget()
    decision_database.fill(10)
    assert decision_database.run() == 2
    return decision_database
