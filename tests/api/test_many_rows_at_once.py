"""Many rows in one request: all of them or none, with a result for each."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import contract
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.contract import NOWHERE, PROMPTS, TOOLS
from tests.support.service import Answer
from tests.support.service_under_test import ServiceUnderTest
from tests.support.tokens import Who, admin, user

MOST = 500
PROMPT = {
    "display_name": "Many", "description": "One of many.", "domain": "many-rows", "system_prompt": "You count.",
    "user_prompt_template": "Count.",
}  # fmt: skip


@pytest.fixture(autouse=True)
def tidy(own_service: ServiceUnderTest) -> Iterator[None]:
    yield
    own_service.sql("DELETE FROM tools WHERE tool_key LIKE %s RETURNING 1", "many-rows-%")
    own_service.sql("DELETE FROM prompts WHERE domain = %s RETURNING 1", "many-rows")


def tools(count: int) -> list[dict[str, Any]]:
    return [{"name": f"Many {number}", "code": f"many-rows-{number}"} for number in range(count)]


def prompts(count: int) -> list[dict[str, Any]]:
    return [PROMPT | {"name": f"many rows {number}"} for number in range(count)]


def send(own_service: ServiceUnderTest, method: str, body: object, who: Who, address: str = TOOLS) -> Answer:
    return own_service.service.call(method, address, who, body)


def made(own_service: ServiceUnderTest, count: int = 3) -> list[dict[str, Any]]:
    answer = send(own_service, "POST", tools(count), admin(DIGITAL_HEALTH))
    assert answer.status == 200, answer
    return [result["tool"] for result in answer.json["results"]]


def stored(own_service: ServiceUnderTest) -> list[dict[str, Any]]:
    return own_service.rows("tools", where="tool_key LIKE 'many-rows-%'", order="name")


def refused(answer: Answer) -> list[dict[str, Any]]:
    """The results of items of which at least one was refused."""
    contract.refusal(answer, 409)
    assert answer.json["code"] == "items_refused"
    results: list[dict[str, Any]] = answer.json["details"]
    return results


def test_all_are_made_in_the_order_of_the_body(own_service: ServiceUnderTest) -> None:
    answer = send(own_service, "POST", tools(3), admin(DIGITAL_HEALTH))

    assert answer.status == 200, answer
    assert answer.json["success"] is True
    assert [result["status"] for result in answer.json["results"]] == [201, 201, 201]
    assert [result["tool"]["code"] for result in answer.json["results"]] == [tool["code"] for tool in tools(3)]
    assert {row["tenant_id"] for row in stored(own_service)} == {DIGITAL_HEALTH}


@pytest.mark.slow
def test_five_hundred_prompts_are_made_changed_and_removed(own_service: ServiceUnderTest) -> None:
    who = user(PHARMA)
    answer = send(own_service, "POST", prompts(MOST), who, PROMPTS)
    assert answer.status == 200, answer
    ids = [result["prompt"]["id"] for result in answer.json["results"]]

    changed = send(own_service, "PATCH", [{"id": id, "description": "Changed."} for id in ids], who, PROMPTS)

    assert [result["prompt"]["description"] for result in changed.json["results"]] == ["Changed."] * MOST
    gone = send(own_service, "DELETE", [{"id": id} for id in ids], who, PROMPTS)
    assert gone.json["results"] == [{"status": 200, "id": id} for id in ids]
    assert own_service.count("prompts", where="domain = 'many-rows'") == 0


def test_more_than_five_hundred_are_refused_before_anything_is_done(own_service: ServiceUnderTest) -> None:
    contract.refusal(send(own_service, "POST", prompts(MOST + 1), user(PHARMA), PROMPTS), 400)

    assert own_service.count("prompts", where="domain = 'many-rows'") == 0


def test_a_list_of_none_does_nothing(own_service: ServiceUnderTest) -> None:
    for method in ("POST", "PATCH", "DELETE"):
        assert send(own_service, method, [], admin(DIGITAL_HEALTH)).json == {"success": True, "results": []}


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"code": "many-rows-wrong"}, 400, "bad_body"),
        ({"name": "Many", "code": "many-rows-0"}, 409, "conflict"),
        ({"name": "Many", "code": "many-rows-wrong", "category_id": NOWHERE}, 409, "refers_to_nothing"),
        ({"name": "Many", "code": "many-rows-wrong", "total_calls": 2**40}, 400, "bad_body"),
        ("text", 400, "bad_body"),
        ([], 400, "bad_body"),
        (None, 400, "bad_body"),
    ],
    ids=str,
)
def test_where_one_cannot_be_made_none_is(own_service: ServiceUnderTest, wrong: object, status: int, code: str) -> None:
    first, last = tools(2)

    results = refused(send(own_service, "POST", [first, wrong, last], admin(DIGITAL_HEALTH)))

    assert [result["status"] for result in results] == [201, status, 201]
    assert (results[1]["code"], bool(results[1]["error"])) == (code, True)
    assert stored(own_service) == []


def test_the_limit_of_a_tenant_counts_for_all_of_them(own_service: ServiceUnderTest) -> None:
    have = own_service.count("tools", DIGITAL_HEALTH)
    ((limit,),) = own_service.sql(
        "SELECT settings -> 'limits' -> 'max_tools' FROM tenants WHERE id = %s", DIGITAL_HEALTH
    )

    results = refused(send(own_service, "POST", tools(limit - have + 1), admin(DIGITAL_HEALTH)))

    assert [result["status"] for result in results] == [201] * (limit - have) + [409]
    assert stored(own_service) == []


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_where_one_cannot_be_written_none_is(own_service: ServiceUnderTest, method: str) -> None:
    one, two, _ = made(own_service)
    before = stored(own_service)
    shared = own_service.rows("tools", PLATFORM)[0]["id"]
    another = own_service.rows("tools", PHARMA)[0]["id"]
    keys = [one["id"], shared, another, NOWHERE, two["code"]]

    results = refused(
        send(own_service, method, [{"id": key, "name": "Changed"} for key in keys], admin(DIGITAL_HEALTH))
    )

    assert [result["status"] for result in results] == [200, 403, 404, 404, 200]
    assert stored(own_service) == before


def test_who_may_not_write_may_not_write_many(own_service: ServiceUnderTest) -> None:
    one = made(own_service)[0]

    contract.refusal(send(own_service, "POST", tools(1), user(DIGITAL_HEALTH)), 403)
    for method in ("PATCH", "DELETE"):
        results = refused(send(own_service, method, [{"id": one["id"], "name": "x"}], user(DIGITAL_HEALTH)))
        assert [result["code"] for result in results] == ["admins_only"]
    assert len(stored(own_service)) == 3


def test_an_item_without_an_id_is_refused(own_service: ServiceUnderTest) -> None:
    for method in ("PATCH", "DELETE"):
        for item in ({}, {"id": 5}, {"id": ""}, "x"):
            assert refused(send(own_service, method, [item], admin(DIGITAL_HEALTH)))[0]["status"] == 400


def test_results_may_be_short(own_service: ServiceUnderTest) -> None:
    who = admin(DIGITAL_HEALTH) | {"Prefer": "return=minimal"}

    answer = send(own_service, "POST", tools(2), who)

    assert [set(result) for result in answer.json["results"]] == [{"status", "id"}] * 2
    assert [result["id"] for result in answer.json["results"]] == [row["id"] for row in stored(own_service)]


def test_one_row_at_the_collections_address_needs_a_list(own_service: ServiceUnderTest) -> None:
    contract.refusal(send(own_service, "PATCH", {"id": NOWHERE, "name": "x"}, admin(DIGITAL_HEALTH)), 400)
