"""POST, PUT, PATCH and DELETE of /api/tools-crud."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import contract
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM, STRANGER
from tests.support.contract import NOWHERE, TOOLS, refusal
from tests.support.service import Answer
from tests.support.service_under_test import ServiceUnderTest
from tests.support.tokens import Who, admin, super_admin

NEW = {"name": "Stripe counter", "code": "stripe-counter"}
RICH = {
    "description": "Counts stripes.",
    "category": "Stripes",
    "tool_type": "api",
    "implementation_type": "remote",
    "integration_name": "stripes.count",
    "endpoint_url": "https://stripes.example.org",
    "function_spec": {"type": "object", "properties": {"animal": {"type": "string"}}},
    "configuration": {"animal": "zebra"},
    "tags": ["black", "white"],
    "documentation_url": "https://docs.example.org/stripes",
    "is_active": False,
    "requires_approval": True,
    "lifecycle_stage": "beta",
    "langgraph_compatible": False,
    "health_status": "degraded",
    "business_impact": "high",
    "usage_guide": "Show it an animal.",
    "vendor": "Savanna",
    "version": "3.0.0",
}
CHANGES = [("PUT", "item"), ("PATCH", "item"), ("PUT", "collection")]


@pytest.fixture(autouse=True)
def tidy(own_service: ServiceUnderTest) -> Iterator[None]:
    """Whatever a test has made, rightly or not, is gone afterwards."""
    yield
    own_service.sql("DELETE FROM tools WHERE tool_key LIKE %s OR name = %s", "stripe-counter%", NEW["name"])


@pytest.fixture
def made(own_service: ServiceUnderTest) -> dict[str, Any]:
    """A tool that Digital Health has just made."""
    answer = own_service.service.post(TOOLS, admin(DIGITAL_HEALTH), NEW)
    assert answer.status == 201, answer
    tool: dict[str, Any] = answer.json["tool"]
    return tool


def row_of(under_test: ServiceUnderTest, key: str) -> dict[str, Any]:
    (row,) = under_test.rows("tools", where=f"id = '{key}'")
    return row


def change(own_service: ServiceUnderTest, style: tuple[str, str], key: str, body: dict[str, Any], who: Who) -> Answer:
    method, where = style
    if where == "item":
        return own_service.service.call(method, f"{TOOLS}/{key}", who, body)
    return own_service.service.call(method, TOOLS, who, body | {"id": key})


def delete(own_service: ServiceUnderTest, style: str, key: str, who: Who) -> Answer:
    return own_service.service.delete(f"{TOOLS}/{key}" if style == "item" else f"{TOOLS}?id={key}", who)


# --- making ---


def test_an_admin_makes_a_tool_with_what_is_missing_filled_in(
    own_service: ServiceUnderTest, made: dict[str, Any]
) -> None:
    assert made["tenant_id"] == row_of(own_service, made["id"])["tenant_id"] == DIGITAL_HEALTH
    assert (made["code"], made["name"]) == (NEW["code"], NEW["name"])
    assert (made["description"], made["tool_type"], made["is_shared"]) == ("", "function", False)
    assert contract.differences(contract.tool(row_of(own_service, made["id"])), made) == {}


def test_the_answer_to_making_is_the_tool_alone(own_service: ServiceUnderTest, made: dict[str, Any]) -> None:
    answer = own_service.service.post(f"{TOOLS}/", admin(DIGITAL_HEALTH), NEW | {"code": "stripe-counter-2"})

    assert answer.status == 201, answer
    assert set(answer.json) == {"tool"}
    again = own_service.service.get(f"{TOOLS}/stripe-counter-2", admin(DIGITAL_HEALTH))
    assert again.json == answer.json


def test_what_is_sent_is_what_is_read(own_service: ServiceUnderTest, made: dict[str, Any]) -> None:
    answer = own_service.service.post(TOOLS, admin(DIGITAL_HEALTH), NEW | {"code": "stripe-counter-rich"} | RICH)
    assert answer.status == 201, answer

    tool = own_service.service.get(f"{TOOLS}/stripe-counter-rich", admin(DIGITAL_HEALTH)).json["tool"]

    assert contract.differences(RICH, tool) == {}


@pytest.mark.parametrize("missing", NEW)
def test_name_and_code_are_required(own_service: ServiceUnderTest, missing: str) -> None:
    body = {name: value for name, value in NEW.items() if name != missing}

    answer = own_service.service.post(TOOLS, admin(DIGITAL_HEALTH), body)

    refusal(answer, 400)
    assert missing in answer.text


@pytest.mark.parametrize("code", ["Upper", "with space", "sl/ash", "", "ünï", "a\n", "TOOL-COMM-CALENDAR", None])
def test_a_new_code_follows_the_pattern(own_service: ServiceUnderTest, code: object) -> None:
    refusal(own_service.service.post(TOOLS, admin(DIGITAL_HEALTH), NEW | {"code": code}), 400)


def test_a_category_that_is_not_there_is_refused(own_service: ServiceUnderTest) -> None:
    body = NEW | {"code": "stripe-counter-nowhere", "category_id": NOWHERE}

    contract.refusal(own_service.service.post(TOOLS, admin(DIGITAL_HEALTH), body), 409)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": None},
        {"name": ["a"]},
        {"name": "".join(map(chr, range(0x4E00, 0x5E00)))},  # 12 kB that hardly get shorter: no index holds them
        {"description": "nul \0"},
        {"is_active": "maybe"},
        {"metadata": "text"},
        {"total_calls": "many"},
        {"timeout_seconds": 10**12},
        {"success_rate": 10**9},
        {"category_id": "not-a-uuid"},
    ],
    ids=lambda wrong: str(wrong)[:40],
)
def test_a_wrong_value_is_refused(own_service: ServiceUnderTest, wrong: dict[str, Any]) -> None:
    refusal(own_service.service.post(TOOLS, admin(DIGITAL_HEALTH), NEW | wrong), 400)
    assert own_service.count("tools", where="tool_key = 'stripe-counter'") == 0


def test_a_code_is_taken_once_in_a_tenant(own_service: ServiceUnderTest, made: dict[str, Any]) -> None:
    refusal(own_service.service.post(TOOLS, admin(DIGITAL_HEALTH), NEW), 409)


def test_two_tenants_use_the_same_code_for_different_tools(own_service: ServiceUnderTest, made: dict[str, Any]) -> None:
    other = own_service.service.post(TOOLS, admin(PHARMA), NEW | {"name": "Pill counter"})
    assert other.status == 201, other

    for tenant, name in ((DIGITAL_HEALTH, "Stripe counter"), (PHARMA, "Pill counter")):
        assert own_service.service.get(f"{TOOLS}/stripe-counter", admin(tenant)).json["tool"]["name"] == name


def test_an_own_tool_comes_before_the_platforms_of_the_same_code(
    own_service: ServiceUnderTest, made: dict[str, Any]
) -> None:
    shared = own_service.service.post(TOOLS, super_admin(PLATFORM), NEW | {"name": "Everybody's"})
    assert shared.status == 201, shared

    for tenant, name in ((DIGITAL_HEALTH, "Stripe counter"), (PHARMA, "Everybody's")):
        assert own_service.service.get(f"{TOOLS}/stripe-counter", admin(tenant)).json["tool"]["name"] == name


def test_tenant_id_and_creation_are_not_for_callers_to_say(own_service: ServiceUnderTest, made: dict[str, Any]) -> None:
    told = {"tenant_id": PHARMA, "id": NOWHERE, "created_at": "2001-01-01T00:00:00Z"}

    tool = own_service.service.post(TOOLS, admin(DIGITAL_HEALTH), NEW | told | {"code": "stripe-counter-3"}).json[
        "tool"
    ]

    row = row_of(own_service, tool["id"])
    assert row["tenant_id"] == tool["tenant_id"] == DIGITAL_HEALTH
    assert row["id"] != NOWHERE
    assert not row["created_at"].startswith("2001")
    assert not set(told) & set(row["metadata"])


def test_fields_without_a_column_are_kept_in_metadata(own_service: ServiceUnderTest, made: dict[str, Any]) -> None:
    body = NEW | {"code": "stripe-counter-4", "animal": {"legs": 4}, "metadata": {"colour": "black"}}

    tool = own_service.service.post(TOOLS, admin(DIGITAL_HEALTH), body).json["tool"]

    assert tool["metadata"] == {"animal": {"legs": 4}, "colour": "black"}


def test_columns_that_no_field_names_are_written_as_themselves(
    own_service: ServiceUnderTest, made: dict[str, Any]
) -> None:
    body = NEW | {"code": "stripe-counter-5", "timeout_seconds": 5, "limitations": ["horses"]}

    tool = own_service.service.post(TOOLS, admin(DIGITAL_HEALTH), body).json["tool"]

    row = row_of(own_service, tool["id"])
    assert (row["timeout_seconds"], row["limitations"], row["metadata"]) == (5, ["horses"], {})


# --- changing ---


@pytest.mark.parametrize("style", CHANGES, ids=" ".join)
def test_only_the_fields_sent_change(
    own_service: ServiceUnderTest, made: dict[str, Any], style: tuple[str, str]
) -> None:
    before = row_of(own_service, made["id"])

    answer = change(own_service, style, made["id"], {"description": "Counts."}, admin(DIGITAL_HEALTH))

    assert answer.status == 200, answer
    after = row_of(own_service, made["id"])
    assert {name for name in before if before[name] != after[name]} == {"description", "updated_at"}
    assert set(answer.json) == {"tool"}
    assert contract.differences(contract.tool(after), answer.json["tool"]) == {}


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_tool_is_changed_by_its_code_too(own_service: ServiceUnderTest, made: dict[str, Any], method: str) -> None:
    path = f"{TOOLS}/stripe-counter/"

    answer = own_service.service.call(method, path, admin(DIGITAL_HEALTH), {"name": "Counter of stripes"})

    assert answer.status == 200, answer
    assert row_of(own_service, made["id"])["name"] == "Counter of stripes"


@pytest.mark.parametrize(("sent", "kept"), [(-5e-324, 0), (98.765, 98.77), (0.005, 0.01), (1e-300, 0), (99.994, 99.99)])
def test_a_number_is_rounded_to_what_its_column_holds(
    own_service: ServiceUnderTest, made: dict[str, Any], sent: float, kept: float
) -> None:
    answer = change(own_service, ("PUT", "item"), made["id"], {"success_rate": sent}, admin(DIGITAL_HEALTH))

    assert answer.json["tool"]["success_rate"] == kept, answer


def test_every_field_that_is_sent_is_changed(own_service: ServiceUnderTest, made: dict[str, Any]) -> None:
    answer = change(own_service, ("PUT", "item"), made["id"], RICH, admin(DIGITAL_HEALTH))

    assert answer.status == 200, answer
    assert contract.differences(RICH, answer.json["tool"]) == {}


def test_a_tenant_cannot_be_changed(own_service: ServiceUnderTest, made: dict[str, Any]) -> None:
    told = {"tenant_id": PHARMA, "created_at": "2001-01-01T00:00:00Z", "name": "Moved"}

    for style in CHANGES:
        answer = change(own_service, style, made["id"], told, admin(DIGITAL_HEALTH))
        assert answer.status == 200, answer
        row = row_of(own_service, made["id"])
        assert (row["tenant_id"], row["name"], row["created_at"][:4] != "2001") == (DIGITAL_HEALTH, "Moved", True)


def test_unknown_fields_join_the_metadata_that_is_there(own_service: ServiceUnderTest, made: dict[str, Any]) -> None:
    for field in ("one", "two"):
        change(own_service, ("PATCH", "item"), made["id"], {field: 1}, admin(DIGITAL_HEALTH))

    assert row_of(own_service, made["id"])["metadata"] == {"one": 1, "two": 1}


def test_a_code_given_anew_follows_the_pattern_and_an_old_one_need_not(
    own_service: ServiceUnderTest, made: dict[str, Any]
) -> None:
    own_service.sql("UPDATE tools SET tool_key = 'stripe-counter OLD' WHERE id = %s", made["id"])
    who = admin(DIGITAL_HEALTH)

    kept = change(own_service, ("PUT", "item"), made["id"], {"code": "stripe-counter OLD", "name": "Kept"}, who)
    assert (kept.status, kept.json["tool"]["name"]) == (200, "Kept")
    refusal(change(own_service, ("PUT", "item"), made["id"], {"code": "stripe-counter BAD"}, who), 400)
    new = change(own_service, ("PUT", "item"), made["id"], {"code": "stripe-counter-new"}, who)
    assert new.json["tool"]["unique_id"] == "stripe-counter-new"


def test_a_taken_code_cannot_be_taken_by_a_change(own_service: ServiceUnderTest, made: dict[str, Any]) -> None:
    answer = change(own_service, ("PUT", "item"), made["id"], {"code": "digital-health-full"}, admin(DIGITAL_HEALTH))

    refusal(answer, 409)


def test_a_change_without_an_id_is_refused(own_service: ServiceUnderTest) -> None:
    refusal(own_service.service.put(TOOLS, admin(DIGITAL_HEALTH), {"name": "x"}), 400)


@pytest.mark.parametrize("style", CHANGES, ids=" ".join)
def test_the_platforms_tools_are_read_only(own_service: ServiceUnderTest, style: tuple[str, str]) -> None:
    (row,) = own_service.rows("tools", PLATFORM, where="tool_key = 'vital-platform-full'")

    answer = change(own_service, style, row["id"], {"name": "mine"}, admin(DIGITAL_HEALTH))

    assert "shared platform resource" in refusal(answer, 403).lower()
    assert row_of(own_service, row["id"]) == row


@pytest.mark.parametrize("style", CHANGES, ids=" ".join)
@pytest.mark.parametrize("owner", [PHARMA, STRANGER])
def test_anothers_tool_does_not_exist(own_service: ServiceUnderTest, style: tuple[str, str], owner: str) -> None:
    (row,) = own_service.rows("tools", owner, where="tool_key LIKE '%-full'")
    missing = refusal(change(own_service, style, NOWHERE, {"name": "mine"}, admin(DIGITAL_HEALTH)), 404)

    answer = change(own_service, style, row["id"], {"name": "mine"}, admin(DIGITAL_HEALTH))

    assert refusal(answer, 404) == missing
    assert row_of(own_service, row["id"]) == row


# --- deleting ---


@pytest.mark.parametrize("style", ["item", "collection"])
def test_a_deleted_tool_is_gone(own_service: ServiceUnderTest, made: dict[str, Any], style: str) -> None:
    answer = delete(own_service, style, made["id"], admin(DIGITAL_HEALTH))

    assert answer.status == 200, answer
    assert answer.json["success"] is True
    assert isinstance(answer.json["message"], str)
    assert own_service.count("tools", where=f"id = '{made['id']}'") == 0
    refusal(delete(own_service, style, made["id"], admin(DIGITAL_HEALTH)), 404)


def test_a_tool_is_deleted_by_its_code(own_service: ServiceUnderTest, made: dict[str, Any]) -> None:
    assert delete(own_service, "item", "stripe-counter", admin(DIGITAL_HEALTH)).status == 200
    assert own_service.count("tools", where=f"id = '{made['id']}'") == 0


@pytest.mark.parametrize("style", ["item", "collection"])
def test_others_tools_are_not_deleted(own_service: ServiceUnderTest, style: str) -> None:
    for owner, status in ((PLATFORM, 403), (PHARMA, 404), (STRANGER, 404)):
        (row,) = own_service.rows("tools", owner, where="tool_key LIKE '%-full'")
        refusal(delete(own_service, style, row["id"], admin(DIGITAL_HEALTH)), status)
        assert row_of(own_service, row["id"]) == row


def test_a_deletion_needs_to_be_told_which(own_service: ServiceUnderTest) -> None:
    before = own_service.count("tools")

    refusal(own_service.service.delete(TOOLS, admin(DIGITAL_HEALTH)), 400)

    assert own_service.count("tools") == before


# --- whose ---


def test_a_super_admin_keeps_the_platforms_tools(own_service: ServiceUnderTest, made: dict[str, Any]) -> None:
    who = super_admin(PLATFORM)
    tool = own_service.service.post(TOOLS, who, NEW).json["tool"]
    assert (tool["tenant_id"], tool["is_shared"]) == (PLATFORM, True)

    assert change(own_service, ("PUT", "item"), tool["id"], {"name": "Better"}, who).status == 200
    assert delete(own_service, "item", tool["id"], who).status == 200


def test_a_super_admin_writes_for_the_tenant_it_names(own_service: ServiceUnderTest, made: dict[str, Any]) -> None:
    tool = own_service.service.post(TOOLS, super_admin(PHARMA), NEW).json["tool"]

    assert tool["tenant_id"] == PHARMA


def test_without_a_tenant_there_is_no_writing(own_service: ServiceUnderTest) -> None:
    refusal(own_service.service.post(TOOLS, super_admin(), NEW), 400)
