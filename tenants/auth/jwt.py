"""Supabase-style tokens: HS256 with a secret, or RS256/ES256 with the keys of a JWKS address."""

import hashlib
import time
from functools import cache
from typing import Any

import jwt
from django.conf import settings

from tenants.errors import BadCredential, CredentialExpired, CredentialRefused, Unavailable
from tenants.ttl_cache import Memory

Claims = dict[str, Any]
ASYMMETRIC = ["RS256", "ES256"]
NEW_KEYS_EVERY = 10  # seconds: an unknown key id asks the issuer again, but no flood of them does
_verified: Memory[Claims] = Memory(10_000)


class KeySet(jwt.PyJWKClient):
    """The issuer's keys, kept for five minutes; a new key id fetches them again, at most every ten seconds."""

    last_fetch = -float(NEW_KEYS_EVERY)

    def get_signing_keys(self, refresh: bool = False) -> list[jwt.PyJWK]:
        if refresh:
            if time.monotonic() - self.last_fetch < NEW_KEYS_EVERY:
                raise jwt.PyJWKClientError("no such key")
            self.last_fetch = time.monotonic()
        return super().get_signing_keys(refresh)


@cache
def _key_set(address: str) -> KeySet:
    return KeySet(address, cache_keys=False, lifespan=300, timeout=5)


def can_verify() -> bool:
    """Whether there is anything to check a signature with."""
    return bool(settings.JWT_SECRET or settings.JWKS_URL)


def claims_of(token: str) -> Claims:
    """What a token says once its signature, audience and expiry are good. Raises Unauthorized, or Unavailable."""
    key = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
    claims = _verified.recall(key, lambda: _verify(token))
    if claims["exp"] <= time.time():
        raise CredentialExpired
    return claims


def _verify(token: str) -> Claims:
    try:
        algorithm = str(jwt.get_unverified_header(token).get("alg"))
        claims: Claims = jwt.decode(
            token,
            _key(token, algorithm),
            algorithms=[algorithm],
            audience=settings.JWT_AUDIENCE,
            issuer=settings.JWT_ISSUER or None,
            options={"require": ["exp", "aud"]},
        )
    except jwt.PyJWKClientConnectionError as error:
        raise Unavailable("The keys of the token's issuer cannot be fetched just now; try again.") from error
    except jwt.ExpiredSignatureError as error:
        raise CredentialExpired from error
    except (jwt.PyJWTError, UnicodeError, ValueError) as error:
        raise BadCredential("The token is not valid here.") from error
    if not isinstance(claims["exp"], int | float):
        raise CredentialRefused
    return claims


def _key(token: str, algorithm: str) -> Any:
    """The key that this algorithm is allowed to use: a public key is never taken for a secret, nor the reverse."""
    if algorithm == "HS256" and settings.JWT_SECRET:
        return settings.JWT_SECRET
    if algorithm in ASYMMETRIC and settings.JWKS_URL:
        return _key_set(settings.JWKS_URL).get_signing_key_from_jwt(token).key
    raise jwt.InvalidAlgorithmError
