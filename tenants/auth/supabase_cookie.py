"""The session that Supabase's browser and SSR clients keep in cookies: `sb-<ref>-auth-token`, whole or in parts.

What is in it is JSON, plain or as `base64-` and base64url: an object with an `access_token`, formerly a list that
begins with it. Nothing of it is believed but the token, once that is checked as any other.
"""

import base64
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from tenants.auth import jwt
from tenants.errors import BadCredential, CredentialExpired, CredentialRefused, Unauthorized
from vital import shapes

NAME = re.compile(r"(?P<session>sb-[A-Za-z0-9_-]{1,64}-auth-token)(\.(0|[1-9][0-9]?))?", re.ASCII)
LONGEST = 65_536  # characters of them all: a browser keeps 4,096 bytes a cookie, and Supabase needs a handful
MOST = 5  # sessions: on localhost those of every project meet
ENCODED = "base64-"


def claims_of(header: str, cookies: Mapping[str, str]) -> jwt.Claims | None:
    """What the one session says whose token is good here; None where no cookie is one, or all of them are empty.
    `header` is what the cookies were read from.

    Raises Unauthorized where none is good, or more than one, and Unavailable.
    """
    parts = {name: value for name, value in cookies.items() if value and NAME.fullmatch(name)}
    if not parts:
        return None
    _refuse_twice(header)
    sessions = {found["session"] for name in parts if (found := NAME.fullmatch(name))}
    if sum(map(len, parts.values())) > LONGEST or len(sessions) > MOST:
        raise CredentialRefused("The session cookies are larger, or more, than this service reads.")
    good, bad = list[jwt.Claims](), list[Unauthorized]()
    for session in sorted(sessions):
        try:
            good.append(jwt.claims_of(_access_token(parts, session)))
        except Unauthorized as refusal:
            bad.append(refusal)
    if len(good) > 1:
        raise CredentialRefused("The cookies of two sessions are good here; log out of one.")
    if not good:
        raise next((refusal for refusal in bad if isinstance(refusal, CredentialExpired)), bad[0])
    return good[0]


def _refuse_twice(header: str) -> None:
    """A neighbouring host can set a cookie of this name for the domain above both, beside the person's own."""
    seen: dict[str, str] = {}
    for pair in header.split(";"):
        name, _, value = (text.strip() for text in pair.partition("="))
        if NAME.fullmatch(name) and seen.setdefault(name, value) != value:
            raise CredentialRefused("A session cookie was sent twice, with two values.")


def _access_token(parts: Mapping[str, str], session: str) -> str:
    try:
        found = shapes.parsed(_decoded(_joined(parts, session)))
        return _token_in(found)
    except (ValueError, LookupError) as error:
        raise BadCredential(
            "The session cookie cannot be read: a part is missing, or it is none of Supabase's."
        ) from error


def _joined(parts: Mapping[str, str], session: str) -> str:
    """The whole one, else the parts as far as they follow one another; a longer session before may have left more."""
    if session in parts:
        return parts[session]
    text, number = parts[f"{session}.0"], 1
    while (part := parts.get(f"{session}.{number}")) is not None:
        text, number = text + part, number + 1
    return text


def _decoded(text: str) -> str:
    """Percent-encoded where a client found in it what no cookie may have."""
    text = unquote(text, errors="strict")
    if not text.startswith(ENCODED):
        return text
    encoded = text.removeprefix(ENCODED).rstrip("=")
    return base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True).decode()


def _token_in(session: Any) -> str:
    token = session["access_token"] if isinstance(session, dict) else session[0] if isinstance(session, list) else None
    if not isinstance(token, str) or not token.isascii():
        raise ValueError
    return token
