"""API keys: each is for one tenant and one scope, ends within a second, and is stored hashed."""

import time

from tests.conftest import DIGITAL_HEALTH, PHARMA, PLATFORM, STRANGER, Manage
from tests.support import stage
from tests.support.contract import PROMPTS, refusal
from tests.support.requests import PROMPT, search_tools, tenants_seen
from tests.support.service import Service
from tests.support.stage import Stage
from tests.support.tokens import key


def test_a_key_for_reading_reads_its_tenant(service: Service, read_key: str) -> None:
    assert tenants_seen(search_tools(service, key(read_key))) == {DIGITAL_HEALTH, PLATFORM}


def test_a_key_for_reading_writes_nothing(shared: Stage, service: Service, read_key: str) -> None:
    before = shared.count("prompts", DIGITAL_HEALTH)

    refusal(service.post(PROMPTS, key(read_key), PROMPT), 403)

    assert shared.count("prompts", DIGITAL_HEALTH) == before


def test_a_key_is_for_its_tenant_alone(service: Service, read_key: str) -> None:
    for other in (PHARMA, STRANGER):
        refusal(search_tools(service, key(read_key) | {"x-tenant-id": other}), 403)


def test_a_key_for_writing_writes_for_its_tenant(workshop: Stage, manage: Manage) -> None:
    who = key(stage.new_key(workshop.database, manage, "digital-health", "write"))

    made = workshop.service.post(PROMPTS, who, PROMPT | {"name": "Made by a key"})

    assert made.status == 201, made
    assert made.json["prompt"]["tenant_id"] == DIGITAL_HEALTH
    refusal(workshop.service.post(PROMPTS, who | {"x-tenant-id": PHARMA}, PROMPT), 403)


def test_a_key_that_has_ended_is_refused_within_a_second(workshop: Stage, manage: Manage) -> None:
    ends = (
        "UPDATE vital.api_key SET revoked_at = now()",
        "UPDATE vital.api_key SET expires_at = now()",
        "DELETE FROM vital.api_key",
    )
    callers = [key(stage.new_key(workshop.database, manage, "digital-health", "read")) for _ in ends]
    assert [search_tools(workshop.service, who).status for who in callers] == [200] * len(ends)

    for end, who in zip(ends, callers, strict=True):
        workshop.sql(f"{end} WHERE %s LIKE prefix || '%%'", who["x-api-key"])

    time.sleep(1)
    for who in callers:
        refusal(search_tools(workshop.service, who), 401)


def test_a_key_for_the_metrics_opens_nothing_else(workshop: Stage, manage: Manage) -> None:
    who = key(stage.new_key(workshop.database, manage, "digital-health", "metrics"))

    assert workshop.service.get("/metrics", who).status == 200
    refusal(search_tools(workshop.service, who), 403)
    refusal(workshop.service.post(PROMPTS, who, PROMPT), 403)


def test_a_key_for_reading_sees_no_metrics(service: Service, read_key: str) -> None:
    assert service.get("/metrics", key(read_key)).status in {401, 403}


def test_keys_are_stored_hashed(shared: Stage, read_key: str) -> None:
    stored = shared.sql("SELECT k::text FROM vital.api_key AS k")

    assert stored
    assert not [row for (row,) in stored if read_key in row]
