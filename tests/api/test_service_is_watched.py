"""`./manage.py monitor` beside the service: what callers are refused for is counted, by endpoint and tenant."""

import pytest

from tests.conftest import PHARMA, Manage
from tests.support import background, stage
from tests.support.contract import TOOLS, refusal
from tests.support.looking import document
from tests.support.stage import Stage
from tests.support.tokens import user


def test_errors_are_counted_while_somebody_watches(
    workshop: Stage, manage: Manage, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, url = workshop.service, f"http://127.0.0.1:{workshop.service.port}"
    monkeypatch.setenv("VITAL_METRICS_KEY", stage.new_key(workshop.database, manage, "vital-platform", "metrics"))
    words = ("monitor", "--for", "12s", "--every", "0.3s", "--url", url, "--report", "day.json", "--json")
    with background.manage(workshop.database, *words) as watching:
        watching.until(background.looks_again(workshop.database))
        workshop.sql("ALTER TABLE tools RENAME COLUMN category TO was")
        for _ in range(3):
            refusal(service.get(f"{TOOLS}?limit=7", user(PHARMA)), 503)
        workshop.sql("ALTER TABLE tools RENAME COLUMN was TO category")
        assert service.get(f"{TOOLS}?limit=7", user(PHARMA)).status == 200
        said = watching.ends_with(1, seconds=90)

    assert '"count": 3' in said
    assert '"tenant": "pharma"' in said
    assert "3 answers 5xx at" in said
    assert "for pharma" in said


def test_a_service_that_is_gone_is_told(workshop: Stage, manage: Manage) -> None:
    gone = manage(workshop.database, "monitor", "--once", "--url", "http://127.0.0.1:1", "--json")

    assert gone.returncode == 1
    assert "the service was not ready at 1 of 1 looks" in document(gone)["worries"]
