"""What goes around isolation without breaking it is listed: functions, views, rights, publications, other tables."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import databases, queries
from tests.support.command_results import Manage, document, said
from tests.support.databases import OWNER, Scratch, clone_with_grants, rows

pytestmark = pytest.mark.server


@pytest.fixture
def closed(migrated_template: Scratch) -> Iterator[Scratch]:
    """A migrated database of one's own, with the grants on the database itself."""
    scratch = clone_with_grants(migrated_template)
    yield scratch
    databases.drop(scratch)


def bypasses(scratch: Scratch, manage: Manage) -> dict[str, list[dict[str, Any]]]:
    done = manage(scratch, "prove_isolation", "--bypasses", "--json")
    assert done.returncode == 0, said(done)
    found: dict[str, list[dict[str, Any]]] = document(done)["bypasses"]
    return found


def test_it_is_listed(closed: Scratch, manage: Manage) -> None:
    clean = bypasses(closed, manage)
    of_this_database = set(clean) - {
        "roles",
        "logins_that_may_become_vital_operator",
        "who_may_make_temporary_tables",
    }
    assert {kind: clean[kind] for kind in of_this_database} == {kind: [] for kind in of_this_database}

    for statement in (
        "CREATE FUNCTION all_tools() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM tools'",
        "CREATE VIEW every_agent AS SELECT id, name FROM agents",
        "CREATE VIEW own_agents WITH (security_invoker = true) AS SELECT id, name FROM agents"
        if server_version(closed) >= 150000
        else "SELECT 1",
        "CREATE MATERIALIZED VIEW copied AS SELECT id FROM prompts",
        "CREATE TABLE notes (tool uuid REFERENCES tools (id))",
        "GRANT SELECT ON notes TO vital_tenant",
        "GRANT SELECT ON agents TO PUBLIC",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO PUBLIC",
    ):
        rows(closed.owner_url, statement)
    rows(closed.admin_url, "CREATE PUBLICATION everything FOR TABLE messages")

    found = bypasses(closed, manage)

    (function,) = found["security_definer_functions"]
    assert function == {
        "function": "all_tools()", "owner": OWNER, "may_call": ["everybody", OWNER], "search_path_fixed": False,
        "a_tenant_may_call": True,
    }  # fmt: skip
    assert {view["view"] for view in found["views_that_read_as_their_owner"]} == {"public.every_agent", "public.copied"}
    assert [table["table"] for table in found["tables_that_the_plan_does_not_name"]] == ["public.notes"]
    assert found["readable_by_every_tenant"] == [{"relation": "notes"}]
    assert found["rights_on_tables_made_later"][0]["grantee"] == "everybody"
    assert found["publications"] == [{"publication": "everything", "tables": ["messages"]}]
    assert "SELECT on agents" in {
        right for role in found["roles"] if role["role"].startswith("everybody") for right in role["rights"]
    }

    shown = manage(closed, "prove_isolation", "--bypasses")
    assert "all_tools()" in shown.stdout


def server_version(scratch: Scratch) -> int:
    return int(queries.scalar(scratch, "SELECT current_setting('server_version_num')"))
