"""`make demo` shows the whole migration and leaves a service that answers."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT


@pytest.fixture
def home() -> Iterator[Path]:
    """A home that another user may reach: as root, the server runs as one. Pytest closes its own folders to others."""
    home = Path(tempfile.mkdtemp(prefix="vital-demo-"))
    home.chmod(0o755)
    yield home
    shutil.rmtree(home, ignore_errors=True)


def demo(home: Path, **settings: str) -> "subprocess.Popen[str]":
    environment = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "VITAL_SECRET_KEY"}}
    return subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "demo"],
        env=environment | {"VITAL_DEMO": "1", "VITAL_HOME": str(home), **settings},
        cwd=home,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answer(port: int, process: "subprocess.Popen[str]") -> str:
    for _ in range(1800):
        assert process.poll() is None, process.communicate()[0]
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            return str(urllib.request.urlopen(f"http://localhost:{port}/health/live", timeout=5).read().decode())
        time.sleep(0.1)
    raise AssertionError("the service did not answer within three minutes")


def test_it_migrates_serves_and_stops_with_ctrl_c(home: Path) -> None:
    port = free_port()
    process = demo(home, PORT=str(port))
    try:
        assert answer(port, process) == '{"status": "live"}'
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        shown, _ = process.communicate(timeout=60)

    assert "006_row_level_security" in shown
    assert re.search(r"All phases completed; \d+ rows need a decision: manage.py migrate_tenants findings", shown)
    assert "Traceback" not in shown

    again = demo(home, DEMO_SERVE="0")
    shown, _ = again.communicate(timeout=120)
    assert again.returncode == 0, shown
    assert "Done. Run 1." in shown, "a second demo starts over"


def test_it_refuses_outside_demo_mode(home: Path) -> None:
    refused = demo(home, VITAL_DEMO="0")
    shown, _ = refused.communicate(timeout=60)

    assert refused.returncode == 2
    assert "demo mode only" in shown
