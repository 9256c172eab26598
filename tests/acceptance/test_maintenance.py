"""While maintenance is on the API reads and does not write; every process knows within a second, and it is audited."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import background, cast_rows, patience, queries, service_under_test
from tests.support.cast import DIGITAL_HEALTH
from tests.support.command_results import Manage, document, said
from tests.support.databases import Scratch, rows
from tests.support.service import Service, served
from tests.support.service_under_test import ServiceDatabase, ServiceUnderTest
from tests.support.tokens import NOBODY, admin

TOOLS, WITHIN = "/api/tools-crud", 1.0  # seconds
WHY = ("--reason", "the tables move house")


@pytest.fixture(scope="module")
def own_service(service_database: ServiceDatabase) -> Iterator[ServiceUnderTest]:
    """A service of one's own, on a database where every tenant may manage tools."""
    with service_under_test.started(service_database, prepare=cast_rows.let_everybody_manage_tools) as opened:
        yield opened


def written(service: Service, name: str) -> int:
    return service.post(TOOLS, admin(DIGITAL_HEALTH), {"name": name, "code": name}).status


def until(service: Service, wanted: int, name: str) -> None:
    """Writing is answered so within a second."""
    patience.until(lambda: written(service, f"{name}-{time.monotonic_ns()}") == wanted, f"{name}: {wanted}", WITHIN)


@pytest.mark.slow
def test_writes_wait_in_every_process_and_reads_go_on(own_service: ServiceUnderTest, manage: Manage) -> None:
    with served(own_service.login) as another:
        services = (own_service.service, another)
        assert [written(service, f"before-{at}") for at, service in enumerate(services)] == [201, 201]

        done = manage(own_service.database, "maintenance", "on", *WHY, "--json")

        assert (done.returncode, document(done)["on"]) == (0, True), said(done)
        for service in services:
            until(service, 503, "during")
            refused = service.put(f"{TOOLS}/{DIGITAL_HEALTH}", admin(DIGITAL_HEALTH), {"name": "x"})
            assert refused.status == 503
            assert int(refused.headers["Retry-After"]) > 0
            assert "under maintenance" in refused.json["error"]
            assert service.delete(f"{TOOLS}/{DIGITAL_HEALTH}", admin(DIGITAL_HEALTH)).status == 503
            assert service.get(TOOLS, admin(DIGITAL_HEALTH)).status == 200
            assert service.get("/health/ready", NOBODY).status == 200
            assert service.post(TOOLS, NOBODY, {"name": "x"}).status == 401, "strangers are told nothing"

        assert manage(own_service.database, "maintenance", "off").returncode == 0
        for service in services:
            until(service, 201, "after")
    audited = rows(
        own_service.database.admin_url, "SELECT action, reason, who ~ '@' FROM vital.audit ORDER BY id DESC LIMIT 2"
    )
    assert audited == [("maintenance off", "", True), ("maintenance on", WHY[1], True)]


def test_it_is_switched_once_and_says_how_it_is(own_service: ServiceUnderTest, manage: Manage) -> None:
    database = own_service.database
    assert manage(database, "maintenance", "on").returncode == 2, "a reason is needed"
    assert manage(database, "maintenance", "on", *WHY).returncode == 0

    again = manage(database, "maintenance", "on", "--reason", "another", "--json")

    assert document(again)["changed"] is False
    found = document(manage(database, "maintenance", "status", "--json"))
    assert (found["on"], found["reason"], found["run"]) == (True, WHY[1], None)
    assert manage(database, "maintenance", "off").returncode == 0
    off = manage(database, "maintenance", "off")
    assert "off already" in off.stdout
    assert queries.scalar(database, "SELECT count(*) FROM vital.maintenance") == 0


# --- a run's own ---

IS_ON = "SELECT count(*) FROM vital.maintenance"


def test_a_run_switches_it_on_and_off_and_leaves_it_on_where_it_fails(
    legacy: Scratch, manage: Manage, tmp_path: Path
) -> None:
    (tmp_path / "hooks.toml").write_text('[[hook]]\nwhen = "before phase"\nphases = ["001"]\ncommand = ["false"]')
    broken = {"VITAL_HOOKS": str(tmp_path / "hooks.toml")}

    failed = manage(legacy, "migrate_tenants", "--maintenance", "--to", "001", env=broken)

    assert failed.returncode == 1, said(failed)
    assert "Maintenance stays on" in failed.stdout
    found = document(manage(legacy, "maintenance", "status", "--json"))
    assert (found["on"], found["reason"], found["run"]) == (True, "run 1", 1)
    assert document(manage(legacy, "migrate_tenants", "status", "--json"))["maintenance"]["on"] is True
    assert manage(legacy, "migrate_tenants", "resume").returncode == 0
    assert queries.scalar(legacy, IS_ON) == 0
    audited = rows(legacy.admin_url, "SELECT action FROM vital.audit WHERE action LIKE 'maint%%' ORDER BY id")
    assert audited == [("maintenance on",), ("maintenance off",)]


@pytest.mark.slow
def test_ctrl_c_leaves_it_on_and_says_so(
    legacy: Scratch, manage: Manage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hooks.toml").write_text('[[hook]]\nwhen = "before phase"\nphases = ["001"]\ncommand = ["sleep", "30"]')
    monkeypatch.setenv("VITAL_HOOKS", str(tmp_path / "hooks.toml"))
    with background.start(legacy, "migrate_tenants", "--maintenance", "--to", "001") as running:
        running.until_said("000_pre_validation")

        running.process.send_signal(signal.SIGINT)

        assert "Maintenance stays on" in running.ends_with(3)
    monkeypatch.delenv("VITAL_HOOKS")
    assert queries.scalar(legacy, IS_ON) == 1
    assert manage(legacy, "migrate_tenants", "--to", "001").returncode == 0


@pytest.mark.slow
def test_what_a_person_has_switched_on_a_run_leaves_on(legacy: Scratch, manage: Manage) -> None:
    assert manage(legacy, "maintenance", "on", *WHY).returncode == 0

    assert manage(legacy, "migrate_tenants", "--maintenance", "--only", "000").returncode == 0

    found = document(manage(legacy, "maintenance", "status", "--json"))
    assert (found["on"], found["reason"]) == (True, WHY[1])
