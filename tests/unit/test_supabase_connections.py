"""Which of Supabase's connections a URL is, and whether it fits those who use it."""

import pytest
from django.test import override_settings

from migrations_ops.diagnostics.result import FAIL, OK, WARN
from migrations_ops.diagnostics.supabase_checks import COMMANDS, SERVICE, TOKENS, ways_in
from vital.settings import database

PROJECT = "abcdefghijklmnopqrst"
POOLER = "aws-0-eu-central-1.pooler.supabase.com"
DIRECT = f"postgresql://postgres:pw@db.{PROJECT}.supabase.co:5432/postgres"
SESSION = f"postgresql://postgres.{PROJECT}:pw@{POOLER}:5432/postgres"
TRANSACTION = f"postgresql://vital_service.{PROJECT}:pw@{POOLER}:6543/postgres"


def said(commands: str, service: str, **given: str) -> dict[str, str]:
    """Name → state and words, with these settings for tokens."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("FOR_COMMANDS", commands)
        environment.setenv("FOR_SERVICE", service)
        theirs, ours = database("FOR_SERVICE"), database("FOR_COMMANDS")
    tokens = {"JWKS_URL": "", "JWT_SECRET": ""} | given
    with override_settings(SERVICE_DATABASE=theirs, **tokens):
        return {one.name: f"{one.state} {one.seen} {one.fix}" for one in ways_in(ours, 60)}


@pytest.mark.parametrize(
    ("commands", "state", "words"),
    [
        (DIRECT, OK, f"the direct connection (db.{PROJECT}.supabase.co:5432): fits a run"),
        (SESSION, OK, f"the session pooler ({POOLER}:5432): fits a run"),
        (TRANSACTION, FAIL, f"the transaction pooler ({POOLER}:6543), and a run needs a session of its own"),
        (DIRECT.replace("5432", "6543"), FAIL, "VITAL_MIGRATIONS_DATABASE_URL"),
        ("postgresql://postgres:pw@127.0.0.1:54322/postgres", OK, "the direct connection (127.0.0.1:54322)"),
    ],
)
def test_what_commands_connect_by(commands: str, state: str, words: str) -> None:
    found = said(commands, DIRECT)[COMMANDS]

    assert found.startswith(state)
    assert words in found


@pytest.mark.parametrize(
    ("service", "state", "words"),
    [
        (TRANSACTION, OK, "as vital_service: fits"),
        (TRANSACTION.replace("6543", "5432"), WARN, "each connection keeps one of the pooler's processes"),
        (TRANSACTION.replace(f".{PROJECT}:", ":"), FAIL, f"Write vital_service.{PROJECT} in DATABASE_URL"),
        (TRANSACTION.replace("vital_service", "postgres"), FAIL, "as postgres, whom no policy binds"),
        (DIRECT, OK, "no connection of its own is set here"),
        (DIRECT.replace("postgres:pw", "vital_service:pw"), OK, "each of its connections is one of the server's 60"),
    ],
)
def test_what_the_service_connects_by(service: str, state: str, words: str) -> None:
    found = said(DIRECT, service)[SERVICE]

    assert found.startswith(state)
    assert words in found


@pytest.mark.parametrize(
    ("given", "state", "words"),
    [
        ({}, WARN, f"VITAL_JWKS_URL=https://{PROJECT}.supabase.co/auth/v1/.well-known/jwks.json"),
        ({"JWKS_URL": f"https://{PROJECT}.supabase.co/auth/v1/.well-known/jwks.json"}, OK, "signing keys"),
        ({"JWKS_URL": "https://auth.example.com/auth/v1/.well-known/jwks.json"}, OK, "auth.example.com"),
        ({"JWKS_URL": "https://another.supabase.co/auth/v1/.well-known/jwks.json"}, WARN, "not of this project"),
        ({"JWT_SECRET": "x" * 40}, OK, "HS256 by the legacy secret"),
    ],
)
def test_what_tokens_are_accepted(given: dict[str, str], state: str, words: str) -> None:
    found = said(SESSION, TRANSACTION, **given)[TOKENS]

    assert found.startswith(state)
    assert words in found
    assert "x" * 40 not in found
