"""`./manage.py monitor` beside the service: what callers are refused for is counted, by endpoint and tenant."""

import pytest

from tests.support import background, service_under_test
from tests.support.cast import PHARMA
from tests.support.command_results import Manage, document
from tests.support.contract import TOOLS, refusal
from tests.support.service_under_test import ServiceUnderTest
from tests.support.tokens import user


@pytest.mark.slow
def test_errors_are_counted_while_somebody_watches(
    own_service: ServiceUnderTest, manage: Manage, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, url = own_service.service, f"http://127.0.0.1:{own_service.service.port}"
    monkeypatch.setenv(
        "VITAL_METRICS_KEY", service_under_test.new_key(own_service.database, manage, "vital-platform", "metrics")
    )
    words = ("monitor", "--for", "12s", "--every", "0.3s", "--url", url, "--report", "day.json", "--json")
    with background.start(own_service.database, *words) as watching:
        watching.until(background.monitor_polled(own_service.database))
        own_service.sql("ALTER TABLE tools RENAME COLUMN category TO was")
        for _ in range(3):
            refusal(service.get(f"{TOOLS}?limit=7", user(PHARMA)), 503)
        own_service.sql("ALTER TABLE tools RENAME COLUMN was TO category")
        assert service.get(f"{TOOLS}?limit=7", user(PHARMA)).status == 200
        said = watching.ends_with(1, seconds=90)

    assert '"count": 3' in said
    assert '"tenant": "pharma"' in said
    assert "3 answers 5xx at" in said
    assert "for pharma" in said


def test_a_service_that_is_gone_is_told(own_service: ServiceUnderTest, manage: Manage) -> None:
    gone = manage(own_service.database, "monitor", "--once", "--url", "http://127.0.0.1:1", "--json")

    assert gone.returncode == 1
    assert "the service was not ready at 1 of 1 looks" in document(gone)["worries"]
