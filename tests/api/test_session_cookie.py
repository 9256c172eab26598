"""Supabase's session cookie as a credential: each form of it is read, nothing that is broken is, and a token in it
opens what it opens as a bearer's."""

import time
from collections.abc import Mapping

import pytest

from tests.api.test_bad_credentials import BAD
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.contract import DOMAINS, TOOLS, refusal
from tests.support.requests import search_tools, tenants_seen
from tests.support.service import Service
from tests.support.session_cookies import ANOTHER, NAME, Cookies, cookie, encoded, parts, percent, sent, session, whole
from tests.support.tokens import Who, bearer, key, token, user

SIGNED = token(PHARMA)
SESSION = session(SIGNED)
PLAIN = f'{{"access_token":"{SIGNED}","refresh_token":"v1"}}'
TWICE = f'{{"access_token":"{SIGNED}","access_token":"x"}}'
FORMER = [SIGNED, "v1.MjAyNg", None, None, None]
FOREIGN = session(token(PHARMA, secret="another-secret-that-is-long-enough-for-hs256"))
EXPIRED = session(token(PHARMA, exp=int(time.time()) - 60))

FORMS: dict[str, tuple[Cookies, ...]] = {
    "whole": (whole(encoded(SESSION)),),
    "whole, percent-encoded": (whole(percent(SESSION)),),
    "whole, plain": (whole(PLAIN),),
    "in quotes": (whole(f'"{encoded(SESSION)}"'),),
    "padded": (whole(encoded(SESSION) + "="),),
    "in two parts": (parts(encoded(SESSION), 2),),
    "in twelve parts": (parts(encoded(SESSION), 12),),
    "in parts, percent-encoded": (parts(percent(SESSION)),),
    "in parts, the last one first": (dict(reversed(list(parts(encoded(SESSION)).items()))),),
    "a list": (whole(percent(FORMER)),),
    "a list in parts": (parts(encoded(FORMER)),),
    "whole beside parts that are left over": (whole(encoded(SESSION)), parts(encoded(EXPIRED))),
    "a part behind a gap": (parts(encoded(SESSION)), {f"{NAME}.7": "left-over"}),
    "beside an empty one": (whole(encoded(SESSION)), whole("", ANOTHER)),
    "beside another project's": (whole(encoded(SESSION)), whole(encoded(FOREIGN), ANOTHER)),
    "beside a broken one": (whole("broken", ANOTHER), whole(encoded(SESSION))),
    "beside its code verifier": (whole(encoded(SESSION)), {f"{NAME}-code-verifier": "base64-eyJ"}),
    "beside names that are none": (whole(encoded(SESSION)), {"sb--auth-token": "x", "sb-x-auth-token.01": "x"}),
}


@pytest.mark.parametrize("name", FORMS)
def test_each_form_is_read(service: Service, name: str) -> None:
    assert tenants_seen(search_tools(service, sent(*FORMS[name]))) == {PHARMA, PLATFORM}


CUT = parts(encoded(SESSION))
BROKEN: dict[str, tuple[Cookies, ...]] = {
    "no json": (whole("base64-"),),
    "a word": (whole("null"),),
    "a number": (whole("7"),),
    "an empty list": (whole("[]"),),
    "a list of nothing": (whole("[null]"),),
    "an empty object": (whole("{}"),),
    "a token that is none": (whole(percent({"access_token": ["a"]})),),
    "an empty token": (whole(percent({"access_token": ""})),),
    "half of it": (whole(encoded(SESSION)[:200]),),
    "signs that base64 has not": (whole("base64-eyJ.*"),),
    "one sign of base64": (whole("base64-e"),),
    "no utf-8 in base64": (whole("base64-__79"),),
    "no utf-8, percent-encoded": (whole("%FF%FE"),),
    "half of a character": (whole('{"access_token":"\\ud800"}'),),
    "other letters": (whole(percent({"access_token": "тенант"})),),
    "deeper than anybody reads": (whole("[" * 50_000),),
    "a name twice": (whole(TWICE),),
    "a number that never ends": (whole('{"access_token":1' + "0" * 5000 + "}"),),
    "without its first part": ({name: text for name, text in CUT.items() if not name.endswith(".0")},),
    "without a part in its midst": ({name: text for name, text in CUT.items() if not name.endswith(".1")},),
    "without its last part": ({name: text for name, text in CUT.items() if not name.endswith(".2")},),
    "parts in the wrong order": (dict(zip(CUT, list(CUT.values())[::-1], strict=True)),),
    "longer than anybody reads": (parts(encoded(SESSION | {"more": "x" * 60_000}), 30),),
    "of another project alone": (whole(encoded(FOREIGN), ANOTHER),),
    "expired": (whole(encoded(EXPIRED)),),
    "two that are good": (whole(encoded(SESSION)), whole(encoded(session(token(DIGITAL_HEALTH))), ANOTHER)),
    "of six projects": (whole(encoded(SESSION)), *(whole("x", f"sb-{n}-auth-token") for n in range(5))),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_refused_where_nothing_is_needed_too(service: Service, name: str) -> None:
    who = sent(*BROKEN[name])

    refusal(search_tools(service, who), 401)
    refusal(service.get(DOMAINS, who), 401)


def test_an_expired_one_says_so_whatever_is_beside_it(service: Service) -> None:
    answer = search_tools(
        service, sent(whole("broken", ANOTHER), whole(encoded(EXPIRED)), whole("x", "sb-x-auth-token"))
    )

    refusal(answer, 401)
    assert answer.json["code"] == "credential_expired"


@pytest.mark.parametrize("second", [encoded(session(token(DIGITAL_HEALTH))), "x", ""])
def test_one_that_is_sent_twice_is_never_a_choice(service: Service, second: str) -> None:
    """A page of a neighbouring host can set one for the domain above both."""
    first = encoded(SESSION)
    for values in ((first, second), (second, first)):
        refusal(search_tools(service, {"Cookie": "; ".join(f"{NAME}={value}" for value in values)}), 401)
    same = {"Cookie": f"{NAME}={first}; {NAME}={first}"}
    assert tenants_seen(search_tools(service, same)) == {PHARMA, PLATFORM}


TOKENS = {name: who["Authorization"].removeprefix("Bearer ") for name, who in BAD.items() if "Authorization" in who}


@pytest.mark.parametrize("name", [name for name, signed in TOKENS.items() if signed.strip() and "Basic" not in signed])
def test_a_token_that_is_no_bearers_is_no_cookies(service: Service, name: str) -> None:
    as_bearer, as_cookie = search_tools(service, bearer(TOKENS[name])), search_tools(service, cookie(TOKENS[name]))

    refusal(as_bearer, 401)
    assert (as_cookie.status, as_cookie.body) == (401, as_bearer.body)


# --- beside other credentials ---


def test_the_first_credential_counts_and_a_bad_one_is_not_passed_over(service: Service, read_key: str) -> None:
    mine = cookie(token(PHARMA))

    assert tenants_seen(search_tools(service, user(DIGITAL_HEALTH) | mine)) == {DIGITAL_HEALTH, PLATFORM}
    assert tenants_seen(search_tools(service, key(read_key) | mine)) == {DIGITAL_HEALTH, PLATFORM}
    explicit: tuple[Who, ...] = (bearer("garbage"), {"Authorization": ""}, key("vital_unknown"), key(""))
    for bad in explicit:
        refusal(search_tools(service, bad | mine), 401)


def test_a_header_that_is_good_needs_no_good_cookie(service: Service) -> None:
    for name in BROKEN:
        assert tenants_seen(search_tools(service, user(PHARMA) | sent(*BROKEN[name]))) == {PHARMA, PLATFORM}


# --- what is remembered is nobody else's ---


@pytest.mark.parametrize("path", [f"{TOOLS}?limit=3&category=cookies", DOMAINS, "/api/tenants"])
def test_no_answer_is_another_callers(service: Service, path: str) -> None:
    callers: Mapping[str, Who] = {tenant: cookie(token(tenant)) for tenant in (PHARMA, DIGITAL_HEALTH)}
    found = dict[str, str]()
    for _ in range(3):
        for tenant, who in callers.items():
            answer = service.get(path, who)
            assert answer.headers["x-tenant-id"] == tenant
            assert {"cookie", "authorization", "x-api-key", "x-tenant-id"} <= {
                name.strip().lower() for name in answer.headers["Vary"].split(",")
            }
            assert answer.headers["Cache-Control"] == "private, no-cache"
            assert found.setdefault(tenant, answer.etag) == answer.etag
    assert found[PHARMA] != found[DIGITAL_HEALTH]
    not_mine = callers[PHARMA] | {"if-none-match": found[DIGITAL_HEALTH]}
    assert service.get(path, not_mine).status == 200
    if path != DOMAINS:
        refusal(service.get(path), 401)
