"""Tokens as Supabase signs them, good for a few minutes."""

import time
from collections.abc import Callable
from uuid import uuid4

LIFETIME = 600  # seconds; an attack run of many tenants signs a new one for each


def signer(secret: str, audience: str, issuer: str) -> Callable[[str, str], str]:
    """(tenant, role) → a token for a person who does not exist, whose tenant and role are in the token itself."""
    import jwt  # slow to import

    def sign(tenant: str, role: str) -> str:
        claims = {
            "aud": audience,
            "exp": int(time.time()) + LIFETIME,
            "sub": str(uuid4()),
            "role": "authenticated",
            "app_metadata": {"role": role, "tenant_id": tenant},
        }
        return jwt.encode(claims | ({"iss": issuer} if issuer else {}), secret, algorithm="HS256")

    return sign
