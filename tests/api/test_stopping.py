"""The service stops within ten seconds of a signal to any of its processes, and answers every request in flight."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support import patience
from tests.support.paths import ROOT
from tests.support.ports import free_port
from tests.support.service import PRODUCTION, Line, Service
from tests.support.service_under_test import ServiceDatabase

pytestmark = pytest.mark.slow

ROUNDS = 20 if os.environ.get("VITAL_SLOW_TESTS") else 1
WITHIN = 10  # seconds


@contextmanager
def made_to_serve(service_database: ServiceDatabase, folder: Path) -> Iterator[Service]:
    """`make serve`, as a supervisor or a terminal has it: the leader of a process group of its own."""
    port = free_port()
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "REDIS_URL") if name in os.environ}
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            ["make", "--silent", "serve", f"PORT={port}", "WORKERS=2"], cwd=ROOT, stdin=subprocess.DEVNULL,
            env=environment | PRODUCTION | {"DATABASE_URL": service_database.login},
            stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    service = Service(process, port, output)
    try:
        service.until_live()
        yield service
    finally:
        service.stop()


def first_process(group: int) -> int:
    """The service's first process, whose children are the workers."""
    found = subprocess.run(["pgrep", "-g", str(group), "-f", "-o", "vital.serve"], capture_output=True, text=True)
    return int(found.stdout.split()[0])


def until_empty(service: Service) -> None:
    """Until no process of the group is left; make, which waits for the service, is reaped on the way."""
    deadline = time.monotonic() + patience.seconds(WITHIN)
    while (
        service.process.poll() is None
        or subprocess.run(["pgrep", "-g", str(service.process.pid)], capture_output=True).returncode == 0
    ):
        assert time.monotonic() < deadline, f"it is still there after {WITHIN} s: {service.said}"
        time.sleep(0.05)


def slow_request(port: int) -> int:
    """The status of a request whose body takes two seconds to arrive."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(b"POST /api/tools-crud HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\n{")
        time.sleep(2)
        connection.sendall(b"}")
        return int(connection.recv(4096).split()[1])


@pytest.mark.parametrize("whom", ["the group", "the first process"])
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_it_ends_each_time_and_answers_what_it_has_begun(
    service_database: ServiceDatabase, tmp_path: Path, name: str, whom: str
) -> None:
    for number in range(ROUNDS):
        folder = tmp_path / str(number)
        folder.mkdir()
        with made_to_serve(service_database, folder) as service, ThreadPoolExecutor(4) as pool:
            group = service.process.pid
            in_flight = [pool.submit(slow_request, service.port) for _ in range(4)]
            time.sleep(0.5)
            if whom == "the group":
                os.killpg(group, signal.Signals[name])
            else:
                os.kill(first_process(group), signal.Signals[name])
            until_empty(service)
            assert [request.result() for request in in_flight] == [401] * 4, service.said
            assert "Traceback" not in service.said


def test_clients_that_send_half_a_request_do_not_keep_it(service_database: ServiceDatabase, tmp_path: Path) -> None:
    with made_to_serve(service_database, tmp_path) as service:
        halves = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(20)]
        for half in halves:
            half.sendall(b"POST /api/tools-crud HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{")
        time.sleep(0.5)
        os.killpg(service.process.pid, signal.SIGTERM)
        until_empty(service)
        for half in halves:
            half.close()


def test_a_worker_that_is_told_to_end_is_replaced(service_database: ServiceDatabase, tmp_path: Path) -> None:
    with made_to_serve(service_database, tmp_path) as service:
        first = first_process(service.process.pid)
        worker = int(subprocess.run(["pgrep", "-P", str(first)], capture_output=True, text=True).stdout.split()[0])
        os.kill(worker, signal.SIGKILL)
        while "Respawning" not in service.said:
            time.sleep(0.05)
        os.killpg(service.process.pid, signal.SIGTERM)  # while the new one starts
        until_empty(service)


def test_a_service_that_may_not_start_says_why_and_ends(service_database: ServiceDatabase) -> None:
    done = subprocess.run(
        ["make", "--silent", "serve", f"PORT={free_port()}"], cwd=ROOT, capture_output=True, text=True, timeout=60,
        env={"PATH": os.environ["PATH"], "DATABASE_URL": service_database.login, "VITAL_SECRET_KEY": "short"},
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")


def test_a_line_is_kept_between_requests(service: Service) -> None:
    line = Line(service.port)
    assert [line.call("GET", "/health/live").status for _ in range(3)] == [200] * 3
    line.close()
