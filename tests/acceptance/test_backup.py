"""A backup holds every row, whatever row level security hides, and is compared with the database."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.support import background, databases, queries
from tests.support.command_results import Manage, document, said
from tests.support.databases import OWNER, Scratch, rows
from tests.support.paths import ROOT

pytestmark = pytest.mark.server

DONE, FAILED, WRONG, STOPPED = 0, 1, 2, 3
CATEGORIES = "SELECT count(*) FROM tool_categories"
AGENTS = "SELECT count(*) FROM agents"


def archived(file: Path, table: str) -> int:
    """The rows of a table in the archive."""
    program = databases._client_bin_dir() / "pg_restore"
    command = [str(program), "--data-only", f"--table={table}", "--file=-", str(file)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")
    start = next(at for at, line in enumerate(lines) if line.startswith("COPY "))
    return lines.index("\\.") - start - 1


@contextmanager
def writing(scratch: Scratch) -> Iterator[None]:
    """An application that does not stop adding rows."""
    over = threading.Event()

    def write() -> None:
        with psycopg.connect(scratch.owner_url, autocommit=True) as connection:
            while not over.is_set():
                connection.execute("INSERT INTO tool_categories (name) VALUES (gen_random_uuid()::text)")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.slow
def test_behind_the_fence_every_row_is_in_it_while_applications_write(
    migrated: Scratch, manage: Manage, tmp_path: Path
) -> None:
    with pytest.raises(RuntimeError, match="row-level security"):
        databases.dump(migrated.owner_url)
    before = queries.scalar(migrated, CATEGORIES)

    with writing(migrated):
        done = manage(migrated, "backup", "all.dump", "--json", cwd=tmp_path)

    found, file = document(done), tmp_path / "all.dump"
    assert done.returncode == DONE, said(done)
    assert found["file"] == str(file)
    assert found["tables"]["public.agents"]["rows"] == queries.scalar(migrated, AGENTS) == archived(file, "agents")
    categories = found["tables"]["public.tool_categories"]["rows"]
    assert before < categories == archived(file, "tool_categories") < queries.scalar(migrated, CATEGORIES)
    assert found["tables"]["vital.ledger"]["rows"] > 0
    assert found["tables"]["auth.users"]["rows"] > 0, "of tables that VITAL does not know as well"
    assert found["bytes"] == file.stat().st_size
    assert json.loads((tmp_path / "all.dump.json").read_text())["sha256"] == found["sha256"]
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("all.dump*")} == {0o600}
    audited = rows(migrated.admin_url, "SELECT facts->>'sha256' FROM vital.audit WHERE action = 'backup'")
    assert audited == [(found["sha256"],)]


@pytest.mark.slow
def test_it_is_proven_by_restoring_it_into_a_scratch_database(
    server_url: str, migrated: Scratch, manage: Manage, tmp_path: Path
) -> None:
    rows(server_url, f"ALTER ROLE {OWNER} CREATEDB")
    try:
        done = manage(migrated, "backup", "proven.dump", "--verify", cwd=tmp_path)
    finally:
        rows(server_url, f"ALTER ROLE {OWNER} NOCREATEDB")

    assert done.returncode == DONE, said(done)
    assert "it is the same" in done.stdout
    left = rows(server_url, "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [migrated.name])
    assert left == [(migrated.name,)]


def test_a_database_that_vital_has_never_seen_is_backed_up_and_stays_so(
    legacy: Scratch, manage: Manage, tmp_path: Path
) -> None:
    done = manage(legacy, "backup", cwd=tmp_path)

    assert done.returncode == DONE, said(done)
    [file] = tmp_path.glob("backups/vital_backup_*.dump")
    assert archived(file, "agents") == queries.scalar(legacy, AGENTS)
    assert queries.scalar(legacy, "SELECT to_regnamespace('vital') IS NULL")


def test_rows_that_this_role_is_not_shown_are_told_instead_of_left_out(
    legacy: Scratch, manage: Manage, tmp_path: Path
) -> None:
    rows(
        legacy.owner_url,
        "CREATE TABLE secrets (id int); INSERT INTO secrets VALUES (1);"
        "ALTER TABLE secrets ENABLE ROW LEVEL SECURITY; ALTER TABLE secrets FORCE ROW LEVEL SECURITY",
    )

    done = manage(legacy, "backup", "part.dump", "--json", cwd=tmp_path)

    assert done.returncode == WRONG, said(done)
    assert "hides rows of secrets" in document(done)["error"]
    assert not list(tmp_path.glob("part*"))


def test_policies_that_hide_rows_behind_the_fence_are_noticed(
    migrated: Scratch, manage: Manage, tmp_path: Path
) -> None:
    rows(migrated.admin_url, f"CREATE POLICY others ON prompts AS RESTRICTIVE TO {OWNER} USING (name < 'm')")

    done = manage(migrated, "backup", "part.dump", "--json", cwd=tmp_path)

    assert done.returncode == WRONG, said(done)
    assert "hides rows of prompts" in document(done)["error"]
    assert " of 1," in document(done)["error"]


def test_a_full_disk_leaves_no_half_backup(legacy: Scratch, manage: Manage, tmp_path: Path) -> None:
    command = f"ulimit -f 200; exec {sys.executable} {ROOT / 'manage.py'} backup full.dump"
    env = {"DATABASE_URL": legacy.owner_url, "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60)

    assert done.returncode == FAILED, said(done)
    assert "full.dump: there is no room for it" in done.stderr
    assert not list(tmp_path.glob("full*"))


def test_a_name_is_used_once_and_a_folder_that_cannot_be_written_to_is_told(
    legacy: Scratch, manage: Manage, tmp_path: Path
) -> None:
    (tmp_path / "there.dump").write_text("somebody's")
    (tmp_path / "file").write_text("no folder")

    again = manage(legacy, "backup", "there.dump", cwd=tmp_path)
    nowhere = manage(legacy, "backup", "file/x.dump", cwd=tmp_path)

    assert (again.returncode, nowhere.returncode) == (WRONG, FAILED), said(again) + said(nowhere)
    assert "never writes over another" in again.stderr
    assert "Make room, or name a file" in nowhere.stderr
    assert (tmp_path / "there.dump").read_text() == "somebody's"


def test_an_old_pg_dump_is_passed_over_for_one_that_knows_the_server(
    legacy: Scratch, manage: Manage, tmp_path: Path
) -> None:
    old = tmp_path / "bin"
    old.mkdir()
    for program in ("pg_dump", "pg_restore", "psql"):
        (old / program).write_text(f"#!/bin/sh\necho '{program} (PostgreSQL) 13.4'\n")
        (old / program).chmod(0o755)

    done = manage(legacy, "backup", "new.dump", "--json", cwd=tmp_path, env={"PATH": f"{old}:/usr/bin:/bin"})

    assert done.returncode == DONE, said(done)
    assert document(done)["client"].startswith("pg_dump (PostgreSQL) 18")


def test_stopped_it_leaves_nothing(legacy: Scratch) -> None:
    with psycopg.connect(legacy.owner_url) as other:
        other.execute("LOCK TABLE agents IN ACCESS EXCLUSIVE MODE")
        with background.start(legacy, "backup", "stopped.dump") as running:
            folder = Path(f"/proc/{running.process.pid}/cwd").resolve()
            running.until(lambda: any(folder.glob("stopped.dump.*.part")))

            running.process.send_signal(2)

            said_ = running.ends_with(STOPPED)
            assert "Nothing of the backup is kept" in said_
            assert not list(folder.glob("stopped*"))


# --- before the first change of a migration ---

ON = {"VITAL_BACKUP": "1"}


def dumps(folder: Path) -> list[Path]:
    return sorted(folder.glob("backups/*.dump"))


def test_a_migration_is_backed_up_once_before_its_first_change(legacy: Scratch, manage: Manage, tmp_path: Path) -> None:
    assert manage(legacy, "migrate_tenants", "--only", "000", cwd=tmp_path, env=ON).returncode == DONE
    assert not dumps(tmp_path), "000 changes nothing"

    done = manage(legacy, "migrate_tenants", "--to", "001", cwd=tmp_path, env=ON)

    assert done.returncode == DONE, said(done)
    [file] = dumps(tmp_path)
    tables = json.loads(file.with_name(f"{file.name}.json").read_text())["tables"]
    assert "public.org_departments" not in tables, "001 makes it"
    assert f"./manage.py restore {file} --replace" in done.stdout
    assert manage(legacy, "migrate_tenants", "--to", "002", cwd=tmp_path, env=ON).returncode == DONE
    assert dumps(tmp_path) == [file], "the migration has begun"
    assert manage(legacy, "migrate_tenants", "undo", "--yes", cwd=tmp_path, env=ON).returncode == DONE
    again = manage(legacy, "migrate_tenants", "--to", "001", cwd=tmp_path, env=ON)
    assert "is fresh enough" in again.stdout
    assert dumps(tmp_path) == [file]


def test_without_a_backup_it_says_so(legacy: Scratch, manage: Manage, tmp_path: Path) -> None:
    done = manage(legacy, "migrate_tenants", "--to", "001", "--no-backup", cwd=tmp_path, env=ON)

    assert done.returncode == DONE, said(done)
    assert "No backup is taken, as VITAL_BACKUP=0 or --no-backup says" in done.stdout
    assert not dumps(tmp_path)


@pytest.mark.slow
def test_where_no_backup_can_be_taken_nothing_changes(legacy: Scratch, manage: Manage, tmp_path: Path) -> None:
    rows(legacy.admin_url, "CREATE TABLE somebody_elses (id int)")

    done = manage(legacy, "migrate_tenants", "--to", "001", cwd=tmp_path, env=ON)

    assert done.returncode == FAILED, said(done)
    assert "somebody_elses cannot be read" in done.stderr
    assert "--no-backup" in done.stderr
    assert queries.scalar(legacy, "SELECT count(*) FROM vital.phase_run WHERE phase LIKE '001%%'") == 0
    assert manage(legacy, "migrate_tenants", "--to", "001", "--no-backup", cwd=tmp_path, env=ON).returncode == DONE
