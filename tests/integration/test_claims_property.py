"""Whatever stands in request.jwt.claims, asking whose request it is is no error; the answer is the tenant that the
claim names, or that of the caller's row in users, or none."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migrations_ops.phases.queries import query
from tenants.inventory import BoundRole
from tenants.isolation import bound
from tests.support import databases
from vital.db import sql

pytestmark = pytest.mark.server

ACTIVE = ("00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002")
SUSPENDED, UNKNOWN = "00000000-0000-4000-8000-000000000003", "00000000-0000-4000-8000-000000000009"
PEOPLE = {
    "10000000-0000-4000-8000-000000000001": ACTIVE[0],
    "10000000-0000-4000-8000-000000000002": SUSPENDED,
    "10000000-0000-4000-8000-000000000003": None,
}
TABLES = """
    CREATE SCHEMA vital;
    CREATE TABLE tenants (id uuid PRIMARY KEY, is_active boolean NOT NULL, tenant uuid, claims text);
    CREATE TABLE users (id uuid PRIMARY KEY, tenant_id uuid, caller uuid, claim text)
"""
ROLES = {
    "by claim": BoundRole("web", "own", ("app_metadata", "tenant_id"), None, ()),
    "by claim or user": BoundRole("Web 2", "own", ("app_metadata", "tenant_id"), ("public.users", "id"), ()),
}
IDS = st.sampled_from([*ACTIVE, SUSPENDED, UNKNOWN, *PEOPLE, ACTIVE[0].upper(), f"{{{ACTIVE[1]}}}", "", "nobody"])
SCALARS = IDS | st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
KEYS = st.sampled_from(["app_metadata", "tenant_id", "sub", "user_metadata", "role", "0"])
ANYTHING = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4))
TOKENS = st.fixed_dictionaries(
    {}, optional={"app_metadata": st.fixed_dictionaries({}, optional={"tenant_id": SCALARS}) | ANYTHING, "sub": SCALARS}
)
HALVES = TOKENS.map(json.dumps).flatmap(lambda text: st.sampled_from([text[:-1], text + text, text[1:]]))
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
Asked = psycopg.Connection[Any]


@pytest.fixture(scope="module")
def asked(server_url: str) -> Iterator[Asked]:
    scratch = databases.create_empty(server_url)
    try:
        with psycopg.connect(scratch.owner_url, autocommit=True) as connection:
            connection.execute(TABLES)
            for tenant in (*ACTIVE, SUSPENDED):
                connection.execute("INSERT INTO tenants VALUES (%s, %s)", [tenant, tenant != SUSPENDED])
            for person in PEOPLE.items():
                connection.execute("INSERT INTO users VALUES (%s, %s)", person)
            for role in ROLES.values():
                routine = bound.tenant_function(role, "public.tenants")
                parts = {"function": sql.ident("vital", routine.name), "body": sql.literal(routine.body)}
                connection.execute(sql.text_of(query("create_tenant_function", **parts)).encode())
            yield connection
    finally:
        databases.drop(scratch)


def answer(connection: Asked, role: BoundRole, claims: str) -> str | None:
    connection.execute("SELECT set_config('request.jwt.claims', %s, false)", [claims])
    signature = bound.tenant_function(role, "public.tenants").signature
    (found,) = connection.execute(f"SELECT {signature}".encode()).fetchone() or ("no row",)
    return str(found) if found else None


def meant(role: BoundRole, claims: str) -> str | None:
    """Whose request it is, read independently."""
    try:
        token = json.loads(claims)
    except (ValueError, RecursionError):
        return None
    if not isinstance(token, dict):
        return None
    metadata = token.get("app_metadata")
    tenant = metadata.get("tenant_id") if isinstance(metadata, dict) else None
    if tenant is None and role.users:
        tenant = PEOPLE.get(as_id(token.get("sub")) or "")
    found = as_id(tenant)
    return found if found in ACTIVE else None


def as_id(value: object) -> str | None:
    """A text that PostgreSQL reads as this id."""
    try:
        return str(UUID(value)) if isinstance(value, str) else None
    except ValueError:
        return None


@pytest.mark.parametrize("how", ROLES)
@settings(max_examples=300, deadline=None)
@given(claims=TEXTS | ANYTHING.map(json.dumps) | TOKENS.map(json.dumps) | HALVES)
def test_any_text_is_no_error_and_names_no_other_tenant(asked: Asked, how: str, claims: str) -> None:
    role = ROLES[how]

    assert answer(asked, role, claims) in {None, meant(role, claims)}


@pytest.mark.parametrize("how", ROLES)
@settings(max_examples=150, deadline=None)
@given(tenant=IDS | st.none(), sub=IDS, further=st.dictionaries(st.sampled_from(["role", "aud", "user_metadata"]), IDS))
def test_a_token_names_its_tenant(
    asked: Asked, how: str, tenant: str | None, sub: str, further: dict[str, str]
) -> None:
    role, claims = ROLES[how], json.dumps({"app_metadata": {"tenant_id": tenant}, "sub": sub, **further})

    assert answer(asked, role, claims) == meant(role, claims)


ODD = {
    "very deep": "[" * 100_000,
    "very long": '{"sub": "' + "x" * 5_000_000 + '"}',
    "a number beyond all": '{"sub": 1e999999999}',
    "a null byte": '{"app_metadata": {"tenant_id": "\\u0000"}}',
    "half a character": '{"app_metadata": {"tenant_id": "\\ud800"}}',
}


@pytest.mark.parametrize("what", ODD)
@pytest.mark.parametrize("how", ROLES)
def test_odd_texts_are_nobodys(asked: Asked, how: str, what: str) -> None:
    assert answer(asked, ROLES[how], ODD[what]) is None
