"""The doctor on a Supabase-like database speaks of Supabase, and on any other does not."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support import pgbouncer, supabase
from tests.support.command_results import Manage, document, said
from tests.support.databases import Scratch, rows

pytestmark = [pytest.mark.server, pytest.mark.slow]

STATEMENTS = "SELECT 1 FROM pg_extension WHERE extname = 'pg_stat_statements'"


@pytest.fixture(scope="module")
def project(server_url: str) -> Iterator[Scratch]:
    with supabase.project(server_url, old=False) as scratch:
        yield scratch


def signs(manage: Manage, project: Scratch, **env: str) -> dict[str, dict[str, Any]]:
    """What the doctor says, by name; the last of each."""
    done = manage(project, "doctor", "--json", env={"VITAL_PLAN": str(supabase.PLAN)} | env)
    found = document(done)["signs"]
    assert all(bool(sign["fix"]) == (sign["state"] != "ok") for sign in found)
    return {sign["name"]: sign for sign in found}


def has_statements(project: Scratch) -> bool:
    return bool(rows(project.admin_url, STATEMENTS))


def of_supabase(found: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {name: sign["state"] for name, sign in found.items() if name.startswith("Supabase")}


def test_a_project_is_recognised_and_told_what_is_its_own(project: Scratch, manage: Manage) -> None:
    found = signs(manage, project)

    assert of_supabase(found) == {
        "Supabase": "ok",
        "Supabase, commands": "ok",
        "Supabase, service": "ok",
        "Supabase, tokens": "warn",
        "Supabase, pg_stat_statements": "ok" if has_statements(project) else "warn",
        "Supabase, dashboard only": "ok",
    }
    assert "tokens" not in found, "said once"
    assert found["roles outside isolation"]["fix"].startswith('Bind it: [[bind]] role = "authenticated"')
    assert found["role"]["state"] == "ok", "no other role owns a project's tables"
    assert "_realtime, auth, extensions, realtime, storage, vault" in found["Supabase"]["seen"]
    printed = manage(project, "doctor", env={"VITAL_PLAN": str(supabase.PLAN)}).stdout
    for sign in found.values():
        if sign["name"].startswith("Supabase"):
            assert f"{sign['name']}: {sign['seen']}\n" in printed, "one line each"


def test_what_is_not_as_it_should_be_is_told(project: Scratch, manage: Manage) -> None:
    tokens = {"VITAL_JWKS_URL": "https://abcdefgh.supabase.co/auth/v1/.well-known/jwks.json"}
    rows(project.admin_url, "ALTER ROLE authenticator SET pgrst.db_schemas = 'public, vital'")
    try:
        published = signs(manage, project, **tokens)
    finally:
        rows(project.admin_url, "ALTER ROLE authenticator RESET pgrst.db_schemas")
    rows(project.admin_url, "DROP EXTENSION IF EXISTS pg_stat_statements")

    found = signs(manage, project, **tokens)

    assert published["Supabase, browsers"]["state"] == "fail"
    assert "Supabase, browsers" not in found
    assert found["Supabase, tokens"]["seen"] == "signing keys of abcdefgh.supabase.co"
    assert found["Supabase, pg_stat_statements"]["state"] == "warn"


def test_a_transaction_pooler_is_recognised_behind_which_no_command_can_work(
    project: Scratch, server_url: str, manage: Manage
) -> None:
    with pgbouncer.transaction_mode(
        server_url, project, round_robin=True, login_url=project.owner_url, known_as="postgres.abcdefgh"
    ) as pooler:
        found = signs(manage, project, VITAL_MIGRATIONS_DATABASE_URL=pooler)
        made = manage(pooler, "create_login", "vital_service")

    assert found["the database"]["state"] == "fail"
    assert found["Supabase, commands"]["state"] == "fail"
    assert "session pooler (port 5432)" in found["Supabase, commands"]["fix"]
    assert found["Supabase, service"]["state"] == "fail", "the owner is no login for a service"
    assert made.returncode == 0, said(made)
    assert urlsplit(made.stdout.strip()).username == "vital_service.abcdefgh", "as the pooler knows it"


def test_of_any_other_database_nothing_is_said_of_supabase(legacy_template: Scratch, manage: Manage) -> None:
    done = manage(legacy_template, "doctor")

    assert done.returncode == 0, said(done)
    assert "Supabase" not in done.stdout
    assert "tokens: none is accepted" in done.stdout
