"""What the image is made of works where nothing else of the project is: its files, its start, its health check."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import patience
from tests.support.cast import PHARMA
from tests.support.paths import ROOT
from tests.support.ports import free_port
from tests.support.service import PRODUCTION, Line
from tests.support.service_under_test import ServiceDatabase
from tests.support.tokens import user

COPY = re.compile(r"^COPY (?!--from)(.+) (\S+)$", re.MULTILINE)
START_SECONDS = 40
# In a container the service is the first process, and the check looks whether it is.
AS_IN_ITS_CONTAINER = """
import pathlib, sys
sys.path.insert(0, "deploy")
import healthcheck
healthcheck.FIRST = pathlib.Path("first")
healthcheck.FIRST.write_bytes(b"vital.serve")
sys.exit(healthcheck.main())
"""


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """The folder as the Dockerfile's last stage fills it."""
    folder = tmp_path / "vital"
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").rpartition("\nFROM ")[2]
    for sources, to in COPY.findall(text):
        for source in sources.split():
            place = folder / to / (Path(source).name if to.endswith("/") else "")
            place.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, folder / to, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / source, place)
    for name in ("logs", "backups"):
        (folder / name).mkdir()
    return folder


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Those that the image has: this suite's own, which are the same versions; installed anew where there is time."""
    if not os.environ.get("VITAL_SLOW_TESTS"):
        return Path(sys.executable).parent
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    pip = str(tmp_path / "venv" / "bin" / "pip")
    wanted = ["--require-hashes", "-r", str(ROOT / "requirements.txt")]
    subprocess.run([pip, "install", "-qq", "--disable-pip-version-check", *wanted], check=True, timeout=600)
    return tmp_path / "venv" / "bin"


@pytest.fixture
def environment(service_database: ServiceDatabase, programs: Path) -> dict[str, str]:
    return PRODUCTION | {
        "PATH": f"{programs}:/usr/bin:/bin",
        "PORT": str(free_port()),
        "WORKERS": "1",
        "DATABASE_URL": service_database.login,
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


@pytest.fixture
def started(image: Path, environment: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        ["sh", "deploy/container.sh", "web"], cwd=image, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    yield process
    process.terminate()
    process.communicate(timeout=20)


def test_it_starts_is_well_and_answers(
    started: "subprocess.Popen[str]", image: Path, environment: dict[str, str]
) -> None:
    def is_well() -> bool:
        return subprocess.run(["python", "-c", AS_IN_ITS_CONTAINER], cwd=image, env=environment).returncode == 0

    deadline = time.monotonic() + patience.seconds(START_SECONDS)
    while not is_well():
        assert started.poll() is None, started.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.2)
    line = Line(int(environment["PORT"]))
    answer = line.call("GET", "/api/tools-crud?limit=1", user(PHARMA))
    line.close()

    assert answer.status == 200, answer
    written = {file.relative_to(image).parts[0] for file in image.rglob("*.pyc")}
    assert not written, "nothing but logs and backups is written to"


def test_a_word_of_the_command_line_is_one(image: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        ["sh", "deploy/container.sh", "migrate_tenants", "--help"],
        cwd=image, env=environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "exit codes" in done.stdout
