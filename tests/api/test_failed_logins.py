"""Repeated failed logins are limited by address and by name, across processes; nobody else is affected."""

import statistics
import time
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from tenants.attempts import SECONDS
from tests.support import patience, service_under_test
from tests.support.cast import PHARMA
from tests.support.command_results import Manage
from tests.support.contract import refusal
from tests.support.forms import form_of
from tests.support.load_generator import load
from tests.support.service import PRODUCTION, Answer, Service, served
from tests.support.service_under_test import ServiceDatabase
from tests.support.tokens import bearer, key, token, user

LOGIN = "/admin/login/"
LIMIT = 4  # VITAL_LOGIN_ATTEMPTS of these tests
SETTINGS = PRODUCTION | {"VITAL_LOGIN_ATTEMPTS": str(LIMIT), "VITAL_TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8"}
TOOLS = "/api/tools-crud?limit=1"


@pytest.fixture(autouse=True)
def within_one_window() -> None:
    """Failures are counted from 0 again every five minutes; a test begins where enough of them is left."""
    left = SECONDS - time.time() % SECONDS
    if left < min(patience.seconds(30), SECONDS / 2):
        time.sleep(left)


@pytest.fixture
def guarded(service_database: ServiceDatabase) -> Iterator[Service]:
    """Two processes, which count together."""
    with served(service_database.login, SETTINGS, workers=2) as service:
        yield service


def attempt(service: Service, name: str, address: str = "192.0.2.1") -> Answer:
    """A form as a browser sends it, with its token against forgery."""
    token, cookie = form_of(service)
    form = {"csrfmiddlewaretoken": token, "username": name, "password": "a guess"}
    headers = {"Cookie": cookie, "X-Forwarded-For": address, "Content-Type": "application/x-www-form-urlencoded"}
    return service.call("POST", LOGIN, headers, urlencode(form).encode())


def refused(answer: Answer) -> bool:
    if answer.status == 429:
        assert 0 < int(answer.headers["Retry-After"]) <= 300
        assert "try again" in answer.text
    else:
        assert answer.status == 200, answer
    return answer.status == 429


def test_an_address_waits_whatever_names_it_tries(guarded: Service) -> None:
    answers = [refused(attempt(guarded, f"name {number}")) for number in range(LIMIT + 3)]
    assert answers == [False] * LIMIT + [True] * 3
    assert not refused(attempt(guarded, "another", "192.0.2.2")), "others are not meant"


@pytest.mark.slow
def test_a_name_waits_from_whatever_address_it_is_tried(guarded: Service) -> None:
    answers = [refused(attempt(guarded, "Admin", f"198.51.100.{number}")) for number in range(3 * LIMIT + 2)]
    assert answers == [False] * 3 * LIMIT + [True] * 2
    assert refused(attempt(guarded, "ADMIN", "198.51.100.200")), "a name is one however it is written"
    assert not refused(attempt(guarded, "somebody else", "198.51.100.201"))


@pytest.mark.slow
def test_an_address_that_a_client_makes_up_does_not_count(guarded: Service) -> None:
    """What stands before the last one that a trusted proxy has written is the client's own word."""
    chains = [f"203.0.113.{number}, 192.0.2.9, 10.1.2.3" for number in range(LIMIT + 1)]
    assert [refused(attempt(guarded, f"n{chain}", chain)) for chain in chains] == [False] * LIMIT + [True]


@pytest.mark.slow
def test_without_the_setting_no_address_is_believed(service_database: ServiceDatabase) -> None:
    with served(service_database.login, SETTINGS | {"VITAL_TRUSTED_PROXIES": ""}) as service:
        answers = [refused(attempt(service, f"n{number}", f"203.0.113.{number}")) for number in range(LIMIT + 1)]
    assert answers == [False] * LIMIT + [True]


@pytest.mark.slow
def test_an_address_of_ipv6_is_its_network(guarded: Service) -> None:
    addresses = [f"2001:db8:0:1::{number}" for number in range(LIMIT + 1)]
    assert [refused(attempt(guarded, address, address)) for address in addresses] == [False] * LIMIT + [True]
    assert not refused(attempt(guarded, "next door", "2001:db8:0:2::1"))


@pytest.mark.slow
def test_a_refusal_costs_no_hash(guarded: Service) -> None:
    took = []
    for number in range(LIMIT + 6):
        began = time.perf_counter()
        refused(attempt(guarded, f"name {number}"))
        took.append(time.perf_counter() - began)
    assert statistics.median(took[LIMIT:]) < statistics.median(took[:LIMIT]) / 2


def test_keys_and_tokens_that_are_guessed_wait_and_good_ones_do_not(
    guarded: Service, service_database: ServiceDatabase, manage: Manage
) -> None:
    mine = {"X-Forwarded-For": "192.0.2.77"}
    good = service_under_test.new_key(service_database.database, manage, "pharma", "read")
    assert guarded.get(TOOLS, key(good) | mine).status in (200, 401)  # the key is the house's own database's
    bad = [key(f"vital_{number}") for number in range(20 * LIMIT)]
    bad += [bearer(token(PHARMA, secret="x" * 32)) for _ in range(2)]
    answers = [guarded.get(TOOLS, who | mine) for who in bad]
    first = [answer.status for answer in answers[: 9 * LIMIT]]
    assert set(first) == {401}
    refusal(answers[-1], 429)
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert guarded.get(TOOLS, user(PHARMA) | mine).status == 200, "a good token is nobody's guess"
    refusal(guarded.get(TOOLS, bearer(token(PHARMA, exp=1)) | mine), 401)


@pytest.mark.slow
@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8:0:NUMBER::1"], ids=["one address", "many addresses"])
def test_sixteen_guessers_are_no_more_than_sixteen_readers(service_database: ServiceDatabase, address: str) -> None:
    """As ratios in one run: others are answered as fast as where the same sixteen only look at the form."""
    ratios: dict[str, list[float]] = {"/health/live": [], TOOLS: []}
    with served(service_database.login, SETTINGS, workers=2) as service:
        token, cookie = form_of(service)
        form = f"csrfmiddlewaretoken={token}&username=nameNUMBER&password=guess".encode()
        head = f"Host: 127.0.0.1\r\nConnection: close\r\nCookie: {cookie}\r\nX-Forwarded-For: {address}\r\n".encode()
        posted = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n" % len(form) + form
        for _ in range(3):
            times = []
            for request in (
                b"GET /admin/login/ HTTP/1.1\r\n" + head + b"\r\n",
                b"POST /admin/login/ HTTP/1.1\r\n" + head + posted,
            ):
                with load(service.port, request, 16):
                    times.append({path: middle_of(service, path) for path in ratios})
            for path in ratios:
                ratios[path].append(times[1][path] / times[0][path])
    assert {path: value for path, found in ratios.items() if (value := statistics.median(found)) > 2} == {}


def middle_of(service: Service, path: str, times: int = 8) -> float:
    took = []
    with service.line() as line:
        for _ in range(times):
            began = time.perf_counter()
            assert line.call("GET", path, user(PHARMA)).status == 200
            took.append(time.perf_counter() - began)
    return statistics.median(took)
