"""What is looked at around a contestant: size, WAL, dead rows, assignment, content, foreign waits, memory."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from bench.backfill.database import ROOT, TABLE

STATE = f"""
SELECT pg_relation_size('{TABLE}') AS heap, pg_total_relation_size('{TABLE}') AS total,
       pg_current_wal_lsn()::text AS lsn, clock_timestamp() AS at
"""
WAL_SINCE = "SELECT pg_current_wal_lsn() - %s::pg_lsn"
UPDATES = f"SELECT n_dead_tup, n_tup_hot_upd, n_tup_upd FROM pg_stat_user_tables WHERE relid = '{TABLE}'::regclass"
PER_TENANT = f"SELECT COALESCE(tenant_id::text, 'none'), count(*) FROM {TABLE} GROUP BY 1 ORDER BY 1"
CONTENT = f"""
SELECT count(*), sum(hashtextextended(
    ROW(id, source_id, chunk_index, content, content_hash, pinecone_id, metadata, domain, tags, is_active,
        created_at)::text, 0
))::text
FROM {TABLE}
"""
STAMPED = f"SELECT count(*) FROM {TABLE} WHERE updated_at >= %s"
STATISTICS_DELAY = 1.5  # until the server has counted what the last transactions did


@dataclass
class Figures:
    """What one contestant came to. `seconds` is its work alone, `wall` with its start-up; `error` where it failed."""

    contestant: str
    chunks: int
    seconds: float = 0.0
    wall: float = 0.0
    wal_mb: float = 0.0
    heap_before_mb: float = 0.0
    heap_growth: float = 0.0
    total_growth: float = 0.0
    dead_rows: int = 0
    hot_share: float = 0.0
    undo_wall: float = 0.0
    stamped: int = 0
    memory_mb: float = 0.0
    reader: dict[str, float] = field(default_factory=dict)
    writer: dict[str, float] = field(default_factory=dict)
    assigned: dict[str, int] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    error: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def one(url: str, key: str, params: tuple[Any, ...] = ()) -> Any:
    """The first column of a query's first row, in a connection of its own."""
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(key, params or None).fetchone()[0]


def state(url: str) -> Any:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(STATE).fetchone()


def look_after(url: str, before: Any, figures: Figures) -> None:
    """What is known as soon as the contestant has ended; a look at the rows themselves comes later."""
    figures.wal_mb = float(one(url, WAL_SINCE, (before[2],))) / 1e6
    after = state(url)
    figures.heap_before_mb = before[0] / 1e6
    figures.heap_growth, figures.total_growth = after[0] / before[0], after[1] / before[1]
    time.sleep(STATISTICS_DELAY)
    figures.stamped = one(url, STAMPED, (before[3],))
    with psycopg.connect(url, autocommit=True) as connection:
        figures.assigned = dict(connection.execute(PER_TENANT).fetchall())
        figures.dead_rows, hot, updates = connection.execute(UPDATES).fetchone()
    figures.hot_share = hot / max(updates, 1)


def content(url: str) -> tuple[int, str]:
    """Rows, and the fingerprint of every column but the tenant and the stamp of the last change."""
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(CONTENT).fetchone()


@contextmanager
def probed(url: str, figures: Figures) -> Iterator[None]:
    """A reader and a writer at work, each in its own process; how they fared is in the figures afterwards."""
    probes = {}
    try:
        for kind in ("read", "write"):
            probes[kind] = subprocess.Popen(
                [sys.executable, "-m", "bench.backfill.probe", kind], cwd=ROOT, text=True,
                env=os.environ | {"BENCH_PROBE_URL": url}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )  # fmt: skip
        for kind, process in probes.items():
            if process.stdout.readline().strip() != "ready":
                raise RuntimeError(f"the probe that is to {kind} did not start")
        yield
        for process in probes.values():
            process.stdin.close()
        figures.reader, figures.writer = (json.loads(process.stdout.readline()) for process in probes.values())
    finally:
        for process in probes.values():
            process.kill()
            process.wait()
            process.stdout.close()


@contextmanager
def watched(process: "subprocess.Popen[str]") -> Iterator[list[float]]:
    """The most memory that a process and its children took together, in MB, as one number in a list."""
    most: dict[int, float] = {}
    peak, over = [0.0], threading.Event()

    def look() -> None:
        while not over.wait(0.1):
            for pid in _family(process.pid):
                most[pid] = max(most.get(pid, 0.0), _high_water(pid))
            peak[0] = max(peak[0], sum(most.values()))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()


def _family(pid: int) -> list[int]:
    found = [pid]
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [one for child in children.read_text().split() for one in _family(int(child))]
        except OSError:
            continue  # that thread is over
    return found


def _high_water(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    lines = [line for line in text.splitlines() if line.startswith("VmHWM:")]
    return int(lines[0].split()[1]) / 1000 if lines else 0.0
