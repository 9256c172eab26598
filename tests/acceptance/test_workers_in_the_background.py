"""A run in the background survives its worker, a second delivery and the loss of Redis; it also works without Redis."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from contextvars import ContextVar
from pathlib import Path

import pytest

from tests.support import background, oracle, patience, queries, redis_server
from tests.support.background import BackgroundCommand
from tests.support.command_results import Manage, document, said
from tests.support.database_state import decided_twice
from tests.support.databases import Scratch
from tests.support.pause_point import paused_at
from tests.support.redis_server import RedisServer

IN_003 = ("vital.ledger", "SELECT count(*) > 0 FROM vital.ledger WHERE phase = '003_platform_data'")
IN_004 = ("vital.ledger", "SELECT count(*) > 0 FROM vital.ledger WHERE phase = '004_tenant_data'")
STATUS = "SELECT status FROM vital.run ORDER BY id DESC LIMIT 1"


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisServer]:
    """A Redis of this test's own; everything it starts finds it."""
    with redis_server.redis_server() as broker:
        monkeypatch.setenv("REDIS_URL", broker.url)
        yield broker


def handed_over(manage: Manage, scratch: Scratch, *words: str) -> int:
    done = manage(scratch, "migrate_tenants", *words, "--background", "--json")
    assert done.returncode == 0, said(done)
    return int(document(done)["run"])


def pool_of(worker: BackgroundCommand) -> list[int]:
    """The processes in which the worker's tasks run."""
    pid = worker.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def kill(*processes: int) -> None:
    for process in processes:
        os.kill(process, signal.SIGKILL)


def processes_of(scratch: Scratch, run: int) -> list[int]:
    """Those that were started for this run of this database, and still live."""
    found = subprocess.run(["pgrep", "-f", f"worker --run {run}$"], capture_output=True, text=True)
    url = f"DATABASE_URL={scratch.owner_url}".encode()
    return [int(pid) for pid in found.stdout.split() if url in environment_of(pid)]


def environment_of(pid: str) -> list[bytes]:
    """None of a process that is dead."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def waited_for(done: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + patience.seconds(seconds)
    while not done():
        assert time.monotonic() < deadline, f"waited for {seconds} s"
        time.sleep(0.05)


def completed(scratch: Scratch) -> bool:
    return bool(queries.scalar(scratch, STATUS) == "completed")


def as_the_rules_say(scratch: Scratch, pack: Path) -> None:
    """Every row is where an independent reading of the rules puts it, and none was decided twice."""
    assert queries.tenants_of_every_table(scratch) == oracle.expected(pack).tenants
    assert decided_twice(scratch) == []


@pytest.mark.slow
def test_another_worker_goes_on_with_the_run_of_one_that_was_killed(
    prepared: Scratch, own: RedisServer, manage: Manage, pack: Path
) -> None:
    with ExitStack() as processes:
        with paused_at(prepared, *IN_003) as stands:
            first = processes.enter_context(background.start(prepared, "worker"))
            run = handed_over(manage, prepared)
            first.until(stands)
            kill(first.process.pid, *pool_of(first))  # at once: none of them can say anything any more
        assert queries.scalar(prepared, STATUS) == "running"

        second = processes.enter_context(background.start(prepared, "worker"))
        second.until(lambda: completed(prepared), seconds=90)

    assert queries.scalar(prepared, "SELECT max(id) FROM vital.run") == run
    as_the_rules_say(prepared, pack)


@pytest.mark.slow
def test_a_worker_goes_on_where_only_its_pool_was_killed(prepared: Scratch, own: RedisServer, manage: Manage) -> None:
    """As by the kernel, where memory runs out: the message was not acknowledged, and comes again."""
    with background.start(prepared, "worker") as worker:
        with paused_at(prepared, *IN_003) as stands:
            handed_over(manage, prepared, "--to", "004")
            worker.until(stands)
            kill(*pool_of(worker))
        worker.until(lambda: completed(prepared), seconds=90)

    assert decided_twice(prepared) == []


@pytest.mark.slow
def test_delivered_twice_it_is_carried_out_once(prepared: Scratch, own: RedisServer, manage: Manage) -> None:
    again = "from vital.celery import app; app.send_task('migrations_ops.tasks.advance', [{run}])"
    with background.start(prepared, "worker") as worker:
        with paused_at(prepared, *IN_003) as stands:
            run = handed_over(manage, prepared, "--to", "004")
            worker.until(stands)
            sent = manage(prepared, "shell", "-v0", "-c", again.format(run=run))
            assert sent.returncode == 0, said(sent)
            worker.until_said("carried out by another worker", seconds=30)
        worker.until(lambda: completed(prepared), seconds=90)

    assert decided_twice(prepared) == []


@pytest.mark.slow
def test_a_run_outlives_redis_and_the_worker_finds_its_way_back(
    prepared: Scratch, own: RedisServer, manage: Manage
) -> None:
    with background.start(prepared, "worker") as worker:
        with paused_at(prepared, *IN_003) as stands:
            handed_over(manage, prepared, "--to", "005")
            worker.until(stands)
            own.stop()
        worker.until(lambda: completed(prepared), seconds=90)

        refused = manage(prepared, "migrate_tenants", "--background", "--json")
        assert refused.returncode != 0, said(refused)
        assert "Redis cannot be reached" in said(refused)
        assert completed(prepared), "nothing was opened"

        own.start()
        handed_over(manage, prepared)
        worker.until(lambda: queries.scalar(prepared, STATUS) == "completed", seconds=90)
    closed = "SELECT count(*) FROM vital.phase_run WHERE phase = '006_row_level_security' AND status = 'completed'"
    assert queries.scalar(prepared, closed) == 1


@pytest.mark.slow
def test_without_redis_each_run_has_a_process_and_resume_starts_the_next(
    prepared: Scratch, manage: Manage, monkeypatch: pytest.MonkeyPatch, pack: Path, tmp_path: Path
) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("VITAL_HELPERS", "0")
    monkeypatch.setenv("VITAL_LOG_DIR", str(tmp_path))
    with paused_at(prepared, *IN_004) as stands:
        run = handed_over(manage, prepared)
        waited_for(stands)
        kill(*processes_of(prepared, run))
        waited_for(lambda: not processes_of(prepared, run))
    assert queries.scalar(prepared, STATUS) == "running"

    assert handed_over(manage, prepared, "resume") == run
    waited_for(lambda: completed(prepared), seconds=90)
    as_the_rules_say(prepared, pack)


def test_without_redis_nobody_waits_for_runs(
    prepared: Scratch, manage: Manage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)

    done = manage(prepared, "worker")

    assert done.returncode == 2, said(done)
    assert "REDIS_URL" in done.stderr
    assert "resume --background" in done.stderr, "what there is instead"


def test_what_a_task_makes_current_is_gone_with_it() -> None:
    from vital.celery import app

    tenant: ContextVar[str] = ContextVar("tenant", default="nobody")

    @app.task
    def act(name: str) -> str:
        before = tenant.get()
        tenant.set(name)
        return before

    assert [act("pharma"), act("digital-health"), tenant.get()] == ["nobody", "nobody", "nobody"]
