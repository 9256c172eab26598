"""What a restore leaves as it is, and says why: others' rows, taken values, lost references, foreign writes."""

from pathlib import Path
from typing import Any

import pytest

from tests.support import background, restores
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.command_results import Manage, document, said
from tests.support.databases import Scratch, rows
from tests.support.pause_point import paused_at
from tests.support.queries import scalar
from tests.support.restores import MINE, WHY, BackedUp, by_name, others, owned

pytestmark = pytest.mark.slow


def reasons(document: dict[str, Any], table: str) -> list[str]:
    return [one["reason"] for one in by_name(document)[table]["not_restored"]]


def test_rows_that_moved_belong_to_others_now(backed_up: BackedUp, restorable: Scratch, manage: Manage) -> None:
    """Those that came meanwhile were never this tenant's to delete."""
    key = scalar(restorable, f"SELECT min(id::text) FROM prompts WHERE {MINE}")
    rows(restorable.admin_url, "UPDATE prompts SET tenant_id = %s, version = '9' WHERE id = %s", [DIGITAL_HEALTH, key])
    came = f"SELECT min(id::text) FROM prompts WHERE tenant_id = '{DIGITAL_HEALTH}' AND id <> '{key}'"
    rows(restorable.admin_url, f"UPDATE prompts SET tenant_id = '{PHARMA}' WHERE id::text = ({came})")
    mine, around = owned(restorable), others(restorable)

    done = restores.restore(restorable, manage, backed_up.file, "--delete-added", code=0)

    table = by_name(done)["prompts"]
    assert (table["moved"], table["arrived"], table["added"], done["to_write"]) == (1, 1, 0, 0)
    assert "belongs to another tenant now" in reasons(done, "prompts")[0]
    restores.restore(restorable, manage, backed_up.file, "--delete-added", "--yes", *WHY)
    assert (owned(restorable), others(restorable)) == (mine, around)


def test_a_value_that_an_added_row_has_is_named_with_the_way_out(
    backed_up: BackedUp, restorable: Scratch, manage: Manage
) -> None:
    rows(restorable.admin_url, f"UPDATE prompts SET id = gen_random_uuid() WHERE {MINE} AND name < 'f'")
    before = owned(restorable)
    count = scalar(restorable, f"SELECT count(*) FROM prompts WHERE {MINE} AND name < 'f'")

    done = restores.restore(restorable, manage, backed_up.file, "--yes", *WHY)

    assert done["status"] == "nothing_to_do"
    assert all("its name is that of the row" in one and "--delete-added" in one for one in reasons(done, "prompts"))
    assert sum(one["rows"] for one in by_name(done)["prompts"]["not_restored"]) == count
    assert owned(restorable) == before


def test_a_row_of_the_platform_that_is_gone(backed_up: BackedUp, restorable: Scratch, manage: Manage) -> None:
    tool = scalar(
        restorable, f"SELECT min(tool_id::text) FROM agent_tool_assignments WHERE {MINE} AND tool_id IN"
        f" (SELECT id FROM tools WHERE tenant_id = '{PLATFORM}')",
    )  # fmt: skip
    gone = scalar(restorable, f"SELECT count(*) FROM agent_tool_assignments WHERE {MINE} AND tool_id = %s", tool)
    rows(restorable.admin_url, "DELETE FROM tools WHERE id = %s", [tool])  # and the assignments with it
    rows(restorable.admin_url, f"DELETE FROM messages WHERE {MINE}")
    around = others(restorable)

    done = restores.restore(restorable, manage, backed_up.file, "--yes", *WHY, code=1)

    assert done["status"] == "incomplete"
    [left] = by_name(done)["agent_tool_assignments"]["not_restored"]
    assert (left["reason"], left["rows"]) == ("refers by tool_id to a row of tools that is gone", gone)
    assert by_name(done)["messages"]["done"]["deleted"] == 200, "what can be restored is"
    assert others(restorable) == around


def test_a_trigger_that_makes_other_rows_of_them(backed_up: BackedUp, restorable: Scratch, manage: Manage) -> None:
    rows(restorable.admin_url, f"DELETE FROM messages WHERE {MINE}")
    rows(
        restorable.admin_url,
        "CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF NEW.content LIKE '%line 7%' THEN NEW.content := upper(NEW.content); END IF; RETURN NEW; END $$;"
        "CREATE TRIGGER shouts BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION shout()",
    )

    done = restores.restore(restorable, manage, backed_up.file, "--yes", *WHY, code=1)

    [left] = by_name(done)["messages"]["not_restored"]
    assert (left["rows"], left["reason"]) == (20, "a trigger, a rule or its type today makes another row of it")
    assert by_name(done)["messages"]["done"]["deleted"] == 180


def test_a_row_that_a_trigger_of_ours_counts_in_is_set_right(
    backed_up: BackedUp, restorable: Scratch, manage: Manage
) -> None:
    """Each message that comes changes its conversation, which was as the backup has it."""
    then = owned(restorable)
    rows(restorable.admin_url, f"DELETE FROM messages WHERE {MINE}")
    rows(
        restorable.admin_url,
        "CREATE FUNCTION counts() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE conversations"
        " SET title = title || '+' WHERE id = NEW.conversation_id; RETURN NULL; END $$;"
        "CREATE TRIGGER counted AFTER INSERT ON messages FOR EACH ROW EXECUTE FUNCTION counts()",
    )

    done = restores.restore(restorable, manage, backed_up.file, "--yes", *WHY)

    assert owned(restorable) == then
    restores.undo(restorable, manage, done["run"])
    assert scalar(restorable, f"SELECT count(*) FROM messages WHERE {MINE}") == 0


def test_the_schema_has_changed_since(backed_up: BackedUp, restorable: Scratch, manage: Manage) -> None:
    then, prompts = owned(restorable)["public.messages"], len(owned(restorable)["public.prompts"])
    rows(
        restorable.admin_url,
        "ALTER TABLE prompts ADD note text DEFAULT 'new'; ALTER TABLE prompts DROP required_context;"
        "ALTER TABLE prompts ALTER estimated_tokens TYPE bigint; ALTER TABLE tools ALTER name TYPE varchar(4);"
        f"UPDATE prompts SET note = 'kept', version = '9' WHERE {MINE} AND id::text < '8';"
        f"DELETE FROM prompts WHERE {MINE} AND id::text >= '8'; DELETE FROM messages WHERE {MINE}".replace(
            "ALTER TABLE tools ALTER name TYPE varchar(4);", ""
        ),
    )
    changed = scalar(restorable, f"SELECT count(*) FROM prompts WHERE {MINE}")

    done = restores.restore(restorable, manage, backed_up.file, "--yes", *WHY)

    assert by_name(done)["prompts"]["notes"] == [
        "estimated_tokens was integer and is bigint",
        "required_context was dropped since: its values are not restored",
        "note was added since: rows keep what they have, and rows that come back get its default",
    ]
    notes = dict(rows(restorable.admin_url, f"SELECT note, count(*) FROM prompts WHERE {MINE} GROUP BY 1"))
    assert notes == {"kept": changed, "new": prompts - changed}
    assert scalar(restorable, f"SELECT count(*) FROM prompts WHERE {MINE} AND version = '9'") == 0
    assert owned(restorable)["public.messages"] == then


def test_what_another_session_writes_meanwhile_stays(backed_up: BackedUp, restorable: Scratch, manage: Manage) -> None:
    rows(restorable.admin_url, f"UPDATE prompts SET version = '9' WHERE {MINE}")
    key = scalar(restorable, f"SELECT min(id::text) FROM prompts WHERE {MINE}")
    command = ("tenants", "restore", "pharma", "--from", str(backed_up.file), "--yes", *WHY)
    opened = "(SELECT count(*) FROM vital.run WHERE kind = 'restore') = 1"
    with paused_at(restorable, "vital.run", opened) as stands, background.start(restorable, *command) as running:
        running.until(stands)  # compared, and nothing written yet
        rows(restorable.admin_url, "UPDATE prompts SET version = '10' WHERE id = %s", [key])
    with background.start(restorable, *command) as running:
        running.ends_with(0)  # that one was killed: the same again goes on
    assert scalar(restorable, f"SELECT count(*) FROM prompts WHERE {MINE} AND version IN ('9', '10')") == 0


def test_what_another_session_has_written_since_the_comparison(
    backed_up: BackedUp, restorable: Scratch, manage: Manage
) -> None:
    rows(restorable.admin_url, f"UPDATE prompts SET version = '9' WHERE {MINE}")
    key = scalar(restorable, f"SELECT min(id::text) FROM prompts WHERE {MINE}")
    command = ("tenants", "restore", "pharma", "--from", str(backed_up.file), "--yes", *WHY)
    opened = "(SELECT count(*) FROM vital.run WHERE kind = 'restore') = 1"
    with background.start(restorable, *command) as running:
        with paused_at(restorable, "vital.run", opened) as stands:
            running.until(stands)
            rows(restorable.admin_url, "UPDATE prompts SET version = '10' WHERE id = %s", [key])
        told = running.ends_with(1)

    assert "another session has written it since it was compared" in told
    assert scalar(restorable, "SELECT version FROM prompts WHERE id = %s", key) == "10"
    assert scalar(restorable, f"SELECT count(*) FROM prompts WHERE {MINE} AND version = '9'") == 0


def test_a_restore_is_refused(
    backed_up: BackedUp, restorable: Scratch, legacy: Scratch, manage: Manage, tmp_path: Path
) -> None:
    early, cut = tmp_path / "early.dump", tmp_path / "cut.dump"
    restores.plain_backup(legacy, early)
    cut.write_bytes(backed_up.file.read_bytes()[: backed_up.file.stat().st_size // 2])
    (tmp_path / "text").write_text("no backup")
    before = owned(restorable)
    refused = {
        ("pharma", str(tmp_path / "no.dump")): "there is no such file",
        ("pharma", str(tmp_path / "text")): "cannot be read as a backup",
        ("pharma", str(early)): "was taken before rows had a tenant",
        ("vital-platform", str(backed_up.file)): "is the Platform",
        ("farma", str(backed_up.file)): "There is no tenant farma",
        ("pharma", str(backed_up.file), "--table", "promptz"): "The plan has no table promptz",
        ("pharma", str(backed_up.file), "--key", "1"): "--key names rows of one table",
    }
    for (slug, file, *words), sentence in refused.items():
        done = manage(restorable, "tenants", "restore", slug, "--from", file, *words, "--yes", *WHY, "--json")
        assert done.returncode == 2, said(done)
        assert sentence in document(done)["error"]
    silent = manage(restorable, "tenants", "restore", "pharma", "--from", str(backed_up.file), "--yes")
    assert (silent.returncode, "--reason" in silent.stderr) == (2, True), said(silent)
    damaged = manage(restorable, "tenants", "restore", "pharma", "--from", str(cut), "--yes", *WHY)
    assert damaged.returncode in (1, 2), said(damaged)
    assert "Traceback" not in damaged.stderr
    assert owned(restorable) == before
    assert scalar(restorable, "SELECT count(*) FROM vital.run WHERE kind = 'restore'") == 0


BESIDE = {"and would go": "ON DELETE CASCADE", "and hold": ""}
WHO_REFERS = "1 row of notes refers to it by prompt (notes_prompt_fkey)"


@pytest.mark.parametrize("how", BESIDE)
def test_rows_of_a_table_beside_the_plan_refer(
    how: str, backed_up: BackedUp, restorable: Scratch, manage: Manage
) -> None:
    """What nothing refers to goes; the rest stays, whatever the database itself would do."""
    action = BESIDE[how]
    rows(restorable.owner_url, f"CREATE TABLE notes (prompt uuid REFERENCES prompts {action})")
    copy = f"""INSERT INTO prompts SELECT made.* FROM prompts AS p, jsonb_populate_record(
               p, jsonb_build_object('id', gen_random_uuid(), 'name', %s::text)) AS made WHERE p.{MINE} LIMIT 1"""
    for name in ("free", "held"):
        rows(restorable.admin_url, copy, [name])
    rows(restorable.admin_url, "INSERT INTO notes SELECT id FROM prompts WHERE name = 'held'")

    done = restores.restore(restorable, manage, backed_up.file, "--delete-added", "--yes", *WHY, code=1)

    left = {name for (name,) in rows(restorable.admin_url, "SELECT name FROM prompts WHERE name IN ('free', 'held')")}
    assert left == {"held"}
    assert all(WHO_REFERS in one for one in reasons(done, "prompts")), reasons(done, "prompts")
    assert scalar(restorable, "SELECT count(*) FROM notes") == 1
