"""API keys: each is for one tenant and one scope, ends within a second, and is stored hashed."""

from tests.support import patience, service_under_test
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM, STRANGER
from tests.support.command_results import Manage
from tests.support.contract import PROMPTS, refusal
from tests.support.requests import PROMPT, search_tools, tenants_seen
from tests.support.service import Service
from tests.support.service_under_test import ServiceUnderTest
from tests.support.tokens import key


def test_a_key_for_reading_reads_its_tenant(service: Service, read_key: str) -> None:
    assert tenants_seen(search_tools(service, key(read_key))) == {DIGITAL_HEALTH, PLATFORM}


def test_a_key_for_reading_writes_nothing(shared_service: ServiceUnderTest, service: Service, read_key: str) -> None:
    before = shared_service.count("prompts", DIGITAL_HEALTH)

    refusal(service.post(PROMPTS, key(read_key), PROMPT), 403)

    assert shared_service.count("prompts", DIGITAL_HEALTH) == before


def test_a_key_is_for_its_tenant_alone(service: Service, read_key: str) -> None:
    for other in (PHARMA, STRANGER):
        refusal(search_tools(service, key(read_key) | {"x-tenant-id": other}), 403)


def test_a_key_for_writing_writes_for_its_tenant(own_service: ServiceUnderTest, manage: Manage) -> None:
    who = key(service_under_test.new_key(own_service.database, manage, "digital-health", "write"))

    made = own_service.service.post(PROMPTS, who, PROMPT | {"name": "Made by a key"})

    assert made.status == 201, made
    assert made.json["prompt"]["tenant_id"] == DIGITAL_HEALTH
    refusal(own_service.service.post(PROMPTS, who | {"x-tenant-id": PHARMA}, PROMPT), 403)


def test_a_key_that_has_ended_is_refused_within_a_second(own_service: ServiceUnderTest, manage: Manage) -> None:
    ends = (
        "UPDATE vital.api_key SET revoked_at = now()",
        "UPDATE vital.api_key SET expires_at = now()",
        "DELETE FROM vital.api_key",
    )
    callers = [key(service_under_test.new_key(own_service.database, manage, "digital-health", "read")) for _ in ends]
    assert [search_tools(own_service.service, who).status for who in callers] == [200] * len(ends)

    for end, who in zip(ends, callers, strict=True):
        own_service.sql(f"{end} WHERE %s LIKE prefix || '%%'", who["x-api-key"])

    patience.wait(1)
    for who in callers:
        refusal(search_tools(own_service.service, who), 401)


def test_a_key_for_the_metrics_opens_nothing_else(own_service: ServiceUnderTest, manage: Manage) -> None:
    who = key(service_under_test.new_key(own_service.database, manage, "digital-health", "metrics"))

    assert own_service.service.get("/metrics", who).status == 200
    refusal(search_tools(own_service.service, who), 403)
    refusal(own_service.service.post(PROMPTS, who, PROMPT), 403)


def test_a_key_for_reading_sees_no_metrics(service: Service, read_key: str) -> None:
    assert service.get("/metrics", key(read_key)).status in {401, 403}


def test_keys_are_stored_hashed(shared_service: ServiceUnderTest, read_key: str) -> None:
    stored = shared_service.sql("SELECT k::text FROM vital.api_key AS k")

    assert stored
    assert not [row for (row,) in stored if read_key in row]
