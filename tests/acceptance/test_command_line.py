"""What the command line answers: exit codes, one JSON document per call, and words instead of tracebacks."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import background, databases, queries
from tests.support.cast import DIGITAL_HEALTH, PLATFORM
from tests.support.command_results import Done, Manage, document, said
from tests.support.databases import Scratch
from tests.support.expected_counts import Counts
from tests.support.paths import ROOT
from tests.support.pause_point import paused_at
from tests.support.plans import SHIPPED
from tests.support.queries import PHASES, TABLES

NOBODY = "00000000-0000-4000-8000-00000000dead"
TRACEBACK = "Traceback"


def answer(done: Done, code: int) -> dict[str, Any]:
    """The JSON document of a call that must end with this code, without a traceback anywhere."""
    assert done.returncode == code, said(done)
    assert TRACEBACK not in done.stdout + done.stderr
    read = document(done)
    assert read.get("exit_code") == code
    return read


@pytest.fixture(scope="module")
def untouched(legacy_template: Scratch) -> Iterator[Scratch]:
    """A legacy database that the calls here must leave as it is, but for VITAL's own tables and view."""
    scratch, view = databases.clone(legacy_template), "--exclude-table=migration_tracking"
    before = databases.dump(scratch.admin_url, view)
    yield scratch
    assert databases.dump(scratch.admin_url, view) == before
    databases.drop(scratch)


# --- wrong usage ---

WRONG = {
    "no such phase": (["--only", "044"], ["044", *PHASES]),
    "no such last phase": (["--from", "000", "--to", "pre"], ["pre", *PHASES]),
    "no such phase to undo": (["undo", "--phase", "044"], ["044", *PHASES]),
    "upside down": (["--from", "004", "--to", "002"], ["004_tenant_data", "002_tenant_setup"]),
    "out of order": (["--only", "004"], ["004_tenant_data", "000_pre_validation"]),
    "validate before anything": (["validate"], ["005_post_validation", "001_schema_fixes"]),
    "explain before anything": (["explain", "agents", NOBODY], ["explain", "001_schema_fixes"]),
    "explain what": (["explain"], ["explain agents ID"]),
    "no plan": (["--plan", "missing.toml"], ["missing.toml"]),
    "a plan that is no TOML": (["--plan", "not.toml"], ["not.toml", "line 1"]),
    "a plan with a slip": (["--plan", "slip.toml"], ["slip.toml", "'tenent'", "'tenant'"]),
    "preview of a plan for another database": (["preview", "--plan", "other.toml"], ["The plan", "public.massages"]),
    "preview against such a plan": (["preview", "--against", "other.toml"], ["The other plan", "public.massages"]),
    "preview against no plan": (["preview", "--against", "missing.toml"], ["missing.toml"]),
    "a page in no folder": (["preview", "--html", "nowhere/page.html"], ["nowhere/page.html"]),
    "findings of no table": (["findings", "--table", "cars"], ["no table cars", "agents"]),
    "findings over a file that is there": (
        ["findings", "--csv", "not.toml"],
        ["not.toml", "is there already", "new file"],
    ),
    "a starting plan in no folder": (["init-plan", "--out", "nowhere/own.toml"], ["nowhere/own.toml"]),
}


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plans")
    (folder / "not.toml").write_text("version = = 1\n")
    (folder / "slip.toml").write_text(SHIPPED.read_text().replace("[[tenant]]", "[[tenent]]", 1))
    (folder / "other.toml").write_text(SHIPPED.read_text().replace("public.messages", "public.massages"))
    return folder


@pytest.mark.parametrize("case", WRONG)
def test_wrong_usage_is_exit_2_with_the_words_that_help(
    untouched: Scratch, manage: Manage, plans: Path, case: str
) -> None:
    arguments, words = WRONG[case]
    read = answer(manage(untouched, "migrate_tenants", *arguments, "--yes", "--json", cwd=plans), 2)
    missing = [word for word in words if word not in str(read["error"])]
    assert not missing, read["error"]


def test_what_argparse_refuses_is_exit_2_too(untouched: Scratch, manage: Manage) -> None:
    for arguments, word in ((["migrate"], "'migrate'"), (["--nonsense"], "--nonsense")):
        done = manage(untouched, "migrate_tenants", *arguments)
        assert (done.returncode, done.stdout) == (2, ""), said(done)
        assert word in done.stderr
        assert TRACEBACK not in done.stderr


UNREACHABLE = {
    "a login that is not there": ("postgresql://nobody_of_this_name:secret-word@{address}", ["nobody_of_this_name"]),
    "a database that is not there": ("{gone}", ["_gone"]),
    "nobody listens": ("postgresql://someone:secret-word@127.0.0.1:1/vital", ["127.0.0.1", "DATABASE_URL"]),
    "no such host": ("postgresql://someone:secret-word@nowhere.invalid/vital", ["nowhere.invalid"]),
    "not a URL": ("postgresql://[secret-word", ["DATABASE_URL"]),
    "no database in it": ("postgresql://someone:secret-word@localhost:5432", ["DATABASE_URL", "database"]),
}


@pytest.mark.parametrize("case", UNREACHABLE)
def test_settings_and_connections_that_do_not_work_are_exit_2(untouched: Scratch, manage: Manage, case: str) -> None:
    url, words = UNREACHABLE[case]
    gone = untouched.owner_url.replace(untouched.name, f"{untouched.name}_gone")
    url = url.format(address=untouched.owner_url.split("@", 1)[1], gone=gone)
    read = answer(manage(url, "migrate_tenants", "status", "--json"), 2)
    assert all(word in str(read["error"]) for word in words), read["error"]
    assert "secret-word" not in str(read)


@pytest.mark.parametrize("url", ["postgresql://a@127.0.0.1:1/vital", "postgresql://[broken"])
def test_people_get_the_same_in_one_line(manage: Manage, url: str) -> None:
    done = manage(url, "migrate_tenants", "--yes")
    assert (done.returncode, done.stdout) == (2, ""), said(done)
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1


# --- JSON, status, validate, explain ---


def test_status_before_anything_was_run(legacy: Scratch, manage: Manage) -> None:
    read = answer(manage(legacy, "migrate_tenants", "status", "--json"), 0)
    assert read["phases"] == [{"phase": phase, "status": "pending", "tables": {}} for phase in PHASES]
    assert (read["next"], read["run"], read["findings"]) == (PHASES[0], None, [])
    done = manage(legacy, "migrate_tenants", "status")
    assert done.returncode == 0, said(done)
    assert all(phase in done.stdout for phase in PHASES)
    assert queries.scalar(legacy, "SELECT to_regnamespace('vital')") is None, "status has written"


def test_status_gives_rows_seconds_and_findings_per_phase_and_table(
    migrated_template: Scratch, manage: Manage, counts: Counts
) -> None:
    read = document(manage(migrated_template, "migrate_tenants", "status", "--json"))
    phases = {phase["phase"]: phase for phase in read["phases"]}
    assert list(phases) == list(PHASES)
    assert {phase["status"] for phase in phases.values()} == {"completed"}
    figures = {"rows_seen", "rows_changed", "seconds", "findings", "wal_bytes", "longest_lock"}
    for phase in phases.values():
        assert figures | {"started_at", "completed_at", "run", "error"} <= phase.keys()
        for table in phase["tables"].values():
            assert table.keys() == figures
    changed = {table: numbers["rows_changed"] for table, numbers in phases[PHASES[3]]["tables"].items()}
    assert changed == counts.to_the_platform
    later = phases[PHASES[4]]["tables"]
    assert set(TABLES) <= later.keys()
    assert later["agent_tool_assignments"]["rows_changed"] == counts.assignments + counts.added
    found = {table: numbers["findings"] for table, numbers in later.items() if numbers["findings"]}
    assert found == counts.undecided
    assert later["prompts"]["rows_seen"] >= later["prompts"]["rows_changed"] == counts.prompts_of_customers
    for phase in phases.values():
        assert phase["rows_changed"] == sum(table["rows_changed"] for table in phase["tables"].values())


def test_validate_reads_only(migrated_template: Scratch, manage: Manage) -> None:
    def whole() -> str:
        return databases.dump(migrated_template.admin_url) + databases.dump(migrated_template.admin_url, schema="vital")

    before = whole()
    read = answer(manage(migrated_template, "migrate_tenants", "validate", "--json"), 0)
    assert (read["failed"], read["valid"]) == (0, True)
    assert whole() == before


def test_a_run_with_nothing_to_do_and_its_undo_preview_are_documents_too(
    untouched: Scratch, manage: Manage, migrated_template: Scratch
) -> None:
    assert answer(manage(untouched, "migrate_tenants", "undo", "--yes", "--json"), 0)["status"] == "nothing_to_do"
    answer(manage(migrated_template, "migrate_tenants", "undo", "--json"), 2)


def test_explain_says_where_why_when_and_what_it_was_before(migrated_template: Scratch, manage: Manage) -> None:
    entries = queries.ledger_entries(migrated_template, "agents")
    key, rule = min((key, rule) for key, rule, *_, tenant in entries if tenant == DIGITAL_HEALTH)
    read = answer(manage(migrated_template, "migrate_tenants", "explain", "agents", key, "--json"), 0)
    assert read["tenant"] == {"id": DIGITAL_HEALTH, "name": "Digital Health Startup"}
    assert (read["rule"], read["before_migration"], read["exists"]) == (rule, None, True)
    (entry,) = read["history"]
    assert (entry["rule"], entry["phase"], entry["before"]) == (rule, PHASES[4], None)
    assert entry["run"] == queries.scalar(migrated_template, "SELECT id FROM vital.run")
    at = "SELECT written_at FROM vital.ledger WHERE relation = 'public.agents' AND %s = ANY (keys)"
    written = queries.scalar(migrated_template, at, key)
    assert entry["at"] == written.isoformat()
    done = manage(migrated_template, "migrate_tenants", "explain", "public.agents", key)
    assert done.returncode == 0, said(done)
    words = ("Digital Health Startup", rule, "before the migration: no tenant", PHASES[4], f"{written:%Y-%m-%dT%H:%M}")
    assert all(word in done.stdout for word in words), said(done)


def test_explain_a_row_that_stood_there_before(migrated_template: Scratch, manage: Manage) -> None:
    key = queries.scalar(migrated_template, "SELECT min(key) FROM vital.baseline_row WHERE relation = 'public.agents'")
    read = answer(manage(migrated_template, "migrate_tenants", "explain", "agents", key, "--json"), 0)
    assert read["before_migration"] == read["tenant"] == {"id": PLATFORM, "name": "Platform"}
    assert (read["rule"], read["history"]) == (None, [])


def test_explain_what_is_not_there(migrated_template: Scratch, manage: Manage) -> None:
    for arguments, words in (
        (["robots", NOBODY], ["robots", "agents", "messages"]),
        (["agents", NOBODY], ["agents", NOBODY]),
        (["agents", "no-uuid'"], ["agents", "no-uuid'"]),
    ):
        read = answer(manage(migrated_template, "migrate_tenants", "explain", *arguments, "--json"), 2)
        assert all(word in str(read["error"]) for word in words), read["error"]


# --- step by step ---


@pytest.mark.slow
def test_step_by_step_without_a_terminal_stops_says_how_to_go_on_and_goes_on(
    legacy_template: Scratch, manage: Manage
) -> None:
    scratch = databases.clone(legacy_template)
    for number in range(2):
        done = manage(scratch, "migrate_tenants", "--step-by-step", "--to", "003")
        assert done.returncode == 3, said(done)
        assert PHASES[number] in done.stdout
        assert "./manage.py migrate_tenants --step-by-step" in done.stdout
        assert PHASES[number + 1] in done.stdout.splitlines()[-1]
        assert states(scratch) == ["completed"] * (number + 1)
    read = answer(manage(scratch, "migrate_tenants", "--step-by-step", "--json", "--yes"), 3)
    assert (read["status"], read["next"]) == ("paused", PHASES[3])
    databases.drop(scratch)


def states(scratch: Scratch) -> list[str]:
    return [
        status for (status,) in databases.rows(scratch.owner_url, "SELECT status FROM migration_tracking ORDER BY id")
    ]


def at_a_terminal(scratch: Scratch, folder: Path, answers: str, *arguments: str) -> tuple[int, str]:
    """Exit code and screen of a call whose questions are answered in advance."""
    keyboard, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "migrate_tenants", *arguments],
        env=os.environ | {"DATABASE_URL": scratch.owner_url, "TERM": "dumb"},
        cwd=folder, stdin=terminal, stdout=terminal, stderr=terminal,
    )  # fmt: skip
    os.close(terminal)
    os.write(keyboard, answers.encode())
    screen = b""
    while True:
        try:
            part = os.read(keyboard, 65536)
        except OSError:  # the terminal is closed when its last program has ended
            break
        if not part:
            break
        screen += part
    os.close(keyboard)
    return process.wait(), screen.decode()


@pytest.mark.slow
def test_at_a_terminal_it_asks_and_goes_on(legacy: Scratch, tmp_path: Path, counts: Counts) -> None:
    code, screen = at_a_terminal(legacy, tmp_path, "y\nn\n", "--step-by-step")
    assert code == 3, screen
    assert f"Go on with {PHASES[1]}?" in screen
    assert f"Go on with {PHASES[2]}?" in screen
    assert states(legacy) == ["completed"] * 2
    code, screen = at_a_terminal(legacy, tmp_path, "y\ny\n", "--step-by-step", "--from", "001", "--to", "003")
    assert code == 0, screen
    assert [screen.count(f"Go on with {phase}?") for phase in PHASES] == [0, 0, 1, 1, 0, 0, 0]
    code, screen = at_a_terminal(legacy, tmp_path, "n\n", "undo", "--phase", "002")
    assert code == 3, screen
    assert screen.index(PHASES[3]) < screen.index(PHASES[2]) < screen.index("Undo these phases?")
    assert queries.scalar(legacy, "SELECT count(*) FROM tools WHERE tenant_id IS NOT NULL") == counts.tools
    code, screen = at_a_terminal(legacy, tmp_path, "y\n", "undo", "--phase", "002")
    assert (code, queries.scalar(legacy, "SELECT count(*) FROM tools WHERE tenant_id IS NOT NULL")) == (0, 0), screen


# --- Ctrl-C ---

MIDWAY = (
    ("vital.phase_run", "SELECT count(*) > 0 FROM vital.phase_run"),
    ("vital.ledger", "SELECT count(*) > 0 FROM vital.ledger WHERE phase = '003_platform_data'"),
    ("vital.ledger", "SELECT count(*) > 2 FROM vital.ledger WHERE phase = '004_tenant_data'"),
)


@pytest.fixture
def big(empty: Scratch, manage: Manage) -> Scratch:
    """Enough rows for a signal to arrive in the midst of a batch."""
    assert manage(empty, "migrate", "-v0").returncode == 0
    filled = manage(empty, "generate_legacy", "--rows", "9000")
    assert filled.returncode == 0, said(filled)
    # Each active tool becomes an assignment of each agent: a hundred thousand rows that this is not about.
    queries.write_as_owner(
        empty, "UPDATE tools SET is_active = false WHERE tool_key NOT IN (SELECT min(tool_key) FROM tools)"
    )
    return empty


def interrupted(scratch: Scratch, moment: tuple[str, str], *arguments: str) -> str:
    """Press Ctrl-C at the moment that (table, query) say; what was printed."""
    with (
        paused_at(scratch, *moment) as stands,
        background.start(scratch, "migrate_tenants", "--yes", *arguments) as running,
    ):
        running.until(stands)
        running.process.send_signal(signal.SIGINT)
        words = running.ends_with(3)
    assert TRACEBACK not in words
    return words


@pytest.mark.slow
def test_ctrl_c_stops_a_run_and_the_next_one_continues(big: Scratch, manage: Manage) -> None:
    before = databases.dump(big.admin_url, "--exclude-table=migration_tracking")
    for moment in MIDWAY:
        assert "continues" in interrupted(big, moment)
    read = document(manage(big, "migrate_tenants", "status", "--json"))
    assert read["run"]["status"] == "paused"
    done = manage(big, "migrate_tenants", "--yes", "--json")
    assert done.returncode == 0, said(done)
    assert queries.scalar(big, "SELECT count(*) FROM knowledge_base WHERE tenant_id IS NULL") == 0
    entries = [key for table in TABLES for key, *_ in queries.ledger_entries(big, table)]
    assert len(entries) == len(set(entries)) > 6_000

    interrupted(big, ("vital.ledger", "SELECT count(*) > 3 FROM vital.ledger WHERE undone_at IS NOT NULL"), "undo")
    undone = manage(big, "migrate_tenants", "undo", "--yes", "--json")
    assert undone.returncode == 0, said(undone)
    assert databases.dump(big.admin_url, "--exclude-table=migration_tracking") == before


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="shows where a process is on Linux only")
def test_ctrl_c_before_anything_has_begun(untouched: Scratch) -> None:
    with background.start(untouched, "migrate_tenants", "status") as running:
        loaded = Path(f"/proc/{running.process.pid}/maps")
        running.until(lambda: "psycopg_binary" in loaded.read_text())
        running.process.send_signal(signal.SIGINT)
        words = running.ends_with(3)
    assert TRACEBACK not in words
