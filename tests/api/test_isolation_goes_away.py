"""A running service notices within ten seconds that tenants are not kept apart, and serves nothing until they are."""

import time

import pytest

from tests.support import citus, patience, service_under_test
from tests.support.cast import PHARMA
from tests.support.service import Service
from tests.support.service_under_test import ServiceDatabase
from tests.support.tokens import super_admin, user

NOTICED_WITHIN_SECONDS = 10
GONE = 'vital_isolation_differences{severity="dangerous"}'


def until(service: Service, status: int) -> float:
    """Seconds until a tenant's request is answered so."""
    started, limit = time.monotonic(), patience.seconds(3 * NOTICED_WITHIN_SECONDS)
    while service.get("/api/tools-crud?limit=1", user(PHARMA)).status != status:
        assert time.monotonic() - started < limit, f"never {status}: {service.said}"
        time.sleep(0.1)
    return time.monotonic() - started


def dangerous(service: Service) -> float:
    lines = service.get("/metrics", super_admin()).text.splitlines()
    (line,) = [line for line in lines if line.startswith(GONE)]
    return float(line.rpartition(" ")[2])


@pytest.mark.slow
def test_what_makes_rows_leak_ends_the_service_until_it_is_repaired(service_database: ServiceDatabase) -> None:
    with service_under_test.started(service_database) as opened:
        service = opened.service
        until(service, 200)
        assert (service.get("/health/ready").status, dangerous(service)) == (200, 0)

        [(before,)] = opened.sql(
            "SELECT qual FROM pg_policies WHERE tablename = 'tools' AND policyname = 'vital_tenant_select'"
        )
        opened.sql("ALTER POLICY vital_tenant_select ON tools USING (true)")

        assert until(service, 503) < patience.seconds(NOTICED_WITHIN_SECONDS)
        answer = service.get("/api/tools-crud?limit=1", user(PHARMA))
        assert "tenants are not kept apart" in answer.json["error"]
        ready = service.get("/health/ready")
        assert (ready.status, ready.json["tenants"]) == (503, "not isolated")
        assert dangerous(service) == 1
        assert "policy vital_tenant_select of public.tools" in service.said

        opened.sql(f"ALTER POLICY vital_tenant_select ON tools USING ({before})")

        until(service, 200)
        assert service.get("/health/ready").status == 200


@citus.one_server("no trigger gives rows of distributed tables a tenant")
def test_what_only_keeps_rows_back_is_told_and_served_on(service_database: ServiceDatabase) -> None:
    with service_under_test.started(service_database) as opened:
        opened.sql("ALTER TABLE tools DISABLE TRIGGER vital_late_writer")
        told = 'severity="warning"} 1.0'
        patience.until(lambda: told in opened.service.get("/metrics", super_admin()).text, told, NOTICED_WITHIN_SECONDS)

        assert opened.service.get("/api/tools-crud?limit=1", user(PHARMA)).status == 200
        assert dangerous(opened.service) == 0
