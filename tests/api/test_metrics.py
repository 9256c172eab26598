"""What Prometheus is told where workers share their figures in a folder."""

from pathlib import Path

from tests.conftest import PHARMA
from tests.support.service import PRODUCTION, served
from tests.support.stage import House
from tests.support.tokens import super_admin, user


def test_no_series_is_told_twice_where_workers_share_a_folder(house: House, tmp_path: Path) -> None:
    with served(house.login, PRODUCTION | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}) as service:
        service.get("/api/tools-crud?limit=1", user(PHARMA))
        service.get("/metrics", super_admin())
        lines = service.get("/metrics", super_admin()).text.splitlines()

    kinds = [line for line in lines if line.startswith("# TYPE vital_")]
    assert "# TYPE vital_database_connections gauge" in kinds
    assert len(kinds) == len(set(kinds))
    assert not [line for line in lines if line.startswith("vital_database_connections{pid=")]
    assert [line for line in lines if line.startswith("vital_requests_total{") and 'tenant="pharma"' in line]
