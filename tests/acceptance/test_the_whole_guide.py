"""The whole way as the tutorial shows it: from the backup over the service and the first day's report to the rollback.

The day is made short: 24 hours are some seconds, in which the tenants' applications call.
"""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support import databases
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.command_results import Manage
from tests.support.databases import Scratch, rows
from tests.support.documented_commands import blocks
from tests.support.page_reader import Reader
from tests.support.paths import ROOT
from tests.support.queries import columns
from tests.support.tokens import key

pytestmark = pytest.mark.slow

PAGE = ROOT / "docs" / "tutorial" / "the-whole-guide.md"
DAY = {"--for 24h": "--for 3s --every 1s"}
LISTS = {"tools-crud": "tools", "prompts-crud": "prompts"}
COUNT = "SELECT count(*) FROM {} WHERE tenant_id IN ('{}', '{}')"


class Day(Reader):
    """One reader of the page, whose tenants' applications call while somebody watches."""

    instead = DAY

    @contextmanager
    def meanwhile(self, line: str) -> Iterator[None]:
        self.settings["VITAL_METRICS_KEY"] = self.environment.get("VITAL_PLATFORM_KEY", "")
        with self.applications() if line.startswith("./manage.py monitor") else ExitStack():
            yield

    @contextmanager
    def applications(self) -> Iterator[None]:
        assert self.service is not None
        over, service = threading.Event(), self.service

        def call() -> None:
            while not over.wait(0.05):
                for tenant in ("PHARMA", "DIGITAL_HEALTH"):
                    service.get("/api/prompts-crud?limit=5", key(self.environment[f"{tenant}_KEY"]))

        caller = threading.Thread(target=call)
        caller.start()
        yield
        over.set()
        caller.join()

    def rows_seen(self) -> None:
        """What each tenant's key is shown is its own and the Platform's, to the row."""
        assert self.service is not None
        for name, tenant in (("PHARMA", PHARMA), ("DIGITAL_HEALTH", DIGITAL_HEALTH)):
            for endpoint, table in LISTS.items():
                answer = self.service.get(f"/api/{endpoint}?limit=1", key(self.environment[f"{name}_KEY"]))
                assert answer.status == 200, answer
                ((there,),) = rows(self.scratch.admin_url, COUNT.format(table, tenant, PLATFORM))
                told = answer.json["count"] if endpoint == "tools-crud" else answer.json["pagination"]["total"]
                assert told == there > 0, (name, endpoint)


@pytest.fixture
def day(platform: Scratch, manage: Manage, server_url: str, tmp_path: Path) -> Iterator[Day]:
    reader = Day(platform, manage, tmp_path)
    yield reader
    databases.drop(platform)
    reader.over(server_url)


def test_the_page_is_carried_out_from_backup_to_report_to_rollback(day: Day) -> None:
    for kind, block, place in blocks(PAGE.read_text(encoding="utf-8")):
        day.console(block, place) if kind == "console" else day.shell(block)
        if "/api/tools-crud" in block:
            day.rows_seen()

    report = (day.folder / "first-day.md").read_text(encoding="utf-8")
    assert "| pharma |" in report
    assert "| digital-health |" in report
    assert "5xx" not in report
    assert "tenant_id" not in columns(day.scratch, "tools"), "as it was before"
