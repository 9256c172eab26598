"""`make demo` shows the whole migration on two screens and leaves a service; what stops it is reported once."""

import contextlib
import json
import os
import re
import shlex
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

from tests.support.paths import ROOT
from tests.support.ports import free_port

WIDTH, TWO_SCREENS = 100, 90
OF_A_TERMINAL = re.compile(r"\x1b\[[0-9;]*m")


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


def ended(process: "subprocess.Popen[str]", signum: signal.Signals | None = None) -> str:
    if signum:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signum)
    return process.communicate(timeout=120)[0]


def answers(port: int, process: "subprocess.Popen[str]") -> None:
    for _ in range(1800):
        assert process.poll() is None, process.communicate()[0]
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            urllib.request.urlopen(f"http://localhost:{port}/health/live", timeout=5)
            return
        time.sleep(0.1)
    raise AssertionError("the service did not answer within three minutes")


def called(line: str) -> str:
    done = subprocess.run([*shlex.split(line), "--silent", "--fail-with-body"], capture_output=True, text=True)
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout


def rows_on_screen(shown: str) -> int:
    lines = OF_A_TERMINAL.sub("", shown).splitlines()
    return sum(max(1, -(-len(line) // WIDTH)) for line in lines)


def until_served(process: "subprocess.Popen[str]") -> str:
    """What it shows until the last line before it serves."""
    assert process.stdout
    shown = ""
    for line in process.stdout:
        shown += line
        if line.startswith("  admin: "):
            break
    return shown


@pytest.mark.slow
def test_it_migrates_serves_and_stops_with_ctrl_c(home: Path) -> None:
    port = free_port()
    process = demo(home, PORT=str(port))
    try:
        shown = until_served(process)
        answers(port, process)
        with urllib.request.urlopen(f"http://localhost:{port}/", timeout=30) as page:
            assert page.url == f"http://localhost:{port}/admin/login/?next=/admin/", "/ leads to the admin"
        calls = [line.strip() for line in shown.splitlines() if line.startswith("  curl ")]
        rows = [next(value for value in json.loads(called(line)).values() if isinstance(value, list)) for line in calls]
        second = demo(home, PORT=str(free_port()))
        said_by_second = ended(second)
    finally:
        shown += ended(process, signal.SIGINT)

    assert process.returncode == 0, shown
    assert [len(each) for each in rows[:2]] == [3, 3], "its calls can be pasted as they stand, and fill no screen"
    assert rows[2]
    assert rows_on_screen(shown) <= TWO_SCREENS, shown
    assert "006_row_level_security" in shown
    assert re.search(r"All phases completed; \d+ rows need a decision: ./manage.py migrate_tenants findings", shown)
    assert "Run 1 completed." in shown
    assert shown.count("Stopped") == 1, shown
    assert "Traceback" not in shown

    log = (home / "logs" / "demo.log").read_text(encoding="utf-8")
    assert all(line in log for line in shown.splitlines() if line.startswith("$ ")), "the rest is in the log"

    assert second.returncode == 2, said_by_second
    assert re.fullmatch(r"error: Another demo runs here, as process \d+: .*\n", said_by_second)


@pytest.mark.slow
def test_whatever_ends_it_half_way_is_said_once_and_the_next_one_begins_anew(home: Path) -> None:
    stopped = demo(home, DEMO_SERVE="0")
    assert stopped.stdout
    while not stopped.stdout.readline().startswith("001_schema_fixes"):
        assert stopped.poll() is None
    shown = ended(stopped, signal.SIGINT)

    assert stopped.returncode == 3
    assert shown.count("topped") == 1, shown
    assert shown.endswith("Stopped before it was through. The next `make demo` starts over.\n")
    left = subprocess.run(["pgrep", "-f", str(home)], capture_output=True, text=True).stdout
    assert not left, "no process of it is left"

    elsewhere = home / "elsewhere"
    again = demo(home, DEMO_SERVE="0", VITAL_LOG_DIR=str(elsewhere))
    shown = ended(again)
    assert again.returncode == 0, shown
    assert "Run 1 completed." in shown
    assert {file.name for file in elsewhere.iterdir()} >= {"demo.log", "000_pre_validation.log"}


def test_a_taken_port_is_found_before_anything_else(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        port = somebody.getsockname()[1]
        refused = demo(home, PORT=str(port))
        shown = ended(refused)

    assert refused.returncode == 2
    assert re.fullmatch(rf"error: Port {port} is taken: .*\n", shown)
    assert not list(home.iterdir())


@pytest.mark.parametrize("which", ["VITAL_HOME", "VITAL_LOG_DIR"])
def test_a_folder_that_cannot_be_written_is_named(home: Path, which: str) -> None:
    (home / "file").touch()
    refused = demo(home, DEMO_SERVE="0", **{which: str(home / "file" / "folder")})
    shown = ended(refused)

    assert refused.returncode == 2
    assert re.fullmatch(rf"error: {home}/file/folder\S*: Not a directory\. Set VITAL_HOME .*\n", shown), shown


def test_it_refuses_outside_demo_mode(home: Path) -> None:
    refused = demo(home, VITAL_DEMO="0")

    assert "demo mode only" in ended(refused)
    assert refused.returncode == 2
