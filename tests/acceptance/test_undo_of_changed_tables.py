"""What others do to whole tables while VITAL's changes stand, or while they are undone: one table holds up no other,
and what cannot be given back is said."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support import background, databases, queries
from tests.support.command_results import Manage, document, said
from tests.support.databases import Scratch, clone_with_grants
from tests.support.pause_point import paused_at
from tests.support.plans import SHIPPED

pytestmark = pytest.mark.slow

LEFT = """
    SELECT 'entry ' || id FROM vital.ledger WHERE undone_at IS NULL
    UNION ALL SELECT statement FROM vital.applied_statement
    UNION ALL SELECT 'baseline of ' || relation FROM vital.baseline
    UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'vital'::regnamespace AND proname ~ '^late_writer'
"""
DONE = """
    SELECT (SELECT count(*) FROM vital.ledger WHERE undone_at IS NULL), (SELECT count(*) FROM vital.applied_statement)
"""
ANEW = """
    DROP TABLE messages;
    CREATE TABLE messages (id uuid PRIMARY KEY, content text);
    INSERT INTO messages VALUES (gen_random_uuid(), 'of the new table')
"""


@pytest.fixture
def migrated(migrated_template: Scratch) -> Iterator[Scratch]:
    scratch = clone_with_grants(migrated_template)
    yield scratch
    databases.drop(scratch)


def assert_as_before(scratch: Scratch, template: Scratch, *besides: str) -> None:
    """Every table but these has the columns and rows from before the migration, and nothing of VITAL's stands."""
    assert databases.rows(scratch.admin_url, LEFT) == []
    for table in (name for name in queries.TABLES if name not in besides):
        columns = queries.columns(template, table)
        assert queries.columns(scratch, table) == columns
        assert queries.content(scratch, table, columns) == queries.content(template, table, columns), table


# --- while VITAL's changes stand ---


def test_a_table_that_is_dropped_holds_up_no_other(migrated: Scratch, legacy_template: Scratch, manage: Manage) -> None:
    lost = len(queries.ledger_entries(migrated, "messages"))
    queries.write_as_owner(migrated, "DROP TABLE messages")

    undone = manage(migrated, "migrate_tenants", "undo", "--yes", "--json")

    assert undone.returncode == 0, said(undone)
    assert document(undone)["gone"] == {"messages": lost}
    assert_as_before(migrated, legacy_template, "messages")


def test_a_table_made_anew_under_the_name_is_not_the_one_that_is_gone(
    migrated: Scratch, legacy_template: Scratch, manage: Manage
) -> None:
    lost = len(queries.ledger_entries(migrated, "messages"))
    queries.write_as_owner(migrated, ANEW)

    undone = manage(migrated, "migrate_tenants", "undo", "--yes", "--json")

    assert undone.returncode == 0, said(undone)
    assert document(undone)["gone"] == {"messages": lost}
    assert queries.columns(migrated, "messages") == ["id", "content"]
    assert queries.scalar(migrated, "SELECT string_agg(content, ',') FROM messages") == "of the new table"
    assert_as_before(migrated, legacy_template, "messages")


@pytest.mark.parametrize(
    ("there", "now", "back"),
    [
        ("ALTER TABLE messages RENAME TO letters", "letters", "ALTER TABLE letters RENAME TO messages"),
        (
            "CREATE SCHEMA old; ALTER TABLE messages SET SCHEMA old",
            "old.messages",
            "ALTER TABLE old.messages SET SCHEMA public",
        ),
    ],
    ids=["renamed", "moved"],
)
def test_a_table_of_another_name_is_refused_before_anything_changes(
    migrated: Scratch, legacy_template: Scratch, manage: Manage, there: str, now: str, back: str
) -> None:
    """VITAL's column would stay on it. Also where another table has its name by now."""
    queries.write_as_owner(migrated, there)
    before = databases.rows(migrated.admin_url, DONE)

    refused = manage(migrated, "migrate_tenants", "undo", "--yes")
    queries.write_as_owner(migrated, "CREATE TABLE messages (id uuid PRIMARY KEY)")
    replaced = manage(migrated, "migrate_tenants", "undo", "--yes")

    assert (refused.returncode, replaced.returncode) == (1, 1)
    assert f"messages is called {now} now: rename it back, then undo" in said(refused)
    assert f"messages is called {now} now, and another table has its name" in " ".join(said(replaced).split())
    assert databases.rows(migrated.admin_url, DONE) == before
    queries.write_as_owner(migrated, f"DROP TABLE messages; {back}")
    undone = manage(migrated, "migrate_tenants", "undo", "--yes")
    assert undone.returncode == 0, said(undone)
    assert_as_before(migrated, legacy_template)


@pytest.mark.parametrize("what", ["VACUUM FULL messages", "CLUSTER messages USING messages_pkey"])
def test_a_table_that_is_rewritten_goes_back_exactly(
    migrated: Scratch, legacy_template: Scratch, manage: Manage, what: str
) -> None:
    queries.write_as_owner(migrated, what)

    asked = manage(migrated, "migrate_tenants", "validate")
    undone = manage(migrated, "migrate_tenants", "undo", "--yes", "--json")

    assert "emptied" not in said(asked)
    assert undone.returncode == 0, said(undone)
    assert_as_before(migrated, legacy_template)


def test_a_table_that_is_emptied_is_told_and_is_no_failure(
    migrated: Scratch, legacy_template: Scratch, manage: Manage
) -> None:
    rows = queries.scalar(migrated, "SELECT count(*) FROM messages")
    queries.write_as_owner(migrated, "TRUNCATE messages")

    asked = manage(migrated, "migrate_tenants", "validate")
    undone = manage(migrated, "migrate_tenants", "undo", "--yes", "--json")

    told = " ".join(said(asked).split())
    assert asked.returncode == 0, told
    assert f"messages: was emptied or rewritten by another session; {rows:,} rows before, 0 now" in told
    assert "nobody else wrote" not in told
    assert undone.returncode == 0, said(undone)
    assert "messages" not in document(undone)["restored"] or document(undone)["restored"]["messages"] == 0
    assert queries.scalar(migrated, "SELECT count(*) FROM messages") == 0
    assert_as_before(migrated, legacy_template, "messages")


# --- while a run or its undo is at work ---

REWRITTEN = (
    "TRUNCATE messages",
    "VACUUM FULL prompts",
    "CLUSTER knowledge_base USING knowledge_base_pkey",
)
RENAMED, BACK = "ALTER TABLE messages RENAME TO letters", "ALTER TABLE letters RENAME TO messages"


@contextmanager
def meddled(scratch: Scratch, moment: str, verb: str, *statements: str) -> Iterator[background.BackgroundCommand]:
    """A run or an undo that stood still at the moment while somebody did this, and goes on."""
    with ExitStack() as at_the_end, ExitStack() as standing:
        stands = standing.enter_context(paused_at(scratch, "vital.ledger", moment))
        running = at_the_end.enter_context(background.start(scratch, "migrate_tenants", verb, "--yes"))
        running.until(stands, 60)
        for statement in statements:
            queries.write_as_owner(scratch, statement)
        standing.close()
        yield running


UNDOING = "SELECT count(*) FILTER (WHERE undone_at IS NOT NULL) > 0 FROM vital.ledger"
RUNNING = "SELECT count(*) > 0 FROM vital.ledger"


def test_rewritten_emptied_and_dropped_in_the_middle_of_an_undo(
    migrated: Scratch, legacy_template: Scratch, manage: Manage
) -> None:
    with meddled(migrated, UNDOING, "undo", *REWRITTEN, "DROP TABLE agent_tool_assignments") as running:
        told = running.ends_with(0)

    assert "agent_tool_assignments is gone" in told
    assert_as_before(migrated, legacy_template, "messages", "agent_tool_assignments")


def test_renamed_in_the_middle_of_an_undo(migrated: Scratch, legacy_template: Scratch, manage: Manage) -> None:
    with meddled(migrated, UNDOING, "undo", RENAMED) as running:
        told = " ".join(running.ends_with(1).split())

    assert "messages is called letters now: rename it back, then undo" in told
    queries.write_as_owner(migrated, BACK)
    again = manage(migrated, "migrate_tenants", "undo", "--yes")
    assert again.returncode == 0, said(again)
    assert_as_before(migrated, legacy_template)


def test_rewritten_and_emptied_in_the_middle_of_a_run(
    prepared: Scratch, legacy_template: Scratch, manage: Manage
) -> None:
    with meddled(prepared, RUNNING, "run", *REWRITTEN) as running:
        told = " ".join(running.ends_with(0).split())

    assert "messages: was emptied or rewritten by another session" in told
    undone = manage(prepared, "migrate_tenants", "undo", "--yes")
    assert undone.returncode == 0, said(undone)
    assert_as_before(prepared, legacy_template, "messages")


@pytest.mark.parametrize(("there", "back", "besides"), [("DROP TABLE messages", "", "messages"), (RENAMED, BACK, "")])
def test_dropped_or_renamed_in_the_middle_of_a_run(
    prepared: Scratch, legacy_template: Scratch, manage: Manage, there: str, back: str, besides: str
) -> None:
    """The run says which table it misses, and stops; its undo is exact."""
    with meddled(prepared, RUNNING, "run", there) as running:
        told = " ".join(running.ends_with(1).split())

    assert "there is no table public.messages" in told
    if back:
        queries.write_as_owner(prepared, back)
    undone = manage(prepared, "migrate_tenants", "undo", "--yes")
    assert undone.returncode == 0, said(undone)
    assert_as_before(prepared, legacy_template, besides)


# --- a plan that no longer names a table ---


def test_a_table_that_the_plan_no_longer_names_is_undone_by_the_plan_of_its_run(
    migrated: Scratch, legacy_template: Scratch, manage: Manage, tmp_path: Path
) -> None:
    """Where no run remembers such a plan, the table is named and nothing changes."""
    plan = ("--plan", str(without_messages(tmp_path)))
    before = databases.rows(migrated.admin_url, DONE)
    forgetful = clone_with_grants(migrated)
    databases.rows(forgetful.admin_url, "UPDATE vital.run SET plan = ''")

    refused = manage(forgetful, "migrate_tenants", "undo", "--yes", *plan)
    undone = manage(migrated, "migrate_tenants", "undo", "--yes", "--json", *plan)

    assert refused.returncode == 1, said(refused)
    assert "the plan does not name messages" in said(refused)
    assert databases.rows(forgetful.admin_url, DONE) == before
    databases.drop(forgetful)
    assert undone.returncode == 0, said(undone)
    assert document(undone)["restored"]["messages"] > 0
    assert_as_before(migrated, legacy_template)


def without_messages(folder: Path) -> Path:
    """The plan that is shipped, but for the table of messages, which nothing else stands on."""
    text = SHIPPED.read_text(encoding="utf-8")
    tables = re.split(r"(?=^\[\[table\]\]$)", text, flags=re.MULTILINE)
    kept = [one for one in tables if 'name = "public.messages"' not in one]
    assert len(kept) == len(tables) - 1
    path = folder / "without_messages.toml"
    path.write_text("".join(kept), encoding="utf-8")
    return path


# --- what triggers of others change elsewhere ---

COUNTER = """
    CREATE TABLE counters (name text PRIMARY KEY, changes bigint);
    INSERT INTO counters VALUES ('users', 0), ('messages', 0);
    CREATE FUNCTION count_change() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN UPDATE counters SET changes = changes + 1 WHERE name = TG_ARGV[0]; RETURN NULL; END';
    CREATE FUNCTION pass_on() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN EXECUTE $$SELECT 1$$; RETURN NULL; END';
    CREATE TRIGGER counted AFTER UPDATE ON messages FOR EACH STATEMENT EXECUTE FUNCTION count_change('messages');
    CREATE TRIGGER passed AFTER UPDATE ON prompts FOR EACH ROW EXECUTE FUNCTION pass_on();
    CREATE TRIGGER calm AFTER UPDATE OF content ON messages FOR EACH ROW EXECUTE FUNCTION count_change('messages')
"""


def test_what_a_trigger_changed_elsewhere_is_said_before_and_after(legacy: Scratch, manage: Manage) -> None:
    queries.write_as_owner(legacy, COUNTER)

    done = manage(legacy, "migrate_tenants", "--yes")
    undone = manage(legacy, "migrate_tenants", "undo", "--yes")
    again = " ".join(said(undone).split())

    assert done.returncode == 0, said(done)
    for told in (" ".join(said(done).split()), again):
        assert "messages: the trigger counted fires for every change of a tenant" in told
        assert "seems to write counters: what it changes there is not given back" in told
        assert "prompts: the trigger passed fires for every change of a tenant" in told
        assert "may write elsewhere" in told
        assert "the trigger calm" not in told
    assert queries.scalar(legacy, "SELECT changes FROM counters WHERE name = 'messages'") > 0
