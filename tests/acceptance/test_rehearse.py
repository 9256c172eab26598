"""A rehearsal runs the migration on a sampled copy, reports its forecast and leaves nothing behind."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import background, database_state, databases, queries
from tests.support.command_results import Manage, document, said
from tests.support.databases import OWNER, Scratch, rows
from tests.support.queries import PHASES

pytestmark = pytest.mark.server

COPIES = "SELECT datname FROM pg_database WHERE starts_with(datname, %s) AND datname <> %s"
HELD = "SELECT count(*) FROM vital.rehearsal"
EXACT, NOT_EXACT, WRONG_USAGE, STOPPED = 0, 1, 2, 3


@pytest.fixture
def on_server(server_url: str, legacy: Scratch) -> Iterator[Scratch]:
    """A legacy database whose owner may make databases, for as long as the test is at work."""
    rows(server_url, f"ALTER ROLE {OWNER} CREATEDB")
    yield legacy
    rows(server_url, f"ALTER ROLE {OWNER} NOCREATEDB")


def copies(scratch: Scratch) -> list[tuple[str, ...]]:
    """What is on the server of the copies of this database."""
    return rows(scratch.admin_url, COPIES, [scratch.name, scratch.name])


def everything(scratch: Scratch) -> tuple[str, ...]:
    """The platform's schema and VITAL's, rows and all, without the table that a rehearsal writes to."""
    own = databases.dump(scratch.admin_url, "--exclude-table=vital.rehearsal*", schema="vital")
    return database_state.dump_platform(scratch), own, str(rows(scratch.admin_url, database_state.ROLES))


@pytest.mark.slow
def test_a_rehearsal_is_exact_and_leaves_one_row_and_the_run_says_how_it_came(
    on_server: Scratch, manage: Manage
) -> None:
    manage(on_server, "migrate", "--verbosity", "0")
    before = everything(on_server)

    rehearsed = manage(on_server, "migrate_tenants", "rehearse", "--rows", "300", "--json")

    found = document(rehearsed)
    assert (rehearsed.returncode, found["exact"], found["differences"]) == (EXACT, True, []), said(rehearsed)
    assert (found["place"], found["failed"]) == ("server", None)
    assert found["sample"]["rows"] < found["sample"]["of"]
    assert everything(on_server) == before
    assert queries.scalar(on_server, HELD) == 1
    assert copies(on_server) == []
    total = found["forecast"]["total"]
    assert min(total[name] for name in ("rows", "seconds", "wal_bytes", "disk_bytes", "longest_lock")) > 0
    assert total["peak_bytes"] > total["disk_bytes"]
    assert tuple(phase["phase"] for phase in found["forecast"]["phases"]) == PHASES
    held = document(manage(on_server, "migrate_tenants", "status", "--json"))["rehearsal"]
    assert (held["id"], held["exact"], held["forecast"]) == (found["rehearsal"], True, found["forecast"])

    done = manage(on_server, "migrate_tenants", "--yes", "--json")

    assert done.returncode == 0, said(done)
    compared = document(done)["rehearsal"]
    assert [phase["phase"] for phase in compared["phases"]] == list(PHASES)
    for name in ("seconds", "wal_bytes", "longest_lock", "disk_bytes"):
        forecast, was = (compared["total"][when][name] for when in ("forecast", "fact"))
        assert was > 0, name
        assert was / 20 < forecast < was * 20, f"{name}: {forecast} foretold, and it was {was}"
    assert "forecast / actual" in done.stderr
    reported = document(manage(on_server, "migrate_tenants", "report", "--json"))["rehearsal"]
    assert reported["id"] == found["rehearsal"]
    assert reported["phases"] == compared["phases"]
    again = manage(on_server, "migrate_tenants", "rehearse", "--json")
    assert again.returncode == WRONG_USAGE
    assert "begun here already: 001_schema_fixes is completed" in document(again)["error"]


def test_what_the_embedded_server_lacks_is_named(legacy: Scratch, manage: Manage, rehearsal_home: Path) -> None:
    if not rows(legacy.admin_url, "SELECT 1 FROM pg_extension WHERE extname = 'uuid-ossp'"):
        pytest.skip("this server has no extension that the embedded one lacks")

    done = manage(legacy, "migrate_tenants", "rehearse", "--on", "embedded", env={"VITAL_HOME": str(rehearsal_home)})

    assert done.returncode == NOT_EXACT, said(done)
    assert "The copy cannot have the extension uuid-ossp" in done.stderr
    assert "CREATEDB" in done.stderr
    assert queries.scalar(legacy, HELD) == 0


AUDIT = """
CREATE TABLE tool_changes (tool uuid, at timestamptz DEFAULT now());
CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS
  $note$ BEGIN INSERT INTO tool_changes (tool) VALUES (NEW.id); RETURN NULL; END $note$;
CREATE TRIGGER note_change AFTER UPDATE ON tools FOR EACH ROW EXECUTE FUNCTION note_change()
"""


@pytest.mark.slow
def test_on_the_embedded_server_an_undo_that_would_not_be_exact_is_found(
    legacy: Scratch, manage: Manage, rehearsal_home: Path
) -> None:
    rows(legacy.admin_url, 'DROP EXTENSION IF EXISTS "uuid-ossp" CASCADE')
    rows(legacy.owner_url, AUDIT)

    refused = manage(legacy, "migrate_tenants", "rehearse", "--on", "server", "--json")
    done = manage(legacy, "migrate_tenants", "rehearse", env={"VITAL_HOME": str(rehearsal_home)})

    assert refused.returncode == WRONG_USAGE, said(refused)
    assert "may not create databases" in document(refused)["error"]
    assert done.returncode == NOT_EXACT, said(done)
    assert "on the embedded PostgreSQL" in done.stdout
    found = done.stdout.partition("Not exact")[2].splitlines()
    assert found[1].startswith("  tool_changes: had 0 rows before the run and"), said(done)
    assert found[2] == "", "everything else is as it was"
    assert "are needed meanwhile" in done.stdout
    assert (queries.scalar(legacy, "SELECT array_agg(exact) FROM vital.rehearsal"), copies(legacy)) == ([False], [])
    assert queries.scalar(legacy, "SELECT count(*) FROM tool_changes") == 0
    assert (rehearsal_home / "rehearsal").is_dir()


NOBODYS = "UPDATE agents SET tier = 'tier_4' WHERE id = (SELECT id FROM agents ORDER BY id LIMIT 1)"


@pytest.mark.slow
def test_data_that_would_not_pass_the_checks_is_found(on_server: Scratch, manage: Manage, tmp_path: Path) -> None:
    rows(on_server.owner_url, "ALTER TYPE agent_tier ADD VALUE 'tier_4'")
    rows(on_server.owner_url, NOBODYS)

    done = manage(on_server, "migrate_tenants", "rehearse", cwd=tmp_path)

    assert done.returncode == NOT_EXACT, said(done)
    assert "The run failed on the copy, and would here: 005_post_validation: " in done.stdout
    assert "  agents: 1 rows have no tenant" in done.stdout
    assert list(tmp_path.glob("logs/rehearsal/run/005_post_validation.log"))


@pytest.mark.slow
def test_ctrl_c_leaves_nothing_and_what_a_kill_has_left_goes(on_server: Scratch, server_url: str) -> None:
    left = f"{on_server.name}_vital_rehearsal_0123456789ab"
    rows(server_url, f"CREATE DATABASE {left} OWNER {OWNER}")
    roles = rows(server_url, database_state.ROLES)

    with background.start(on_server, "migrate_tenants", "rehearse") as rehearsal:
        rehearsal.until_said("003_platform_data")
        assert len(copies(on_server)) == 1
        assert (left,) not in copies(on_server)
        os.kill(rehearsal.process.pid, signal.SIGINT)
        said_last = rehearsal.ends_with(STOPPED)

    assert "Stopped. The copy is dropped" in said_last
    assert "Traceback" not in said_last
    assert copies(on_server) == []
    assert (queries.scalar(on_server, HELD), rows(server_url, database_state.ROLES)) == (0, roles)


def test_there_is_no_rehearsal_in_the_midst_of_a_migration(prepared: Scratch, manage: Manage) -> None:
    done = manage(prepared, "migrate_tenants", "rehearse")

    assert done.returncode == WRONG_USAGE, said(done)
    assert "A rehearsal is held before it" in done.stderr
