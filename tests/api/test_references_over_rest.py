"""References into another tenant over REST: for operators only, previewed, resolved by name, and undone."""

from typing import Any

import jwt
import pytest

from tests.support import citus
from tests.support.cast import DIGITAL_HEALTH, PHARMA, STRANGER
from tests.support.contract import refusal
from tests.support.service_under_test import ServiceUnderTest
from tests.support.tokens import NOBODY, Who, admin, super_admin, user

pytestmark = citus.one_server("references are resolved before tables are distributed")

REFERENCES, RESOLUTIONS = "/api/migrations/references", "/api/migrations/resolutions"
GROUP = {"table": "knowledge_base", "columns": "source_id", "tenant": "pharma", "parent_tenant": "digital-health"}
CROSSING = """
    UPDATE knowledge_base SET source_id = (
        SELECT id FROM knowledge_sources WHERE tenant_id = %s ORDER BY id LIMIT 1
    ) WHERE id = (SELECT id FROM knowledge_base WHERE tenant_id = %s ORDER BY id LIMIT 1) RETURNING id::text
"""


@pytest.fixture
def chunk(own_service: ServiceUnderTest) -> str:
    """A chunk of Pharma that refers to a source of Digital Health, as old code has left it."""
    own_service.sql("ALTER TABLE knowledge_base DISABLE TRIGGER USER")
    ((key,),) = own_service.sql(CROSSING, DIGITAL_HEALTH, PHARMA)
    own_service.sql("ALTER TABLE knowledge_base ENABLE TRIGGER USER")
    return str(key)


def source_of(own_service: ServiceUnderTest, chunk: str) -> str:
    ((source,),) = own_service.sql("SELECT source_id::text FROM knowledge_base WHERE id::text = %s", chunk)
    return str(source)


def body(way: str, **more: Any) -> dict[str, Any]:
    return {**GROUP, "way": way, "reason": "contract 17", **more}


@pytest.mark.parametrize(
    ("who", "status"),
    [(NOBODY, 401), (user(PHARMA), 403), (admin(DIGITAL_HEALTH), 403), (admin(STRANGER), 403)],
    ids=["nobody", "a user", "an admin of a tenant", "the stranger"],
)
def test_only_operators_may_look_resolve_and_undo(
    own_service: ServiceUnderTest, chunk: str, who: Who, status: int
) -> None:
    before = source_of(own_service, chunk)
    refusal(own_service.service.get(REFERENCES, who), status)
    refusal(own_service.service.post(RESOLUTIONS, who, body("copy")), status)
    refusal(own_service.service.post(f"{RESOLUTIONS}/1/undo", who, {"reason": "x"}), status)
    assert source_of(own_service, chunk) == before


def test_references_are_listed_previewed_resolved_and_undone(own_service: ServiceUnderTest, chunk: str) -> None:
    operator, before = super_admin(), source_of(own_service, chunk)
    listed = own_service.service.get(REFERENCES, operator)
    assert listed.status == 200, listed
    [group] = [one for one in listed.json["groups"] if GROUP.items() <= one.items()]
    assert group["references"] >= 1

    shown = own_service.service.post(RESOLUTIONS, operator, body("copy", keys=[chunk], dry_run=True, reason=""))
    assert (shown.status, shown.json["references"], shown.json["refused"]) == (200, 1, []), shown
    assert {one["to"] for one in shown.json["exposes"]} == {"pharma"}
    assert source_of(own_service, chunk) == before

    done = own_service.service.post(RESOLUTIONS, operator, body("copy", keys=[chunk], token=shown.json["token"]))
    assert done.status == 200, done
    copy = source_of(own_service, chunk)
    assert own_service.sql("SELECT tenant_id::text FROM knowledge_sources WHERE id::text = %s", copy) == [(PHARMA,)]
    claims = jwt.decode(operator["Authorization"].split()[1], options={"verify_signature": False})
    audit = "SELECT who, reason FROM vital.audit WHERE action = 'resolve references' ORDER BY id DESC LIMIT 1"
    assert own_service.sql(audit) == [(claims["sub"], "contract 17")]

    address = f"{RESOLUTIONS}/{done.json['number']}/undo"
    undone = own_service.service.post(address, super_admin(), {"reason": "a mistake"})
    assert (undone.status, undone.json["kept"]) == (200, []), undone
    assert source_of(own_service, chunk) == before
    refusal(own_service.service.post(address, super_admin(), {"reason": "again"}), 400)


def test_what_changed_since_it_was_shown_is_refused(own_service: ServiceUnderTest, chunk: str) -> None:
    shown = own_service.service.post(RESOLUTIONS, super_admin(), body("accept", keys=[chunk], dry_run=True))
    own_service.sql("UPDATE knowledge_base SET source_id = source_id WHERE id::text = %s", chunk)

    again = body("accept", keys=[chunk], token=shown.json["token"])
    answer = own_service.service.post(RESOLUTIONS, super_admin(), again)

    refusal(answer, 409)
    assert "another session has written" in answer.json["error"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"table": "cars"},
        {"columns": "colour"},
        {"tenant": "nowhere"},
        {"reason": " "},
        {"way": "delete"},
        {"keys": "x"},
    ],
    ids=str,
)
def test_what_does_not_hold_is_a_bad_body(own_service: ServiceUnderTest, chunk: str, wrong: dict[str, Any]) -> None:
    before = source_of(own_service, chunk)
    refusal(own_service.service.post(RESOLUTIONS, super_admin(), body("accept") | wrong), 400)
    assert source_of(own_service, chunk) == before
