"""A restore or its undo that is killed goes on where the same is asked again, or back; and what the run's list says."""

import pytest

from tests.support import background, restores
from tests.support.command_results import Manage, document, said
from tests.support.databases import Scratch, rows
from tests.support.pause_point import paused_at
from tests.support.queries import scalar
from tests.support.restores import MINE, WHY, BackedUp, others, owned

pytestmark = pytest.mark.slow

ENTRIES = "SELECT count(*) FROM vital.restore_entry"
STANDS = f"{ENTRIES} WHERE undone_at IS NULL"
DAMAGE = (
    f"DELETE FROM agents WHERE {MINE}",
    f"DELETE FROM users WHERE {MINE}",
    f"UPDATE knowledge_base SET content = upper(content) WHERE {MINE}",
    f"UPDATE prompts SET id = gen_random_uuid() WHERE {MINE}",
)


@pytest.fixture
def damaged(backed_up: BackedUp, restorable: Scratch) -> dict[str, list[str]]:
    for statement in DAMAGE:
        rows(restorable.admin_url, statement)
    return owned(restorable)


def command(backed_up: BackedUp) -> tuple[str, ...]:
    return ("tenants", "restore", "pharma", "--from", str(backed_up.file), "--delete-added", "--yes", *WHY)


@pytest.mark.parametrize("entries", [1, 3, 6])
def test_killed_it_goes_on_as_one_restore_and_back_as_one(
    entries: int, backed_up: BackedUp, restorable: Scratch, damaged: dict[str, list[str]], manage: Manage
) -> None:
    around = others(restorable)
    moment = f"({ENTRIES}) >= {entries}"
    with (
        paused_at(restorable, "vital.restore_entry", moment) as stands,
        background.start(restorable, *command(backed_up)) as running,
    ):
        running.until(stands)
        running.kill()
    assert owned(restorable) != backed_up_rows(backed_up)
    state = document(manage(restorable, "migrate_tenants", "status", "--json"))["run"]
    assert (state["kind"], state["status"]) == ("restore", "running")
    refused = manage(restorable, "migrate_tenants", "resume", "--yes")
    assert (refused.returncode, "tenants restore" in refused.stderr) == (2, True), said(refused)

    done = restores.restore(restorable, manage, backed_up.file, "--delete-added", "--yes", *WHY)

    assert done["run"] == state["id"]
    assert owned(restorable) == backed_up_rows(backed_up)
    assert others(restorable) == around
    assert scalar(restorable, "SELECT status FROM vital.run WHERE id = %s", done["run"]) == "completed"
    undone = restores.undo(restorable, manage, done["run"])
    assert undone["kept"] == []
    assert owned(restorable) == damaged
    assert others(restorable) == around


def backed_up_rows(backed_up: BackedUp) -> dict[str, list[str]]:
    return owned(backed_up.database)


def test_killed_it_goes_back_and_an_undo_that_is_killed_goes_on(
    backed_up: BackedUp, restorable: Scratch, damaged: dict[str, list[str]], manage: Manage
) -> None:
    with (
        paused_at(restorable, "vital.restore_entry", f"({ENTRIES}) >= 4") as stands,
        background.start(restorable, *command(backed_up)) as running,
    ):
        running.until(stands)
        running.kill()
    run = scalar(restorable, "SELECT max(id) FROM vital.run WHERE kind = 'restore'")
    left = scalar(restorable, STANDS)
    assert left >= 3
    with (
        paused_at(restorable, "vital.restore_entry", f"({STANDS}) <= {left - 2}") as stands,
        background.start(restorable, "tenants", "undo-restore", str(run), "--yes", *WHY) as running,
    ):
        running.until(stands)
        running.kill()
    assert owned(restorable) != damaged

    restores.undo(restorable, manage, run)

    assert owned(restorable) == damaged
    assert scalar(restorable, "SELECT status FROM vital.run WHERE id = %s", run) == "cancelled"
    again = manage(restorable, "tenants", "undo-restore", str(run), "--yes", *WHY)
    assert (again.returncode, "Nothing that restore" in again.stderr) == (2, True), said(again)


def test_it_can_be_paused_and_cancelled_as_runs_are(
    backed_up: BackedUp, restorable: Scratch, damaged: dict[str, list[str]], manage: Manage
) -> None:
    with background.start(restorable, *command(backed_up)) as running:
        with paused_at(restorable, "vital.restore_entry", f"({ENTRIES}) >= 2") as stands:
            running.until(stands)
            rows(restorable.admin_url, "UPDATE vital.run SET stop_requested = 'pause' WHERE kind = 'restore'")
        told = running.ends_with(3)
    assert "The same command continues" in told
    other = manage(restorable, "tenants", "restore", "pharma", "--from", str(backed_up.file), "--yes", *WHY)
    assert (other.returncode, "is paused" in other.stderr) == (1, True), said(other)
    assert manage(restorable, "migrate_tenants", "cancel", "--yes").returncode == 0
    restores.restore(restorable, manage, backed_up.file, "--delete-added", "--yes", *WHY)
    assert owned(restorable) == backed_up_rows(backed_up)


def test_the_migration_takes_none_of_it_for_its_own(
    backed_up: BackedUp, restorable: Scratch, damaged: dict[str, list[str]], manage: Manage
) -> None:
    restores.restore(restorable, manage, backed_up.file, "--delete-added", "--yes", *WHY)

    for words in (("migrate_tenants", "run", "--yes"), ("migrate_tenants", "validate"), ("prove_isolation",)):
        done = manage(restorable, *words, timeout=300)
        assert done.returncode == 0, said(done)
    assert owned(restorable) == backed_up_rows(backed_up)
    undone = manage(restorable, "migrate_tenants", "undo", "--yes", timeout=300)
    assert undone.returncode in (0, 1), said(undone)
    assert "Traceback" not in said(undone)


def test_undone_it_keeps_what_was_changed_since(
    backed_up: BackedUp, restorable: Scratch, damaged: dict[str, list[str]], manage: Manage
) -> None:
    done = restores.restore(restorable, manage, backed_up.file, "--delete-added", "--yes", *WHY)
    key = scalar(restorable, f"SELECT min(id::text) FROM knowledge_base WHERE {MINE}")
    agent = scalar(restorable, f"SELECT min(id::text) FROM agents WHERE {MINE}")
    rows(restorable.admin_url, "UPDATE knowledge_base SET content = 'mine' WHERE id = %s", [key])
    rows(restorable.admin_url, "UPDATE agents SET name = 'mine' WHERE id = %s", [agent])

    undone = restores.undo(restorable, manage, done["run"])

    assert {(one["table"], one["key"]) for one in undone["kept"]} == {("knowledge_base", key), ("agents", agent)}
    assert scalar(restorable, "SELECT content FROM knowledge_base WHERE id = %s", key) == "mine"
    assert scalar(restorable, "SELECT name FROM agents WHERE id = %s", agent) == "mine"
    assert scalar(restorable, f"SELECT count(*) FROM agents WHERE {MINE}") == 1
    untouched = {
        table: lines for table, lines in damaged.items() if table not in ("public.knowledge_base", "public.agents")
    }
    assert {table: lines for table, lines in owned(restorable).items() if table in untouched} == untouched
