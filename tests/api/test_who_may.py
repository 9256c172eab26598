"""Credentials and roles: who is let in, and what each may do."""

import base64
import json
import re
import time
from collections.abc import Iterator
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import jwt
import pytest

from tests.conftest import DIGITAL_HEALTH, PHARMA, PLATFORM, STRANGER, Manage
from tests.support import stage
from tests.support.cast import SEARCH, UNKNOWN
from tests.support.contract import DOMAINS, PROMPTS, TOOLS, refusal
from tests.support.looking import said
from tests.support.service import PRODUCTION, Answer, Service, served
from tests.support.stage import Stage
from tests.support.tokens import NOBODY, Who, admin, bearer, key, super_admin, token, user

PROMPT = {
    "name": "Who may",
    "display_name": "Who may",
    "description": "x",
    "domain": "zoology",
    "system_prompt": "x",
    "user_prompt_template": "x",
}


def tenants_seen(answer: Answer) -> set[str]:
    assert answer.status == 200, answer
    return {tool["tenant_id"] for tool in answer.json["tools"]}


def looks(service: Service, who: Who) -> Answer:
    return service.get(f"{TOOLS}?search={SEARCH}", who)


# --- credentials that are none ---


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
    refusal(looks(service, BAD[name]), 401)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", [TOOLS, f"{TOOLS}/digital-health-full", PROMPTS, "/api/tenants"])
def test_nothing_is_open_without_one(service: Service, method: str, path: str) -> None:
    refusal(service.call(method, path, NOBODY, {} if method != "GET" else None), 401)


def test_a_service_role_is_refused_unless_a_setting_allows_it(service: Service) -> None:
    answer = looks(service, bearer(token(None, None, role="service_role")))

    refusal(answer, answer.status)
    assert answer.status in {401, 403}


def test_a_service_role_in_the_metadata_is_refused_too(service: Service) -> None:
    answer = looks(service, bearer(token(DIGITAL_HEALTH, "service_role")))

    assert answer.status in {401, 403}, answer


def test_refusals_come_in_their_order(shared: Stage, service: Service) -> None:
    (stranger,) = shared.rows("tools", STRANGER, where="tool_key LIKE '%-full'")
    (platform,) = shared.rows("tools", PLATFORM, where="tool_key = 'vital-platform-full'")
    path, broken = f"{TOOLS}/{stranger['id']}", b"{"

    refusal(service.put(path, {"x-tenant-id": "not-a-uuid"}, broken), 401)
    refusal(service.put(path, user(PHARMA) | {"x-tenant-id": "not-a-uuid"}, broken), 400)
    refusal(service.put(path, user(PHARMA) | {"x-tenant-id": DIGITAL_HEALTH}, broken), 403)
    refusal(service.put(path, user(PHARMA), {"name": 5}), 404)
    refusal(service.put(f"{TOOLS}/{platform['id']}", user(PHARMA), {"name": 5}), 403)
    refusal(service.put(f"{TOOLS}/pharma-full", user(PHARMA), {"name": 5}), 403)
    refusal(service.put(f"{TOOLS}/pharma-full", admin(PHARMA), {"name": 5}), 403)


# --- claims ---


@pytest.mark.parametrize(
    "claims",
    [
        {"tenant_id": PHARMA},
        {"app_metadata": {"tenant_id": PHARMA}},
        {"app_metadata": {"tenant_id": PHARMA, "role": "user"}, "role": "authenticated"},
        {"tenant_id": PHARMA, "role": "user"},
    ],
    ids=str,
)
def test_a_token_names_its_tenant_at_the_top_or_under_app_metadata(service: Service, claims: dict[str, Any]) -> None:
    assert tenants_seen(looks(service, bearer(token(None, **claims)))) == {PHARMA, PLATFORM}


def test_the_role_under_app_metadata_counts_first(service: Service) -> None:
    who = bearer(token(PHARMA, "user", role="super_admin"))

    assert looks(service, who | {"x-tenant-id": DIGITAL_HEALTH}).status == 403


def test_a_role_at_the_top_counts_where_there_is_no_other(service: Service) -> None:
    who = bearer(token(None, None, role="super_admin"))

    assert tenants_seen(looks(service, who | {"x-tenant-id": PHARMA})) == {PHARMA, PLATFORM}


def test_what_users_say_of_themselves_never_counts(service: Service) -> None:
    claims: dict[str, Any] = {"user_metadata": {"role": "super_admin", "tenant_id": DIGITAL_HEALTH}}
    who = bearer(token(PHARMA, None, **claims))

    assert tenants_seen(looks(service, who)) == {PHARMA, PLATFORM}
    assert looks(service, who | {"x-tenant-id": DIGITAL_HEALTH}).status == 403
    nobody_else = looks(service, bearer(token(None, None, **claims)))
    assert nobody_else.status == 403 or tenants_seen(nobody_else) <= {PLATFORM}


@pytest.mark.parametrize("role", ["owner", "SUPER_ADMIN", "", "postgres", 7, ["super_admin"], {"a": 1}], ids=str)
def test_an_unknown_role_gives_nothing_more(service: Service, role: object) -> None:
    who = bearer(token(PHARMA, app_metadata={"role": role, "tenant_id": PHARMA}))

    answer = looks(service, who | {"x-tenant-id": DIGITAL_HEALTH})
    assert answer.status in {401, 403}, answer
    assert service.delete(f"{TOOLS}/pharma-full", who).status in {401, 403}


@pytest.mark.parametrize("tenant", ["not-a-uuid", "", 7, [PHARMA], {"id": PHARMA}, "\0"], ids=str)
def test_a_token_with_a_malformed_tenant_opens_none(service: Service, tenant: object) -> None:
    answer = looks(service, bearer(token(None, app_metadata={"role": "user", "tenant_id": tenant})))

    assert 400 <= answer.status < 500 or tenants_seen(answer) <= {PLATFORM}, answer


@pytest.mark.parametrize(
    "sub", ["not-a-uuid", 7, None, "\0", "x" * 10000], ids=["text", "number", "none", "nul", "long"]
)
def test_a_token_of_an_odd_person_is_no_error(service: Service, sub: object) -> None:
    for tenant in (PHARMA, None):
        answer = looks(service, bearer(token(tenant, sub=sub)))
        assert 400 <= answer.status < 500 or tenants_seen(answer) <= {tenant, PLATFORM}, answer


@pytest.mark.parametrize("expiry", ["4102444800", None, True, [4102444800]])
def test_a_token_whose_expiry_is_no_time_is_refused(service: Service, expiry: object) -> None:
    refusal(looks(service, bearer(token(PHARMA, exp=expiry))), 401)


def test_the_tenant_of_a_person_is_their_row_where_the_token_has_none(workshop: Stage) -> None:
    ((person,),) = workshop.sql(
        "UPDATE users SET tenant_id = %s WHERE id = (SELECT min(id::text) FROM users WHERE tenant_id IS NULL)::uuid"
        " RETURNING id::text",
        PHARMA,
    )

    assert tenants_seen(looks(workshop.service, bearer(token(None, sub=person)))) == {PHARMA, PLATFORM}


# --- roles ---


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
def test_tools_are_written_by_admins(workshop: Stage, role: str, may: bool) -> None:
    who, code = ROLES[role], f"who-may-{role.replace('_', '-')}"
    path = f"{TOOLS}/digital-health-cub"
    answers = [
        workshop.service.put(path, who, {"category": "Small"}),
        workshop.service.call("PATCH", path, who, {"category": "Smaller"}),
        workshop.service.post(TOOLS, who, {"name": "x", "code": code}),
        workshop.service.delete(f"{TOOLS}/{code if may else 'digital-health-old'}", who),
    ]

    assert [answer.status for answer in answers] == ([200, 200, 201, 200] if may else [403] * 4)


@pytest.mark.parametrize("role", ROLES)
def test_prompts_are_written_by_everybody_in_the_tenant(workshop: Stage, role: str) -> None:
    who = ROLES[role]
    made = workshop.service.post(PROMPTS, who, PROMPT)
    assert made.status == 201, made
    path = f"{PROMPTS}/{made.json['prompt']['id']}"

    assert workshop.service.put(path, who, {"description": "y"}).status == 200
    assert workshop.service.delete(path, who).status == 200


@pytest.mark.parametrize("tenant", [DIGITAL_HEALTH, PHARMA])
def test_tools_are_not_written_where_the_tenant_does_not_manage_them(service: Service, tenant: str) -> None:
    """As the tenants' settings are shipped."""
    for who in (admin(tenant), super_admin(tenant)):
        refusal(service.post(TOOLS, who, {"name": "x", "code": "x"}), 403)


def test_a_super_admin_is_one_in_every_tenant(service: Service) -> None:
    for tenant in (PLATFORM, DIGITAL_HEALTH, PHARMA, STRANGER):
        assert tenants_seen(looks(service, super_admin(tenant))) == {tenant, PLATFORM}


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


@pytest.mark.parametrize("probe", ["/health/live", "/health/ready"])
def test_probes_need_no_credential_and_tell_nothing(service: Service, probe: str) -> None:
    answer = service.get(probe)

    assert answer.status == 200, answer
    words = re.findall(r'"([^"]*)"', answer.text)
    assert all(re.fullmatch(r"[a-z_ ]{1,30}", word) for word in words), answer


# --- keys ---


def test_a_key_for_reading_reads_its_tenant(service: Service, read_key: str) -> None:
    assert tenants_seen(looks(service, key(read_key))) == {DIGITAL_HEALTH, PLATFORM}


def test_a_key_for_reading_writes_nothing(shared: Stage, service: Service, read_key: str) -> None:
    before = shared.count("prompts", DIGITAL_HEALTH)

    refusal(service.post(PROMPTS, key(read_key), PROMPT), 403)

    assert shared.count("prompts", DIGITAL_HEALTH) == before


def test_a_key_is_for_its_tenant_alone(service: Service, read_key: str) -> None:
    for other in (PHARMA, STRANGER):
        refusal(looks(service, key(read_key) | {"x-tenant-id": other}), 403)


def test_a_key_for_writing_writes_for_its_tenant(workshop: Stage, manage: Manage) -> None:
    who = key(stage.new_key(workshop.database, manage, "digital-health", "write"))

    made = workshop.service.post(PROMPTS, who, PROMPT | {"name": "Made by a key"})

    assert made.status == 201, made
    assert made.json["prompt"]["tenant_id"] == DIGITAL_HEALTH
    refusal(workshop.service.post(PROMPTS, who | {"x-tenant-id": PHARMA}, PROMPT), 403)


def test_a_key_that_has_ended_is_refused_within_a_second(workshop: Stage, manage: Manage) -> None:
    ends = (
        "UPDATE vital.api_key SET revoked_at = now()",
        "UPDATE vital.api_key SET expires_at = now()",
        "DELETE FROM vital.api_key",
    )
    callers = [key(stage.new_key(workshop.database, manage, "digital-health", "read")) for _ in ends]
    assert [looks(workshop.service, who).status for who in callers] == [200] * len(ends)

    for end, who in zip(ends, callers, strict=True):
        workshop.sql(f"{end} WHERE %s LIKE prefix || '%%'", who["x-api-key"])

    time.sleep(1)
    for who in callers:
        refusal(looks(workshop.service, who), 401)


def test_a_key_for_the_metrics_opens_nothing_else(workshop: Stage, manage: Manage) -> None:
    who = key(stage.new_key(workshop.database, manage, "digital-health", "metrics"))

    assert workshop.service.get("/metrics", who).status == 200
    refusal(looks(workshop.service, who), 403)
    refusal(workshop.service.post(PROMPTS, who, PROMPT), 403)


def test_a_key_for_reading_sees_no_metrics(service: Service, read_key: str) -> None:
    assert service.get("/metrics", key(read_key)).status in {401, 403}


def test_keys_are_stored_hashed(shared: Stage, read_key: str) -> None:
    stored = shared.sql("SELECT k::text FROM vital.api_key AS k")

    assert stored
    assert not [row for (row,) in stored if read_key in row]


# --- the admin session ---


@pytest.fixture(scope="module")
def session(workshop: Stage, manage: Manage) -> Who:
    """The cookies of a superuser of the admin who has logged in."""
    password = uuid4().hex
    secret = {"DJANGO_SUPERUSER_PASSWORD": password}
    command = ("createsuperuser", "--noinput", "--username", "root", "--email", "root@example.org")
    done = manage(workshop.database, *command, env=secret)
    assert done.returncode == 0, said(done)
    page = workshop.service.get("/admin/login/")
    csrf = cookies(page)["csrftoken"]
    form = {"username": "root", "password": password, "csrfmiddlewaretoken": csrf}
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": f"csrftoken={csrf}"}
    answer = workshop.service.call("POST", "/admin/login/?next=/admin/", headers, urlencode(form).encode())
    assert answer.status == 302, answer
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies(answer).items())}


def cookies(answer: Answer) -> dict[str, str]:
    jar = SimpleCookie("; ".join(line.split(";")[0] for line in answer.headers.get_all("Set-Cookie") or []))
    return {name: morsel.value for name, morsel in jar.items()}


def test_the_admins_session_reads_every_tenant(workshop: Stage, session: Who) -> None:
    assert tenants_seen(looks(workshop.service, session | {"x-tenant-id": PHARMA})) == {PHARMA, PLATFORM}


def test_a_session_writes_only_with_its_token_against_forgery(workshop: Stage, session: Who) -> None:
    before = workshop.count("prompts", PHARMA)

    answer = workshop.service.post(PROMPTS, session | {"x-tenant-id": PHARMA}, PROMPT | {"name": "Forged"})

    refusal(answer, 403)
    assert workshop.count("prompts", PHARMA) == before


PAGES = (
    "tenants/tenantrecord", "tenants/tenant", "tenants/membership", "tenants/apikey", "migrations_ops/run",
    "migrations_ops/ledgerentry", "migrations_ops/finding", "catalog/tool", "catalog/agent", "auth/user",
)  # fmt: skip


@pytest.mark.parametrize("listed", PAGES)
def test_the_admin_opens_though_the_services_login_owns_nothing(workshop: Stage, session: Who, listed: str) -> None:
    assert workshop.service.get(f"/admin/{listed}/", session).status == 200


def test_a_stranger_is_led_to_the_admins_login(workshop: Stage) -> None:
    answer = workshop.service.get("/admin/catalog/tool/")

    assert (answer.status, answer.headers["location"]) == (302, "/admin/login/?next=/admin/catalog/tool/")


# --- demo mode ---


def test_demo_mode_takes_the_header_for_a_credential(demo: Stage) -> None:
    assert tenants_seen(looks(demo.service, {"x-tenant-id": DIGITAL_HEALTH})) == {DIGITAL_HEALTH, PLATFORM}


def test_demo_mode_without_a_header_shows_what_is_shared(demo: Stage) -> None:
    assert tenants_seen(looks(demo.service, NOBODY)) == {PLATFORM}
    refusal(demo.service.post(PROMPTS, NOBODY, PROMPT), 400)


def test_demo_mode_reads_the_tenant_from_a_local_subdomain(demo: Stage) -> None:
    answer = demo.service.get(f"{TOOLS}?search={SEARCH}", NOBODY, host=f"pharma.localhost:{demo.service.port}")

    assert tenants_seen(answer) == {PHARMA, PLATFORM}


def test_demo_mode_knows_no_tenant_that_is_not_there(demo: Stage) -> None:
    refusal(looks(demo.service, {"x-tenant-id": UNKNOWN}), 403)
    refusal(looks(demo.service, {"x-tenant-id": "not-a-uuid"}), 400)


@pytest.mark.parametrize("host", ["pharma.example.org", "192.0.2.7", "localhost.example.org", "evil.example.net"])
def test_demo_mode_answers_to_local_names_only(demo: Stage, host: str) -> None:
    answer = demo.service.get(f"{TOOLS}?search={SEARCH}", {"x-tenant-id": DIGITAL_HEALTH}, host=host)

    refusal(answer, answer.status)
    assert answer.status in {400, 401, 403}


@pytest.fixture
def public_demo(demo: Stage) -> Iterator[Service]:
    settings = {
        "VITAL_DEMO": "1",
        "VITAL_DEMO_PUBLIC": "1",
        "VITAL_SECRET_KEY": PRODUCTION["VITAL_SECRET_KEY"],
        "VITAL_ALLOWED_HOSTS": "demo.example.org,127.0.0.1",
    }
    with served(demo.login, settings) as service:
        yield service


def test_a_public_demo_answers_to_its_own_names(public_demo: Service) -> None:
    query, who = f"{TOOLS}?search={SEARCH}", {"x-tenant-id": DIGITAL_HEALTH}

    assert public_demo.get(query, who, host="demo.example.org").status == 200
    assert public_demo.get(query, who, host="other.example.org").status == 400
