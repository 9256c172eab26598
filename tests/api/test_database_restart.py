"""PostgreSQL crashes and comes back while many clients ask: they get right rows, or are told to come back.

VITAL_SLOW_TESTS=1: two hundred clients for a minute; else fifty for some seconds.
"""

import os
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Event

import pytest

from tests.support import clusters, databases, service_under_test
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.cast_rows import SEARCH
from tests.support.clusters import Cluster
from tests.support.command_results import Manage, said
from tests.support.service import Answer
from tests.support.service_under_test import ServiceUnderTest
from tests.support.tokens import user

pytestmark = [pytest.mark.server, pytest.mark.slow]

SLOW = bool(os.environ.get("VITAL_SLOW_TESTS"))
SECONDS_BACK = 5.0
CLIENTS, SECONDS_BEFORE, SECONDS_AFTER = (200, 30.0, 30.0) if SLOW else (50, 1.0, SECONDS_BACK + 1)
LOOK = f"/api/tools-crud?search={SEARCH}"


@pytest.fixture(scope="module")
def cluster(server_url: str) -> Iterator[Cluster]:
    with clusters.restartable(server_url) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def opened(cluster: Cluster, pack: Path, manage: Manage) -> Iterator[ServiceUnderTest]:
    template = databases.build_legacy(cluster.url, pack)
    done = manage(template, "migrate_tenants", "--yes")
    assert done.returncode == 0, said(done)
    with (
        service_under_test.created_database(cluster.url, template, manage) as made,
        service_under_test.started(made) as opened,
    ):
        yield opened


@dataclass
class Heard:
    """What the clients heard: when each answer came, its status, and what was wrong with it."""

    statuses: list[tuple[float, int]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def note(self, tenant: str, answer: Answer) -> None:
        self.statuses.append((time.monotonic(), answer.status))
        if answer.status == 200:
            right = {tool["tenant_id"] for tool in answer.json["tools"]} == {tenant, PLATFORM}
        else:
            right = (
                answer.status == 503
                and bool(answer.headers["Retry-After"])
                and set(answer.json) <= {"error", "code", "details"}
            )
        if not right:
            self.wrong.append(f"{tenant}: {answer}")


def ask(opened: ServiceUnderTest, heard: Heard, tenant: str, over: Event) -> None:
    who = user(tenant)
    with opened.service.line(timeout=15) as line:
        for turn in count():
            if over.is_set():
                return
            # Another address each time: no remembered answer hides that the database is away.
            heard.note(tenant, line.call("GET", f"{LOOK}&turn={turn}", who))


def test_a_crash_of_the_database_is_survived(cluster: Cluster, opened: ServiceUnderTest) -> None:
    heard, over = Heard(), Event()
    with ThreadPoolExecutor(CLIENTS) as threads:
        tenants = [(DIGITAL_HEALTH, PHARMA)[number % 2] for number in range(CLIENTS)]
        clients = [threads.submit(ask, opened, heard, tenant, over) for tenant in tenants]
        try:
            time.sleep(SECONDS_BEFORE)
            cluster.kill()
            down = time.monotonic()
            time.sleep(1)
            cluster.start()
            up = time.monotonic()
            time.sleep(SECONDS_AFTER)
        finally:
            over.set()
        for client in clients:
            client.result()

    assert heard.wrong == [], f"{len(heard.wrong)} of {len(heard.statuses)}: {heard.wrong[:3]}"
    counts = Counter(status for _, status in heard.statuses)
    assert counts[503] > 0, f"nobody noticed the crash: {counts}"
    assert [moment for moment, status in heard.statuses if status == 200 and moment < down], counts
    late = {status for moment, status in heard.statuses if moment > up + SECONDS_BACK}
    assert late == {200}, f"{SECONDS_BACK} s after the start: {late}"


def test_the_service_was_not_restarted(opened: ServiceUnderTest) -> None:
    assert opened.service.process.poll() is None
    assert opened.service.get("/health/ready").status == 200
