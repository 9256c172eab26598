"""An admin's day: the dashboard says what is next, a run is started, watched, paused and resumed, rows are given to
another tenant and back, and the last phase is undone. Each is clicked, and looked up in the database."""

import re
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import ADMIN, PASSWORD, superuser
from tests.support import browser_visitor, patience
from tests.support.browser_visitor import Visitor
from tests.support.command_results import Manage
from tests.support.databases import Scratch, rows
from tests.support.pause_point import paused_at
from tests.support.service import served

IN_003 = ("vital.ledger", "SELECT count(*) > 0 FROM vital.ledger WHERE phase = '003_platform_data'")
# As `make demo` has it: the owner's connection, a worker as a process of its own.
SETTINGS = {"VITAL_DEMO": "1", "VITAL_SECRET_KEY": "for-the-story-only", "REDIS_URL": "", "VITAL_BACKUP": "0"}
LONG = 60_000  # milliseconds
COUNTS_CLICKS = """
addEventListener("click", () => { sessionStorage.clicks = 1 + Number(sessionStorage.clicks ?? 0); }, true);
"""


@pytest.fixture
def before(prepared: Scratch, manage: Manage, browser: Browser) -> Iterator[tuple[Visitor, Scratch]]:
    """The Platform's admin before a database whose rows have no tenants yet."""
    superuser(prepared, manage)
    with served(prepared.owner_url, SETTINGS) as service, browser.new_context(viewport=browser_visitor.WIDE) as context:
        context.add_init_script(COUNTS_CLICKS)
        someone = Visitor(context.new_page(), f"http://127.0.0.1:{service.port}")
        someone.log_in(ADMIN, PASSWORD)
        yield someone, prepared
        assert not someone.complaints, someone.complaints


def test_a_run_is_carried_through_by_clicks(before: tuple[Visitor, Scratch]) -> None:
    visitor, database = before
    page = visitor.page
    expect(page.get_by_role("region", name="What needs you")).to_contain_text("003_platform_data is next")

    _a_run_is_started_paused_and_resumed(visitor, database)
    _the_worker_is_gone(database)
    _rows_are_given_away_and_taken_back(visitor, database)
    _the_last_phase_is_undone(visitor, database)

    visitor.open("/admin/")
    expect(page.get_by_role("region", name="What needs you")).to_contain_text("006_row_level_security is next")
    visitor.open("/admin/migrations_ops/auditevent/")
    for action in ("start", "pause", "resume", "decide", "withdraw", "undo"):
        expect(page.locator("#result_list").get_by_text(action, exact=True).first).to_be_visible()


def _a_run_is_started_paused_and_resumed(visitor: Visitor, database: Scratch) -> None:
    page = visitor.page
    _count_from_here(visitor)
    page.get_by_role("region", name="What needs you").get_by_role("link", name="Start a run").click()
    expect(page.get_by_text("Counting what every rule would decide")).to_have_count(0, timeout=LONG)
    with paused_at(database, *IN_003) as stands:
        page.get_by_role("button", name="Start the run").click()
        expect(page.locator("#live")).to_contain_text("003", timeout=LONG)
        assert _clicks(visitor) <= 2
        expect(page.locator("#live")).to_contain_text("workers", timeout=LONG)
        _wait_for(stands, "003 does not write")
        page.locator("#verb-pause").click()
        page.get_by_label("Reason").fill("lunch")
        page.get_by_role("button", name=re.compile("Pause run")).click()
    expect(page.locator("#verb-resume")).to_be_visible(timeout=LONG)
    assert rows(database.owner_url, "SELECT status FROM vital.run ORDER BY id DESC LIMIT 1") == [("paused",)]

    page.locator("#verb-resume").click()
    page.get_by_role("button", name=re.compile("Resume run")).click()
    # Nobody reloads: the page says by itself that it is over.
    expect(page.locator("#live")).to_contain_text("completed", timeout=LONG)
    expect(page.get_by_role("link", name="Report as a page")).to_be_visible()


def _count_from_here(visitor: Visitor) -> None:
    visitor.page.evaluate("sessionStorage.clicks = 0")


def _clicks(visitor: Visitor) -> int:
    return int(visitor.page.evaluate("sessionStorage.clicks"))


def _the_worker_is_gone(database: Scratch) -> None:
    """It holds the run's lock until it has said goodbye to everybody; a person takes longer to get to another page."""
    here = "(SELECT oid FROM pg_database WHERE datname = current_database())"
    held = f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = {here}"
    _wait_for(lambda: rows(database.admin_url, held) == [(0,)], "a worker stays")


def _wait_for(done: Callable[[], bool], complaint: str) -> None:
    deadline = time.monotonic() + patience.seconds(LONG / 1000)
    while not done():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.1)


def _rows_are_given_away_and_taken_back(visitor: Visitor, database: Scratch) -> None:
    page, mine = visitor.page, "SELECT count(*) FROM vital.override"
    visitor.open("/admin/catalog/tool/")
    for number in range(3):
        page.locator("#result_list tbody input[name=_selected_action]").nth(number).check()
    page.locator("select[name=action]").select_option(label="Assign to another tenant")
    page.get_by_role("button", name="Run").or_(page.get_by_role("button", name="Go")).first.click()
    page.locator(".select2-selection").click()
    page.locator(".select2-search__field").fill("pharma")
    page.get_by_role("option", name="Pharmaceuticals").click()
    page.locator("textarea[name=reason]").fill("they made them")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("tools: 3 rows from")).to_be_visible()
    assert rows(database.admin_url, mine) == [(0,)]
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("3 of 3 decisions are carried out.")).to_be_visible()
    assert rows(database.admin_url, mine) == [(3,)]

    visitor.open("/admin/migrations_ops/override/")
    for box in page.locator("#result_list tbody input[name=_selected_action]").all():
        box.check()
    page.locator("select[name=action]").select_option(label="Withdraw the decisions")
    page.get_by_role("button", name="Run").or_(page.get_by_role("button", name="Go")).first.click()
    page.locator("textarea[name=reason]").fill("a mistake")
    page.locator("form button.vital-button").click()
    expect(page.get_by_text("3 of 3 decisions are withdrawn.")).to_be_visible(timeout=LONG)
    assert rows(database.admin_url, mine) == [(0,)]


def _the_last_phase_is_undone(visitor: Visitor, database: Scratch) -> None:
    page = visitor.page
    ((newest,),) = rows(database.owner_url, "SELECT max(id) FROM vital.run WHERE kind = 'run'")
    visitor.open("/admin/")
    _count_from_here(visitor)
    page.get_by_role("region", name="What is running").get_by_role("link", name=f"Run {newest}", exact=True).click()
    page.locator("#verb-undo").click()
    page.get_by_label("Reason").fill("to see it")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#live")).to_contain_text("completed", timeout=LONG)
    assert _clicks(visitor) <= 3
    expect(page.locator("#live")).to_contain_text("to see it")
    fenced = "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = 'public.agents'::regclass"
    assert rows(database.admin_url, fenced) != [(True, True)]
