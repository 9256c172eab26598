"""A proof of many tables has more time by itself: what has had no turn is nothing that held."""

import pytest

from tenants.isolation.database_probe import budget_for


@pytest.mark.parametrize(("tables", "seconds"), [(0, 60), (9, 60), (30, 60), (31, 62), (226, 452)])
def test_it_grows_with_the_tables(tables: int, seconds: int) -> None:
    assert budget_for(tables) == seconds
