"""A backup is restored completely, grants included, or nothing is changed; a refusal comes before any change."""

import json
import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support import databases, patience, queries
from tests.support.cast import DIGITAL_HEALTH
from tests.support.command_results import Manage, document, said
from tests.support.databases import Scratch, clone_with_grants, rows
from tests.support.paths import ROOT
from tests.support.tenant_role import as_tenant

pytestmark = pytest.mark.slow

DONE, FAILED, WRONG, STOPPED = 0, 1, 2, 3
PRIVILEGES = (
    "SELECT acl.grantee::text, acl.privilege_type FROM pg_database AS d"
    " CROSS JOIN LATERAL aclexplode(COALESCE(d.datacl, acldefault('d', d.datdba))) AS acl"
    " WHERE d.datname = current_database() ORDER BY 1, 2"
)


def everything(scratch: Scratch, *schemas: str) -> tuple[Any, ...]:
    """DDL, rows, owners and grants of these schemas, and what may be done with the database itself."""
    dumps = [databases.dump(scratch.admin_url, schema=schema) for schema in ("public", "auth", *schemas)]
    return *map(databases.as_restored, dumps), rows(scratch.admin_url, PRIVILEGES)


def damage(scratch: Scratch) -> None:
    """What a bad day does to a database."""
    rows(
        scratch.owner_url,
        "DROP TABLE messages CASCADE; DELETE FROM agents; ALTER TABLE tools DROP COLUMN name CASCADE;"
        "CREATE TABLE left_behind (id int); CREATE SCHEMA more; CREATE TYPE more.kind AS ENUM ('a');"
        "UPDATE prompts SET name = 'x' || name",
    )


def test_backup_migration_damage_restore_and_nothing_is_left_of_it(
    legacy: Scratch, manage: Manage, tmp_path: Path
) -> None:
    before = everything(legacy)
    assert manage(legacy, "backup", "start.dump", cwd=tmp_path).returncode == DONE
    assert manage(legacy, "migrate_tenants", "--yes", cwd=tmp_path).returncode == DONE
    damage(legacy)

    done = manage(legacy, "restore", "start.dump", "--replace", "--yes", "--json", cwd=tmp_path)

    assert done.returncode == DONE, said(done)
    assert everything(legacy) == before
    assert queries.scalar(legacy, "SELECT count(*) FROM pg_namespace WHERE nspname IN ('vital', 'more')") == 0
    found = document(done)
    agents = next(table for table in found["tables"] if table["table"] == "agents")
    assert (agents["before"], agents["now"]) == (0, agents["backup"])
    assert found["differences"] == []
    assert {check["outcome"] for check in found["checks"]} == {"PASS", "WARN", "later"}
    assert "restored" in (tmp_path / "logs" / "restore.log").read_text()
    again = manage(legacy, "migrate_tenants", "--yes", cwd=tmp_path)
    assert again.returncode == DONE, said(again)


def test_a_closed_database_is_closed_again_and_its_memory_is_there(
    migrated_template: Scratch, manage: Manage, tmp_path: Path
) -> None:
    scratch = clone_with_grants(migrated_template)
    try:
        assert manage(scratch, "backup", "closed.dump", cwd=tmp_path).returncode == DONE
        with as_tenant(scratch, DIGITAL_HEALTH) as tenant:
            seen = tenant.rows("SELECT count(*) FROM agents")
        audit = queries.scalar(scratch, "SELECT max(id) FROM vital.audit")
        before = everything(scratch)
        damage(scratch)

        done = manage(scratch, "restore", "closed.dump", "--replace", "--yes", cwd=tmp_path)

        assert done.returncode == DONE, said(done)
        assert everything(scratch) == before
        with as_tenant(scratch, DIGITAL_HEALTH) as tenant:
            assert tenant.rows("SELECT count(*) FROM agents") == seen
        last = rows(scratch.admin_url, "SELECT action FROM vital.audit WHERE id >= %s", [audit])
        assert last == [("restore",)]
        assert document(manage(scratch, "migrate_tenants", "status", "--json"))["next"] is None
    finally:
        databases.drop(scratch)


def test_into_an_empty_database_everything_may_belong_to_who_restores_it(
    legacy: Scratch, empty: Scratch, manage: Manage, tmp_path: Path
) -> None:
    assert manage(legacy, "backup", "start.dump", cwd=tmp_path).returncode == DONE

    done = manage(empty, "restore", "start.dump", "--no-owner", "--yes", "--json", cwd=tmp_path)

    assert done.returncode == DONE, said(done)
    assert queries.scalar(empty, "SELECT count(*) FROM agents") == queries.scalar(legacy, "SELECT count(*) FROM agents")


def test_what_belongs_to_others_stops_it_as_a_whole(legacy: Scratch, manage: Manage, tmp_path: Path) -> None:
    assert manage(legacy, "backup", "start.dump", cwd=tmp_path).returncode == DONE
    rows(legacy.admin_url, "CREATE TABLE somebody_elses (id int)")
    before = everything(legacy)

    done = manage(legacy, "restore", "start.dump", "--replace", "--yes", cwd=tmp_path)

    assert done.returncode == FAILED, said(done)
    assert "somebody_elses" in done.stderr
    assert "The database is as it was" in done.stderr
    assert everything(legacy) == before


def test_what_fails_in_the_midst_of_it_is_named_and_nothing_is_kept(
    backup: Path, empty: Scratch, manage: Manage, tmp_path: Path
) -> None:
    rows(empty.admin_url, "CREATE SCHEMA auth")

    done = manage(empty, "restore", str(backup), "--yes", cwd=tmp_path)

    assert done.returncode == FAILED, said(done)
    assert "permission denied for schema auth. The database is as it was" in done.stderr
    assert queries.scalar(empty, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == 0


# --- what it says no to, before anything changes ---


@pytest.fixture(scope="module")
def backup(legacy_template: Scratch, manage: Manage, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of the legacy database, to be copied and spoilt."""
    folder = tmp_path_factory.mktemp("backup")
    assert manage(legacy_template, "backup", "good.dump", cwd=folder).returncode == DONE
    return folder / "good.dump"


def copied(backup: Path, to: Path) -> Path:
    for file in (backup, backup.with_name("good.dump.json")):
        (to / file.name).write_bytes(file.read_bytes())
    return to / backup.name


def spoil_manifest(**changes: Any) -> Callable[[Path], None]:
    def spoil(file: Path) -> None:
        manifest = file.with_name(file.name + ".json")
        held = json.loads(manifest.read_text())
        for key, value in changes.items():
            held[key] = held[key] | value
        manifest.write_text(json.dumps(held))

    return spoil


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1000])


def alter(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def lose_manifest(file: Path) -> None:
    file.with_name(file.name + ".json").unlink()


def break_manifest(file: Path) -> None:
    file.with_name(file.name + ".json").write_text("{}")


SPOILT = {
    "truncated": (truncate, FAILED, "bytes and had"),
    "altered": (alter, FAILED, "its SHA-256 is"),
    "alone": (lose_manifest, WRONG, "good.dump.json is not beside it"),
    "unreadable": (break_manifest, FAILED, "it cannot be read"),
    "of other roles": (spoil_manifest(roles={"stranger_in_town": "r"}), WRONG, "lacks roles that the backup names"),
    "of other owners": (spoil_manifest(roles={"pg_monitor": "o"}), WRONG, "--no-owner"),
    "of other rows": (
        spoil_manifest(tables={"public.agents": {"rows": 7, "fingerprint": "0"}}),
        FAILED,
        "rows instead of 7. The database is as it was",
    ),
}


def test_a_backup_that_is_not_as_it_was_changes_nothing(
    backup: Path, legacy: Scratch, manage: Manage, tmp_path: Path
) -> None:
    rows(legacy.owner_url, "CREATE TABLE new (id int)")
    before = everything(legacy)
    for how, (spoil, code, words) in SPOILT.items():
        spoil(copied(backup, tmp_path))

        done = manage(legacy, "restore", "good.dump", "--replace", "--yes", "--json", cwd=tmp_path)

        assert done.returncode == code, how + said(done)
        assert words in document(done)["error"], how
    assert everything(legacy) == before


KILLED = """
import os, sys
from pathlib import Path
from psycopg.conninfo import conninfo_to_dict
from migrations_ops.backup import pipe
from migrations_ops.engine.session import Session
from migrations_ops.backup.pg_dump import client
from migrations_ops.backup.scratch_database import Target
params = dict(conninfo_to_dict(sys.argv[1]))
programs, file = client(Session.open(params, "killed")), Path(sys.argv[2])
script = programs.run("pg_restore", "--file=-", str(file))
pipe.HEAD = script.index(";\\n", script.index("CREATE TYPE public.agent_status")) + 2  # where a statement has ended
pipe.pump(programs, file, Target(params), (), lambda total: os.kill(os.getpid(), 9), before="", after="")
"""
MADE = "SELECT count(*) FROM pg_type WHERE typname = 'agent_status'"
LEFT = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def test_killed_in_the_midst_of_it_nothing_is_half_there(backup: Path, empty: Scratch) -> None:
    """psql hears the end of its input, and would commit what it has."""
    done = subprocess.run([sys.executable, "-c", KILLED, empty.owner_url, str(backup)], cwd=ROOT, timeout=60)
    assert done.returncode == -9

    deadline = time.monotonic() + patience.seconds(20)
    while queries.scalar(empty, LEFT) and time.monotonic() < deadline:
        time.sleep(0.05)

    assert queries.scalar(empty, MADE) == 0


def test_it_asks_first_and_refuses_what_is_in_use(
    backup: Path, legacy: Scratch, manage: Manage, tmp_path: Path
) -> None:
    file = str(backup)
    full = manage(legacy, "restore", file, "--yes", cwd=tmp_path)
    assert full.returncode == WRONG, said(full)
    assert "is not empty" in full.stderr

    unasked = manage(legacy, "restore", file, "--replace", cwd=tmp_path)
    assert unasked.returncode == WRONG, said(unasked)
    assert "Say --yes" in unasked.stderr

    with psycopg.connect(legacy.owner_url, application_name="the reporting tool"):
        used = manage(legacy, "restore", file, "--replace", "--yes", cwd=tmp_path)
    assert used.returncode == FAILED, said(used)
    assert "the reporting tool (pid" in used.stderr

    with psycopg.connect(legacy.owner_url, application_name="vital ann@office") as run:
        run.execute("SELECT pg_advisory_lock(22089, 1)")  # the run's lock
        at_work = manage(legacy, "restore", file, "--replace", "--yes", cwd=tmp_path)
    assert at_work.returncode == FAILED, said(at_work)
    assert "Another run is active: vital ann@office" in at_work.stderr


def typed(scratch: Scratch, folder: Path, answer: str, *arguments: str) -> tuple[int, str]:
    """Restore before a terminal, where somebody types the answer: the exit code, and what was on the screen."""
    keyboard, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "restore", *arguments],
        env=os.environ | {"DATABASE_URL": scratch.owner_url, "TERM": "dumb"},
        cwd=folder, stdin=terminal, stdout=terminal, stderr=terminal,
    )  # fmt: skip
    os.close(terminal)
    os.write(keyboard, f"{answer}\n".encode())
    screen = b""
    while True:
        try:
            screen += os.read(keyboard, 65536)
        except OSError:  # the terminal is closed when its last program has ended
            os.close(keyboard)
            return process.wait(60), screen.decode()


def test_a_person_types_the_databases_name(backup: Path, empty: Scratch, tmp_path: Path) -> None:
    code, screen = typed(empty, tmp_path, "production", str(backup))
    assert (code, "That is not its name. Nothing was changed." in screen) == (STOPPED, True), screen
    assert queries.scalar(empty, MADE) == 0

    code, screen = typed(empty, tmp_path, empty.name, str(backup))
    assert (code, "Restored" in screen) == (DONE, True), screen
    assert queries.scalar(empty, MADE) == 1


def test_a_materialized_view_of_isolated_tables_is_filled_again(
    server_url: str, migrated_template: Scratch, manage: Manage, tmp_path: Path
) -> None:
    """Its owner is bound by the policies, which FORCE does not let it switch off."""
    scratch = clone_with_grants(migrated_template)
    rows(scratch.owner_url, "CREATE MATERIALIZED VIEW totals AS SELECT tenant_id, count(*) AS n FROM agents GROUP BY 1")
    before = rows(scratch.owner_url, "SELECT * FROM totals ORDER BY 1")
    rows(server_url, f"ALTER ROLE {databases.OWNER} CREATEDB")
    try:
        taken = manage(scratch, "backup", "views.dump", "--verify", cwd=tmp_path)
        assert taken.returncode == DONE, said(taken)
        rows(scratch.owner_url, "DROP MATERIALIZED VIEW totals")
        done = manage(scratch, "restore", "views.dump", "--replace", "--yes", cwd=tmp_path)
        assert done.returncode == DONE, said(done)
        assert rows(scratch.owner_url, "SELECT * FROM totals ORDER BY 1") == before
    finally:
        rows(server_url, f"ALTER ROLE {databases.OWNER} NOCREATEDB")
        databases.drop(scratch)
