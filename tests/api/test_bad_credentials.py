"""A missing, broken or expired credential is refused; refusals come in a fixed order."""

import base64
import json
import time

import jwt
import pytest

from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM, STRANGER
from tests.support.contract import PROMPTS, TOOLS, refusal
from tests.support.requests import search_tools
from tests.support.service import Service
from tests.support.service_under_test import ServiceUnderTest
from tests.support.tokens import NOBODY, Who, admin, bearer, key, token, user


def unsigned(tenant: str) -> str:
    parts = [{"alg": "none", "typ": "JWT"}, jwt.decode(token(tenant), options={"verify_signature": False})]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, ""])


BAD: dict[str, Who] = {
    "nothing": NOBODY,
    "an empty token": {"Authorization": "Bearer "},
    "no token at all": {"Authorization": "Bearer"},
    "garbage": bearer("garbage"),
    "three parts of garbage": bearer("a.b.c"),
    "expired": bearer(token(DIGITAL_HEALTH, exp=int(time.time()) - 3600)),
    "never expiring": bearer(token(DIGITAL_HEALTH, exp=None)),
    "not yet valid": bearer(token(DIGITAL_HEALTH, nbf=int(time.time()) + 3600)),
    "for another audience": bearer(token(DIGITAL_HEALTH, aud="others")),
    "for no audience": bearer(token(DIGITAL_HEALTH, aud=None)),
    "signed by another": bearer(token(DIGITAL_HEALTH, secret="another-secret-that-is-long-enough-for-hs256")),
    "unsigned": bearer(unsigned(DIGITAL_HEALTH)),
    "changed": bearer(token(DIGITAL_HEALTH)[:-6] + "AAAAAA"),
    "anon": bearer(token(None, None, role="anon")),
    "anon with a tenant": bearer(token(None, None, role="anon", tenant_id=DIGITAL_HEALTH)),
    "basic": {"Authorization": "Basic " + base64.b64encode(b"admin:admin").decode()},
    "a key of nobody": key("vital_unknown_key_0123456789abcdef"),
    "an empty key": key(""),
    "a session of nobody": {"Cookie": "sessionid=abcdefghijklmnopqrstuvwxyz012345"},
    "a tenant's cookie alone": {"Cookie": f"tenant_id={DIGITAL_HEALTH}"},
    "a tenant's header alone": {"x-tenant-id": DIGITAL_HEALTH},
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_credential_is_refused(service: Service, name: str) -> None:
    refusal(search_tools(service, BAD[name]), 401)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", [TOOLS, f"{TOOLS}/digital-health-full", PROMPTS, "/api/tenants"])
def test_nothing_is_open_without_one(service: Service, method: str, path: str) -> None:
    refusal(service.call(method, path, NOBODY, {} if method != "GET" else None), 401)


def test_a_service_role_is_refused_unless_a_setting_allows_it(service: Service) -> None:
    answer = search_tools(service, bearer(token(None, None, role="service_role")))

    refusal(answer, answer.status)
    assert answer.status in {401, 403}


def test_a_service_role_in_the_metadata_is_refused_too(service: Service) -> None:
    answer = search_tools(service, bearer(token(DIGITAL_HEALTH, "service_role")))

    assert answer.status in {401, 403}, answer


def test_refusals_come_in_their_order(shared_service: ServiceUnderTest, service: Service) -> None:
    (stranger,) = shared_service.rows("tools", STRANGER, where="tool_key LIKE '%-full'")
    (platform,) = shared_service.rows("tools", PLATFORM, where="tool_key = 'vital-platform-full'")
    path, broken = f"{TOOLS}/{stranger['id']}", b"{"

    refusal(service.put(path, {"x-tenant-id": "not-a-uuid"}, broken), 401)
    refusal(service.put(path, user(PHARMA) | {"x-tenant-id": "not-a-uuid"}, broken), 400)
    refusal(service.put(path, user(PHARMA) | {"x-tenant-id": DIGITAL_HEALTH}, broken), 403)
    refusal(service.put(path, user(PHARMA), {"name": 5}), 404)
    refusal(service.put(f"{TOOLS}/{platform['id']}", user(PHARMA), {"name": 5}), 403)
    refusal(service.put(f"{TOOLS}/pharma-full", user(PHARMA), {"name": 5}), 403)
    refusal(service.put(f"{TOOLS}/pharma-full", admin(PHARMA), {"name": 5}), 403)
