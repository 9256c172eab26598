"""The real server in a process of its own, and clients that send exactly what a test says, odd headers included."""

import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tests.support import patience
from tests.support.paths import ROOT
from tests.support.ports import free_port

START_SECONDS, STOP_SECONDS = 20, 5

JWT_SECRET = "the-secret-that-signs-tokens-in-tests-and-nowhere-else"
TENANT_DOMAIN = "example.org"
ORIGIN = "https://app.example.org"
PRODUCTION = {
    "VITAL_SECRET_KEY": "a-long-random-secret-key-7f3c19e2b8d45a60c1e97f2483bd06ae51cc",
    "VITAL_ALLOWED_HOSTS": f"127.0.0.1,.localhost,.{TENANT_DOMAIN},.example.net",
    "VITAL_TENANT_DOMAIN": TENANT_DOMAIN,
    "VITAL_CORS_ORIGINS": ORIGIN,
    "SUPABASE_JWT_SECRET": JWT_SECRET,
    "VITAL_LOGIN_ATTEMPTS": "1000",  # all tests come from one address
}
DEMO = {"VITAL_DEMO": "1", "VITAL_SECRET_KEY": "for-the-demo-only"}

Headers = Mapping[str, str] | Iterable[tuple[str, str | bytes]]


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    @property
    def json(self) -> Any:
        assert self.headers.get_content_type() == "application/json", f"{self.status} {self.headers}: {self.text[:500]}"
        return json.loads(self.body)

    @property
    def etag(self) -> str:
        tag = self.headers["ETag"]
        assert tag, f"no ETag: {self}"
        return tag

    def __repr__(self) -> str:
        return f"<{self.status} {self.text[:500]}>"


class Line:
    """A connection that is kept: one request after the other, as a browser's."""

    def __init__(self, port: int, timeout: float = 30) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

    def call(self, method: str, path: str, headers: Headers = (), body: object = None, *, host: str = "") -> Answer:
        """`body` is sent as JSON unless it is bytes; `headers` may name one twice; `host` is what the caller typed."""
        pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        named = {name.lower() for name, _ in pairs}
        if body is not None and "content-type" not in named:
            pairs.append(("Content-Type", "application/json"))
        if "content-length" not in named and (content or method in {"POST", "PUT", "PATCH"}):
            pairs.append(("Content-Length", str(len(content))))
        self._connection.putrequest(method, path, skip_host=bool(host), skip_accept_encoding=True)
        for name, value in [("Host", host)] * bool(host) + pairs:
            self._connection.putheader(name, value)
        with suppress(BrokenPipeError, ConnectionResetError):  # a server may refuse before it has read everything
            self._connection.endheaders(content)
        response = self._connection.getresponse()
        return Answer(response.status, response.headers, response.read())

    def close(self) -> None:
        self._connection.close()


class Service:
    """A server that answers."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, output: IO[bytes]) -> None:
        self.process, self.port, self._output = process, port, output

    @property
    def said(self) -> str:
        """Its log so far."""
        return Path(self._output.name).read_text(encoding="utf-8", errors="replace")

    @contextmanager
    def line(self, timeout: float = 30) -> Iterator[Line]:
        line = Line(self.port, timeout)
        try:
            yield line
        finally:
            line.close()

    def call(self, method: str, path: str, headers: Headers = (), body: object = None, *, host: str = "") -> Answer:
        """One request on a connection of its own."""
        with self.line() as line:
            return line.call(method, path, headers, body, host=host)

    def get(self, path: str, headers: Headers = (), *, host: str = "") -> Answer:
        return self.call("GET", path, headers, host=host)

    def post(self, path: str, headers: Headers, body: object) -> Answer:
        return self.call("POST", path, headers, body)

    def put(self, path: str, headers: Headers, body: object) -> Answer:
        return self.call("PUT", path, headers, body)

    def delete(self, path: str, headers: Headers) -> Answer:
        return self.call("DELETE", path, headers)

    def is_live(self) -> bool:
        with suppress(OSError, http.client.HTTPException):
            return self.get("/health/live").status == 200
        return False

    def connections(self) -> int:
        """How many connections of clients are open on the server's side, by what Linux says."""
        local = f":{self.port:04X} "
        lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
        return sum(local in f"{line.split()[1]} " and line.split()[3] in ("01", "04", "05", "08") for line in lines)

    def until_live(self) -> None:
        deadline = time.monotonic() + patience.seconds(START_SECONDS)
        while True:
            assert self.process.poll() is None, f"the service ended with {self.process.returncode}: {self.said}"
            assert time.monotonic() < deadline, f"not live after {START_SECONDS} s: {self.said}"
            if self.is_live():
                return
            time.sleep(0.05)

    def stop(self) -> None:
        """SIGTERM; after some seconds SIGKILL for it and its children."""
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def start(folder: Path, port: int, database_url: str, settings: Mapping[str, str], workers: int = 1) -> Service:
    """The server's process, with nothing in its environment but what it is given."""
    output = (folder / "output").open("wb")
    environment = {
        name: os.environ[name] for name in ("PATH", "HOME", "LD_LIBRARY_PATH", "REDIS_URL") if name in os.environ
    }
    environment |= {"VITAL_HOME": str(folder / "home"), "VITAL_LOG_DIR": str(folder / "logs"), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "vital.serve", "--port", str(port), "--workers", str(workers)]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment | {"DATABASE_URL": database_url, **settings},
        stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    output.close()
    return Service(process, port, output)


@contextmanager
def served(database_url: str, settings: Mapping[str, str] = PRODUCTION, workers: int = 1) -> Iterator[Service]:
    """A service that is live, until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="vital-service-") as folder:
        service = start(Path(folder), free_port(), database_url, settings, workers)
        try:
            service.until_live()
            yield service
        finally:
            service.stop()


def refused(database_url: str, settings: Mapping[str, str] = PRODUCTION) -> tuple[int, str]:
    """(exit code, output) of a service that does not start; fails where it does."""
    with tempfile.TemporaryDirectory(prefix="vital-service-") as folder:
        service = start(Path(folder), free_port(), database_url, settings)
        try:
            deadline = time.monotonic() + patience.seconds(START_SECONDS)
            while service.process.poll() is None:
                assert not service.is_live(), f"the service started: {service.said}"
                assert time.monotonic() < deadline, f"neither live nor at an end: {service.said}"
                time.sleep(0.05)
        finally:
            service.stop()
        return service.process.returncode, service.said
