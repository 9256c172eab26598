"""What these tests read, and the embedded PostgreSQL's folders."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from migrations_ops.rules.load import load
from migrations_ops.rules.model import Plan
from tests.support.embedded_processes import open_folder
from tests.support.plans import SHIPPED
from vital.db import embedded
from vital.db.embedded import ensure_running


@pytest.fixture(scope="session")
def plan() -> Plan:
    """The shipped plan."""
    return load(SHIPPED)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of the test's own that every user of the system may pass through."""
    with open_folder() as path:
        yield path


@pytest.fixture(scope="session")
def started_home() -> Iterator[Path]:
    """A .vital directory after its first start, to copy."""
    with open_folder() as path:
        embedded._release(ensure_running(path / ".vital", durable=False).home)
        yield path / ".vital"


@pytest.fixture
def home(folder: Path, started_home: Path) -> Path:
    """A .vital directory of the test's own after its first start, which takes longest."""
    subprocess.run(["cp", "-a", started_home, folder], check=True)
    return folder / ".vital"
