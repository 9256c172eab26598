"""A database in which a test makes an isolated schema of its own."""

from collections.abc import Iterator

import pytest

from migrations_ops.engine.session import Session
from tests.support import isolated
from tests.support.databases import Scratch


@pytest.fixture(scope="module")
def scratch(server_url: str) -> Iterator[Scratch]:
    """A database for isolated schemas, of the file's own."""
    with isolated.database(server_url) as made:
        yield made


@pytest.fixture(scope="module")
def session(scratch: Scratch) -> Iterator[Session]:
    """The engine's session on `scratch`."""
    with isolated.session_of(scratch) as opened:
        yield opened
