"""The attack run: it holds on a migrated database, notices every breach it is there for, and leaves nothing behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from psycopg.conninfo import conninfo_to_dict

from migrations_ops.engine.session import Session
from migrations_ops.phases.inventory import inventory_of
from migrations_ops.rules.load import load
from tenants.isolation import database_probe
from tenants.isolation.report import HELD, LEAK, Report
from tests.support import background, databases, queries
from tests.support.cast import DIGITAL_HEALTH, PHARMA
from tests.support.command_results import Manage, document, said
from tests.support.database_state import dump_platform
from tests.support.databases import OWNER, Scratch, clone_with_grants, rows
from tests.support.queries import TABLES

pytestmark = pytest.mark.server

ORGANISATION = ("business_functions", "org_departments", "organizational_levels")
WRITABLE = {*TABLES, *ORGANISATION}
FENCED = {*WRITABLE, "tenants"}
MEMBERS = "SELECT roleid::regrole::text, member::regrole::text FROM pg_auth_members ORDER BY 1, 2"
AT_WORK = (
    "SELECT 1 FROM pg_stat_activity"
    " WHERE datname = %s AND pid <> pg_backend_pid() AND application_name <> 'attack run' AND backend_xid IS NOT NULL"
)

ROLES = "SELECT rolname, rolinherit FROM pg_roles WHERE rolname LIKE 'vital%' ORDER BY 1"


@pytest.fixture
def fenced(migrated_template: Scratch) -> Iterator[Scratch]:
    """A migrated database of one's own, with the grants on the database itself."""
    scratch = clone_with_grants(migrated_template)
    yield scratch
    databases.drop(scratch)


@contextmanager
def session_of(scratch: Scratch) -> Iterator[Session]:
    session = Session.open(dict(conninfo_to_dict(scratch.owner_url)), "attack run")
    yield session
    session.close()


def attacked(scratch: Scratch, *, everybody: bool = False) -> Report:
    with session_of(scratch) as session:
        return database_probe.prove(session, inventory_of(load(settings.PLAN)), everybody=everybody)


def on_every_table(scratch: Scratch, statement: str, tables: set[str] = FENCED) -> None:
    for table in sorted(tables):
        rows(scratch.owner_url, statement.format(table=table))


def leaking(report: Report, verb: str) -> set[str]:
    return {leak.what for leak in report.leaks if leak.verb == verb}


# --- it holds ---


def test_a_migrated_database_holds_and_nothing_is_left_out(fenced: Scratch) -> None:
    report = attacked(fenced, everybody=True)

    assert report.leaks == []
    assert report.hidden == []
    assert {left_out["what"] for left_out in report.not_tried} == {
        "reset role",
        "a statement that sets vital.tenant_id itself",
    }
    by_table = {attempt.what for attempt in report.attempts if attempt.verb == "update of a row unseen"}
    assert by_table == WRITABLE
    assert {a.what for a in report.attempts if a.verb == "select by key"} == FENCED
    cast = {"nobody", "Platform", "Digital Health Startup", "Pharmaceuticals", "a planted tenant"}
    for verb in ("select by key", "select for update", "update by key", "delete by key", "insert in its name"):
        pairs = {(a.attacker, a.victim) for a in report.attempts if a.verb == verb and a.what == "messages"}
        assert pairs >= {(a, v) for a in cast for v in cast - {"nobody"} if a != v}, verb


def test_the_json_says_what_was_tried_on_whom(fenced: Scratch, manage: Manage) -> None:
    done = manage(fenced, "prove_isolation", "--json")

    assert done.returncode == 0, said(done)
    found = document(done)
    assert (found["exit_code"], found["holds"], found["leaks"], found["open"]) == (0, True, 0, [])
    assert found["attacks"] == len(found["matrix"])
    assert found["seconds"] > 0
    for attempt in found["matrix"]:
        assert set(attempt) == {"attacker", "victim", "where", "what", "verb", "outcome", "detail"}
        assert (attempt["where"], attempt["outcome"]) == ("table", HELD)
    assert all(set(left_out) == {"what", "why"} for left_out in found["not_tried"])


def test_people_get_a_matrix_and_a_sentence(fenced: Scratch, manage: Manage) -> None:
    done = manage(fenced, "prove_isolation")

    assert done.returncode == 0, said(done)
    assert "attacker ╲ victim" in done.stdout
    assert "✗" not in done.stdout
    assert "Held." in done.stdout


@pytest.mark.slow
def test_a_table_that_cannot_be_planted_in_is_not_called_safe(fenced: Scratch) -> None:
    rows(fenced.owner_url, "ALTER TABLE tools ADD CONSTRAINT nothing_new CHECK (created_at < '2020-01-01') NOT VALID")
    rows(fenced.owner_url, "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''no''; END'")
    rows(fenced.owner_url, "CREATE TRIGGER refuse BEFORE INSERT ON agents FOR EACH ROW EXECUTE FUNCTION refuse()")

    report = attacked(fenced)

    assert report.leaks == []
    told = {left_out["what"]: left_out["why"] for left_out in report.not_tried}
    assert told["insert in its name on agents"] == "no second row could be planted: no"
    assert told["everything by key on agents"] == "none could be planted: no"
    assert "nothing_new" not in str(told), "a CHECK that an older row passes is passed as that row does"
    assert {a.what for a in report.attempts if a.verb == "everything by key"} == {"agents"}
    held = {(a.verb, a.victim) for a in report.attempts if a.what == "agents" and a.outcome == HELD}
    assert ("delete by key", "Pharmaceuticals") in held, "a row that is there was tried instead, and taken back"
    for verb, victim in held:
        assert victim != "a planted tenant" or verb == "select without filter", "it has no row there"
        assert verb not in {"insert in its name", "insert on conflict", "update of a row unseen"}


# --- it notices ---

RESTRICTIVE = {
    "vital_tenant_select": ("select by key", FENCED),
    "vital_tenant_insert": ("insert in its name", WRITABLE),
    "vital_tenant_update": ("update of a row unseen", WRITABLE),
    "vital_tenant_delete": ("delete of a row unseen", WRITABLE),
}


@pytest.mark.slow
@pytest.mark.parametrize("policy", RESTRICTIVE)
@pytest.mark.parametrize("how", ["dropped", "opened"])
def test_a_policy_that_is_gone_or_open_is_noticed_on_every_table(fenced: Scratch, policy: str, how: str) -> None:
    verb, tables = RESTRICTIVE[policy]
    clause = "WITH CHECK (true)" if policy.endswith("insert") else "USING (true)"
    statement = (
        f"DROP POLICY {policy} ON {{table}}" if how == "dropped" else f"ALTER POLICY {policy} ON {{table}} {clause}"
    )
    on_every_table(fenced, statement)

    report = attacked(fenced)

    assert leaking(report, verb) == tables
    assert not report.holds


def test_a_policy_that_lets_rows_be_given_away_is_noticed(fenced: Scratch) -> None:
    on_every_table(fenced, "ALTER POLICY vital_tenant_update ON {table} WITH CHECK (true)", WRITABLE)

    assert leaking(attacked(fenced), "update that gives a row away") == WRITABLE


def test_a_hole_for_one_tenant_alone_is_noticed(fenced: Scratch) -> None:
    """The planted tenants know nothing of it: the registered ones have to be tried themselves."""
    hole = f"tenant_id = '{PHARMA}' AND current_setting('vital.tenant_id') = '{DIGITAL_HEALTH}'"
    visible = rows(fenced.owner_url, "SELECT pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polname ="
                   " 'vital_tenant_select' AND polrelid = 'prompts'::regclass")[0][0]  # fmt: skip
    rows(fenced.owner_url, f"ALTER POLICY vital_tenant_select ON prompts USING ({visible} OR {hole})")

    leaks = attacked(fenced).leaks

    assert {(leak.attacker, leak.victim) for leak in leaks} == {("Digital Health Startup", "Pharmaceuticals")}
    assert {leak.verb for leak in leaks} == {"select by key", "select without filter"}


def test_a_table_without_row_level_security_is_noticed(fenced: Scratch) -> None:
    rows(fenced.owner_url, "ALTER TABLE conversations DISABLE ROW LEVEL SECURITY")

    report = attacked(fenced)

    assert {leak.what for leak in report.leaks} == {"conversations"}
    assert "select without filter" in {leak.verb for leak in report.leaks}
    assert rows(fenced.admin_url, "SELECT count(*) FROM conversations") == [(60,)], "it was only tried"


@pytest.mark.slow
def test_references_that_nobody_guards_are_noticed(fenced: Scratch) -> None:
    for table, trigger in rows(
        fenced.owner_url, "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE tgname LIKE 'vital_ref_%'"
    ):
        rows(fenced.owner_url, f'DROP TRIGGER "{trigger}" ON {table}')

    leaks = attacked(fenced).leaks

    assert {(leak.what, leak.verb.rpartition(" ")[2]) for leak in leaks} == {
        ("agent_tool_assignments", "agent_id"),
        ("agent_tool_assignments", "tool_id"),
        ("conversations", "persistent_agent_id"),
        ("conversations", "user_id"),
        ("knowledge_base", "source_id"),
        ("knowledge_sources", "created_by"),
        ("knowledge_sources", "updated_by"),
        ("messages", "agent_id"),
        ("messages", "conversation_id"),
        ("org_departments", "parent_department_id"),
        ("organizational_levels", "parent_level_id"),
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("grant", "verb", "table"),
    [
        ("TRUNCATE ON messages", "TRUNCATE", "messages"),
        ("TRIGGER ON users", "TRIGGER", "users"),
        ("UPDATE (name) ON tenants", "UPDATE", "tenants"),
        ("DELETE ON tool_categories", "DELETE", "tool_categories"),
    ],
)
def test_a_right_that_policies_do_not_bind_is_noticed_and_not_used(
    fenced: Scratch, manage: Manage, grant: str, verb: str, table: str
) -> None:
    rows(fenced.owner_url, f"GRANT {grant} TO vital_tenant")

    done = manage(fenced, "prove_isolation", "--json")

    assert done.returncode == 1, said(done)
    leaks = [attempt for attempt in document(done)["matrix"] if attempt["outcome"] == LEAK]
    assert [(leak["what"], leak["verb"]) for leak in leaks] == [(table, verb)]


@pytest.mark.slow
def test_who_takes_a_temporary_table_for_real_is_noticed(fenced: Scratch) -> None:
    assert attacked(fenced, everybody=True).leaks == [], "everybody may make temporary tables"
    rows(fenced.owner_url, "ALTER FUNCTION vital.guard_referenced() RESET ALL")

    (leak, *others) = attacked(fenced, everybody=True).leaks

    assert {leak.verb for leak in (leak, *others)} == {"temporary table of its name"}
    assert "vital.guard_referenced()" in leak.detail


def test_rows_that_their_owner_does_not_see_are_noticed(fenced: Scratch) -> None:
    rows(
        fenced.owner_url,
        "CREATE POLICY active ON agents AS RESTRICTIVE FOR SELECT TO vital_tenant USING (priority < 0)",
    )

    report = attacked(fenced)

    assert {lost["what"] for lost in report.hidden} == {"agents"}
    assert not report.holds


@pytest.mark.slow
def test_a_fence_that_the_owner_walks_through_is_not_whole(fenced: Scratch, manage: Manage) -> None:
    rows(fenced.owner_url, "ALTER TABLE prompts NO FORCE ROW LEVEL SECURITY")

    done = manage(fenced, "prove_isolation")
    assert done.returncode == 1, said(done)
    assert "public.prompts: isolation is incomplete" in done.stdout
    assert "./manage.py migrate_tenants" in " ".join(done.stdout.split())

    listed = document(manage(fenced, "prove_isolation", "--bypasses", "--json"))["bypasses"]
    (owner,) = [role for role in listed["roles"] if role["role"] == OWNER]
    assert "owner of tables without FORCE" in owner["bound"]


@pytest.mark.slow
def test_006_makes_anew_what_was_altered_and_does_not_complete_where_it_may_not(
    migrated_template: Scratch, manage: Manage
) -> None:
    """A policy that looks like ours and asks nothing is another one all the same."""
    scratch = clone_with_grants(migrated_template)
    asks_nothing = "current_setting('vital.tenant_id', true) IS NOT NULL"
    try:
        rows(scratch.owner_url, f"ALTER POLICY vital_tenant_delete ON prompts USING ({asks_nothing})")
        assert attacked(scratch).leaks
        done = manage(scratch, "migrate_tenants", "--only", "006", "--json")
        assert done.returncode == 0, said(done)
        assert not attacked(scratch).leaks

        rows(scratch.admin_url, "ALTER FUNCTION vital.guard_referenced() OWNER TO CURRENT_USER")
        done = manage(scratch, "migrate_tenants", "--only", "006", "--json")
        assert done.returncode == 1, said(done)
        assert f"ALTER FUNCTION vital.guard_referenced() OWNER TO {OWNER}" in done.stderr
    finally:
        databases.drop(scratch)


# --- it leaves nothing ---


def traces(scratch: Scratch) -> tuple[Any, ...]:
    return dump_platform(scratch), rows(scratch.admin_url, MEMBERS), rows(scratch.admin_url, ROLES)


@pytest.mark.slow
def test_nothing_is_left_behind(fenced: Scratch, manage: Manage) -> None:
    before = traces(fenced)

    assert manage(fenced, "prove_isolation").returncode == 0

    assert traces(fenced) == before


@pytest.mark.slow
def test_a_killed_run_leaves_nothing_behind(fenced: Scratch) -> None:
    before = traces(fenced)
    with background.start(fenced, "prove_isolation") as running:
        running.until(lambda: rows(fenced.admin_url, AT_WORK, [fenced.name]))
        running.kill()

    others = (
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
    )
    rows(fenced.admin_url, others, [fenced.name])
    assert traces(fenced) == before


@pytest.mark.slow
def test_an_application_is_not_kept_waiting(fenced: Scratch) -> None:
    """While the run is at work, every row and table can be written, and what is locked is waited for briefly."""
    with session_of(fenced) as session, session.connection.transaction():
        session.execute("SELECT set_config('lock_timeout', '1s', true)")
        before = queries.scalar(fenced, "SELECT count(*) FROM tools")
        with background.start(fenced, "prove_isolation") as running:
            running.until(lambda: rows(fenced.admin_url, AT_WORK, [fenced.name]))
            rows(fenced.admin_url, "ALTER ROLE vital_tenant NOLOGIN")
            session.execute("UPDATE tools SET name = name")
            session.execute("UPDATE tenants SET name = name")
            session.execute("DELETE FROM messages")
            running.ends_with(0)
    assert queries.scalar(fenced, "SELECT count(*) FROM tools") == before


# --- it says so ---


def test_exit_codes(legacy: Scratch, manage: Manage) -> None:
    open_ = manage(legacy, "prove_isolation")
    assert open_.returncode == 1, said(open_)
    assert "Isolation is off" in open_.stderr
    assert "006_row_level_security" in open_.stderr

    nowhere = manage("postgresql://nobody:nothing@127.0.0.1:1/nowhere", "prove_isolation", "--json")
    assert nowhere.returncode == 2, said(nowhere)
    assert "cannot be reached" in document(nowhere)["error"]

    assert manage(legacy, "prove_isolation", "--nonsense").returncode == 2
