"""The admin as people meet it: the production server on a migrated database, and a real browser."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, StorageState, expect

from tests.support import browser_visitor, service_under_test
from tests.support.browser_visitor import Visitor
from tests.support.command_results import Manage, said
from tests.support.databases import Scratch
from tests.support.service_under_test import ServiceDatabase, ServiceUnderTest

expect.set_options(timeout=30_000)  # milliseconds: the machine may be busy
ADMIN, PASSWORD = "platform-admin", "a-long-password-of-the-tests"


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """Starts Debian's chromium, as root too."""
    where = browser_visitor.chromium()
    if where is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    return {"executable_path": where, "headless": True, "args": ["--no-sandbox", "--disable-dev-shm-usage"]}


def superuser(scratch: Scratch, manage: Manage, name: str = ADMIN) -> None:
    made = manage(
        scratch, "createsuperuser", "--noinput", "--username", name, "--email", "",
        env={"DJANGO_SUPERUSER_PASSWORD": PASSWORD},
    )  # fmt: skip
    assert made.returncode == 0, said(made)


@pytest.fixture(scope="module")
def site(service_database: ServiceDatabase, manage: Manage) -> Iterator[ServiceUnderTest]:
    """A service of the file's own, with a Platform admin who can log in."""
    with service_under_test.started(service_database, prepare=lambda scratch: superuser(scratch, manage)) as opened:
        yield opened


@pytest.fixture(scope="module")
def logged_in(site: ServiceUnderTest, browser: Browser) -> StorageState:
    """The cookies of the Platform's admin, logged in once for the file."""
    with browser.new_context() as context:
        Visitor(context.new_page(), address(site)).log_in(ADMIN, PASSWORD)
        return context.storage_state()


@pytest.fixture
def visitor(site: ServiceUnderTest, browser: Browser, logged_in: StorageState) -> Iterator[Visitor]:
    """The Platform's admin in a browser with a wide window; fails the test if a page logged an error."""
    with browser.new_context(viewport=browser_visitor.WIDE, color_scheme="light", storage_state=logged_in) as context:
        someone = Visitor(context.new_page(), address(site))
        yield someone
        assert not someone.complaints, someone.complaints


def address(site: ServiceUnderTest) -> str:
    return f"http://127.0.0.1:{site.service.port}"
