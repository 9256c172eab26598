"""Triggers that rewrite rows leave VITAL's work alone, fire for everybody else meanwhile, and come back exactly."""

import subprocess
from collections.abc import Callable

import pytest

from tests.support.command_results import said
from tests.support.databases import Scratch, rows

Manage = Callable[..., "subprocess.CompletedProcess[str]"]

# As people write them, and as nobody should: every one counts how often it fires.
TRIGGERS = {
    "plain": "BEFORE UPDATE ON prompts FOR EACH ROW EXECUTE FUNCTION count_me()",
    "insert_or_update": "BEFORE INSERT OR UPDATE ON prompts FOR EACH ROW EXECUTE FUNCTION count_me('an argument')",
    "of_columns": "BEFORE UPDATE OF display_name, domain ON prompts FOR EACH ROW EXECUTE FUNCTION count_me()",
    "its_own_when": "BEFORE UPDATE ON prompts FOR EACH ROW WHEN (NEW.name IS NOT NULL OR OLD.name IS NULL)"
    " EXECUTE FUNCTION count_me()",
    "always": "BEFORE UPDATE ON prompts FOR EACH ROW WHEN (OLD.id IS NOT NULL) EXECUTE FUNCTION count_me()",
    "disabled": "BEFORE UPDATE ON prompts FOR EACH ROW EXECUTE FUNCTION count_me()",
    "for_replicas": "BEFORE UPDATE ON prompts FOR EACH ROW EXECUTE FUNCTION count_me()",
    "vital_signs": "BEFORE UPDATE ON prompts FOR EACH ROW EXECUTE FUNCTION count_me()",
    "100% \"quoted\" {name} 'it''s' $guard$": "BEFORE UPDATE ON prompts FOR EACH ROW"
    " WHEN (NEW.name <> '100%s %% {braces} ''quoted'' $guard$ \\1') EXECUTE FUNCTION count_me('{} % \\1 '' $guard$')",
    " FOR EACH ROW WHEN (x) EXECUTE FUNCTION y": "BEFORE UPDATE ON prompts FOR EACH ROW"
    " WHEN (NEW.name <> ') EXECUTE FUNCTION z() FOR EACH ROW WHEN (') EXECUTE FUNCTION count_me(') EXECUTE FUNCTION ')",
}
STATES = {"always": "ENABLE ALWAYS", "disabled": "DISABLE", "for_replicas": "ENABLE REPLICA"}
COUNTING = """
CREATE FUNCTION count_me() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
    INSERT INTO fired VALUES (TG_NAME); RETURN NEW;
END$$
"""
DEFINITIONS = """
SELECT tgname, tgenabled::text, pg_get_triggerdef(oid) FROM pg_trigger
 WHERE tgrelid = 'prompts'::regclass AND NOT tgisinternal ORDER BY tgname
"""
FIRED = "SELECT name, count(*) FROM fired GROUP BY name"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@pytest.fixture
def database(legacy: Scratch) -> Scratch:
    rows(legacy.owner_url, "CREATE TABLE fired (name text)")
    rows(legacy.owner_url, COUNTING)
    for name, definition in TRIGGERS.items():
        rows(legacy.owner_url, f"CREATE TRIGGER {quoted(name)} {definition}")
    for name, state in STATES.items():
        rows(legacy.owner_url, f"ALTER TABLE prompts {state} TRIGGER {quoted(name)}")
    return legacy


def carry_out(manage: Manage, database: Scratch, *arguments: str) -> None:
    done = manage(database, "migrate_tenants", *arguments, "--yes")
    assert done.returncode == 0, said(done)


def what_an_application_fires(database: Scratch) -> dict[str, int]:
    rows(database.owner_url, "TRUNCATE fired")
    rows(database.owner_url, "UPDATE prompts SET domain = domain WHERE id = (SELECT id FROM prompts LIMIT 1)")
    return dict(rows(database.owner_url, FIRED))


def test_they_are_silent_for_the_backfill_only_and_come_back_exactly(database: Scratch, manage: Manage) -> None:
    before = rows(database.owner_url, DEFINITIONS)
    expected = dict.fromkeys(set(TRIGGERS) - {"disabled", "for_replicas"}, 1)
    assert what_an_application_fires(database) == expected
    rows(database.owner_url, "TRUNCATE fired")

    carry_out(manage, database, "--to", "003")

    assert rows(database.owner_url, FIRED) == [], "the backfill fired them"
    assert rows(database.owner_url, "SELECT count(*) > 500 FROM prompts WHERE tenant_id IS NOT NULL") == [(True,)]
    assert what_an_application_fires(database) == expected
    states = {name: state for name, state, _ in rows(database.owner_url, DEFINITIONS)}
    assert {name: states[name] for name in STATES} == {"always": "A", "disabled": "D", "for_replicas": "R"}

    rows(database.owner_url, "TRUNCATE fired")
    carry_out(manage, database, "undo")

    assert rows(database.owner_url, FIRED) == [], "the undo fired them"
    assert rows(database.owner_url, DEFINITIONS) == before


@pytest.mark.slow
def test_one_that_comes_later_is_guarded_by_the_next_run_and_comes_back(database: Scratch, manage: Manage) -> None:
    """So is one that was switched off, and is switched on later; the guard is put around each once."""
    carry_out(manage, database, "--to", "002")
    rows(database.owner_url, "CREATE TRIGGER later BEFORE UPDATE ON prompts FOR EACH ROW EXECUTE FUNCTION count_me()")
    rows(database.owner_url, "ALTER TABLE prompts ENABLE TRIGGER disabled")
    rows(database.owner_url, "DROP TRIGGER plain ON prompts")

    carry_out(manage, database, "--to", "003")

    assert rows(database.owner_url, FIRED) == [], "the backfill fired them"
    guards = {name: definition.count("vital.backfill") for name, _, definition in rows(database.owner_url, DEFINITIONS)}
    ours = {"vital_late_writer": 1, "update_prompts_updated_at": 1, "later": 1, "for_replicas": 0}
    assert guards == dict.fromkeys(set(TRIGGERS) - {"plain"}, 1) | ours

    carry_out(manage, database, "undo")

    after = rows(database.owner_url, DEFINITIONS)
    assert [definition for _, _, definition in after if "vital" in definition.replace("vital_signs", "")] == []
    names = {name for name, _, _ in after}
    assert {"later", "disabled"} <= names
    assert "plain" not in names, "the undo brought back what somebody had dropped"
