"""POST, PUT and DELETE /api/prompts-crud: a prompt is made, changed and deleted."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.support import contract
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM, STRANGER
from tests.support.contract import NOWHERE, PROMPTS, refusal
from tests.support.service import Answer
from tests.support.service_under_test import ServiceUnderTest
from tests.support.tokens import super_admin, user

NEW = {
    "name": "Count the stripes",
    "display_name": "Stripes",
    "description": "Counts.",
    "domain": "zoology",
    "system_prompt": "You count.",
    "user_prompt_template": "How many stripes has {animal}?",
}


@pytest.fixture
def tidy(own_service: ServiceUnderTest) -> Iterator[None]:
    """Whatever a test has made, rightly or not, is gone afterwards."""
    yield
    own_service.sql("DELETE FROM prompts WHERE domain = 'zoology' AND name NOT LIKE %s", "Zebra%")


@pytest.fixture
def made(own_service: ServiceUnderTest, tidy: None) -> dict[str, Any]:
    """A prompt that Digital Health has just made."""
    answer = own_service.service.post(PROMPTS, user(DIGITAL_HEALTH), NEW)
    assert answer.status == 201, answer
    prompt: dict[str, Any] = answer.json["prompt"]
    return prompt


def row_of(under_test: ServiceUnderTest, prompt: Mapping[str, Any]) -> dict[str, Any]:
    (row,) = under_test.rows("prompts", where=f"id = '{prompt['id']}'")
    return row


def test_a_user_makes_a_prompt_of_its_tenant(
    own_service: ServiceUnderTest, made: dict[str, Any], suites: Mapping[str, Any]
) -> None:
    row = row_of(own_service, made)

    assert row["tenant_id"] == DIGITAL_HEALTH
    assert {name: made[name] for name in NEW} == NEW
    assert made["category"] == row["category"] == "zoology"
    assert contract.differences(contract.prompt(row, suites), made) == {}


def test_the_answer_to_making_says_success(own_service: ServiceUnderTest, made: dict[str, Any]) -> None:
    answer = own_service.service.post(f"{PROMPTS}/", user(DIGITAL_HEALTH), NEW | {"name": "Count the stripes again"})

    assert answer.status == 201, answer
    assert set(answer.json) == {"success", "prompt"}
    assert answer.json["success"] is True


@pytest.mark.parametrize("missing", NEW)
def test_a_missing_field_is_named(own_service: ServiceUnderTest, missing: str) -> None:
    body = {name: value for name, value in NEW.items() if name != missing}

    answer = own_service.service.post(PROMPTS, user(DIGITAL_HEALTH), body)

    refusal(answer, 400)
    assert missing in answer.text


def test_all_missing_fields_are_named_at_once(own_service: ServiceUnderTest) -> None:
    answer = own_service.service.post(PROMPTS, user(DIGITAL_HEALTH), {})

    refusal(answer, 400)
    assert [name for name in NEW if name not in answer.text] == []


def test_a_name_is_taken_once_in_a_tenant(own_service: ServiceUnderTest, made: dict[str, Any]) -> None:
    refusal(own_service.service.post(PROMPTS, user(DIGITAL_HEALTH), NEW), 409)

    assert own_service.service.post(PROMPTS, user(PHARMA), NEW).status == 201, "another tenant may use the same name"


def test_tenant_id_and_creation_are_not_for_callers_to_say(own_service: ServiceUnderTest, made: dict[str, Any]) -> None:
    body = NEW | {
        "name": "Count the stripes 2",
        "tenant_id": PHARMA,
        "id": NOWHERE,
        "created_at": "2001-01-01T00:00:00Z",
    }

    prompt = own_service.service.post(PROMPTS, user(DIGITAL_HEALTH), body).json["prompt"]

    row = row_of(own_service, prompt)
    assert row["tenant_id"] == DIGITAL_HEALTH
    assert row["id"] != NOWHERE
    assert not row["created_at"].startswith("2001")
    assert not {"tenant_id", "id", "created_at"} & set(row["metadata"])


def test_fields_without_a_column_are_kept_in_metadata(own_service: ServiceUnderTest, made: dict[str, Any]) -> None:
    body = NEW | {"name": "Count the stripes 3", "animal": {"legs": 4}, "metadata": {"colour": "black"}}

    prompt = own_service.service.post(PROMPTS, user(DIGITAL_HEALTH), body).json["prompt"]

    assert prompt["metadata"] == {"animal": {"legs": 4}, "colour": "black"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"complexity_level": "impossible"},
        {"status": "nonsense"},
        {"accuracy_threshold": 7},
        {"name": "x" * 256},
        {"domain": "x" * 101},
        {"name": ""},
        {"name": None},
        {"description": ["a"]},
        {"estimated_tokens": "many"},
        {"estimated_tokens": 10**12},
        {"system_prompt": "nul \0"},
        {"metadata": "text"},
        {"compliance_tags": "text"},
    ],
    ids=str,
)
def test_a_wrong_value_is_refused(own_service: ServiceUnderTest, tidy: None, wrong: dict[str, Any]) -> None:
    refusal(own_service.service.post(PROMPTS, user(DIGITAL_HEALTH), NEW | {"name": "Count the stripes 4"} | wrong), 400)
    assert own_service.count("prompts", where="name LIKE 'Count the stripes%'") == 0


def change(own_service: ServiceUnderTest, style: str, key: str, who: dict[str, str], body: dict[str, Any]) -> Answer:
    if style == "item":
        return own_service.service.put(f"{PROMPTS}/{key}", who, body)
    return own_service.service.put(PROMPTS, who, body | {"id": key})


@pytest.mark.parametrize("style", ["item", "collection"])
def test_only_the_fields_sent_change(
    own_service: ServiceUnderTest, made: dict[str, Any], suites: Mapping[str, Any], style: str
) -> None:
    before = row_of(own_service, made)

    answer = change(own_service, style, made["id"], user(DIGITAL_HEALTH), {"description": "Counts better."})

    assert answer.status == 200, answer
    assert answer.json["success"] is True
    after = row_of(own_service, made)
    assert {name for name in before if before[name] != after[name]} == {"description", "updated_at"}
    assert contract.differences(contract.prompt(after, suites), answer.json["prompt"]) == {}


@pytest.mark.parametrize("style", ["item", "collection"])
def test_a_tenant_cannot_be_changed(own_service: ServiceUnderTest, made: dict[str, Any], style: str) -> None:
    answer = change(own_service, style, made["id"], user(DIGITAL_HEALTH), {"tenant_id": PHARMA, "status": "draft"})

    assert answer.status == 200, answer
    assert (row_of(own_service, made)["tenant_id"], row_of(own_service, made)["status"]) == (DIGITAL_HEALTH, "draft")


def test_unknown_fields_join_the_metadata_that_is_there(own_service: ServiceUnderTest, made: dict[str, Any]) -> None:
    for field in ("one", "two"):
        change(own_service, "item", made["id"], user(DIGITAL_HEALTH), {field: 1})

    assert row_of(own_service, made)["metadata"] == {"one": 1, "two": 1}


def test_a_taken_name_cannot_be_taken_by_a_change(own_service: ServiceUnderTest, made: dict[str, Any]) -> None:
    answer = change(own_service, "item", made["id"], user(DIGITAL_HEALTH), {"name": "Zebra prompt of digital-health"})

    refusal(answer, 409)


def test_a_change_without_an_id_is_refused(own_service: ServiceUnderTest) -> None:
    refusal(own_service.service.put(PROMPTS, user(DIGITAL_HEALTH), {"description": "x"}), 400)


@pytest.mark.parametrize("style", ["item", "collection"])
def test_the_platforms_prompts_are_read_only(own_service: ServiceUnderTest, style: str) -> None:
    (row,) = own_service.rows("prompts", PLATFORM, where="name = 'Zebra prompt of vital-platform'")

    answer = change(own_service, style, row["id"], user(DIGITAL_HEALTH), {"description": "mine"})

    assert "shared platform resource" in refusal(answer, 403).lower()
    assert row_of(own_service, row) == row


@pytest.mark.parametrize("style", ["item", "collection"])
@pytest.mark.parametrize("owner", [PHARMA, STRANGER])
def test_anothers_prompt_does_not_exist(own_service: ServiceUnderTest, style: str, owner: str) -> None:
    (row,) = own_service.rows("prompts", owner, where="name LIKE 'Zebra prompt%'")
    missing = change(own_service, style, NOWHERE, user(DIGITAL_HEALTH), {"description": "mine"})

    answer = change(own_service, style, row["id"], user(DIGITAL_HEALTH), {"description": "mine"})

    assert refusal(answer, 404) == refusal(missing, 404)
    assert row_of(own_service, row) == row


def delete(own_service: ServiceUnderTest, style: str, key: str, who: dict[str, str]) -> Answer:
    return own_service.service.delete(f"{PROMPTS}/{key}" if style == "item" else f"{PROMPTS}?id={key}", who)


@pytest.mark.parametrize("style", ["item", "collection"])
def test_a_deleted_prompt_is_gone(own_service: ServiceUnderTest, made: dict[str, Any], style: str) -> None:
    answer = delete(own_service, style, made["id"], user(DIGITAL_HEALTH))

    assert answer.status == 200, answer
    assert answer.json == {"success": True, "message": f'Prompt "{NEW["name"]}" deleted successfully'}
    assert own_service.count("prompts", where=f"id = '{made['id']}'") == 0
    refusal(delete(own_service, style, made["id"], user(DIGITAL_HEALTH)), 404)


@pytest.mark.parametrize("style", ["item", "collection"])
def test_others_prompts_are_not_deleted(own_service: ServiceUnderTest, style: str) -> None:
    for owner, status in ((PLATFORM, 403), (PHARMA, 404), (STRANGER, 404)):
        (row,) = own_service.rows("prompts", owner, where="name LIKE 'Zebra prompt%'")
        refusal(delete(own_service, style, row["id"], user(DIGITAL_HEALTH)), status)
        assert row_of(own_service, row) == row


def test_a_deletion_needs_to_be_told_which(own_service: ServiceUnderTest) -> None:
    before = own_service.count("prompts")

    refusal(own_service.service.delete(PROMPTS, user(DIGITAL_HEALTH)), 400)

    assert own_service.count("prompts") == before


def test_a_super_admin_keeps_the_platforms_prompts(own_service: ServiceUnderTest) -> None:
    who = super_admin(PLATFORM)
    made = own_service.service.post(PROMPTS, who, NEW | {"name": "Count the stripes for all"}).json["prompt"]

    assert (made["tenant_id"], made["is_shared"]) == (PLATFORM, True)
    assert delete(own_service, "item", made["id"], who).status == 200


def test_without_a_tenant_there_is_no_writing(own_service: ServiceUnderTest) -> None:
    refusal(own_service.service.post(PROMPTS, super_admin(), NEW), 400)
