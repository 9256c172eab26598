"""Before the migration statements are tried on a copy, before and after a run there; the database stays as it is."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import database_state, statements
from tests.support.command_results import Manage, document, said
from tests.support.databases import OWNER, Scratch, rows

pytestmark = [pytest.mark.server, pytest.mark.slow]

BREAKS, WRONG_USAGE = 1, 2
COPIES = "SELECT datname FROM pg_database WHERE starts_with(datname, %s) AND datname <> %s"
APP = "vital_test_copied_application"


@pytest.fixture
def on_server(server_url: str, legacy: Scratch) -> Iterator[Scratch]:
    """A legacy database with what the troubles need, whose owner may make databases."""
    rows(server_url, f"ALTER ROLE {OWNER} CREATEDB")
    rows(server_url, f"CREATE ROLE {APP} NOLOGIN")
    rows(legacy.owner_url, statements.OBJECTS)
    rows(legacy.admin_url, f"GRANT SELECT ON agents TO {APP}; GRANT {APP} TO {OWNER}")
    yield legacy
    rows(legacy.admin_url, f"DROP OWNED BY {APP}")
    rows(server_url, f"DROP ROLE {APP}")
    rows(server_url, f"ALTER ROLE {OWNER} NOCREATEDB")


# What the legacy tables have no column for yet is no statement of theirs.
LATER = ("tenant_id",)


def legacy_statements() -> tuple[str, set[tuple[str, str]], int]:
    """Those that work before the migration, the troubles among them, and how many are fine."""
    fine = [one for one in statements.FINE.split(";\n") if not any(word in one for word in LATER)]
    troubles = {kind: pair for kind, pair in statements.TROUBLES.items() if kind != "on-conflict"}
    old = "INSERT INTO tools (tool_key, name, description) VALUES ($1, $2, $3) ON CONFLICT (tool_key) DO NOTHING"
    listed = [old, *(statement for _, statement in troubles.values()), *fine]
    return (
        ";\n".join(listed),
        {("on-conflict", "tools"), *((kind, table) for kind, (table, _) in troubles.items())},
        len(fine),
    )


def test_what_will_break_is_found_before_the_migration(on_server: Scratch, manage: Manage, tmp_path: Path) -> None:
    text, expected, fine = legacy_statements()
    file = tmp_path / "app.sql"
    role = f"-- role: {APP}\nSELECT name FROM agents;\nSELECT email FROM users;"
    file.write_text(f"{text};\nSELECT tenant_id FROM tools;\n{role}\n", encoding="utf-8")
    before = database_state.dump_platform(on_server)

    done = manage(
        on_server, "migrate_tenants", "impact", "--statements", str(file), "--json", cwd=tmp_path, timeout=300
    )

    found = document(done)
    assert (done.returncode, found["place"]) == (BREAKS, "server"), said(done)
    assert {(one["kind"], *one["tables"]) for one in found["findings"]} == expected
    assert found["fine"] == fine + 1
    untried = {one["statement"]: one["reason"] for one in found["not_tried"]}
    assert (
        untried["SELECT tenant_id FROM tools"] == 'it fails without isolation, too: column "tenant_id" does not exist'
    )
    assert "permission denied for table users" in untried["SELECT email FROM users"]
    assert len(untried) == 2
    assert found["roles_not_tried"] == []
    assert database_state.dump_platform(on_server) == before
    assert rows(on_server.admin_url, "SELECT to_regclass('vital.run') IS NULL") == [(True,)]
    assert rows(on_server.admin_url, COPIES, [on_server.name, on_server.name]) == []


EXTENSION = "pg_stat_statements"


def test_the_extension_itself_keeps_nobody_from_a_copy(on_server: Scratch, manage: Manage, tmp_path: Path) -> None:
    if not rows(on_server.admin_url, "SELECT 1 FROM pg_available_extensions WHERE name = %s", [EXTENSION]):
        pytest.skip(f"this server has no {EXTENSION}")
    rows(on_server.admin_url, f"CREATE EXTENSION {EXTENSION}")
    file = tmp_path / "app.sql"
    file.write_text("SELECT name FROM agents", encoding="utf-8")

    done = manage(on_server, "migrate_tenants", "impact", "--statements", str(file), cwd=tmp_path, timeout=300)

    assert done.returncode == 0, said(done)
    assert "Nothing breaks: 1 statement" in done.stdout


STATISTICS = """
CREATE VIEW public.pg_stat_statements AS
SELECT r.oid AS userid, d.oid AS dbid, s.query, 4::bigint AS calls
FROM (VALUES ('INSERT INTO tools (tool_key) VALUES ($1) ON CONFLICT (tool_key) DO NOTHING'), ('SELECT 1')) AS s (query)
JOIN pg_roles AS r ON r.rolname = current_user
JOIN pg_database AS d ON d.datname = current_database()
"""


def test_a_rehearsal_includes_it(on_server: Scratch, manage: Manage, tmp_path: Path) -> None:
    rows(on_server.owner_url, STATISTICS)

    done = manage(on_server, "migrate_tenants", "rehearse", "--rows", "300", cwd=tmp_path, timeout=300)

    assert done.returncode == 0, said(done)
    sent = done.stdout.partition("What applications send:")[2]
    assert "breaks   on-conflict  tools  (sent 4 times by" in sent
    assert "1 thing would break: 2 statements of pg_stat_statements tried on a copy (server), 1 fine." in sent
    assert "The real run will take about" in sent


def test_in_the_midst_of_a_migration_it_is_refused(prepared: Scratch, manage: Manage, tmp_path: Path) -> None:
    file = tmp_path / "app.sql"
    file.write_text("SELECT 1", encoding="utf-8")

    done = manage(prepared, "migrate_tenants", "impact", "--statements", str(file))

    assert done.returncode == WRONG_USAGE, said(done)
    assert "begun here already" in done.stderr
