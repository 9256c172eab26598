"""Requests by hour and tenant, of all processes of the service together, in a table of VITAL's own.

A request costs a number in memory. Each process adds its numbers to the table every few seconds, in one statement; what
it has not written yet is all that its sudden end loses.
"""

import logging
import os
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection

from tenants import availability
from tenants.models import NO_TENANT
from tenants.queries import load_queries
from vital.db import scope

EVERY = 5.0  # seconds between two writes of a process
KEPT_DAYS = 7
MOST_WAITING = 100_000  # hours of tenants that wait for a database which does not answer; beyond them none is counted
HOUR = 3600
QUERIES = load_queries(Path(__file__).parent / "sql")
log = logging.getLogger("vital.api")


@dataclass
class Counted:
    """How many requests were answered at all, and with 4xx and 5xx."""

    requests: int = 0
    refused: int = 0
    failed: int = 0


class Traffic:
    """What this process has counted and not written yet, by hour and tenant."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: dict[tuple[int, str], Counted] = defaultdict(Counted)
        self._writer = 0  # the process whose thread writes: one that is forked has none yet
        self._tidied = 0

    def count(self, tenant: str, status: int) -> None:
        """One request. The first one of a serving process starts its writer."""
        key = (int(time.time()) // HOUR * HOUR, tenant or NO_TENANT)
        with self._lock:
            if key in self._waiting or len(self._waiting) < MOST_WAITING:
                counted = self._waiting[key]
                counted.requests += 1
                counted.refused += 400 <= status < 500
                counted.failed += status >= 500
            starts = settings.SERVING and self._writer != os.getpid()
            self._writer = os.getpid()
        if starts:
            Thread(target=self._write_on, name="vital-traffic", daemon=True).start()

    def write(self) -> None:
        """Add everything to the table. What cannot be written waits for the next time."""
        with self._lock:
            taken, self._waiting = self._waiting, defaultdict(Counted)
        if not taken:
            return
        try:
            self._add(taken)
        except DatabaseError as error:
            log.warning("traffic is not written for now: %s", " ".join(str(error).split()))
            with self._lock:
                for key, counted in taken.items():
                    again = self._waiting[key]
                    again.requests += counted.requests
                    again.refused += counted.refused
                    again.failed += counted.failed

    def _add(self, taken: dict[tuple[int, str], Counted]) -> None:
        rows = sorted(taken.items())  # in one order: two processes never wait for each other
        lists: dict[str, Any] = {
            "hours": [hour for (hour, _), _ in rows],
            "tenants": [tenant for (_, tenant), _ in rows],
            "requests": [counted.requests for _, counted in rows],
            "refused": [counted.refused for _, counted in rows],
            "failed": [counted.failed for _, counted in rows],
        }
        who = scope.operator_scope(read_only=False) if availability.has_roles() else scope.ITSELF
        with scope.acting_as(who), connection.cursor() as cursor:
            cursor.execute(QUERIES["add_traffic"], lists)
            if self._tidied != rows[-1][0][0]:
                cursor.execute(QUERIES["forget_old_traffic"], {"days": KEPT_DAYS})
        self._tidied = rows[-1][0][0]

    def _write_on(self) -> None:
        """The connection is closed again: it would be one more of each process, used for milliseconds."""
        while True:
            time.sleep(EVERY)
            self.write()
            connection.close()


traffic = Traffic()
