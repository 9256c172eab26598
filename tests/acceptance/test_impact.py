"""Which statements of applications break once the database is isolated: each is found, and none is made up."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import database_state, databases, statements
from tests.support.command_results import Done, Manage, document, said
from tests.support.databases import OWNER, Scratch, rows

pytestmark = pytest.mark.server

NOTHING_BREAKS, BREAKS, WRONG_USAGE = 0, 1, 2
APP = "vital_test_application"


@pytest.fixture(scope="module")
def isolated(migrated_template: Scratch) -> Iterator[Scratch]:
    """A migrated database with what the troubles need, for tests that only read."""
    copy = databases.clone(migrated_template)
    rows(copy.owner_url, statements.OBJECTS)
    yield copy
    databases.drop(copy)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "app.sql"
    path.write_text(statements.text(), encoding="utf-8")
    return path


def kinds(done: Done) -> set[tuple[str, ...]]:
    return {(one["kind"], *one["tables"]) for one in document(done)["findings"]}


EVERY = {(kind, table) for kind, (table, _) in statements.TROUBLES.items()}


def test_each_trouble_is_found_and_nothing_else(isolated: Scratch, manage: Manage, file: Path) -> None:
    done = manage(isolated, "migrate_tenants", "impact", "--statements", str(file), "--json")

    found = document(done)
    assert done.returncode == BREAKS, said(done)
    assert kinds(done) == EVERY
    assert (found["not_tried"], found["roles_not_tried"], found["passed_over"]) == ([], [], 3)
    assert (found["place"], found["statements"], found["fine"], found["breaks"]) == ("", 28, 20, 6)
    lines = file.read_text(encoding="utf-8").splitlines()
    for one in found["findings"]:
        assert one["reason"]
        assert one["change"]
        path, _, line = one["where"].rpartition(":")
        assert path == str(file)
        assert lines[int(line) - 1].split()[0] == one["statement"].split()[0]


def test_statements_that_are_fine_end_with_0(isolated: Scratch, manage: Manage, file: Path) -> None:
    file.write_text(statements.FINE, encoding="utf-8")

    done = manage(isolated, "migrate_tenants", "impact", "--statements", str(file))

    assert done.returncode == NOTHING_BREAKS, said(done)
    assert f"Nothing breaks: 20 statements of {file} tried on this database, 20 fine." in done.stdout


def test_as_today_nothing_is_said_of_tenants(isolated: Scratch, manage: Manage, file: Path) -> None:
    today = manage(isolated, "migrate_tenants", "impact", "--statements", str(file), "--as", "today", "--json")
    tenant = manage(isolated, "migrate_tenants", "impact", "--statements", str(file), "--as", "tenant", "--json")

    only_of_tenants = {("rights", "jobs"), ("past-policies", "agent_names"), ("slower", "prompts")}
    assert kinds(today) == EVERY - only_of_tenants
    assert {role for one in document(today)["findings"] for role in one["roles"]} == {OWNER}
    assert kinds(tenant) == EVERY


def test_nothing_is_carried_out(migrated: Scratch, manage: Manage, file: Path) -> None:
    rows(migrated.owner_url, statements.OBJECTS)
    tricks = "DELETE FROM messages; SELECT setval('x', 1); COMMIT; TRUNCATE messages; DROP TABLE jobs;"
    file.write_text(f"{tricks} SELECT 'it''s'; {statements.text()}", encoding="utf-8")
    before = database_state.dump_platform(migrated)

    done = manage(migrated, "migrate_tenants", "impact", "--statements", str(file), "--json")

    assert done.returncode == BREAKS, said(done)
    assert database_state.dump_platform(migrated) == before


def test_what_other_names_read_is_looked_at(isolated: Scratch, manage: Manage, file: Path) -> None:
    file.write_text(
        "SELECT n FROM prompt_counts WHERE domain = $1; SELECT find_prompt($1); SELECT public.find_prompt('x');"
        "SELECT * FROM public.agent_names; SELECT lower($1); SELECT nowhere FROM agents; this is no statement;"
        "CALL tidy($1)",
        encoding="utf-8",
    )

    done = manage(isolated, "migrate_tenants", "impact", "--statements", str(file), "--json")

    assert kinds(done) == {
        ("past-policies", "prompt_counts"),
        ("past-policies", "find_prompt"),
        ("past-policies", "tidy"),
        ("past-policies", "agent_names"),
    }
    untried = [one["reason"] for one in document(done)["not_tried"]]
    assert len(untried) == 2
    assert 'column "nowhere" does not exist' in untried[0]


def test_each_role_is_tried_as_itself(isolated: Scratch, server_url: str, manage: Manage, file: Path) -> None:
    rows(server_url, f"CREATE ROLE {APP} NOLOGIN")
    try:
        rows(isolated.admin_url, f"GRANT SELECT ON agents TO {APP}; GRANT {APP} TO {OWNER}")
        file.write_text(
            f"-- role: {APP}\nSELECT name FROM agents; UPDATE agents SET name = $1;\n-- role: nobody_here\nSELECT 1",
            encoding="utf-8",
        )

        done = manage(isolated, "migrate_tenants", "impact", "--statements", str(file), "--json")

        (found,) = document(done)["findings"]
        assert (found["kind"], found["role"], found["roles"]) == ("rights", APP, [APP])
        assert found["statement"] == "UPDATE agents SET name = $1"
        assert document(done)["roles_not_tried"] == [{"role": "nobody_here", "reason": "there is no such role here"}]
    finally:
        rows(isolated.admin_url, f"DROP OWNED BY {APP}")
        rows(server_url, f"DROP ROLE {APP}")


def test_findings_as_sarif(isolated: Scratch, manage: Manage, file: Path, tmp_path: Path) -> None:
    report = tmp_path / "impact.sarif"

    done = manage(isolated, "migrate_tenants", "impact", "--statements", str(file), "--sarif", str(report))

    assert done.returncode == BREAKS, said(done)
    (run,) = json.loads(report.read_text(encoding="utf-8"))["runs"]
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == {f"impact/{kind}" for kind in statements.TROUBLES}
    assert {one["level"] for one in run["results"]} == {"error", "warning"}
    assert "6 things would break, 2 things to look at" in done.stdout


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--statements", "missing.sql"), "No such file"),
        ((), "pg_stat_statements"),
        (("--cost-factor", "1"), "no factor above 1"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    words: tuple[str, ...], reason: str, isolated: Scratch, manage: Manage
) -> None:
    done = manage(isolated, "migrate_tenants", "impact", *words)

    assert done.returncode == WRONG_USAGE, said(done)
    assert reason in done.stderr
