"""The whole way as the tutorial shows it: from the backup over the service and the first day's report to the rollback.

The day is made short: 24 hours are some seconds, in which the tenants' applications call.
"""

import os
import re
import secrets
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support import databases
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.command_results import Manage
from tests.support.databases import Scratch, rows
from tests.support.documented_commands import Place, blocks, calls, of_block, run, shows, status_of
from tests.support.paths import ROOT
from tests.support.queries import columns
from tests.support.service import PRODUCTION, Service, served
from tests.support.tokens import key

pytestmark = pytest.mark.slow

PAGE = ROOT / "docs" / "tutorial" / "the-whole-guide.md"
DAY = {"--for 24h": "--for 3s --every 1s"}
LISTS = {"tools-crud": "tools", "prompts-crud": "prompts"}
COUNT = "SELECT count(*) FROM {} WHERE tenant_id IN ('{}', '{}')"


class Day:
    """One reader of the page: what was printed to them, and the service that they have started."""

    def __init__(self, scratch: Scratch, manage: Manage, folder: Path) -> None:
        self.scratch, self.manage, self.folder = scratch, manage, folder
        self.login = f"vital_test_service_{secrets.token_hex(6)}"  # the page's name may be somebody's
        self.printed: dict[str, str] = {}
        self.service: Service | None = None
        self.environment = {"PATH": os.environ["PATH"], "PHARMA": PHARMA, "DIGITAL_HEALTH": DIGITAL_HEALTH}
        self.settings = {"VITAL_DEMO": "", "VITAL_SECRET_KEY": ""}  # what the page does not set, its reader has not
        self._services = ExitStack()

    def console(self, block: str, place: Place) -> None:
        for command in of_block(block, place):
            line = command.line
            for name, value in (
                {"vital_service": self.login} | DAY | {"$URL": self.environment.get("URL", "")}
            ).items():
                line = line.replace(name, value)
            with self.applications() if line.startswith("./manage.py monitor") else ExitStack():
                self.settings["VITAL_METRICS_KEY"] = self.environment.get("VITAL_PLATFORM_KEY", "")
                done = run(self.scratch, self.manage, self.folder, line, self.settings)
            told = self.printed[command.line] = done.stdout
            done.stdout = told.replace(self.login, "vital_service")
            shows(command, done)
            if "create_api_key" in line:
                slug = line.split("--tenant ")[1].split()[0]
                self.environment[f"{slug.replace('-', '_').upper()}_KEY"] = told.strip()

    def shell(self, block: str) -> None:
        if key := re.search(r"^export VITAL_SECRET_KEY=(?:.*)$", block, re.MULTILINE):
            made = ["sh", "-euc", f'{key[0]}\nprintf %s "$VITAL_SECRET_KEY"']
            self.settings["VITAL_SECRET_KEY"] = subprocess.run(made, capture_output=True, text=True, check=True).stdout
        if "make serve" in block:
            url = self.printed["./manage.py create_login vital_service"].strip()
            self.service = self._services.enter_context(served(url, PRODUCTION))
            self.environment["URL"] = f"http://127.0.0.1:{self.service.port}"
        for command, status in calls(f"```sh\n{block}```"):
            assert status_of(command, self.environment) == status, command
        if "kill" in block:
            self._services.close()
            self.service = None

    @contextmanager
    def applications(self) -> Iterator[None]:
        """Both tenants' applications call while somebody watches."""
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

    def over(self, server_url: str) -> None:
        self._services.close()
        databases.drop_login(server_url, self.login)


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
