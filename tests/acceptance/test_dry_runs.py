"""`--dry-run` says what would be done, and writes nothing: not to the platform, not to VITAL's own tables, no log. What
it says is what then happens."""

from collections import Counter
from pathlib import Path

import psycopg
import pytest

from tests.support.cast import DIGITAL_HEALTH, PHARMA
from tests.support.command_results import Manage, document, said
from tests.support.database_state import dump_with_vital
from tests.support.databases import Scratch
from tests.support.queries import PHASES, ledger_entries, scalar, write_as_owner

TENANTS = {DIGITAL_HEALTH: "digital-health", PHARMA: "pharma", "00000000-0000-0000-0000-000000000001": "vital-platform"}


def forecast(scratch: Scratch, manage: Manage, cwd: Path, *words: str, code: int = 0) -> dict[str, object]:
    """The document of a dry run, which has left no trace."""
    before, there = dump_with_vital(scratch), sorted(cwd.iterdir())
    done = manage(scratch, "migrate_tenants", *words, "--dry-run", "--json", cwd=cwd)
    people = manage(scratch, "migrate_tenants", *words, "--dry-run", cwd=cwd)

    assert (done.returncode, people.returncode) == (code, code), said(done) + said(people)
    assert dump_with_vital(scratch) == before
    assert sorted(cwd.iterdir()) == there, "no log and no backup"
    return document(done)


def test_a_run_does_what_its_dry_run_said(legacy: Scratch, manage: Manage, tmp_path: Path) -> None:
    told = forecast(legacy, manage, tmp_path)

    assert [phase["phase"] for phase in told["phases"]] == [*PHASES]  # type: ignore[attr-defined]
    assert "tools has the column tenant_id" in told["phases"][1]["apply"]  # type: ignore[index]
    done = manage(legacy, "migrate_tenants", "--yes", cwd=tmp_path)
    assert done.returncode == 0, said(done)
    rows = Counter[tuple[str, str]]()
    for phase in told["phases"]:  # type: ignore[attr-defined]
        for table, tenants in phase.get("rows", {}).items():
            rows.update({(table, tenant): number for tenant, number in tenants.items()})
    assert sum(rows.values()) > 2000
    for table in ("tools", "knowledge_base", "messages"):
        found = Counter(TENANTS[after] for *_, after in ledger_entries(legacy, table))
        assert {tenant: rows[table, tenant] for tenant in found} == found, table


@pytest.mark.slow
def test_after_a_run_there_is_nothing_to_do(migrated: Scratch, manage: Manage, tmp_path: Path) -> None:
    assert manage(migrated, "migrate_tenants", "--yes", cwd=tmp_path).returncode == 0
    assert forecast(migrated, manage, tmp_path)["status"] == "nothing_to_do"
    only = forecast(migrated, manage, tmp_path, "run", "--only", "006")["phases"]
    assert [phase["phase"] for phase in only] == [PHASES[6]]  # type: ignore[attr-defined]


@pytest.mark.slow
def test_a_run_that_000_would_refuse_is_exit_1(legacy: Scratch, manage: Manage, tmp_path: Path) -> None:
    write_as_owner(legacy, "CREATE POLICY hides ON tools USING (false)")
    write_as_owner(legacy, "ALTER TABLE tools ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")

    told = forecast(legacy, manage, tmp_path, code=1)
    assert told["refused"], told
    assert manage(legacy, "migrate_tenants", "--yes", cwd=tmp_path).returncode == 1


@pytest.mark.slow
@pytest.mark.parametrize("first", ["", "004"])
def test_an_undo_does_what_its_dry_run_said(first: str, migrated: Scratch, manage: Manage, tmp_path: Path) -> None:
    moved = bool(first)  # else a row of a tenant that VITAL made would be left, which forbids it
    if moved:
        as_operator(migrated, f"UPDATE prompts SET tenant_id = '{PHARMA}' WHERE id = '{_mine(migrated)}'")
        as_operator(migrated, f"DELETE FROM prompts WHERE id = '{_mine(migrated)}'")  # the next one
    words = ("undo", "--phase", first) if first else ("undo",)
    told = forecast(migrated, manage, tmp_path, *words)
    assert (told["gone"], told["sampled"]) == ({"prompts": 1} if moved else {}, {})

    done = document(manage(migrated, "migrate_tenants", *words, "--yes", "--json", cwd=tmp_path))
    assert {table: rows for table, rows in done["restored"].items() if rows} == told["restored"]
    assert {table: rows for table, rows in done["removed"].items() if rows} == told["removed"]
    assert (
        told["kept"]
        == Counter(conflict["table"] for conflict in done["conflicts"])
        == ({"prompts": 1} if moved else {})
    )


def as_operator(scratch: Scratch, statement: str) -> None:
    with psycopg.connect(scratch.owner_url) as connection:
        connection.execute("SET ROLE vital_operator")
        connection.execute(statement.encode())


def _mine(scratch: Scratch) -> str:
    return str(scalar(scratch, "SELECT min(id::text) FROM prompts WHERE tenant_id = %s", DIGITAL_HEALTH))


@pytest.mark.slow
def test_what_an_undo_would_lose_is_said(migrated: Scratch, manage: Manage, tmp_path: Path) -> None:
    as_operator(
        migrated, "UPDATE tools SET metadata = '{\"mine\": 1}' WHERE id = (SELECT min(id::text)::uuid FROM tools)"
    )
    told = forecast(migrated, manage, tmp_path, "undo", code=1)
    assert told["lost"], told
    archive = ("undo", "--archive", str(tmp_path / "kept.jsonl"))
    assert forecast(migrated, manage, tmp_path, *archive)["lost"] == told["lost"]


def test_a_tenant_is_not_removed_by_a_dry_run(migrated: Scratch, manage: Manage, tmp_path: Path) -> None:
    why = ("--reason", "a test")
    for words in (("add", "oncology"), ("suspend", "oncology", "--yes"), ("export", "oncology", "oncology.zip")):
        done = manage(migrated, "tenants", *words, *(why if words[0] != "export" else ()), cwd=tmp_path)
        assert done.returncode == 0, said(done)
    before = dump_with_vital(migrated)

    told = manage(migrated, "tenants", "remove", "oncology", "oncology.zip", "--dry-run", "--json", *why, cwd=tmp_path)

    assert told.returncode == 0, said(told)
    assert document(told)["slug"] == "oncology"
    assert dump_with_vital(migrated) == before
