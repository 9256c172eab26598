"""What Prometheus is told: of requests, also where workers share their figures in a folder, and of the platform."""

import time
from pathlib import Path

import psycopg
import pytest

from tests.support import citus, patience, service_under_test
from tests.support.cast import PHARMA
from tests.support.service import PRODUCTION, Service, served
from tests.support.service_under_test import ServiceDatabase
from tests.support.tokens import super_admin, user


def test_no_series_is_told_twice_where_workers_share_a_folder(
    service_database: ServiceDatabase, tmp_path: Path
) -> None:
    with served(service_database.login, PRODUCTION | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}) as service:
        service.get("/api/tools-crud?limit=1", user(PHARMA))
        service.get("/metrics", super_admin())
        lines = service.get("/metrics", super_admin()).text.splitlines()

    kinds = [line for line in lines if line.startswith("# TYPE vital_")]
    assert "# TYPE vital_database_connections gauge" in kinds
    assert len(kinds) == len(set(kinds))
    assert not [line for line in lines if line.startswith("vital_database_connections{pid=")]
    assert [line for line in lines if line.startswith("vital_requests_total{") and 'tenant="pharma"' in line]


def figures(service: Service) -> dict[str, float]:
    """Those of the platform, by name with its labels."""
    lines = [line.rpartition(" ") for line in service.get("/metrics", super_admin()).text.splitlines()]
    return {name: float(value) for name, _, value in lines if name.startswith("vital_") and "request" not in name}


def test_the_platform_is_told_by_the_figures_of_monitor(service_database: ServiceDatabase) -> None:
    with service_under_test.started(service_database) as opened:
        opened.sql("ALTER TABLE prompts DISABLE ROW LEVEL SECURITY")
        opened.sql("UPDATE users SET tenant_id = NULL WHERE id = (SELECT id FROM users ORDER BY id LIMIT 1)")
        nobodys = opened.count("users", where="tenant_id IS NULL")
        told = figures(opened.service)

    assert told["vital_platform_looked_at"] == 1
    assert told["vital_fence_gaps"] == 1
    assert told['vital_rows_without_tenant{table="users"}'] == nobodys > 0
    assert told['vital_open_runs{status="failed"}'] == 0
    assert told["vital_last_validation_passed"] == 1
    assert 0 < told["vital_server_connections"] <= told["vital_server_connections_most"]


@citus.one_server("an undo is refused while tables are distributed")
def test_what_an_undo_would_come_to_is_counted_beside_the_requests(service_database: ServiceDatabase) -> None:
    with service_under_test.started(service_database) as opened:
        began = time.time()
        first = figures(opened.service)
        while "vital_undo_rows_timestamp_seconds" not in (told := figures(opened.service)):
            assert time.time() - began < patience.seconds(30)
            time.sleep(0.1)

    assert not [name for name in first if name.startswith("vital_undo_rows")]
    assert told['vital_undo_rows{fate="restored",table="tools"}'] > 0
    assert began <= told["vital_undo_rows_timestamp_seconds"] <= time.time()


@pytest.mark.slow
def test_what_could_not_be_looked_at_is_left_out(service_database: ServiceDatabase) -> None:
    with service_under_test.started(service_database) as opened, psycopg.connect(opened.database.admin_url) as holder:
        holder.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
        told = figures(opened.service)

    assert told["vital_platform_looked_at"] == 0
    assert not [name for name in told if name.startswith(("vital_rows_without_tenant", "vital_fence_gaps"))]
    assert told["vital_server_connections"] > 0


def test_however_often_somebody_asks_the_database_is_looked_at_once(service_database: ServiceDatabase) -> None:
    with service_under_test.started(service_database) as opened:
        before = figures(opened.service)
        opened.sql("ALTER TABLE prompts DISABLE ROW LEVEL SECURITY")
        after = figures(opened.service)

    assert before["vital_fence_gaps"] == after["vital_fence_gaps"] == 0
