"""Requests are counted by hour and tenant, by all processes together; no tenant can read it, and old hours go."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError

from tenants.models import NO_TENANT
from tests.support import patience, service_under_test
from tests.support.cast import DIGITAL_HEALTH, PHARMA
from tests.support.databases import Scratch, rows
from tests.support.in_process_django import django_on
from tests.support.service import PRODUCTION, served
from tests.support.service_under_test import ServiceDatabase
from tests.support.tenant_role import as_tenant
from tests.support.tokens import user
from vital import traffic

BY_TENANT = "SELECT tenant_id, sum(requests)::int, sum(refused)::int, sum(failed)::int FROM vital.traffic GROUP BY 1"
PATIENCE = 6 * traffic.EVERY
Counts = dict[UUID, tuple[int, int, int]]


@contextmanager
def nothing_counted(service_database: ServiceDatabase) -> Iterator[ServiceDatabase]:
    """A copy of the database, without what services have counted in it for other tests."""
    with service_under_test.copied_database(service_database) as own:
        rows(own.database.admin_url, "DELETE FROM vital.traffic")
        yield own


@pytest.fixture
def counting(service_database: ServiceDatabase, django_db_blocker: Any) -> Iterator[tuple[traffic.Traffic, Scratch]]:
    """A process that has counted nothing yet, as the service's login."""
    with (
        nothing_counted(service_database) as own,
        django_on(own.login, django_db_blocker),
    ):
        yield traffic.Traffic(), own.database


def counted(database: Scratch) -> Counts:
    """Tenant → requests, 4xx and 5xx of all hours."""
    return {tenant: (one, two, three) for tenant, one, two, three in rows(database.admin_url, BY_TENANT)}


def test_two_processes_count_together_and_write_within_seconds(service_database: ServiceDatabase) -> None:
    expected = {
        UUID(PHARMA): (40, 10, 0),
        UUID(DIGITAL_HEALTH): (20, 0, 0),
        UUID(NO_TENANT): (5, 5, 0),
    }
    with (
        nothing_counted(service_database) as own,
        served(own.login, PRODUCTION, workers=2) as service,
    ):
        for _ in range(10):
            for who in (PHARMA, PHARMA, PHARMA, DIGITAL_HEALTH, DIGITAL_HEALTH):
                assert service.get("/api/tools-crud?limit=1", user(who)).status == 200
            assert service.get("/api/tools-crud/nothing", user(PHARMA)).status == 404
        for _ in range(5):
            assert service.get("/api/tools-crud", {"authorization": "Bearer nothing"}).status == 401
        assert service.get("/health/live").status == 200
        deadline = time.monotonic() + patience.seconds(PATIENCE)
        while counted(own.database) != expected and time.monotonic() < deadline:
            time.sleep(0.2)
        assert counted(own.database) == expected


def test_a_request_writes_nothing(counting: tuple[traffic.Traffic, Scratch]) -> None:
    counts, database = counting
    for status in (200, 304, 404, 429, 500, 503):
        counts.count(PHARMA, status)
    assert counted(database) == {}

    counts.write()
    counts.write()

    assert counted(database) == {UUID(PHARMA): (6, 2, 2)}


def test_what_cannot_be_written_waits_and_is_written_once(
    counting: tuple[traffic.Traffic, Scratch], monkeypatch: pytest.MonkeyPatch
) -> None:
    counts, database = counting
    counts.count(PHARMA, 200)
    rows(database.admin_url, "REVOKE INSERT ON vital.traffic FROM vital_operator")
    counts.write()
    counts.count(PHARMA, 500)
    rows(database.admin_url, "GRANT INSERT ON vital.traffic TO vital_operator")
    counts.write()

    assert counted(database) == {UUID(PHARMA): (2, 0, 1)}

    def down(_: object) -> None:
        raise DatabaseError("down")

    monkeypatch.setattr(traffic, "MOST_WAITING", 3)
    monkeypatch.setattr(counts, "_add", down)
    for number in range(9):
        counts.count(str(UUID(int=number + 1)), 200)
        counts.write()
    assert len(counts._waiting) == 3


def test_hours_of_the_week_before_go(counting: tuple[traffic.Traffic, Scratch]) -> None:
    counts, database = counting
    old, kept = (datetime.now(UTC) - timedelta(days=days) for days in (traffic.KEPT_DAYS + 1, traffic.KEPT_DAYS - 1))
    for hour in (old, kept):
        rows(database.admin_url, "INSERT INTO vital.traffic VALUES (%s, %s, 1, 0, 0)", [hour, DIGITAL_HEALTH])

    counts.count(PHARMA, 200)
    counts.write()

    assert counted(database) == {UUID(PHARMA): (1, 0, 0), UUID(DIGITAL_HEALTH): (1, 0, 0)}
    assert rows(database.admin_url, "SELECT count(*) FROM vital.traffic WHERE hour = %s", [old]) == [(0,)]


def test_no_tenant_reads_or_writes_it(counting: tuple[traffic.Traffic, Scratch]) -> None:
    _, database = counting
    with as_tenant(database, PHARMA) as tenant:
        for statement in (
            "SELECT * FROM vital.traffic",
            f"INSERT INTO vital.traffic VALUES (now(), '{PHARMA}', 1, 0, 0)",
            "DELETE FROM vital.traffic",
        ):
            assert tenant.refusal(statement) == "42501", statement
