"""A write that says which state of the row it is for: If-Match. And one that wants no row back: Prefer."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import contract
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.contract import NOWHERE, PROMPTS, TOOLS
from tests.support.service_under_test import ServiceUnderTest
from tests.support.tokens import admin, user

NEW: dict[str, dict[str, Any]] = {
    TOOLS: {"name": "Conditional", "code": "conditional"},
    PROMPTS: {
        "name": "conditional", "display_name": "Conditional", "description": "Was.", "domain": "conditional",
        "system_prompt": "You count.", "user_prompt_template": "Count.",
        "metadata": {"slug": "a-conditional-prompt", "prompt_code": "C-1"},
    },
}  # fmt: skip
BOTH = pytest.mark.parametrize(("address", "noun"), [(TOOLS, "tool"), (PROMPTS, "prompt")])
WHO = admin(DIGITAL_HEALTH)


@pytest.fixture(autouse=True)
def tidy(own_service: ServiceUnderTest) -> Iterator[None]:
    yield
    own_service.sql("DELETE FROM tools WHERE tool_key LIKE %s RETURNING 1", "conditional%")
    own_service.sql("DELETE FROM prompts WHERE domain = %s RETURNING 1", "conditional")


def made(own_service: ServiceUnderTest, address: str, noun: str) -> str:
    answer = own_service.service.post(address, WHO, NEW[address])
    assert answer.status == 201, answer
    return str(answer.json[noun]["id"])


@BOTH
def test_a_write_for_the_state_that_was_read_is_done(own_service: ServiceUnderTest, address: str, noun: str) -> None:
    service, id = own_service.service, made(own_service, address, noun)
    tag = service.get(f"{address}/{id}", WHO).etag

    first = service.put(f"{address}/{id}", WHO | {"If-Match": tag}, {"description": "First."})
    assert first.status == 200, first
    second = service.put(address, WHO | {"If-Match": f"W/{first.etag}"}, {"id": id, "description": "Second."})
    assert second.status == 200, second
    gone = service.delete(f"{address}?id={id}", WHO | {"If-Match": f'"other", {second.etag}'})

    assert gone.status == 200, gone


@BOTH
def test_a_write_for_an_earlier_state_is_refused(own_service: ServiceUnderTest, address: str, noun: str) -> None:
    service, id = own_service.service, made(own_service, address, noun)
    tag = service.get(f"{address}/{id}", WHO).etag
    table = "tools" if address == TOOLS else "prompts"
    # By SQL behind the service: whoever it is.
    own_service.sql(f"UPDATE {table} SET description = 'Theirs.' WHERE id = %s RETURNING 1", id)

    late = WHO | {"If-Match": tag}
    for answer in (
        service.put(f"{address}/{id}", late, {"description": "Mine."}),
        service.call("PATCH", f"{address}/{id}", late, {"description": "Mine."}),
        service.put(address, late, {"id": id, "description": "Mine."}),
        service.delete(f"{address}/{id}", late),
        service.delete(f"{address}?id={id}", late),
    ):
        contract.refusal(answer, 412)
        assert answer.json["code"] == "changed_meanwhile"

    read = service.get(f"{address}/{id}", WHO)
    assert read.json[noun]["description"] == "Theirs."
    assert service.put(f"{address}/{id}", WHO | {"If-Match": read.etag}, {"description": "Mine."}).status == 200


def test_the_tag_is_the_same_wherever_the_row_was_read(own_service: ServiceUnderTest) -> None:
    service, id = own_service.service, made(own_service, PROMPTS, "prompt")

    tags = {
        service.get(path, WHO).etag
        for path in (f"{PROMPTS}/{id}", f"{PROMPTS}/{id}/", f"{PROMPTS}/conditional", f"{PROMPTS}?action=get&id={id}")
    }

    assert len(tags) == 1
    assert service.get(f"{PROMPTS}/{id}", WHO | {"If-None-Match": tags.pop()}).status == 304


def test_what_is_not_there_or_not_theirs_comes_first(own_service: ServiceUnderTest) -> None:
    service, stale = own_service.service, WHO | {"If-Match": '"stale"'}
    shared = own_service.rows("tools", PLATFORM)[0]["id"]

    contract.refusal(service.put(f"{TOOLS}/{NOWHERE}", stale, {"name": "x"}), 404)
    contract.refusal(service.put(f"{TOOLS}/{shared}", stale, {"name": "x"}), 403)


@pytest.mark.parametrize("tag", ["*", ""])
def test_any_state_may_be_meant(own_service: ServiceUnderTest, tag: str) -> None:
    id = made(own_service, TOOLS, "tool")

    assert own_service.service.put(f"{TOOLS}/{id}", WHO | {"If-Match": tag}, {"name": "New"}).status == 200


@BOTH
def test_a_client_may_want_no_row_back(own_service: ServiceUnderTest, address: str, noun: str) -> None:
    service, brief = own_service.service, WHO | {"Prefer": "respond-async, return=minimal"}

    created = service.post(address, brief, NEW[address])

    assert (created.status, created.body, created.headers["Preference-Applied"]) == (201, b"", "return=minimal")
    where = created.headers["Location"]
    assert service.get(where, WHO).etag == created.etag
    changed = service.put(where, brief | {"If-Match": created.etag}, {"description": "New."})
    assert (changed.status, changed.body) == (204, b"")
    assert service.get(where, WHO).json[noun]["description"] == "New."
    assert service.get(where, WHO).etag == changed.etag


@pytest.mark.parametrize("key", ["conditional", "a-conditional-prompt", "C-1"])
def test_a_prompt_is_read_by_its_name_slug_or_code(own_service: ServiceUnderTest, key: str) -> None:
    service, id = own_service.service, made(own_service, PROMPTS, "prompt")

    for path in (f"{PROMPTS}?action=get&id={key}", f"{PROMPTS}/{key}"):
        assert service.get(path, user(DIGITAL_HEALTH)).json["prompt"]["id"] == id
        contract.refusal(service.get(path, user(PHARMA)), 404)


def test_by_slug_or_code_a_prompt_is_only_read(own_service: ServiceUnderTest) -> None:
    """Several may have the same: nobody means to remove one of them by chance."""
    made(own_service, PROMPTS, "prompt")

    for key in ("a-conditional-prompt", "C-1"):
        contract.refusal(own_service.service.delete(f"{PROMPTS}/{key}", WHO), 404)
        contract.refusal(own_service.service.put(f"{PROMPTS}/{key}", WHO, {"description": "x"}), 404)


def test_of_two_prompts_with_one_slug_the_tenants_own_is_read(own_service: ServiceUnderTest) -> None:
    id = made(own_service, PROMPTS, "prompt")
    shared = own_service.rows("prompts", PLATFORM)[0]
    own_service.sql(
        """UPDATE prompts SET metadata = '{"slug": "a-conditional-prompt"}' WHERE id = %s RETURNING 1""", shared["id"]
    )

    path = f"{PROMPTS}?action=get&id=a-conditional-prompt"
    assert own_service.service.get(path, user(DIGITAL_HEALTH)).json["prompt"]["id"] == id
    assert own_service.service.get(path, user(PHARMA)).json["prompt"]["id"] == shared["id"]
