"""/api/prompts-crud, read and written."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.conftest import DIGITAL_HEALTH, PHARMA, PLATFORM, STRANGER
from tests.support import contract
from tests.support.contract import refusal
from tests.support.service import Answer, Service
from tests.support.stage import Stage
from tests.support.tokens import super_admin, user

PROMPTS = "/api/prompts-crud"
NEW = {
    "name": "Count the stripes",
    "display_name": "Stripes",
    "description": "Counts.",
    "domain": "zoology",
    "system_prompt": "You count.",
    "user_prompt_template": "How many stripes has {animal}?",
}
LOOKED_IN = "concat_ws(chr(10), name, display_name, description)"
NOWHERE = "12345678-1234-4234-8234-123456789012"


@pytest.fixture(scope="session")
def suites(suites_file: Path) -> Mapping[str, Any]:
    return contract.read_suites(suites_file)


@pytest.fixture
def tidy(workshop: Stage) -> Iterator[None]:
    """Whatever a test has made, rightly or not, is gone afterwards."""
    yield
    workshop.sql("DELETE FROM prompts WHERE domain = 'zoology' AND name NOT LIKE %s", "Zebra%")


@pytest.fixture
def made(workshop: Stage, tidy: None) -> dict[str, Any]:
    """A prompt that Digital Health has just made."""
    answer = workshop.service.post(PROMPTS, user(DIGITAL_HEALTH), NEW)
    assert answer.status == 201, answer
    prompt: dict[str, Any] = answer.json["prompt"]
    return prompt


def found(service: Service, query: str, tenant: str = DIGITAL_HEALTH) -> dict[str, Any]:
    answer = service.get(f"{PROMPTS}?{query}", user(tenant))
    assert answer.status == 200, answer
    document: dict[str, Any] = answer.json
    return document


def ids(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(row["id"] for row in rows)


def row_of(stage: Stage, prompt: Mapping[str, Any]) -> dict[str, Any]:
    (row,) = stage.rows("prompts", where=f"id = '{prompt['id']}'")
    return row


# --- the list ---


@pytest.mark.parametrize("tenant", [DIGITAL_HEALTH, PHARMA])
def test_a_tenant_reads_its_own_and_the_platforms_newest_first(shared: Stage, service: Service, tenant: str) -> None:
    document = found(service, "", tenant)
    total = shared.count("prompts", tenant, PLATFORM)

    assert set(document) >= {"success", "prompts", "pagination"}
    assert document["success"] is True
    assert ids(document["prompts"]) == ids(shared.rows("prompts", tenant, PLATFORM))
    moments = [contract.instant(prompt["created_at"]) for prompt in document["prompts"]]
    assert moments == sorted(moments, reverse=True)
    assert document["pagination"] == {"page": 1, "limit": 10000, "total": total, "pages": 1}


def test_every_column_is_there_and_what_is_found_out(
    shared: Stage, service: Service, suites: Mapping[str, Any]
) -> None:
    rows = {row["id"]: row for row in shared.rows("prompts", DIGITAL_HEALTH, PLATFORM)}

    for prompt in found(service, "")["prompts"]:
        assert contract.differences(contract.prompt(rows[prompt["id"]], suites), prompt) == {}


def test_a_trailing_slash_changes_nothing(service: Service) -> None:
    assert found(service, "limit=3") == service.get(f"{PROMPTS}/?limit=3", user(DIGITAL_HEALTH)).json


def test_pages_meet_every_row_once(shared: Stage, service: Service) -> None:
    total = shared.count("prompts", PHARMA, PLATFORM)
    pages = contract.pages(total, 300)

    read: list[dict[str, Any]] = []
    for page in range(1, pages + 1):
        document = found(service, f"limit=300&page={page}", PHARMA)
        assert document["pagination"] == {"page": page, "limit": 300, "total": total, "pages": pages}
        read += document["prompts"]

    assert ids(read) == ids(shared.rows("prompts", PHARMA, PLATFORM))


def test_after_the_last_page_there_is_nothing_but_the_total(shared: Stage, service: Service) -> None:
    document = found(service, "limit=300&page=1000")

    assert document["prompts"] == []
    assert document["pagination"]["total"] == shared.count("prompts", DIGITAL_HEALTH, PLATFORM)


def test_the_limit_is_capped(service: Service) -> None:
    assert found(service, "limit=20000")["pagination"]["limit"] == 10000


# --- filters ---


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("domain=regulatory", "domain = 'regulatory'"),
        ("complexity=basic", "complexity_level = 'basic'"),
        ("status=draft", "status = 'draft'"),
        ("status=active", "status = 'active'"),
        ("domain=clinical&complexity=intermediate", "domain = 'clinical' AND complexity_level = 'intermediate'"),
        ("domain=all&suite=all&complexity=all&status=all&search=", "true"),
        ("domain=nothing", "false"),
        ("search=STRIPES", f"{LOOKED_IN} ILIKE '%stripes%'"),
        ("search=Starter%20%231&domain=general", f"domain = 'general' AND {LOOKED_IN} ILIKE '%starter #1%'"),
    ],
)
def test_a_filter_and_its_total(shared: Stage, service: Service, query: str, where: str) -> None:
    wanted = ids(shared.rows("prompts", DIGITAL_HEALTH, PLATFORM, where=where))

    document = found(service, query)

    assert ids(document["prompts"]) == wanted
    assert document["pagination"]["total"] == len(wanted)
    assert found(service, f"{query}&limit=1")["pagination"]["total"] == len(wanted)


@pytest.mark.parametrize("text", ["100%", "a_b\\c", "%", "_b"])
def test_search_takes_signs_as_they_are(service: Service, text: str) -> None:
    for prompt in found(service, f"search={quote(text)}")["prompts"]:
        looked_in = (prompt["name"], prompt["display_name"], prompt["description"])
        assert any(text in value for value in looked_in), f"{text!r} is nowhere in {looked_in}"


def test_a_suite_is_a_filter_like_the_others(shared: Stage, service: Service, suites: Mapping[str, Any]) -> None:
    rows = shared.rows("prompts", PHARMA, PLATFORM)
    sizes = Counter(contract.suite(row, suites) for row in rows)
    assert len(sizes) == len(suites["suite"]), f"the pack has prompts of every suite: {sizes}"

    for name, size in sizes.items():
        document = found(service, f"suite={quote(name)}&limit=2", PHARMA)
        assert document["pagination"] == {"page": 1, "limit": 2, "total": size, "pages": contract.pages(size, 2)}
        assert {prompt["suite"] for prompt in document["prompts"]} == {name}


def test_a_suite_and_another_filter_go_together(shared: Stage, service: Service, suites: Mapping[str, Any]) -> None:
    rows = shared.rows("prompts", DIGITAL_HEALTH, PLATFORM, where="domain = 'medical_affairs'")
    wanted = [row for row in rows if contract.suite(row, suites) == "TRIALS™"]

    document = found(service, f"suite={quote('TRIALS™')}&domain=medical_affairs&limit=10000")

    assert ids(document["prompts"]) == ids(wanted) != []
    assert document["pagination"]["total"] == len(wanted)


@pytest.mark.parametrize("query", ["limit=abc", "limit=-1", "page=0", "page=-1", "page=abc", "page=1.5"])
def test_a_bad_value_is_refused(service: Service, query: str) -> None:
    refusal(service.get(f"{PROMPTS}?{query}", user(DIGITAL_HEALTH)), 400)


def test_unknown_parameters_are_ignored(service: Service) -> None:
    assert found(service, "limit=3&colour=green&tenant_id=" + PHARMA) == found(service, "limit=3")


def test_show_all_is_for_super_admins(shared: Stage, service: Service) -> None:
    everything = service.get(f"{PROMPTS}?showAll=true", super_admin()).json

    assert ids(everything["prompts"]) == ids(shared.rows("prompts"))
    assert everything["pagination"]["total"] == shared.count("prompts")
    assert found(service, "showAll=true&limit=5") == found(service, "limit=5")


# --- one ---


def test_one_is_found_by_its_id_and_by_its_name(shared: Stage, service: Service, suites: Mapping[str, Any]) -> None:
    (row,) = shared.rows("prompts", PHARMA, where="name = 'Zebra prompt of pharma'")

    for name in (row["id"], quote(row["name"])):
        document = found(service, f"action=get&id={name}", PHARMA)
        assert set(document) == {"success", "prompt"}
        assert document["success"] is True
        assert contract.differences(contract.prompt(row, suites), document["prompt"]) == {}


@pytest.mark.parametrize("name", ["nobody", NOWHERE, "%27", "%25"])
def test_what_is_not_there_is_not_found(service: Service, name: str) -> None:
    refusal(service.get(f"{PROMPTS}?action=get&id={name}", user(DIGITAL_HEALTH)), 404)


def test_get_one_needs_to_be_told_which(service: Service) -> None:
    refusal(service.get(f"{PROMPTS}?action=get", user(DIGITAL_HEALTH)), 400)


# --- making ---


def test_a_user_makes_a_prompt_of_its_tenant(workshop: Stage, made: dict[str, Any], suites: Mapping[str, Any]) -> None:
    row = row_of(workshop, made)

    assert row["tenant_id"] == DIGITAL_HEALTH
    assert {name: made[name] for name in NEW} == NEW
    assert made["category"] == row["category"] == "zoology"
    assert contract.differences(contract.prompt(row, suites), made) == {}


def test_the_answer_to_making_says_success(workshop: Stage, made: dict[str, Any]) -> None:
    answer = workshop.service.post(f"{PROMPTS}/", user(DIGITAL_HEALTH), NEW | {"name": "Count the stripes again"})

    assert answer.status == 201, answer
    assert set(answer.json) == {"success", "prompt"}
    assert answer.json["success"] is True


@pytest.mark.parametrize("missing", NEW)
def test_a_missing_field_is_named(workshop: Stage, missing: str) -> None:
    body = {name: value for name, value in NEW.items() if name != missing}

    answer = workshop.service.post(PROMPTS, user(DIGITAL_HEALTH), body)

    refusal(answer, 400)
    assert missing in answer.text


def test_all_missing_fields_are_named_at_once(workshop: Stage) -> None:
    answer = workshop.service.post(PROMPTS, user(DIGITAL_HEALTH), {})

    refusal(answer, 400)
    assert [name for name in NEW if name not in answer.text] == []


def test_a_name_is_taken_once_in_a_tenant(workshop: Stage, made: dict[str, Any]) -> None:
    refusal(workshop.service.post(PROMPTS, user(DIGITAL_HEALTH), NEW), 409)

    assert workshop.service.post(PROMPTS, user(PHARMA), NEW).status == 201, "another tenant may use the same name"


def test_tenant_id_and_creation_are_not_for_callers_to_say(workshop: Stage, made: dict[str, Any]) -> None:
    body = NEW | {
        "name": "Count the stripes 2",
        "tenant_id": PHARMA,
        "id": NOWHERE,
        "created_at": "2001-01-01T00:00:00Z",
    }

    prompt = workshop.service.post(PROMPTS, user(DIGITAL_HEALTH), body).json["prompt"]

    row = row_of(workshop, prompt)
    assert row["tenant_id"] == DIGITAL_HEALTH
    assert row["id"] != NOWHERE
    assert not row["created_at"].startswith("2001")
    assert not {"tenant_id", "id", "created_at"} & set(row["metadata"])


def test_fields_without_a_column_are_kept_in_metadata(workshop: Stage, made: dict[str, Any]) -> None:
    body = NEW | {"name": "Count the stripes 3", "animal": {"legs": 4}, "metadata": {"colour": "black"}}

    prompt = workshop.service.post(PROMPTS, user(DIGITAL_HEALTH), body).json["prompt"]

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
def test_a_wrong_value_is_refused(workshop: Stage, tidy: None, wrong: dict[str, Any]) -> None:
    refusal(workshop.service.post(PROMPTS, user(DIGITAL_HEALTH), NEW | {"name": "Count the stripes 4"} | wrong), 400)
    assert workshop.count("prompts", where="name LIKE 'Count the stripes%'") == 0


# --- changing ---


def change(workshop: Stage, style: str, key: str, who: dict[str, str], body: dict[str, Any]) -> Answer:
    if style == "item":
        return workshop.service.put(f"{PROMPTS}/{key}", who, body)
    return workshop.service.put(PROMPTS, who, body | {"id": key})


@pytest.mark.parametrize("style", ["item", "collection"])
def test_only_the_fields_sent_change(
    workshop: Stage, made: dict[str, Any], suites: Mapping[str, Any], style: str
) -> None:
    before = row_of(workshop, made)

    answer = change(workshop, style, made["id"], user(DIGITAL_HEALTH), {"description": "Counts better."})

    assert answer.status == 200, answer
    assert answer.json["success"] is True
    after = row_of(workshop, made)
    assert {name for name in before if before[name] != after[name]} == {"description", "updated_at"}
    assert contract.differences(contract.prompt(after, suites), answer.json["prompt"]) == {}


@pytest.mark.parametrize("style", ["item", "collection"])
def test_a_tenant_cannot_be_changed(workshop: Stage, made: dict[str, Any], style: str) -> None:
    answer = change(workshop, style, made["id"], user(DIGITAL_HEALTH), {"tenant_id": PHARMA, "status": "draft"})

    assert answer.status == 200, answer
    assert (row_of(workshop, made)["tenant_id"], row_of(workshop, made)["status"]) == (DIGITAL_HEALTH, "draft")


def test_unknown_fields_join_the_metadata_that_is_there(workshop: Stage, made: dict[str, Any]) -> None:
    for field in ("one", "two"):
        change(workshop, "item", made["id"], user(DIGITAL_HEALTH), {field: 1})

    assert row_of(workshop, made)["metadata"] == {"one": 1, "two": 1}


def test_a_taken_name_cannot_be_taken_by_a_change(workshop: Stage, made: dict[str, Any]) -> None:
    answer = change(workshop, "item", made["id"], user(DIGITAL_HEALTH), {"name": "Zebra prompt of digital-health"})

    refusal(answer, 409)


def test_a_change_without_an_id_is_refused(workshop: Stage) -> None:
    refusal(workshop.service.put(PROMPTS, user(DIGITAL_HEALTH), {"description": "x"}), 400)


@pytest.mark.parametrize("style", ["item", "collection"])
def test_the_platforms_prompts_are_read_only(workshop: Stage, style: str) -> None:
    (row,) = workshop.rows("prompts", PLATFORM, where="name = 'Zebra prompt of vital-platform'")

    answer = change(workshop, style, row["id"], user(DIGITAL_HEALTH), {"description": "mine"})

    assert "shared platform resource" in refusal(answer, 403).lower()
    assert row_of(workshop, row) == row


@pytest.mark.parametrize("style", ["item", "collection"])
@pytest.mark.parametrize("owner", [PHARMA, STRANGER])
def test_anothers_prompt_does_not_exist(workshop: Stage, style: str, owner: str) -> None:
    (row,) = workshop.rows("prompts", owner, where="name LIKE 'Zebra prompt%'")
    missing = change(workshop, style, NOWHERE, user(DIGITAL_HEALTH), {"description": "mine"})

    answer = change(workshop, style, row["id"], user(DIGITAL_HEALTH), {"description": "mine"})

    assert refusal(answer, 404) == refusal(missing, 404)
    assert row_of(workshop, row) == row


# --- deleting ---


def delete(workshop: Stage, style: str, key: str, who: dict[str, str]) -> Answer:
    return workshop.service.delete(f"{PROMPTS}/{key}" if style == "item" else f"{PROMPTS}?id={key}", who)


@pytest.mark.parametrize("style", ["item", "collection"])
def test_a_deleted_prompt_is_gone(workshop: Stage, made: dict[str, Any], style: str) -> None:
    answer = delete(workshop, style, made["id"], user(DIGITAL_HEALTH))

    assert answer.status == 200, answer
    assert answer.json == {"success": True, "message": f'Prompt "{NEW["name"]}" deleted successfully'}
    assert workshop.count("prompts", where=f"id = '{made['id']}'") == 0
    refusal(delete(workshop, style, made["id"], user(DIGITAL_HEALTH)), 404)


@pytest.mark.parametrize("style", ["item", "collection"])
def test_others_prompts_are_not_deleted(workshop: Stage, style: str) -> None:
    for owner, status in ((PLATFORM, 403), (PHARMA, 404), (STRANGER, 404)):
        (row,) = workshop.rows("prompts", owner, where="name LIKE 'Zebra prompt%'")
        refusal(delete(workshop, style, row["id"], user(DIGITAL_HEALTH)), status)
        assert row_of(workshop, row) == row


def test_a_deletion_needs_to_be_told_which(workshop: Stage) -> None:
    before = workshop.count("prompts")

    refusal(workshop.service.delete(PROMPTS, user(DIGITAL_HEALTH)), 400)

    assert workshop.count("prompts") == before


def test_a_super_admin_keeps_the_platforms_prompts(workshop: Stage) -> None:
    who = super_admin(PLATFORM)
    made = workshop.service.post(PROMPTS, who, NEW | {"name": "Count the stripes for all"}).json["prompt"]

    assert (made["tenant_id"], made["is_shared"]) == (PLATFORM, True)
    assert delete(workshop, "item", made["id"], who).status == 200


def test_without_a_tenant_there_is_no_writing(workshop: Stage) -> None:
    refusal(workshop.service.post(PROMPTS, super_admin(), NEW), 400)
