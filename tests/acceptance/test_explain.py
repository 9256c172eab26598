"""Explain: the rule in words, what it read in the row, what else would have matched, and every later correction."""

from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from migrations_ops.engine.session import Session
from migrations_ops.review.explain import explain
from migrations_ops.rules.load import load
from tests.support import databases, queries
from tests.support.cast import PHARMA
from tests.support.command_results import Manage, said
from tests.support.databases import Scratch
from tests.support.plans import SHIPPED


def explained(scratch: Scratch, table: str, key: str) -> dict[str, Any]:
    session = Session.open({str(k): v for k, v in conninfo_to_dict(scratch.owner_url).items()}, "explain")
    try:
        return explain(session, load(SHIPPED), table, key)
    finally:
        session.close()


def of_rule(scratch: Scratch, table: str, rule: str) -> str:
    """A row that this rule has put where it is."""
    return str(min(key for key, name, *_ in queries.ledger_entries(scratch, table) if name == rule))


def test_the_rule_is_told_in_words_with_what_it_read(migrated_template: Scratch) -> None:
    key = of_rule(migrated_template, "prompts", "prompt templates are the Platform's")
    told = explained(migrated_template, "prompts", key)
    assert told["condition"] == "metadata.is_template is true"
    assert told["values"] == {"metadata.is_template": "true"}
    assert told["still_matches"] is True
    others = {other["rule"]: other["condition"] for other in told["also_matching"]}
    assert others["other prompts that somebody wrote"] == "created_by is not empty"
    assert (told["corrections"], told["moved_since"]) == ([], False)


def test_a_key_may_be_written_as_its_type_allows(migrated_template: Scratch) -> None:
    key = of_rule(migrated_template, "tools", "tools are the Platform's")
    told = explained(migrated_template, "tools", key.upper())
    assert (told["key"], told["rule"], told["condition"]) == (key, "tools are the Platform's", "always")


def test_a_row_that_follows_another(migrated_template: Scratch) -> None:
    rule = "a message is its conversation's tenant's"
    told = explained(migrated_template, "messages", of_rule(migrated_template, "messages", rule))
    assert told["condition"] == "its conversation_id refers to a row of conversations that has a tenant"
    assert list(told["values"]) == ["conversation_id"]
    assert told["still_matches"] is True


def test_later_corrections_and_what_nobody_noted(migrated: Scratch, manage: Manage) -> None:
    rule = "other tier 3 agents"
    key = of_rule(migrated, "agents", rule)
    databases.rows(
        migrated.admin_url,
        "INSERT INTO vital.ledger"
        " (run_id, phase, step, kind, relation, rule, digest, before, after, keys, rows, transaction)"
        " SELECT run_id, phase, step, kind, relation, 'decided by a person', '', after,"
        " jsonb_build_object('tenant_id', %s::text), ARRAY[%s], 1, 0"
        " FROM vital.ledger WHERE relation = 'public.agents' AND rule = %s LIMIT 1",
        [PHARMA, key, rule],
    )
    told = explained(migrated, "agents", key)
    assert (told["rule"], told["before"]["name"]) == ("decided by a person", "Digital Health Startup")
    assert [(one["rule"], one["after"]["id"]) for one in told["corrections"]] == [("decided by a person", PHARMA)]
    assert [one["rule"] for one in told["also_matching"]] == [rule]
    assert told["moved_since"] is True

    done = manage(migrated, "migrate_tenants", "explain", "agents", key)
    assert done.returncode == 0, said(done)
    for words in (
        "tier = tier_3",
        f"also matches “{rule}” (to digital-health): tier is tier_3",
        "has been moved since",
    ):
        assert words in done.stdout


@pytest.mark.slow
def test_a_decision_that_was_withdrawn_is_no_move_by_somebody_else(migrated: Scratch, manage: Manage) -> None:
    key = str(queries.scalar(migrated, "SELECT min(id::text) FROM messages WHERE tenant_id IS NULL"))
    for words in (("pharma",), ("--withdraw",)):
        done = manage(migrated, "migrate_tenants", "decide", "messages", key, *words, "--reason", "a try", "--yes")
        assert done.returncode == 0, said(done)

    told = explained(migrated, "messages", key)

    assert (told["tenant"], told["moved_since"]) == (None, False)
    queries.write_as_owner(migrated, "UPDATE messages SET tenant_id = %s WHERE id = %s", PHARMA, key)
    assert explained(migrated, "messages", key)["moved_since"] is True
