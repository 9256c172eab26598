"""Supabase's session as its browser and SSR clients keep it in cookies, in each form that they have had."""

import base64
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from tests.support.tokens import Who

NAME = "sb-abcdefghijklmnopqrst-auth-token"
ANOTHER = "sb-zyxwvutsrqponmlkjihg-auth-token"
Cookies = Mapping[str, str]


def session(signed: str) -> dict[str, Any]:
    """What is kept: the token, and much beside it that nobody should believe."""
    person = {"id": "12345678-1234-4234-8234-123456789012", "email": "ada@example.org", "role": "service_role",
              "user_metadata": {"name": "Ädä; Łukasz, 100%"}, "app_metadata": {"role": "super_admin"}}  # fmt: skip
    return {
        "access_token": signed, "token_type": "bearer", "expires_in": 3600, "expires_at": int(time.time()) + 3600,
        "refresh_token": "v1.MjAyNg", "user": person,
    }  # fmt: skip


def encoded(value: object) -> str:
    """As clients write it today: base64url without padding."""
    return "base64-" + base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def percent(value: object) -> str:
    """As they wrote it before: JSON, percent-encoded by the cookie's own serialisation."""
    return quote(json.dumps(value, ensure_ascii=False), safe="")


def whole(text: str, name: str = NAME) -> Cookies:
    return {name: text}


def parts(text: str, number: int = 3, name: str = NAME) -> Cookies:
    size = -(-len(text) // number)
    return {f"{name}.{part}": text[part * size : (part + 1) * size] for part in range(number)}


def sent(*cookies: Cookies) -> Who:
    """The header that a browser makes of them."""
    return {"Cookie": "; ".join(f"{name}={value}" for some in cookies for name, value in some.items())}


def cookie(signed: str, **beside: str) -> Who:
    """A session in two parts, as most are, and other cookies beside it."""
    return sent(parts(encoded(session(signed)), 2), beside)
