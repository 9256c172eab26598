"""`migrate_tenants suggest` on the legacy pack: most rows of the default get a rule, and no other row moves."""

import tomllib
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from migrations_ops.engine.session import Session
from migrations_ops.rules.load import load
from migrations_ops.rules.suggest.suggest import suggest
from tests.support import databases
from tests.support.cast import DIGITAL_HEALTH, PHARMA
from tests.support.command_results import Manage, document, said
from tests.support.databases import Scratch, rows
from tests.support.plans import SHIPPED
from tests.support.queries import ledger_entries, tenants_of
from tests.support.suggestions import apply_suggestions

# table: its fall-back rule, the rows that it decides, and how many of them are left once everything is accepted
DEFAULT = {
    "agents": ("other tier 3 agents", 85, 23),
    "prompts": ("other prompts that somebody wrote", 426, 139),
}
TABLES = ("agents", "prompts", "knowledge_sources", "knowledge_base")


def suggested(scratch: Scratch, plan: Path = SHIPPED) -> dict[str, Any]:
    with closing(Session.open(conninfo_to_dict(scratch.owner_url), "the tests")) as session:
        session.named("read_only")
        return suggest(session, load(plan))


@pytest.fixture(scope="module")
def found(legacy_template: Scratch) -> dict[str, Any]:
    """What is suggested before the migration."""
    return suggested(legacy_template)


@pytest.fixture(scope="module")
def better(found: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plan with every suggestion accepted."""
    return apply_suggestions(SHIPPED, found["suggestions"], tmp_path_factory.mktemp("accepted") / "better.toml")


@pytest.fixture(scope="module")
def migrated_better(legacy_template: Scratch, better: Path, manage: Manage) -> Iterator[Scratch]:
    """A platform that was migrated by that plan, as far as rows are assigned."""
    scratch = databases.clone(legacy_template)
    done = manage(scratch, "migrate_tenants", "--to", "004", "--plan", str(better), "--yes")
    assert done.returncode == 0, said(done)
    yield scratch
    databases.drop(scratch)


def about(found: dict[str, Any], table: str) -> list[dict[str, Any]]:
    return [one for one in found["suggestions"] if one["table"] == table]


def test_it_counts_what_falls_to_the_default(real_pack: Path, found: dict[str, Any]) -> None:
    counted = {table["table"]: table for table in found["tables"]}

    for table, (rule, fallen, _) in DEFAULT.items():
        assert counted[table]["fallback_rule"]["name"] == rule
        assert counted[table]["fallback"] == fallen
    assert counted["conversations"]["unmatched"] == 36
    assert not about(found, "conversations"), "what follows another row says nothing of whose it is"


def test_the_best_are_first(found: dict[str, Any]) -> None:
    scores = [one["score"] for one in found["suggestions"]]

    assert scores == sorted(scores, reverse=True)
    assert all(one["new"] and one["reason"].endswith(".") and one["keys"] for one in found["suggestions"])


def test_underscores_and_other_spellings_are_found(real_pack: Path, found: dict[str, Any]) -> None:
    """By what they are: the rule's own word, a word of another table's rule, what a tenant's function is called."""
    (respelt,) = [one for one in about(found, "agents") if one["place"]["do"] == "replace"]
    values = {value["value"] for one in about(found, "agents") for value in one["values"]}

    assert [value["value"] for value in respelt["values"]] == ["clinical_trial"]
    assert (respelt["place"]["name"], respelt["moves_from"]) == ("tier 3 agents of pharma", {"digital-health": 1})
    assert {"health_economics", "clinical_trial_design", "regulatory_reporting", "fda_regulations"} <= values
    (domains,) = [one for one in about(found, "prompts") if '"domain", in' in one["toml"]]
    assert [value["value"] for value in domains["values"]] == ["regulatory", "regulatory_compliance"]
    assert domains["rows"] == 37


def test_each_can_be_pasted_alone(found: dict[str, Any], tmp_path: Path) -> None:
    for number, one in enumerate(found["suggestions"]):
        assert tomllib.loads(one["toml"])
        load(apply_suggestions(SHIPPED, [one], tmp_path / f"{number}.toml"))


@pytest.mark.slow
def test_accepted_they_take_most_rows_from_the_default_and_no_other_row_moves(
    real_pack: Path, migrated_template: Scratch, migrated_better: Scratch
) -> None:
    for table in TABLES:
        before = {key: (rule, tenant) for key, rule, _, _, _, _, tenant in ledger_entries(migrated_template, table)}
        after, now = (
            Counter(entry[1] for entry in ledger_entries(migrated_better, table)),
            tenants_of(migrated_better, table),
        )
        weak = DEFAULT[table][0] if table in DEFAULT else "other knowledge"

        assert {key: now[key] for key, (rule, _) in before.items() if rule != weak} == {
            key: tenant for key, (rule, tenant) in before.items() if rule != weak
        }
        assert {now[key] for key, (rule, _) in before.items() if rule == weak} == {PHARMA, DIGITAL_HEALTH}
        if table in DEFAULT:
            _, fallen, left = DEFAULT[table]
            assert sum(rule == weak for rule, _ in before.values()) == fallen
            assert after[weak] <= left


@pytest.mark.slow
def test_the_figures_are_what_happens(
    real_pack: Path, found: dict[str, Any], migrated_template: Scratch, migrated_better: Scratch
) -> None:
    """`new` adds up to the rows that leave the fall-back rule."""
    for table, (rule, fallen, _) in DEFAULT.items():
        left = sum(entry[1] == rule for entry in ledger_entries(migrated_better, table))
        assert fallen - left == sum(one["new"] for one in about(found, table))


def test_after_the_migration_it_says_the_same(found: dict[str, Any], migrated_template: Scratch) -> None:
    again = suggested(migrated_template)

    assert again["suggestions"] == found["suggestions"]


def test_accepted_they_are_not_suggested_again(real_pack: Path, migrated_better: Scratch, better: Path) -> None:
    again = suggested(migrated_better, better)

    counted = {table["table"]: table["fallback"] for table in again["tables"]}
    assert counted["agents"] <= DEFAULT["agents"][2]
    assert counted["prompts"] <= DEFAULT["prompts"][2]
    assert not [one for one in again["suggestions"] if one["place"]["do"] == "replace"]


def test_what_a_person_decided_counts_as_evidence(real_pack: Path, migrated: Scratch) -> None:
    """Corrections in the admin say whose a kind of row is, like rows that a rule has decided."""
    quality = (
        "SELECT id::text FROM agents WHERE 'capa' = ANY(knowledge_domains) AND tier = 'tier_3' ORDER BY id LIMIT 3"
    )
    for (key,) in rows(migrated.admin_url, quality):
        rows(
            migrated.admin_url,
            "INSERT INTO vital.override (relation, key, tenant_id, reason, decided_by, decided_at)"
            " VALUES ('public.agents', %s, %s, 'quality is theirs', 'a person', now())",
            [key, PHARMA],
        )
    found = suggested(migrated)

    (values,) = [one for one in about(found, "agents") if '"knowledge_domains"' in one["toml"] and one["new"] > 10]
    told = {value["value"]: value for value in values["values"]}
    assert told["capa"]["because"] == "3 of 3 decided rows with it are pharma's"
    assert {table["table"]: table["fallback"] for table in found["tables"]}["agents"] == 85 - 3


def test_the_command_shows_it_and_writes_nothing(legacy_template: Scratch, manage: Manage, tmp_path: Path) -> None:
    shown = manage(legacy_template, "migrate_tenants", "suggest", "--table", "agents", cwd=tmp_path)
    told = manage(legacy_template, "migrate_tenants", "suggest", "--table", "agents", "--json", cwd=tmp_path)

    assert shown.returncode == told.returncode == 0, said(shown) + said(told)
    assert '[[table.rule]]\nname = "tier 3 agents of pharma"' in shown.stdout
    assert "instead of rule 3 of agents" in shown.stdout
    assert {one["table"] for one in document(told)["suggestions"]} == {"agents"}
    assert rows(legacy_template.admin_url, "SELECT to_regnamespace('vital')") == [(None,)]
    assert not list(tmp_path.iterdir())


def test_what_is_not_there_is_refused(legacy_template: Scratch, manage: Manage) -> None:
    done = manage(legacy_template, "migrate_tenants", "suggest", "--table", "agentz")

    assert done.returncode == 2
    assert "agents" in done.stderr
