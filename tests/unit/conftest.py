"""What these tests read."""

import pytest

from migrations_ops.rules.load import load
from migrations_ops.rules.model import Plan
from tests.support.plans import SHIPPED


@pytest.fixture(scope="session")
def plan() -> Plan:
    """The shipped plan."""
    return load(SHIPPED)
