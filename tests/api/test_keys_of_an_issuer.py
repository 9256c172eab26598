"""Tokens that an issuer signs with a key of its own, which it publishes (JWKS)."""

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.cast import PHARMA, PLATFORM
from tests.support.cast_rows import SEARCH
from tests.support.contract import refusal
from tests.support.service import PRODUCTION, Answer, Service, served
from tests.support.service_under_test import ServiceUnderTest
from tests.support.tokens import Who, bearer, token

AUDIENCE = "vital-tests"
LOOK = f"/api/tools-crud?search={SEARCH}"


@cache
def private_key(name: str) -> rsa.RSAPrivateKey:
    """A key of this name, always the same one."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_pem(name: str) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return private_key(name).public_key().public_bytes(serialization.Encoding.PEM, form)


def signed(name: str, kid: str | None = None, algorithm: str = "RS256", **claims: Any) -> Who:
    """A token of Pharma's that says it was signed with the key `kid`."""
    metadata = {"role": "user", "tenant_id": PHARMA}
    standard = {"aud": AUDIENCE, "exp": int(time.time()) + 600, "sub": str(uuid4()), "role": "authenticated"}
    headers = {"kid": kid or name}
    return bearer(jwt.encode(standard | {"app_metadata": metadata} | claims, private_key(name), algorithm, headers))


class Published(BaseHTTPRequestHandler):
    """The issuer's page of public keys; it counts how often it is asked."""

    names: ClassVar[list[str]] = ["first"]
    asked: ClassVar[int] = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        keys = []
        for name in self.names:
            public = jwt.algorithms.RSAAlgorithm.to_jwk(private_key(name).public_key(), as_dict=True)
            keys.append(public | {"kid": name, "use": "sig", "alg": "RS256"})
        body = json.dumps({"keys": keys}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: pytest shows what a test prints."""


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Published) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/.well-known/jwks.json"
        server.shutdown()


@pytest.fixture(scope="module")
def trusting(shared_service: ServiceUnderTest, issuer: str) -> Iterator[Service]:
    """A service that knows the issuer's address, another audience, and no secret."""
    settings = {name: value for name, value in PRODUCTION.items() if name != "SUPABASE_JWT_SECRET"}
    with served(shared_service.login, settings | {"VITAL_JWKS_URL": issuer, "VITAL_JWT_AUDIENCE": AUDIENCE}) as service:
        yield service


def look(trusting: Service, who: Who) -> Answer:
    return trusting.get(LOOK, who)


def test_a_token_signed_with_a_published_key_is_good(trusting: Service) -> None:
    answer = look(trusting, signed("first"))

    assert answer.status == 200, answer
    assert {tool["tenant_id"] for tool in answer.json["tools"]} == {PHARMA, PLATFORM}


def test_the_audience_is_the_settings(trusting: Service) -> None:
    assert look(trusting, signed("first", aud=["others", AUDIENCE])).status == 200
    refusal(look(trusting, signed("first", aud="authenticated")), 401)


@pytest.mark.parametrize("claims", [{"exp": 1}, {"aud": "others"}, {"role": "anon"}], ids=str)
def test_a_good_signature_is_not_enough(trusting: Service, claims: dict[str, Any]) -> None:
    refusal(look(trusting, signed("first", **claims)), 401)


def test_a_key_that_nobody_published_signs_nothing(trusting: Service) -> None:
    refusal(look(trusting, signed("stranger", kid="first")), 401)
    refusal(look(trusting, signed("stranger")), 401)


def test_a_public_key_is_not_taken_for_a_secret(trusting: Service) -> None:
    """A library refuses to sign like this; whoever attacks does it by hand."""
    head = {"alg": "HS256", "typ": "JWT", "kid": "first"}
    claims = jwt.decode(signed("first")["Authorization"].split()[1], options={"verify_signature": False})
    message = b".".join(urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (head, claims))
    mac = hmac.HMAC(public_pem("first"), hashes.SHA256())
    mac.update(message)
    forged = b".".join([message, urlsafe_b64encode(mac.finalize()).rstrip(b"=")])

    refusal(look(trusting, bearer(forged.decode())), 401)


def test_without_a_secret_no_secret_is_good(trusting: Service) -> None:
    refusal(look(trusting, bearer(token(PHARMA, aud=AUDIENCE))), 401)
    refusal(look(trusting, bearer("eyJhbGciOiJIUzI1NiJ9.e30.")), 401)


def test_a_flood_of_unknown_keys_is_not_passed_on(trusting: Service) -> None:
    before = Published.asked

    for number in range(30):
        refusal(look(trusting, signed("stranger", kid=f"unknown-{number}")), 401)

    assert Published.asked - before <= 3, "the issuer is not asked for every token that anybody sends"


def test_a_service_with_a_secret_takes_no_other_kind(service: Service) -> None:
    refusal(look(service, signed("first", aud="authenticated")), 401)


@pytest.mark.slow
def test_an_issuer_that_is_down_is_no_error_of_ours(shared_service: ServiceUnderTest) -> None:
    settings = PRODUCTION | {"VITAL_JWKS_URL": "http://127.0.0.1:9/jwks.json", "VITAL_JWT_AUDIENCE": AUDIENCE}
    with served(shared_service.login, settings) as service:
        answer = look(service, signed("first"))
        refusal(answer, answer.status)
        assert answer.status in {401, 503}
        assert look(service, bearer(token(PHARMA, aud=AUDIENCE))).status == 200, "a secret needs no issuer"
