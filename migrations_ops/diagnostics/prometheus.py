"""What Prometheus gets of the platform: the figures of `./manage.py monitor`, asked twice a minute at most."""

import time
from collections.abc import Iterable
from threading import Lock, Thread
from typing import Any

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from migrations_ops.diagnostics import service as diagnostics
from tenants.ttl_cache import Memory

# A look counts rows and reads the catalogue; however often somebody asks, it costs the same.
REMEMBERED_SECONDS = 30
UNDO_REMEMBERED_SECONDS = 600  # up to 100,000 rows of each table are looked at
FATES = ("restored", "removed", "kept", "gone")
_looks: Memory[diagnostics.Snapshot] = Memory(1, seconds=REMEMBERED_SECONDS)


class UndoHorizon:
    """What an undo of everything would come to, asked beside the requests: of many big tables it takes longer than
    Prometheus waits for an answer."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._asked_at: float | None = None
        self._found: tuple[float, dict[str, Any]] | None = None

    def latest(self) -> tuple[float, dict[str, Any]] | None:
        """(seconds since 1970 when it was asked, what it was); None before the first answer, where nothing is left to
        undo, or where it could not be asked. An answer that is too old is asked for anew, for the next who comes."""
        with self._lock:
            now = time.monotonic()
            if self._asked_at is None or now - self._asked_at > UNDO_REMEMBERED_SECONDS:
                self._asked_at = now
                Thread(target=self._ask, name="vital-undo-horizon", daemon=True).start()
            return self._found

    def _ask(self) -> None:
        found = diagnostics.undo_horizon()
        with self._lock:
            self._found = (time.time(), found) if found else None


_undo = UndoHorizon()


class Platform(Collector):
    """Rows, isolation, locks and runs. Where they could not be looked at, `vital_platform_looked_at` is 0 and what is
    not known is left out: an old figure would look like a new one."""

    def collect(self) -> Iterable[Metric]:
        look = _looks.recall("look", diagnostics.look_once)
        yield _one(
            "vital_platform_looked_at", "1 where the last look saw all of it", int(not (look.down or look.locked))
        )
        if look.down:
            return
        yield _one("vital_sessions_waiting_for_locks", "Of this database", look.waiting)
        yield _one("vital_slow_statements", "Statements that have run for more than a second", look.slow)
        yield _one("vital_server_connections", "All that the server has", look.connections)
        yield _one("vital_server_connections_most", "As many as the server takes", look.of_connections)
        yield _one("vital_late_rows", "Rows that were written without a tenant and got theirs by the rules", look.late)
        runs = GaugeMetricFamily("vital_open_runs", "Runs of the migration that are not over", labels=["status"])
        for status in ("running", "paused", "failed"):
            runs.add_metric([status], int(look.run_status == status))
        yield runs
        if look.validated:
            at, status = look.validated
            yield _one("vital_last_validation_timestamp_seconds", "When 005 was last through", at)
            yield _one("vital_last_validation_passed", "1 where it found no failure", int(status == "completed"))
        if not look.locked:
            yield _one(
                "vital_fence_gaps", "Tables or logins that row level security should hold and does not", len(look.gaps)
            )
            rows = GaugeMetricFamily("vital_rows_without_tenant", "Up to 10,001 a table", labels=["table"])
            for table, count in look.unassigned.items():
                rows.add_metric([table], count)
            yield rows
            yield from _undo_rows()


def _undo_rows() -> Iterable[Metric]:
    if not (latest := _undo.latest()):
        return
    asked_at, found = latest
    rows = GaugeMetricFamily("vital_undo_rows", "What an undo would come to, by table", labels=["table", "fate"])
    for fate in FATES:
        for table, count in found[fate].items():
            rows.add_metric([table, fate], count)
    yield rows
    yield _one("vital_undo_rows_timestamp_seconds", "When that was counted", asked_at)


def _one(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=value)
