"""Dashboard and alerts ask for figures that the service really has, and each alert leads to a page that is there."""

import json
import re
from typing import Any

import pytest
import yaml

from tests.acceptance.test_documentation import places
from tests.support.cast import PHARMA
from tests.support.paths import ROOT
from tests.support.service import Service
from tests.support.tokens import super_admin, user

DEPLOY = ROOT / "deploy"
ALERTS = [
    rule
    for group in yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
DASHBOARD = json.loads((DEPLOY / "grafana" / "vital.json").read_text(encoding="utf-8"))
NAME = re.compile(r"\bvital_\w+")
LABEL = re.compile(r"by \(([^)]*)\)|(\w+)=~?\"")


@pytest.fixture(scope="module")
def figures(service: Service) -> dict[str, set[str]]:
    """Each figure that /metrics has after some requests, with its labels."""
    for _ in range(2):
        assert service.get("/api/tools-crud?limit=1", user(PHARMA)).status == 200
    found: dict[str, set[str]] = {}
    for line in service.get("/metrics", super_admin()).text.splitlines():
        if sample := re.match(r"(vital_\w+)(?:\{(.*?)\})? ", line):
            found.setdefault(sample[1], set()).update(re.findall(r"(\w+)=", sample[2] or ""))
    return found


def asked() -> list[tuple[str, str]]:
    """(where, expression)"""
    panels = [(panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel["targets"]]
    return panels + [(rule["alert"], rule["expr"]) for rule in ALERTS]


@pytest.mark.parametrize(("where", "expression"), asked(), ids=lambda given: given[:30])
def test_a_figure_that_is_asked_for_is_there_with_its_labels(
    figures: dict[str, set[str]], where: str, expression: str
) -> None:
    names = NAME.findall(expression)
    assert names or "up{" in expression, where
    for name in names:
        assert name in figures, f"{where} asks for {name}"
    labels = {
        label.strip() for pair in LABEL.findall(expression) for part in pair for label in part.split(",") if label
    }
    known = set().union(*(figures[name] for name in names)) | {"job", "instance"}
    assert labels <= known, (where, labels - known)


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: str(rule["alert"]))
def test_an_alert_leads_to_a_page_that_is_there(rule: dict[str, Any]) -> None:
    page, _, place = rule["annotations"]["runbook"].partition("#")

    assert (ROOT / page).exists(), page
    assert not place or place in places(ROOT / page), place
    assert rule["labels"]["severity"] in ("page", "ticket")


def test_every_figure_is_on_the_page_of_the_api(figures: dict[str, set[str]]) -> None:
    page = (ROOT / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
    parts = re.compile(r"_(bucket|count|sum|created)$")
    missing = {parts.sub("", name) for name in figures if f"`{parts.sub('', name)}" not in page}

    assert not missing, f"Say in docs/reference/api.md what these are: {sorted(missing)}"
