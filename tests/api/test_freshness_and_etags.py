"""A change in the database shows within a second; what has not changed is not sent again."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest

from tests.support import patience
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.cast_rows import SEARCH
from tests.support.contract import DOMAINS, PROMPTS, TOOLS
from tests.support.service import Answer, Service
from tests.support.service_under_test import ServiceUnderTest
from tests.support.tokens import Who, admin, bearer, super_admin, token, user

LOOK = f"{TOOLS}?search={SEARCH}"
SECOND = 1.0

# A list, and a change of one of the Platform's rows in it.
LISTS = {
    f"{TOOLS}?limit=500": "UPDATE tools SET description = %s WHERE tool_key = 'vital-platform-full'",
    f"{TOOLS}?cursor=&limit=500": "UPDATE tools SET description = %s WHERE tool_key = 'vital-platform-full'",
    f"{TOOLS}/vital-platform-full": "UPDATE tools SET description = %s WHERE tool_key = 'vital-platform-full'",
    f"{PROMPTS}?domain=zoology": "UPDATE prompts SET description = %s WHERE name = 'Zebra prompt of vital-platform'",
    DOMAINS: "UPDATE knowledge_domains SET slug = %s WHERE code = 'Z_vital-platform'",
}


def within_a_second(so: Callable[[], object], what: str) -> None:
    patience.until(so, what, SECOND)


def status(service: Service, who: Who, *, path: str = LOOK) -> int:
    return service.get(path, who).status


def seen(answer: Answer) -> set[str]:
    return {tool["tenant_id"] for tool in answer.json["tools"]} if answer.status == 200 else set()


def new_tool(service: Service, tenant: str) -> Answer:
    return service.post(TOOLS, admin(tenant), {"name": "Fresh", "code": f"fresh-{uuid4().hex}"})


@contextmanager
def setting(under_test: ServiceUnderTest, tenant: str, path: str, value: str) -> Iterator[None]:
    """A tenant's setting as somebody has changed it by SQL, put back in the end."""
    ((before,),) = under_test.sql("SELECT settings::text FROM tenants WHERE id = %s", tenant)
    under_test.sql("UPDATE tenants SET settings = jsonb_set(settings, %s, %s) WHERE id = %s", path, value, tenant)
    try:
        yield
    finally:
        under_test.sql("UPDATE tenants SET settings = %s WHERE id = %s", before, tenant)


# --- lists ---


@pytest.mark.parametrize("path", LISTS)
def test_a_change_by_sql_shows_in_what_is_read(own_service: ServiceUnderTest, path: str) -> None:
    who, mark = user(PHARMA), f"changed-{uuid4().hex}"
    assert mark not in own_service.service.get(path, who).text

    own_service.sql(LISTS[path], mark)

    within_a_second(lambda: mark in own_service.service.get(path, who).text, path)


def test_rows_come_and_go(own_service: ServiceUnderTest) -> None:
    who, service = user(PHARMA), own_service.service
    before = service.get(TOOLS, who).json["count"]

    own_service.sql(
        "INSERT INTO tools (tenant_id, tool_key, name, description, tool_type) VALUES (%s, 'late', 'Late', '', 'api')",
        PHARMA,
    )
    within_a_second(lambda: service.get(TOOLS, who).json["count"] == before + 1, "the row is there")
    own_service.sql("DELETE FROM tools WHERE tool_key = 'late'")
    within_a_second(lambda: service.get(TOOLS, who).json["count"] == before, "the row is gone")


def test_ones_own_writing_shows_at_once(own_service: ServiceUnderTest) -> None:
    service, who = own_service.service, admin(PHARMA)
    for number in range(5):
        before = service.get(TOOLS, who).json["count"]
        tool = new_tool(service, PHARMA).json["tool"]
        assert service.get(TOOLS, who).json["count"] == before + 1, number
        service.put(f"{TOOLS}/{tool['id']}", who, {"name": f"Fresher {number}"})
        assert f"Fresher {number}" in service.get(TOOLS, who).text
        service.delete(f"{TOOLS}/{tool['id']}", who)
        assert service.get(TOOLS, who).json["count"] == before, number


# --- ETags ---


@pytest.mark.parametrize("path", LISTS)
def test_what_has_not_changed_is_not_sent_again(own_service: ServiceUnderTest, path: str) -> None:
    who = user(PHARMA)
    first = own_service.service.get(path, who)

    again = own_service.service.get(path, who | {"If-None-Match": first.etag})

    assert (again.status, again.body) == (304, b"")
    assert again.etag == first.etag
    assert again.headers["x-tenant-id"] == PHARMA
    assert again.headers["x-request-id"]


@pytest.mark.parametrize("path", LISTS)
def test_a_change_by_sql_makes_the_etag_another(own_service: ServiceUnderTest, path: str) -> None:
    who, mark = user(PHARMA), f"tagged-{uuid4().hex}"
    known = dict(who)

    def settled() -> bool:
        """What another test has just written may not show yet."""
        known["If-None-Match"] = own_service.service.get(path, who).etag
        return status(own_service.service, known, path=path) == 304

    within_a_second(settled, path)
    own_service.sql(LISTS[path], mark)

    within_a_second(lambda: mark in own_service.service.get(path, known).text, path)


@pytest.mark.parametrize(
    "path", [f"{PROMPTS}?action=get&id=Zebra%20prompt%20of%20pharma", "/api/tenants", "/api/schema", DOMAINS]
)
def test_every_answer_to_get_has_an_etag(own_service: ServiceUnderTest, path: str) -> None:
    answer = own_service.service.get(path, user(PHARMA))

    assert answer.status == 200, answer
    assert answer.etag


def test_an_etag_is_known_in_a_list_and_when_weak(own_service: ServiceUnderTest) -> None:
    who = user(PHARMA)
    tag = own_service.service.get(LOOK, who).etag
    bare = tag.removeprefix("W/")

    for sent in (f'"another", {tag}', f"W/{bare}"):
        assert status(own_service.service, who | {"If-None-Match": sent}) == 304, sent
    for sent in ('"another"', 'W/"another"', "garbage", "", bare.strip('"')):
        assert status(own_service.service, who | {"If-None-Match": sent}) == 200, sent


def test_another_question_has_another_etag(own_service: ServiceUnderTest) -> None:
    who = user(PHARMA)
    paths = (TOOLS, f"{TOOLS}?limit=5", f"{TOOLS}?limit=6", f"{TOOLS}?limit=5&offset=1", f"{PROMPTS}?limit=5", DOMAINS)

    tags = [own_service.service.get(path, who).etag for path in paths]

    assert len(set(tags)) == len(tags)


def test_a_refusal_is_never_not_modified(own_service: ServiceUnderTest) -> None:
    who = user(PHARMA)
    tag = own_service.service.get(LOOK, who).etag

    assert status(own_service.service, {"If-None-Match": tag}) == 401
    assert status(own_service.service, who | {"If-None-Match": tag, "x-tenant-id": DIGITAL_HEALTH}) == 403


# --- settings ---


def test_a_feature_is_switched_off_and_on(own_service: ServiceUnderTest) -> None:
    service = own_service.service
    assert new_tool(service, PHARMA).status == 201

    with setting(own_service, PHARMA, "{features,tool_management}", "false"):
        within_a_second(lambda: new_tool(service, PHARMA).status == 403, "it is off")
        assert new_tool(service, DIGITAL_HEALTH).status == 201, "another tenant's stays on"
    within_a_second(lambda: new_tool(service, PHARMA).status == 201, "it is on again")


def test_a_limit_is_set_and_lifted(own_service: ServiceUnderTest) -> None:
    service, own = own_service.service, own_service.count("tools", DIGITAL_HEALTH)

    with setting(own_service, DIGITAL_HEALTH, "{limits,max_tools}", str(own + 1)):
        patience.wait(SECOND)
        assert new_tool(service, DIGITAL_HEALTH).status == 201, "one is left"
        over = new_tool(service, DIGITAL_HEALTH)
        assert over.status == 409, over
        assert str(own + 1) in over.json["error"] or "limit" in over.json["error"].lower()
    with setting(own_service, DIGITAL_HEALTH, "{limits,max_tools}", "-1"):
        within_a_second(lambda: new_tool(service, DIGITAL_HEALTH).status == 201, "it is unlimited")


def test_a_limit_holds_in_a_crowd(own_service: ServiceUnderTest) -> None:
    own = own_service.count("tools", DIGITAL_HEALTH)
    with setting(own_service, DIGITAL_HEALTH, "{limits,max_tools}", str(own + 3)):
        patience.wait(SECOND)
        with ThreadPoolExecutor(12) as threads:
            answers = list(threads.map(lambda _: new_tool(own_service.service, DIGITAL_HEALTH).status, range(12)))

    assert sorted(answers) == [201] * 3 + [409] * 9
    assert own_service.count("tools", DIGITAL_HEALTH) == own + 3


def test_a_limit_counts_the_own_tools_only(own_service: ServiceUnderTest) -> None:
    assert own_service.count("tools", PLATFORM) > 100
    with setting(own_service, PHARMA, "{limits,max_tools}", "100"):
        patience.wait(SECOND)
        assert new_tool(own_service.service, PHARMA).status == 201


# --- who is who ---


def test_a_person_changes_tenant(own_service: ServiceUnderTest) -> None:
    person = str(uuid4())
    own_service.sql("INSERT INTO auth.users (id) VALUES (%s)", person)
    own_service.sql("INSERT INTO users (id, email) VALUES (%s, 'nomad@example.org')", person)
    who, service = bearer(token(None, sub=person)), own_service.service
    before = service.get(LOOK, who)
    assert seen(before) <= {PLATFORM}, before

    for tenant in (PHARMA, DIGITAL_HEALTH):
        own_service.sql("UPDATE users SET tenant_id = %s WHERE id = %s", tenant, person)
        wanted = {tenant, PLATFORM}
        within_a_second(lambda wanted=wanted: seen(service.get(LOOK, who)) == wanted, tenant)  # type: ignore[misc]
    own_service.sql("UPDATE users SET tenant_id = NULL WHERE id = %s", person)
    within_a_second(lambda: seen(service.get(LOOK, who)) <= {PLATFORM}, "no tenant any more")


def test_a_suspended_tenant_is_out_and_comes_back(own_service: ServiceUnderTest) -> None:
    who, service = user(PHARMA), own_service.service
    assert status(service, who) == 200

    own_service.sql("UPDATE tenants SET is_active = false WHERE id = %s", PHARMA)
    try:
        within_a_second(lambda: status(service, who) == 403, "it is suspended")
        assert status(service, super_admin(PHARMA)) == 403
        known = who | {"If-None-Match": '"any"'}
        assert status(service, known) == 403
    finally:
        own_service.sql("UPDATE tenants SET is_active = true WHERE id = %s", PHARMA)
    within_a_second(lambda: status(service, who) == 200, "it is back")


def test_a_new_tenant_is_known_though_it_was_asked_for_before(own_service: ServiceUnderTest) -> None:
    tenant = str(uuid4())
    who, service = super_admin(tenant), own_service.service
    assert status(service, who) == 403

    own_service.sql("INSERT INTO tenants (id, name, slug) VALUES (%s, 'New', %s)", tenant, f"new-{tenant}")

    within_a_second(lambda: status(service, who) == 200, "it is known")


def test_a_renamed_tenant_is_found_under_its_new_name(own_service: ServiceUnderTest) -> None:
    service = own_service.service

    def under(slug: str) -> Any:
        return seen(service.get(LOOK, super_admin(), host=f"{slug}.example.org"))

    assert under("stranger-than-before") == set()
    own_service.sql("UPDATE tenants SET slug = 'stranger-than-before' WHERE slug = 'stranger'")
    try:
        within_a_second(lambda: len(under("stranger-than-before")) == 2, "the new name")
    finally:
        own_service.sql("UPDATE tenants SET slug = 'stranger' WHERE slug = 'stranger-than-before'")
