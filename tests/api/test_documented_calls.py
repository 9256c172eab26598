"""The curl lines of the documentation do what stands beside them: each is carried out, in order, page by page."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.test_documentation import ELSEWHERE
from tests.support import admin_session, frontend, service_under_test, session_cookies, tokens
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.command_results import Manage
from tests.support.documented_commands import calls, status_of
from tests.support.paths import ROOT
from tests.support.service_under_test import ServiceUnderTest

PRINTED = "http://localhost:3000"  # the address of `make demo`
PAGES = [
    page
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if page.stem not in ELSEWHERE and re.search(r"^curl ", page.read_text(encoding="utf-8"), re.MULTILINE)
]


@pytest.fixture(scope="module")
def environment(own_service: ServiceUnderTest, manage: Manage) -> dict[str, str]:
    """What the page says its names stand for."""
    if shutil.which("curl") is None:
        pytest.skip("no curl on this machine")
    session = admin_session.of_superuser(own_service, manage, "documented")
    return {
        "PATH": os.environ["PATH"],
        "URL": f"http://127.0.0.1:{own_service.service.port}",
        "PHARMA": PHARMA,
        "DIGITAL_HEALTH": DIGITAL_HEALTH,
        "TOKEN": tokens.token(PHARMA),
        "ADMIN": tokens.token(PHARMA, "admin"),
        "SUPER": tokens.token(None, "super_admin"),
        "KEY": service_under_test.new_key(own_service.database, manage, "pharma", "write"),
        "READ_KEY": service_under_test.new_key(own_service.database, manage, "pharma", "read"),
        "METRICS_KEY": service_under_test.new_key(own_service.database, manage, "pharma", "metrics"),
        "SESSION": session["sessionid"],
        "CSRF": session["csrftoken"],
        "COOKIE": session_cookies.cookie(tokens.token(PHARMA))["Cookie"],
    }


@pytest.fixture(scope="module")
def app(own_service: ServiceUnderTest) -> Iterator[str]:
    """A frontend that has been switched over."""
    with frontend.served(own_service.service.port, PLATFORM) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.mark.slow
@pytest.mark.parametrize("shown", PAGES, ids=lambda shown: shown.stem)
def test_each_call_answers_what_stands_beside_it(
    shown: Path, demo_service: ServiceUnderTest, environment: dict[str, str], request: pytest.FixtureRequest
) -> None:
    wrong, text = [], shown.read_text(encoding="utf-8")
    if "$APP" in text:
        environment = environment | {"APP": request.getfixturevalue("app")}
    for command, status in calls(text):
        served = command.replace(PRINTED, f"http://localhost:{demo_service.service.port}")
        if (answered := status_of(served, environment)) != status:
            wrong.append(f"{answered} instead of {status}: {command}")

    assert not wrong, "\n".join([*wrong, demo_service.service.get("/health/ready").text, demo_service.service.said])


@pytest.mark.parametrize("shown", PAGES, ids=lambda shown: shown.stem)
def test_each_call_has_its_status_beside_it(shown: Path) -> None:
    text = shown.read_text(encoding="utf-8")

    assert len(calls(text)) == len(re.findall(r"^curl ", text, re.MULTILINE))


def test_pages_are_found() -> None:
    assert {page.stem for page in PAGES} >= {"api", "call-the-api"}
