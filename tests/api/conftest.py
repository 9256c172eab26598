"""The services of these tests: one that nobody changes, one per file that may be changed, one in demo mode."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.conftest import PACK, ROOT, Manage
from tests.support import cast, contract, stage
from tests.support.databases import Scratch
from tests.support.service import Service, served
from tests.support.stage import House, Stage

DEMO = {"VITAL_DEMO": "1", "VITAL_SECRET_KEY": "for-the-demo-only"}


@pytest.fixture(scope="session")
def house(server_url: str, migrated_template: Scratch, manage: Manage) -> Iterator[House]:
    """What every stage is a copy of."""
    with stage.built(server_url, migrated_template, manage) as built:
        yield built


@pytest.fixture(scope="session")
def shared(house: House) -> Iterator[Stage]:
    """For tests that only look."""
    with stage.opened(house) as opened:
        yield opened


@pytest.fixture(scope="session")
def service(shared: Stage) -> Service:
    return shared.service


@pytest.fixture(scope="module")
def workshop(house: House) -> Iterator[Stage]:
    """A file's own, in which every tenant may manage tools: for tests that write."""
    with stage.opened(house, prepare=cast.let_everybody_manage_tools) as opened:
        yield opened


@pytest.fixture(scope="session")
def demo(migrated_template: Scratch) -> Iterator[Stage]:
    """Demo mode with the owner as the login, as `make demo` has it; for tests that only look."""
    with stage.furnished(migrated_template) as scratch, served(scratch.owner_url, DEMO) as service:
        yield Stage(service, scratch, scratch.owner_url)


@pytest.fixture(scope="session")
def read_key(shared: Stage, manage: Manage) -> str:
    """Digital Health's key for reading."""
    return stage.new_key(shared.database, manage, "digital-health", "read")


@pytest.fixture(scope="session")
def suites() -> Mapping[str, Any]:
    """The published keyword lists; where they are not at hand, the product's, which are meant to be the same."""
    published = PACK.parent / "suites.toml"
    return contract.read_suites(published if published.exists() else ROOT / "catalog" / "suites.toml")
