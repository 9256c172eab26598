"""The servers of a run: VITAL without a memory, with rows, with answers, and its peers, each in its own processes."""

import http.client
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jwt

from bench.api import cpu, load
from bench.api.database import PLATFORM, ROOT, TENANT, Database
from bench.api.load import Figures
from tests.support.ports import free_port

PAGE = "/api/tools-crud?limit=100"
CURSOR = "/api/tools-crud?limit=100&cursor="
THREADS = "4"  # as `make serve` has it
BENCH_PYTHON = ROOT / "bench" / ".venv" / "bin" / "python"
START_SECONDS = 30
SECRET = secrets.token_urlsafe(40)


@dataclass(frozen=True)
class Contestant:
    """A server that answers this path; `headers` carry the credential, where it wants one."""

    name: str
    server: "Served"
    path: str
    headers: dict[str, str]
    database_url: str

    def load(self, clients: int, seconds: float) -> Figures:
        cpu.until_idle(self.database_url)
        before = cpu.used(self.server.session, self.database_url)
        began = time.perf_counter()
        found = load.on(self.server.port, self.path, self.headers, clients=clients, seconds=seconds)
        answers = found.per_second * (time.perf_counter() - began)
        server, database = cpu.used(self.server.session, self.database_url).since(before)
        return replace(found, server_cpu=server / answers, database_cpu=database / answers) if answers else found

    def answer(self) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        connection.request("GET", self.path, headers=self.headers)
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise load.BadAnswers(f"{self.name}: {response.status} {body[:500]!r}")
        found: dict[str, Any] = json.loads(body)
        return found


@contextmanager
def running(database: Database, statement: Path, workers: int) -> Iterator[list[Contestant]]:
    """Every server, live, with so many processes each; those that nobody asks cost nothing."""
    token = credential()
    peers = {"DATABASE_URL": database.admin_url, "BENCH_TENANTS": f"{TENANT},{PLATFORM}"}
    with ExitStack() as stack:

        def start(command: list[str], environment: dict[str, str]) -> Served:
            return stack.enter_context(_served(command, environment))

        cold = start(vital(workers), _vital(database, memory_ms=0, row_mb=0))
        rows = start(vital(workers), _vital(database, memory_ms=0, row_mb=32))
        warm = start(vital(workers), _vital(database, memory_ms=500, row_mb=32))
        drf = start(granian("bench.api.peers.drf_viewset:application", workers), peers)
        plain = start(uvicorn("bench.api.peers.fastapi_plain:app", workers), peers)
        same = start(
            uvicorn("bench.api.peers.fastapi_same_sql:app", workers), peers | {"BENCH_STATEMENT": str(statement)}
        )
        turns = [
            ("VITAL cold", cold, PAGE, token),
            ("FastAPI, same SQL", same, PAGE, {}),
            ("VITAL, rows remembered", rows, PAGE, token),
            ("VITAL warm", warm, PAGE, token),
            ("FastAPI, plain", plain, PAGE, {}),
            ("DRF viewset", drf, PAGE, {}),
            ("VITAL cold, by cursor", cold, CURSOR, token),
            ("VITAL, rows remembered, by cursor", rows, CURSOR, token),
        ]
        yield [Contestant(*turn, database.admin_url) for turn in turns]


@contextmanager
def cold(database: Database) -> Iterator["Served"]:
    """VITAL alone, in one process that remembers nothing between requests."""
    with _served(vital(1), _vital(database, memory_ms=0, row_mb=0)) as served:
        yield served


def vital(workers: int) -> list[str]:
    options = ["--workers", str(workers), "--threads", THREADS, "--log-level", "warning"]
    return [sys.executable, "-m", "vital.serve", *options]


def granian(application: str, workers: int) -> list[str]:
    options = ["--interface", "wsgi", "--no-ws", "--workers", str(workers), "--blocking-threads", THREADS]
    return [sys.executable, "-m", "granian", "--log-level", "warning", *options, application]


def uvicorn(application: str, workers: int) -> list[str]:
    options = ["--loop", "uvloop", "--http", "httptools", "--workers", str(workers), "--no-access-log"]
    return [str(BENCH_PYTHON), "-m", "uvicorn", "--log-level", "warning", *options, application]


def credential(role: str = "user") -> dict[str, str]:
    """The header of somebody of the tenant's."""
    claims = {"aud": "authenticated", "exp": int(time.time()) + 86_400, "sub": "bench", "role": "authenticated"}
    claims |= {"app_metadata": {"role": role, "tenant_id": TENANT}}
    return {"Authorization": f"Bearer {jwt.encode(claims, SECRET, algorithm='HS256')}"}


def _vital(database: Database, *, memory_ms: int, row_mb: int) -> dict[str, str]:
    """As in production; the limit of requests is lifted, for they would all be one tenant's."""
    return {
        "DATABASE_URL": database.login_url,
        "VITAL_SECRET_KEY": SECRET,
        "SUPABASE_JWT_SECRET": SECRET,
        "VITAL_RATE_LIMIT": "1000000000",
        "VITAL_RESPONSE_MEMORY_MS": str(memory_ms),
        "VITAL_ROW_MEMORY_MB": str(row_mb),
    }


@dataclass(frozen=True)
class Served:
    """Where a server listens, and the session that all of its processes are in."""

    port: int
    session: int


@contextmanager
def _served(command: list[str], environment: dict[str, str]) -> Iterator[Served]:
    """A server that listens, until the end of the block; its log goes to a file, as in production."""
    port = free_port()
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LD_LIBRARY_PATH") if name in os.environ}
    with tempfile.TemporaryDirectory(prefix="vital-bench-") as folder:
        figures = Path(folder) / "figures"
        figures.mkdir()
        environment = inherited | {"PROMETHEUS_MULTIPROC_DIR": str(figures), "VITAL_HOME": folder} | environment
        log = Path(folder) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*command, "--host", "127.0.0.1", "--port", str(port)], cwd=ROOT, env=environment,
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        try:
            _until_it_answers(process, port, log)
            yield Served(port, process.pid)
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _until_it_answers(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/")
            connection.getresponse()
            return
        time.sleep(0.05)
    raise RuntimeError(f"{' '.join(process.args)} does not answer: {log.read_text(errors='replace')}")  # type: ignore[arg-type]
