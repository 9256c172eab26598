"""The stand-in for the platform's frontend, which sends three addresses on to VITAL, as a process of node's."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_suffix(".mjs")


@contextmanager
def served(vital_port: int, platform: str, port: int = 0) -> Iterator[int]:
    """Its port, which may be any. `platform` is the id by which its middleware knows the Platform."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on this machine")
    command = [node, str(SCRIPT), f"http://127.0.0.1:{vital_port}", platform, str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.kill()
