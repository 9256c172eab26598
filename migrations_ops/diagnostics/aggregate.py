"""Looks added up: totals, the worst moments, what happened when; as much memory after a day as after a minute."""

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from migrations_ops.diagnostics.snapshot import Snapshot

KEPT = 200  # events, the latest
CROWDED = 0.8  # of the connections
SERVER_ERROR = "5"


@dataclass
class Tally:
    """What has come of all looks so far."""

    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    looks: int = 0
    away: int = 0
    not_ready: int = 0
    most: dict[str, float] = field(default_factory=dict)
    requests: dict[str, float] = field(default_factory=dict)
    errors: dict[tuple[str, str], float] = field(default_factory=dict)
    late: int = 0
    events: deque[tuple[datetime, str]] = field(default_factory=lambda: deque(maxlen=KEPT))
    last: Snapshot = field(default_factory=Snapshot)
    _first_late: int | None = None
    _counted: dict[tuple[str, str, str], float] = field(default_factory=dict)

    def add(self, look: Snapshot) -> None:
        self.looks += 1
        for sentence in self._news(look):
            self.events.append((datetime.now(UTC), sentence))
        self._requests(look)
        if look.service:
            self.not_ready += look.service != "ready"
        if look.down:
            self.away += 1
            self.last.down, self.last.service = look.down, look.service
            return
        if look.locked:
            look.gaps, look.unassigned = self.last.gaps, self.last.unassigned
            look.vectors, look.recall = self.last.vectors, self.last.recall
        self._first_late = look.late if self._first_late is None else self._first_late
        self.late = look.late - self._first_late
        load = {"connections": look.connections, "waiting": look.waiting, "slow": look.slow, "slowest": look.slowest}
        for name, value in (load | {"nobodys": sum(look.unassigned.values())}).items():
            self.most[name] = max(self.most.get(name, 0), value)
        self.last = look

    def _news(self, look: Snapshot) -> list[str]:
        """What is another than at the look before, as sentences."""
        before, found = self.last, []
        if bool(look.down) != bool(before.down):
            found.append(f"the database is away: {look.down}" if look.down else "the database is back")
        if look.service and look.service != before.service and (before.service or look.service != "ready"):
            found.append(f"the service {'is ready' if look.service == 'ready' else look.service}")
        if look.locked and not before.locked:
            found.append("a table is locked, or too big to count in time: rows and isolation were not checked")
        if not (look.down or look.locked):
            found += [f"a gap: {gap}" for gap in look.gaps if gap not in before.gaps]
            found += [f"closed: {gap}" for gap in before.gaps if gap not in look.gaps]
        if not look.down and look.run != before.run:
            found.append(look.run or "no run is unfinished")
        return found

    def _requests(self, look: Snapshot) -> None:
        """Counters begin at 0 where the service was started anew."""
        for place, value in look.requests.items():
            more = value - self._counted.get(place, value if self.looks == 1 else 0)
            more = value if more < 0 else more
            route, tenant, status = place
            self.requests[tenant] = self.requests.get(tenant, 0) + more
            if status.startswith(SERVER_ERROR) and more:
                self.errors[route, tenant] = self.errors.get((route, tenant), 0) + more
        self._counted |= look.requests

    def worries(self) -> list[str]:
        """What a person should look at; empty where all was calm."""
        found = [
            f"{count:.0f} answers 5xx at {route} for {tenant}" for (route, tenant), count in sorted(self.errors.items())
        ]
        found += [f"a gap in isolation: {gap}" for gap in self.last.gaps]
        found += [f"vectors: {one}" for one in self.last.vectors]
        if self.last.unassigned:
            found.append(
                "rows without a tenant: " + ", ".join(f"{n} {rows:,}" for n, rows in self.last.unassigned.items())
            )
        if self.late:
            found.append(f"old code wrote {self.late:,} rows without a tenant; they got theirs by the rules")
        if self.away:
            found.append(f"the database was away at {self.away:,} of {self.looks:,} looks")
        if self.not_ready:
            found.append(f"the service was not ready at {self.not_ready:,} of {self.looks:,} looks")
        if self.last.of_connections and self.most.get("connections", 0) > CROWDED * self.last.of_connections:
            found.append(f"{self.most['connections']:.0f} of {self.last.of_connections} connections were taken")
        return found

    def document(self, *, partial: bool) -> dict[str, Any]:
        """The report's figures."""
        now = datetime.now(UTC)
        return {
            "from": self.started_at.isoformat(timespec="seconds"),
            "to": now.isoformat(timespec="seconds"),
            "seconds": round((now - self.started_at).total_seconds(), 1),
            "partial": partial,
            "looks": self.looks,
            "worries": self.worries(),
            "most": self.most,
            "connections_of": self.last.of_connections,
            "requests": {tenant: round(count) for tenant, count in sorted(self.requests.items())},
            "errors": [
                {"route": route, "tenant": tenant, "count": round(count)}
                for (route, tenant), count in sorted(self.errors.items())
            ],
            "recall": self.last.recall,
            "late_rows": self.late,
            "rows_without_tenant": self.last.unassigned,
            "events": [{"at": at.isoformat(timespec="seconds"), "what": what} for at, what in self.events],
        }
