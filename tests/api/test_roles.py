"""What user, admin and super_admin may read and write, and what needs no credential."""

import re
import time

import pytest

from tenants import ttl_cache
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM, STRANGER
from tests.support.contract import DOMAINS, PROMPTS, TOOLS, refusal
from tests.support.requests import PROMPT, search_tools, tenants_seen
from tests.support.service import Service
from tests.support.service_under_test import ServiceUnderTest
from tests.support.tokens import admin, super_admin, user
from vital import __version__

ROLES = {
    "user": user(DIGITAL_HEALTH),
    "admin": admin(DIGITAL_HEALTH),
    "super_admin": super_admin(DIGITAL_HEALTH),
}


@pytest.mark.parametrize("role", ROLES)
def test_every_role_reads(service: Service, role: str) -> None:
    for path in (TOOLS, f"{TOOLS}/digital-health-full", f"{PROMPTS}?limit=1", DOMAINS, "/api/tenants"):
        assert service.get(path, ROLES[role]).status == 200, path


@pytest.mark.parametrize(("role", "may"), [("user", False), ("admin", True), ("super_admin", True)])
def test_tools_are_written_by_admins(own_service: ServiceUnderTest, role: str, may: bool) -> None:
    who, code = ROLES[role], f"who-may-{role.replace('_', '-')}"
    path = f"{TOOLS}/digital-health-cub"
    answers = [
        own_service.service.put(path, who, {"category": "Small"}),
        own_service.service.call("PATCH", path, who, {"category": "Smaller"}),
        own_service.service.post(TOOLS, who, {"name": "x", "code": code}),
        own_service.service.delete(f"{TOOLS}/{code if may else 'digital-health-old'}", who),
    ]

    assert [answer.status for answer in answers] == ([200, 200, 201, 200] if may else [403] * 4)


@pytest.mark.parametrize("role", ROLES)
def test_prompts_are_written_by_everybody_in_the_tenant(own_service: ServiceUnderTest, role: str) -> None:
    who = ROLES[role]
    made = own_service.service.post(PROMPTS, who, PROMPT)
    assert made.status == 201, made
    path = f"{PROMPTS}/{made.json['prompt']['id']}"

    assert own_service.service.put(path, who, {"description": "y"}).status == 200
    assert own_service.service.delete(path, who).status == 200


@pytest.mark.parametrize("tenant", [DIGITAL_HEALTH, PHARMA])
def test_tools_are_not_written_where_the_tenant_does_not_manage_them(service: Service, tenant: str) -> None:
    """As the tenants' settings are shipped."""
    for who in (admin(tenant), super_admin(tenant)):
        refusal(service.post(TOOLS, who, {"name": "x", "code": "x"}), 403)


def test_a_super_admin_is_one_in_every_tenant(service: Service) -> None:
    for tenant in (PLATFORM, DIGITAL_HEALTH, PHARMA, STRANGER):
        assert tenants_seen(search_tools(service, super_admin(tenant))) == {tenant, PLATFORM}


def test_the_metrics_are_for_super_admins(service: Service) -> None:
    assert service.get("/metrics").status in {401, 403}
    assert service.get("/metrics", admin(PLATFORM)).status == 403
    assert service.get("/metrics", super_admin()).status == 200


@pytest.mark.parametrize("path", ["/api/schema", "/api/docs"])
def test_the_description_is_for_everybody_with_a_credential(service: Service, path: str) -> None:
    refusal(service.get(path), 401)
    assert service.get(path, user(PHARMA)).status == 200


def test_a_credential_is_told_its_tenants(service: Service) -> None:
    own = service.get("/api/tenants", user(PHARMA)).text
    assert PHARMA in own
    assert not [tenant for tenant in (DIGITAL_HEALTH, STRANGER) if tenant in own]
    every = service.get("/api/tenants", super_admin())
    assert every.status == 200, every
    assert [tenant for tenant in (PLATFORM, DIGITAL_HEALTH, PHARMA, STRANGER) if tenant not in every.text] == []


def test_the_tenants_are_told_when_nothing_is_remembered_of_them(service: Service) -> None:
    """They are asked for anew then, which cannot be done inside the transaction of an answer."""
    time.sleep(2 * ttl_cache.SECONDS)

    assert service.get("/api/tenants", super_admin()).status == 200


@pytest.mark.parametrize("probe", ["/health/live", "/health/ready"])
def test_probes_need_no_credential_and_tell_nothing(service: Service, probe: str) -> None:
    answer = service.get(probe)

    assert answer.status == 200, answer
    words = re.findall(r'"([^"]*)"', answer.text)
    assert all(re.fullmatch(r"[a-z_ ]{1,30}", word) for word in words if word != __version__), answer
