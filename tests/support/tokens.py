"""The headers of a caller: a person's token, an API key, or nothing."""

import time
from typing import Any
from uuid import uuid4

import jwt

from tests.support.service import JWT_SECRET

Who = dict[str, str]
NOBODY: Who = {}


def token(tenant: str | None, app_role: str | None = "user", /, *, secret: str = JWT_SECRET, **claims: Any) -> str:
    """A token as Supabase signs it: tenant and role under app_metadata; a claim given as None is left out."""
    metadata = {"role": app_role, "tenant_id": tenant}
    standard = {
        "aud": "authenticated",
        "exp": int(time.time()) + 24 * 3600,
        "sub": str(uuid4()),
        "role": "authenticated",
        "app_metadata": {name: value for name, value in metadata.items() if value is not None},
    }
    chosen = {name: value for name, value in (standard | claims).items() if value is not None}
    return jwt.encode(chosen, secret, algorithm="HS256")


def bearer(signed: str) -> Who:
    return {"Authorization": f"Bearer {signed}"}


def user(tenant: str) -> Who:
    return bearer(token(tenant))


def admin(tenant: str) -> Who:
    return bearer(token(tenant, "admin"))


def super_admin(tenant: str | None = None) -> Who:
    """A super admin without a tenant of its own; `tenant` is the one it chooses by the header."""
    return bearer(token(None, "super_admin")) | ({"x-tenant-id": tenant} if tenant else {})


def key(secret: str) -> Who:
    return {"x-api-key": secret}
