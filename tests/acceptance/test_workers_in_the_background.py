"""A run in the background survives its worker, a second delivery and the loss of Redis; without Redis no less."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from contextvars import ContextVar
from pathlib import Path

import psycopg
import pytest

from tests.conftest import Manage
from tests.support import background, brokers, looking, oracle
from tests.support.background import Background
from tests.support.brokers import Broker
from tests.support.databases import Scratch
from tests.support.looking import document, said
from tests.support.standstill import standing_still
from tests.support.traces import decided_twice

pytestmark = pytest.mark.server

IN_003 = ("vital.ledger", "SELECT count(*) > 0 FROM vital.ledger WHERE phase = '003_platform_data'")
IN_004 = ("vital.ledger", "SELECT count(*) > 0 FROM vital.ledger WHERE phase = '004_tenant_data'")
STATUS = "SELECT status FROM vital.run ORDER BY id DESC LIMIT 1"
CARRIES = """
    SELECT min(pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
     WHERE locktype = 'advisory' AND classid = 22089 AND objid = 1 AND datname = current_database()
"""


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    """A Redis of this test's own; everything it starts finds it."""
    with brokers.broker() as broker:
        monkeypatch.setenv("REDIS_URL", broker.url)
        yield broker


def handed_over(manage: Manage, scratch: Scratch, *words: str) -> int:
    done = manage(scratch, "migrate_tenants", *words, "--background", "--json")
    assert done.returncode == 0, said(done)
    return int(document(done)["run"])


def pool_of(worker: Background) -> list[int]:
    """The processes in which the worker's tasks run."""
    pid = worker.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def kill(*processes: int) -> None:
    for process in processes:
        os.kill(process, signal.SIGKILL)


def completed(scratch: Scratch) -> bool:
    return bool(looking.one(scratch, STATUS) == "completed")


def as_the_rules_say(scratch: Scratch, pack: Path) -> None:
    """Every row is where an independent reading of the rules puts it, and none was decided twice."""
    assert looking.every_tenant(scratch) == oracle.expected(pack).tenants
    assert decided_twice(scratch) == []


def test_another_worker_goes_on_with_the_run_of_one_that_was_killed(
    set_up: Scratch, own: Broker, manage: Manage, pack: Path
) -> None:
    with ExitStack() as processes:
        with standing_still(set_up, *IN_003) as stands:
            first = processes.enter_context(background.manage(set_up, "worker"))
            run = handed_over(manage, set_up)
            first.until(stands)
            kill(first.process.pid, *pool_of(first))  # at once: none of them can say anything any more
        assert looking.one(set_up, STATUS) == "running"

        second = processes.enter_context(background.manage(set_up, "worker"))
        second.until(lambda: completed(set_up), seconds=90)

    assert looking.one(set_up, "SELECT max(id) FROM vital.run") == run
    as_the_rules_say(set_up, pack)


def test_a_worker_goes_on_where_only_its_pool_was_killed(set_up: Scratch, own: Broker, manage: Manage) -> None:
    """As by the kernel, where memory runs out: the message was not acknowledged, and comes again."""
    with background.manage(set_up, "worker") as worker:
        with standing_still(set_up, *IN_003) as stands:
            handed_over(manage, set_up, "--to", "004")
            worker.until(stands)
            kill(*pool_of(worker))
        worker.until(lambda: completed(set_up), seconds=90)

    assert decided_twice(set_up) == []


def test_delivered_twice_it_is_carried_out_once(set_up: Scratch, own: Broker, manage: Manage) -> None:
    again = "from vital.celery import app; app.send_task('migrations_ops.tasks.advance', [{run}])"
    with background.manage(set_up, "worker") as worker:
        with standing_still(set_up, *IN_003) as stands:
            run = handed_over(manage, set_up, "--to", "004")
            worker.until(stands)
            sent = manage(set_up, "shell", "-v0", "-c", again.format(run=run))
            assert sent.returncode == 0, said(sent)
            worker.until_said("carried out by another worker", seconds=30)
        worker.until(lambda: completed(set_up), seconds=90)

    assert decided_twice(set_up) == []


def test_a_run_outlives_redis_and_the_worker_finds_its_way_back(set_up: Scratch, own: Broker, manage: Manage) -> None:
    with background.manage(set_up, "worker") as worker:
        with standing_still(set_up, *IN_003) as stands:
            handed_over(manage, set_up, "--to", "005")
            worker.until(stands)
            own.goes()
        worker.until(lambda: completed(set_up), seconds=90)

        refused = manage(set_up, "migrate_tenants", "--background", "--json")
        assert refused.returncode != 0, said(refused)
        assert "Redis cannot be reached" in said(refused)
        assert completed(set_up), "nothing was opened"

        own.comes()
        handed_over(manage, set_up)
        worker.until(lambda: looking.one(set_up, STATUS) == "completed", seconds=90)
    closed = "SELECT count(*) FROM vital.phase_run WHERE phase = '006_row_level_security' AND status = 'completed'"
    assert looking.one(set_up, closed) == 1


def test_without_redis_a_process_waits_for_runs_and_takes_over(
    set_up: Scratch, manage: Manage, monkeypatch: pytest.MonkeyPatch, pack: Path
) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("VITAL_HELPERS", "0")
    with standing_still(set_up, *IN_004) as stands, background.manage(set_up, "worker") as waiting:
        waiting.until_said("Waiting for runs")
        handed_over(manage, set_up)
        waiting.until(stands)
        killed = looking.one(set_up, CARRIES)
        with psycopg.connect(set_up.admin_url, autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(%s)", [killed])
    with background.manage(set_up, "worker") as second:
        second.until(lambda: completed(set_up), seconds=90)

    as_the_rules_say(set_up, pack)


def test_what_a_task_makes_current_is_gone_with_it() -> None:
    from vital.celery import app

    tenant: ContextVar[str] = ContextVar("tenant", default="nobody")

    @app.task
    def act(name: str) -> str:
        before = tenant.get()
        tenant.set(name)
        return before

    assert [act("pharma"), act("digital-health"), tenant.get()] == ["nobody", "nobody", "nobody"]
