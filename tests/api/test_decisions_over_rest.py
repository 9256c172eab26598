"""Findings and decisions over REST: for operators only, all or none, recorded by name, and withdrawn."""

from typing import Any

import jwt
import pytest

from tests.support import citus
from tests.support.cast import DIGITAL_HEALTH, PHARMA
from tests.support.contract import refusal
from tests.support.service_under_test import ServiceUnderTest
from tests.support.tokens import NOBODY, Who, admin, super_admin, user

FINDINGS, DECISIONS, WITHDRAWALS = (f"/api/migrations/{name}" for name in ("findings", "decisions", "withdrawals"))
of_one_server = citus.one_server("decisions are refused while tables are distributed")
UNDECIDED = "SELECT id::text FROM users WHERE tenant_id IS NULL ORDER BY id LIMIT 2"


def decision(key: str, tenant: str = "pharma", table: str = "users") -> dict[str, Any]:
    return {"table": table, "key": key, "tenant": tenant, "reason": "works for them"}


@pytest.fixture
def people(own_service: ServiceUnderTest) -> list[str]:
    return [key for (key,) in own_service.sql(UNDECIDED)]


def tenant_of(own_service: ServiceUnderTest, key: str) -> str | None:
    ((tenant,),) = own_service.sql("SELECT tenant_id::text FROM users WHERE id::text = %s", key)
    return str(tenant) if tenant else None


@pytest.mark.parametrize(
    ("who", "status"),
    [(NOBODY, 401), (user(PHARMA), 403), (admin(DIGITAL_HEALTH), 403)],
    ids=["nobody", "a user", "an admin of a tenant"],
)
def test_only_operators_may_look_and_decide(
    own_service: ServiceUnderTest, people: list[str], who: Who, status: int
) -> None:
    refusal(own_service.service.get(FINDINGS, who), status)
    refusal(own_service.service.post(DECISIONS, who, {"decisions": [decision(people[0])]}), status)
    refusal(own_service.service.post(WITHDRAWALS, who, {"table": "users", "key": people[0], "reason": "x"}), status)
    assert tenant_of(own_service, people[0]) is None


def test_findings_are_counted_and_listed(own_service: ServiceUnderTest) -> None:
    answer = own_service.service.get(f"{FINDINGS}?table=users&limit=3", super_admin())

    assert answer.status == 200, answer
    ((open_ones,),) = own_service.sql("SELECT count(*) FROM users WHERE tenant_id IS NULL")
    [count] = [one for one in answer.json["findings"] if one["kind"] == "person"]
    assert (count["table"], count["open"]) == ("users", open_ones)
    assert len(answer.json["rows"]) == 3
    assert {row["table"] for row in answer.json["rows"]} == {"users"}


@of_one_server
def test_a_decision_is_shown_made_and_taken_back(own_service: ServiceUnderTest, people: list[str]) -> None:
    operator, body = super_admin(), {"decisions": [decision(people[0])]}
    shown = own_service.service.post(DECISIONS, operator, body | {"dry_run": True})
    assert shown.status == 200, shown
    assert shown.json["moves"] == [{"table": "users", "from": None, "to": "pharma", "rows": 1}]
    assert tenant_of(own_service, people[0]) is None

    made = own_service.service.post(DECISIONS, operator, body | {"token": shown.json["token"]})
    assert (made.status, made.json["carried_out"], made.json["waits"]) == (200, 1, None), made
    assert tenant_of(own_service, people[0]) == PHARMA
    ((who, reason),) = own_service.sql("SELECT decided_by, reason FROM vital.override WHERE key = %s", people[0])
    claims = jwt.decode(operator["Authorization"].split()[1], options={"verify_signature": False})
    assert (who, reason) == (claims["sub"], "works for them")

    back = own_service.service.post(WITHDRAWALS, super_admin(), {"table": "users", "key": people[0], "reason": "no"})
    assert (back.status, back.json["moved"]) == (200, True), back
    assert tenant_of(own_service, people[0]) is None
    again = own_service.service.post(WITHDRAWALS, super_admin(), {"table": "users", "key": people[0], "reason": "no"})
    refusal(again, 400)


@of_one_server
def test_one_that_does_not_hold_stops_them_all(own_service: ServiceUnderTest, people: list[str]) -> None:
    body = {"decisions": [decision(people[0]), decision(people[1], tenant="nowhere"), decision("x", table="cars")]}

    answer = own_service.service.post(DECISIONS, super_admin(), body)

    refusal(answer, 400)
    told = str(answer.json["details"])
    assert "nowhere" in told
    assert "cars" in told
    assert [tenant_of(own_service, key) for key in people] == [None, None]


def test_a_reason_is_more_than_white_space(own_service: ServiceUnderTest, people: list[str]) -> None:
    body = {"decisions": [decision(people[0]) | {"reason": " \n "}]}

    refusal(own_service.service.post(DECISIONS, super_admin(), body), 400)
    assert tenant_of(own_service, people[0]) is None


@of_one_server
def test_a_decision_in_between_is_not_overruled_unseen(own_service: ServiceUnderTest, people: list[str]) -> None:
    body = {"decisions": [decision(people[1])]}
    token = own_service.service.post(DECISIONS, super_admin(), body | {"dry_run": True}).json["token"]
    other = {"decisions": [decision(people[1], tenant="digital-health")]}
    assert own_service.service.post(DECISIONS, super_admin(), other).status == 200

    refusal(own_service.service.post(DECISIONS, super_admin(), body | {"token": token}), 409)
    assert tenant_of(own_service, people[1]) == DIGITAL_HEALTH
