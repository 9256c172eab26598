"""How the tests run ./manage.py, and what it printed."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from tests.support.databases import Scratch

Manage = Callable[..., CompletedProcess[str]]
Done = CompletedProcess[str]


def document(done: Done) -> dict[str, Any]:
    """The one JSON document that stdout must be."""
    assert done.stdout, f"nothing on stdout; stderr: {done.stderr}"
    read = json.loads(done.stdout)
    assert isinstance(read, dict)
    return read


def said(done: Done) -> str:
    """Everything the command printed, for the message of a failed assertion."""
    return f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"


@dataclass(frozen=True)
class Migrated:
    """A migrated platform, what the run said, and the folder with its logs."""

    database: Scratch
    done: Done
    folder: Path
