"""A service on a database that is not ready says so; in demo mode the guide's lines work as printed."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import cast, databases, guide, service_under_test
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.command_results import Manage, said
from tests.support.contract import refusal
from tests.support.databases import Scratch
from tests.support.service import DEMO, Answer, Service, served
from tests.support.service_under_test import ServiceDatabase, ServiceUnderTest

pytestmark = pytest.mark.slow

NEXT = {"as it was found": "000_pre_validation", "after 003": "004_tenant_data"}


@pytest.fixture(scope="module", params=NEXT)
def unready(request: pytest.FixtureRequest, legacy_template: Scratch, manage: Manage) -> Iterator[tuple[Service, str]]:
    """(service, the next phase) of a legacy database that is not, or not wholly, migrated; the owner is its login."""
    scratch = databases.clone(legacy_template)
    try:
        if request.param == "after 003":
            done = manage(scratch, "migrate_tenants", "--to", "003", "--yes")
            assert done.returncode == 0, said(done)
        with served(scratch.owner_url, DEMO) as service:
            yield service, NEXT[request.param]
    finally:
        databases.drop(scratch)


@pytest.mark.parametrize(
    "path", ["/api/tools-crud", "/api/prompts-crud", "/api/knowledge-domains", "/api/tools-crud/x"]
)
def test_the_api_names_the_next_phase(unready: tuple[Service, str], path: str) -> None:
    service, phase = unready

    answer = service.get(path, {"x-tenant-id": PLATFORM})

    assert "migration required" in refusal(answer, 503).lower()
    assert phase in answer.text


def test_nothing_is_written_either(unready: tuple[Service, str]) -> None:
    service, _ = unready

    refusal(service.post("/api/tools-crud", {"x-tenant-id": PLATFORM}, {"name": "x", "code": "x"}), 503)


def test_it_is_alive_but_not_ready(unready: tuple[Service, str]) -> None:
    service, _ = unready

    assert service.get("/health/live").status == 200
    ready = service.get("/health/ready")
    assert ready.status == 503, ready
    assert isinstance(ready.json, dict)


def test_it_is_ready_after_the_migration(demo_service: ServiceUnderTest) -> None:
    ready = demo_service.service.get("/health/ready")

    assert ready.status == 200, ready


def test_it_is_ready_from_the_first_question_on(service_database: ServiceDatabase) -> None:
    with service_under_test.started(service_database) as opened:
        ready = opened.service.get("/health/ready")

    assert ready.status == 200, ready


# --- the guide's lines ---


@pytest.fixture(scope="module")
def printed(demo_service: ServiceUnderTest) -> dict[str, Any]:
    """What the guide's three lines print, by the last part of their address; only the port is another."""
    if shutil.which("curl") is None:
        pytest.skip("no curl on this machine: apt-get install curl")
    lines = guide.CURLS.replace("localhost:3000", f"localhost:{demo_service.service.port}")
    commands = [text for text in re.split(r"^#.*$", lines, flags=re.MULTILINE) if text.strip()]
    answers = {}
    for command in commands:
        done = subprocess.run(["sh", "-c", command], capture_output=True, check=True, timeout=30)
        answers[command.strip().rsplit("/", 1)[-1]] = json.loads(done.stdout)
    return answers


def test_the_guides_line_for_tools(demo_service: ServiceUnderTest, printed: dict[str, Any]) -> None:
    tools = printed["tools-crud"]

    assert tools["success"] is True
    assert tools["count"] == len(tools["tools"]) == demo_service.count("tools", DIGITAL_HEALTH, PLATFORM)


def test_the_guides_line_for_prompts(demo_service: ServiceUnderTest, printed: dict[str, Any]) -> None:
    prompts = printed["prompts-crud"]

    assert prompts["pagination"]["total"] == len(prompts["prompts"]) == demo_service.count("prompts", PHARMA, PLATFORM)


def test_the_guides_line_for_domains(demo_service: ServiceUnderTest, printed: dict[str, Any]) -> None:
    shown = {domain["name"] for domain in printed["knowledge-domains"]["domains"]}

    assert shown == {
        row["name"] for row in demo_service.rows("knowledge_domains", PLATFORM, where="code <> 'Z_RESERVED'")
    }
    assert not any(slug in name for name in shown for slug in set(cast.SLUGS.values()) - {"vital-platform"})


def test_a_demo_reads_through_the_fence_though_its_login_owns_the_tables(demo_service: ServiceUnderTest) -> None:
    answer: Answer = demo_service.service.get("/api/tools-crud", {"x-tenant-id": DIGITAL_HEALTH})

    assert {tool["tenant_id"] for tool in answer.json["tools"]} == {DIGITAL_HEALTH, PLATFORM}
