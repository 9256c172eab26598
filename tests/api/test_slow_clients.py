"""Clients that send half a request, or read no answer: they are closed in time, and nobody else notices them."""

import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

from tests.support import patience
from tests.support.cast import PHARMA
from tests.support.contract import refusal
from tests.support.service import PRODUCTION, Service, served
from tests.support.service_under_test import ServiceDatabase, ServiceUnderTest
from tests.support.tokens import user

SECONDS = 4  # VITAL_READ_TIMEOUT of these tests
MANY = 50
TOOLS = "/api/tools-crud?limit=20"
HOST = b"Host: 127.0.0.1\r\n"
# what is sent, and then nothing more
HALVES = {
    "nothing": b"",
    "half a line": b"GET /health",
    "half a head": b"GET /health/live HTTP/1.1\r\n" + HOST,
    "half a body": b"POST /api/tools-crud HTTP/1.1\r\n" + HOST + b"Content-Length: 100\r\n\r\n{",
    "half a chunk": b"POST /api/tools-crud HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n64\r\n{",
    "half a form": b"POST /admin/login/ HTTP/1.1\r\n" + HOST + b"Content-Length: 100\r\n\r\nusername=",
    "half a body of a reader": b"GET /health/live HTTP/1.1\r\n" + HOST + b"Content-Length: 100\r\n\r\n{",
    "half of another protocol": b"PRI * HTTP/2.0",
}


@pytest.fixture(scope="module")
def impatient(service_database: ServiceDatabase) -> Iterator[Service]:
    with served(service_database.login, PRODUCTION | {"VITAL_READ_TIMEOUT": str(SECONDS)}) as service:
        yield service


@contextmanager
def open_ones(service: Service, sent: bytes, number: int, *, reads: bool = True) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        found = []
        for _ in range(number):
            one = stack.enter_context(socket.socket())
            if not reads:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.settimeout(4 * SECONDS)
            one.connect(("127.0.0.1", service.port))
            one.sendall(sent)
            found.append(one)
        yield found


def rest_of(one: socket.socket) -> bytes:
    """What the server sends until it closes."""
    found = b""
    while piece := one.recv(65536):
        found += piece
    return found


def middle_of(service: Service, path: str, times: int = 40) -> float:
    """The median time of an answer."""
    took = []
    with service.line() as line:
        for _ in range(times):
            began = time.perf_counter()
            assert line.call("GET", path, user(PHARMA)).status == 200
            took.append(time.perf_counter() - began)
    return statistics.median(took)


@pytest.mark.slow
@pytest.mark.parametrize("name", HALVES)
def test_half_a_request_is_closed_in_time(impatient: Service, name: str) -> None:
    with open_ones(impatient, HALVES[name], 1) as (one,):
        began = time.monotonic()
        rest = rest_of(one)
    assert time.monotonic() - began < patience.seconds(3 * SECONDS)
    assert not rest or rest.startswith((b"HTTP/1.1 408 ", b"HTTP/1.1 400 ")), rest
    assert rest or "bod" not in name


@pytest.mark.slow
def test_a_body_that_drips_has_no_more_time(impatient: Service) -> None:
    with open_ones(impatient, HALVES["half a body"], 1) as (one,):
        deadline = time.monotonic() + patience.seconds(3 * SECONDS)
        with suppress(OSError):  # closed
            while time.monotonic() < deadline:
                one.sendall(b" ")
                time.sleep(0.5)
    assert time.monotonic() < deadline


@pytest.mark.slow
@pytest.mark.parametrize("name", ["half a head", "half a body", "half a chunk", "half a form"])
def test_fifty_of_them_hold_up_nobody(service_database: ServiceDatabase, name: str) -> None:
    """As ratios in one run: quiet and attacked take turns."""
    ratios: dict[str, list[float]] = {"/health/live": [], TOOLS: []}
    with served(service_database.login, PRODUCTION | {"VITAL_READ_TIMEOUT": "60"}) as service:
        for path in ratios:
            middle_of(service, path)
        for _ in range(3):
            quiet = {path: middle_of(service, path) for path in ratios}
            with open_ones(service, HALVES[name], MANY):
                for path, before in quiet.items():
                    ratios[path].append(middle_of(service, path) / before)
    assert {path: value for path, found in ratios.items() if (value := statistics.median(found)) > 2} == {}


@pytest.mark.slow
def test_who_does_not_read_is_closed_and_holds_up_nobody(impatient: Service, shared_service: ServiceUnderTest) -> None:
    token = user(PHARMA)["Authorization"].encode()
    request = b"GET /api/tools-crud HTTP/1.1\r\n" + HOST + b"Authorization: " + token + b"\r\n\r\n"
    quiet = middle_of(impatient, "/health/live")
    with open_ones(impatient, request, MANY, reads=False) as deaf:
        attacked = middle_of(impatient, "/health/live")
        patience.until(lambda: impatient.connections() <= 1, "the system has closed them", 3 * SECONDS)
        assert len(deaf) == MANY
    assert attacked < 3 * quiet + 0.05


def test_a_body_too_long_is_not_waited_for(impatient: Service) -> None:
    head = b"POST /api/tools-crud HTTP/1.1\r\n" + HOST + b"Authorization: " + user(PHARMA)["Authorization"].encode()
    for sent in (
        head + b"\r\nContent-Length: 99999999\r\n\r\n{",
        head + b"\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n" + b" " * 0x200000,
    ):
        with open_ones(impatient, sent, 1) as (one,):
            began = time.monotonic()
            assert one.recv(65536).startswith(b"HTTP/1.1 413 ")
            assert time.monotonic() - began < patience.seconds(SECONDS)


def test_a_body_in_chunks_is_a_body(impatient: Service) -> None:
    token = user(PHARMA)["Authorization"].encode()
    sent = b"POST /api/prompts-crud HTTP/1.1\r\n" + HOST + b"Authorization: " + token
    sent += b"\r\nContent-Type: application/json\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    with open_ones(impatient, sent + b"2\r\n{}\r\n0\r\n\r\n", 1) as (one,):
        assert b"Missing required fields" in rest_of(one)


def test_a_header_with_underscores_is_none(impatient: Service) -> None:
    """`x_tenant_id` would else pass for `x-tenant-id`, past whatever a proxy in front has set or taken away."""
    who = user(PHARMA)
    assert impatient.get(TOOLS, {**who, "x_tenant_id": "no uuid"}).status == 200
    refusal(impatient.get(TOOLS, {"x_api_key": "vital_x", "Authorization_": "Bearer x"}), 401)
    refusal(impatient.get(TOOLS, {**who, "x-tenant-id": "no uuid"}), 400)


def test_a_header_that_is_no_text_is_not_none(impatient: Service) -> None:
    refusal(impatient.get(TOOLS, [*user(PHARMA).items(), ("x-tenant-id", b"\xff")]), 400)
    refusal(impatient.get(TOOLS, [("Authorization", b"Bearer \xff")]), 401)
