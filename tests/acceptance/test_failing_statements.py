"""A statement that fails, in any phase: what failed and what to do is said, nothing of it stays, and it continues."""

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import oracle
from tests.support.database_state import decided_twice, last_record
from tests.support.databases import Scratch, rows
from tests.support.queries import tenants_of_every_table

Manage = Callable[..., "subprocess.CompletedProcess[str]"]


@dataclass(frozen=True)
class Sabotage:
    """What makes one step of a phase fail, what must be said, and a question that is true if nothing of it was kept."""

    phase: str
    step: str
    table: str
    sqlstate: str
    cause: tuple[str, ...]
    cure: tuple[str, ...]
    untouched: str


def refuse_ddl(tag: str, command: str) -> tuple[str, ...]:
    """An event trigger, which only a superuser can make, that refuses one kind of statement about one thing."""
    return (
        "CREATE FUNCTION public.refuse_ddl() RETURNS event_trigger LANGUAGE plpgsql AS"
        f" $$BEGIN IF current_query() LIKE '%{command}%' THEN"
        " RAISE EXCEPTION 'not on my watch' USING ERRCODE = 'P0077'; END IF; END$$",
        f"CREATE EVENT TRIGGER refuse_ddl ON ddl_command_start WHEN TAG IN ('{tag}')"
        " EXECUTE FUNCTION public.refuse_ddl()",
    )


def refuse_rows(table: str, event: str, condition: str) -> tuple[str, ...]:
    return (
        "CREATE FUNCTION public.refuse_row() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN RAISE EXCEPTION 'not this row' USING ERRCODE = 'P0078'; END$$",
        f"CREATE TRIGGER refuse_row AFTER {event} ON {table} FOR EACH ROW WHEN ({condition})"
        " EXECUTE FUNCTION public.refuse_row()",
    )


ALLOW_DDL = ("DROP EVENT TRIGGER refuse_ddl", "DROP FUNCTION public.refuse_ddl()")
ALLOW_ROWS = ("DROP FUNCTION public.refuse_row() CASCADE",)

SABOTAGES = (
    Sabotage(
        "001_schema_fixes",
        "prompts refers to the tenants",
        "public.prompts",
        "P0077",
        cause=refuse_ddl("ALTER TABLE", "prompts_tenant_id_fkey"),
        cure=ALLOW_DDL,
        untouched="SELECT count(*) = 0 FROM pg_constraint WHERE contype = 'f' AND conname = 'prompts_tenant_id_fkey'",
    ),
    Sabotage(
        "002_tenant_setup",
        "tenants that are missing",
        "public.tenants",
        "P0078",
        cause=refuse_rows("tenants", "INSERT", "NEW.slug = 'pharma'"),
        cure=ALLOW_ROWS,
        untouched="SELECT count(*) = 1 FROM tenants",
    ),
    Sabotage(
        "003_platform_data",
        "tenant of prompts",
        "public.prompts",
        "P0078",
        cause=refuse_rows("prompts", "UPDATE OF tenant_id", "NEW.domain = 'general'"),
        cure=ALLOW_ROWS,
        untouched="SELECT NOT EXISTS (SELECT FROM prompts WHERE tenant_id IS NOT NULL)"
        " AND NOT EXISTS (SELECT FROM vital.ledger WHERE relation = 'public.prompts')",
    ),
    Sabotage(
        "004_tenant_data",
        "messages has an index by tenant",
        "public.messages",
        "P0077",
        cause=refuse_ddl("CREATE INDEX", "messages_tenant_id_idx"),
        cure=ALLOW_DDL,
        untouched="SELECT to_regclass('messages_tenant_id_idx') IS NULL",
    ),
    Sabotage(
        "005_post_validation",
        "knowledge_sources: rows without a tenant",
        "public.knowledge_sources",
        "42501",
        cause=("REVOKE SELECT ON knowledge_sources FROM vital_test_owner",),
        cure=("GRANT SELECT ON knowledge_sources TO vital_test_owner",),
        untouched="SELECT true",
    ),
    Sabotage(
        "006_row_level_security",
        "row level security of public.agents",
        "public.agents",
        "P0077",
        cause=refuse_ddl("CREATE POLICY", "vital_tenant_update%agents"),
        cure=ALLOW_DDL,
        untouched="SELECT NOT relrowsecurity AND NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid)"
        " FROM pg_class AS c WHERE oid = 'agents'::regclass",
    ),
)


def change(database: Scratch, statements: tuple[str, ...]) -> None:
    for statement in statements:
        rows(database.admin_url, statement)


@pytest.mark.slow
def test_one_phase_after_the_other_fails_and_is_continued(
    legacy: Scratch, manage: Manage, pack: Path, tmp_path: Path
) -> None:
    """Every phase fails once, each time the cause is removed, and the same command goes on where it stopped."""
    runs = set()
    for sabotage in SABOTAGES:
        if sabotage.phase.startswith("005"):  # this one would already hinder the phases before
            done = manage(legacy, "migrate_tenants", "--to", "004", "--yes")
            assert done.returncode == 0, done.stdout + done.stderr
        change(legacy, sabotage.cause)
        arguments = ("--only", "005") if sabotage.phase.startswith("005") else ()
        failed = manage(legacy, "migrate_tenants", "--yes", "--log-dir", str(tmp_path), *arguments)
        _check_failure(legacy, manage, sabotage, failed, tmp_path)
        runs.add(last_record(legacy, sabotage.phase)["run"])
        change(legacy, sabotage.cure)

    done = manage(legacy, "migrate_tenants", "--yes", "--json")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["run"] in runs
    assert tenants_of_every_table(legacy) == oracle.expected(pack).tenants
    assert decided_twice(legacy) == []
    again = manage(legacy, "migrate_tenants", "--yes")
    assert "Nothing to do" in again.stdout


@pytest.mark.slow
def test_resume_is_all_it_takes(legacy: Scratch, manage: Manage, pack: Path) -> None:
    """A run of each phase fails, the cause is removed, and `resume` takes that run to its end."""
    for number, sabotage in enumerate(SABOTAGES):
        if number == 0:
            assert manage(legacy, "migrate_tenants", "--only", "000", "--yes").returncode == 0
        change(legacy, sabotage.cause)
        failed = manage(legacy, "migrate_tenants", "--only", sabotage.phase, "--yes")
        assert failed.returncode == 1, failed.stdout + failed.stderr
        change(legacy, sabotage.cure)

        done = manage(legacy, "migrate_tenants", "resume", "--yes")

        assert done.returncode == 0, done.stdout + done.stderr
        assert last_record(legacy, sabotage.phase)["status"] == "completed"
    assert tenants_of_every_table(legacy) == oracle.expected(pack).tenants
    assert decided_twice(legacy) == []


def _check_failure(
    legacy: Scratch, manage: Manage, sabotage: Sabotage, failed: "subprocess.CompletedProcess[str]", logs: Path
) -> None:
    assert failed.returncode == 1, failed.stdout + failed.stderr
    status = json.loads(manage(legacy, "migrate_tenants", "status", "--json").stdout)
    [phase] = [phase for phase in status["phases"] if phase["phase"] == sabotage.phase]
    record = last_record(legacy, sabotage.phase)
    assert (phase["status"], record["status"]) == ("failed", "failed")
    assert status["next"] <= sabotage.phase
    log = (logs / f"{sabotage.phase}.log").read_text()
    places = {"terminal": failed.stderr, "status": phase["error"], "tracking": record["error"], "log": log}
    for where, text in places.items():
        told = " ".join(text.split())
        assert f'{sabotage.phase}: the step "{sabotage.step}" failed on {sabotage.table}' in told, where
        assert f"(SQLSTATE {sabotage.sqlstate})" in told, where
        assert "Correct the cause and run `./manage.py migrate_tenants` again" in told, where
    assert "Traceback" not in failed.stdout + failed.stderr
    assert rows(legacy.admin_url, sabotage.untouched) == [(True,)], sabotage.step


# --- triggers that meddle with the backfill (made after 001, which would have guarded them) ---


def meddle(database: Scratch, body: str) -> None:
    change(
        database,
        (
            f"CREATE FUNCTION public.meddle() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {body} RETURN NEW; END$$",
            "CREATE TRIGGER meddle BEFORE UPDATE ON prompts FOR EACH ROW EXECUTE FUNCTION public.meddle()",
        ),
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("NEW.version := 'meddled';", "would have changed more than its tenant_id"),
        ("NEW.tenant_id := OLD.tenant_id;", "refuse their new tenant_id"),
        ("RETURN NULL;", "refuse their new tenant_id"),
    ],
    ids=["another column changes", "the old value comes back", "the update is swallowed"],
)
def test_a_meddling_trigger_is_caught(prepared: Scratch, manage: Manage, body: str, message: str) -> None:
    before = rows(prepared.admin_url, "SELECT * FROM prompts ORDER BY id")
    meddle(prepared, body)

    failed = manage(prepared, "migrate_tenants", "--only", "003", "--yes", timeout=30)

    assert failed.returncode == 1, failed.stdout
    said = " ".join(failed.stderr.split())
    assert re.search(rf"public\.prompts.* {message}", said), said
    assert r"\d public.prompts" in said
    assert rows(prepared.admin_url, "SELECT * FROM prompts ORDER BY id") == before
    assert rows(prepared.admin_url, "SELECT count(*) FROM vital.ledger WHERE relation = 'public.prompts'") == [(0,)]
    assert message in last_record(prepared, "003_platform_data")["error"]

    # A run without --only starts at 001, whose guard holds the new trigger back as well.
    done = manage(prepared, "migrate_tenants", "--to", "003", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert decided_twice(prepared) == []
    assert rows(prepared.admin_url, GUARDED) == [("WHEN",)]


GUARDED = """
SELECT substring(pg_get_triggerdef(oid) FROM 'WHEN') FROM pg_trigger WHERE tgname = 'meddle' AND NOT tgisinternal
"""
