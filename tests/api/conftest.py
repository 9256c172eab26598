"""The services of these tests: one that nobody changes, one per file that may be changed, one in demo mode."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.support import cast_rows, contract, service_under_test
from tests.support.command_results import Manage
from tests.support.databases import Scratch
from tests.support.paths import PACK, ROOT
from tests.support.service import Service
from tests.support.service_under_test import ServiceDatabase, ServiceUnderTest


@pytest.fixture(scope="session")
def shared_service(service_database: ServiceDatabase) -> Iterator[ServiceUnderTest]:
    """The service that all tests share, with its database: for tests that only read."""
    with service_under_test.started(service_database) as opened:
        yield opened


@pytest.fixture(scope="session")
def service(shared_service: ServiceUnderTest) -> Service:
    """The shared service alone, to send requests to."""
    return shared_service.service


@pytest.fixture(scope="module")
def own_service(service_database: ServiceDatabase) -> Iterator[ServiceUnderTest]:
    """A service of the file's own, in which every tenant may manage tools: for tests that write."""
    with service_under_test.started(service_database, prepare=cast_rows.let_everybody_manage_tools) as opened:
        yield opened


@pytest.fixture(scope="session")
def demo_service(migrated_template: Scratch) -> Iterator[ServiceUnderTest]:
    """A service in demo mode with the owner as its login, as `make demo` has it: for tests that only read."""
    with service_under_test.started_as_demo(migrated_template) as opened:
        yield opened


@pytest.fixture(scope="session")
def read_key(shared_service: ServiceUnderTest, manage: Manage) -> str:
    """Digital Health's API key for reading, at the shared service."""
    return service_under_test.new_key(shared_service.database, manage, "digital-health", "read")


@pytest.fixture(scope="session")
def suites() -> Mapping[str, Any]:
    """The keyword lists of the prompt suites, as published with the pack; without the pack the product's own."""
    published = PACK.parent / "suites.toml"
    return contract.read_suites(published if published.exists() else ROOT / "catalog" / "suites.toml")
