"""A preview says what a run would do, at any time, and writes nothing."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from migrations_ops.engine.session import Session
from migrations_ops.management.output import preview_page, preview_warnings
from migrations_ops.phases.queries import short
from migrations_ops.preview.compare import against
from migrations_ops.preview.groups import question
from migrations_ops.preview.inputs import Asking
from migrations_ops.preview.predict import preview
from migrations_ops.rules.load import load
from tests.support import databases, oracle, plans, queries
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.command_results import Manage, document, said
from tests.support.databases import Scratch
from tests.support.expected_counts import Counts
from tests.support.plans import SHIPPED
from tests.support.queries import TABLES
from vital.db import sql

SLUGS = {PLATFORM: "vital-platform", DIGITAL_HEALTH: "digital-health", PHARMA: "pharma"}


@contextmanager
def opened(scratch: Scratch) -> Iterator[Session]:
    """The engine's connection, which can change nothing."""
    session = Session.open({str(k): v for k, v in conninfo_to_dict(scratch.owner_url).items()}, "preview")
    session.named("read_only")
    try:
        yield session
    finally:
        session.close()


def previewed(scratch: Scratch, plan: Path = SHIPPED) -> dict[str, Any]:
    with opened(scratch) as session:
        return preview(session, load(plan), lambda why: None)


def in_tenants(found: dict[str, str | None]) -> Counter[str]:
    return Counter(SLUGS.get(tenant, tenant) for tenant in found.values() if tenant)


@pytest.fixture(scope="module")
def expected(pack: Path) -> oracle.Expected:
    return oracle.expected(pack)


@pytest.fixture(scope="module")
def before(legacy_template: Scratch) -> dict[str, Any]:
    """The preview of the legacy pack as found."""
    return previewed(legacy_template)


@pytest.mark.parametrize("table", TABLES)
def test_each_tenant_gets_what_the_rules_say(before: dict[str, Any], expected: oracle.Expected, table: str) -> None:
    told = before["tables"][table]
    assert told["tenants"] == in_tenants(expected.tenants[table])
    assert told["unassigned"] == sum(tenant is None for tenant in expected.tenants[table].values())
    names = [rule["name"] for rule in plans.rules_of(table)]
    decided = Counter(names[number - 1] for number in expected.rules[table].values() if number)
    assert told["rules"] == {name: decided[name] for name in names}
    assert {name: sum(tenants.values()) for name, tenants in told["matrix"].items()} == told["rules"]
    assert told["rows"] == sum(told["rules"].values()) + sum(told["stay"].values()) + told["unassigned"]


def test_between_the_phases_it_says_the_same(prepared_template: Scratch, before: dict[str, Any]) -> None:
    told = previewed(prepared_template)
    assert {name: table["tenants"] for name, table in told["tables"].items()} == owners(before)
    assert {name: table["rules"] for name, table in told["tables"].items()} == rules(before)


def owners(told: dict[str, Any]) -> dict[str, dict[str, int]]:
    return {name: table["tenants"] for name, table in told["tables"].items()}


def rules(told: dict[str, Any]) -> dict[str, dict[str, int]]:
    return {name: table["rules"] for name, table in told["tables"].items()}


def test_afterwards_every_row_stays_where_it_is(migrated_template: Scratch, before: dict[str, Any]) -> None:
    told = previewed(migrated_template)
    assert told["total"]["changes"] == 0
    for table in TABLES:
        assert told["tables"][table]["tenants"] == in_tenants(queries.tenants_of(migrated_template, table))
        assert told["tables"][table]["stay"] == told["tables"][table]["tenants"]
        assert told["tables"][table]["matches"] == before["tables"][table]["matches"] or table in FOLLOWING


FOLLOWING = {"agent_tool_assignments"}  # rows have been added, which follow as well


def test_rows_that_the_run_adds_are_foretold(
    migrated_template: Scratch, before: dict[str, Any], counts: Counts
) -> None:
    made = Counter(SLUGS[tenant] for *_, tenant, _, _, _ in queries.made_assignments(migrated_template))
    assert before["tables"]["agent_tool_assignments"]["added"] == made
    assert sum(made.values()) == counts.added


def test_references_into_another_tenant_are_those_that_005_then_finds(
    migrated_template: Scratch, before: dict[str, Any]
) -> None:
    found = databases.rows(
        migrated_template.admin_url,
        "SELECT relation, count(*) FROM vital.finding WHERE check_name = 'references into another tenant' GROUP BY 1",
    )
    told = {
        f"public.{name}": sum(one["rows"] for one in table["references"])
        for name, table in before["tables"].items()
        if table["references"]
    }
    assert told == dict(found)
    assert {one["tenant_of_other"] for one in before["tables"]["knowledge_base"]["references"]} >= {"pharma"}


def test_overlaps_and_samples_show_what_the_rules_read(before: dict[str, Any], pack: Path) -> None:
    told = before["tables"]["prompts"]
    prompts = {oracle.key(row): row for row in oracle.read(pack, "prompts")}
    matching = {key: [r.number for r in oracle.RULES["prompts"] if r.when(row)] for key, row in prompts.items()}
    names = [rule["name"] for rule in plans.rules_of("prompts")]
    wanted = Counter((names[m[0] - 1], tuple(names[n - 1] for n in m[1:])) for m in matching.values() if len(m) > 1)
    assert {(one["wins"], tuple(one["also"])): one["rows"] for one in told["overlaps"]} == wanted
    assert told["matches"] == {name: sum(n in m for m in matching.values()) for n, name in enumerate(names, start=1)}
    for number, name in enumerate(names, start=1):
        assert told["samples"][name]
        for sample in told["samples"][name]:
            assert matching[sample["key"]][0] == number
            read = {column: value for column, value in sample["values"].items() if "." not in column}
            assert read == {column: prompts[sample["key"]][column] for column in read}


def test_a_table_is_read_once_or_twice_however_its_rows_are_joined(legacy_template: Scratch) -> None:
    with opened(legacy_template) as session:
        asking = Asking(session, load(SHIPPED), lambda why: None)
        for spec in asking.plan.tables:
            statement = question(asking.prediction, spec, asking.references.get(spec.relation, []))
            explained = sql.compose("EXPLAIN {statement}", statement=statement)
            lines = asking.short([], partial(session.execute, explained), whole=True)
            scans = [line for (line,) in lines if re.search(rf"Scan.* on {short(spec.relation)}\b", line)]
            assert 1 <= len(scans) <= 2, "\n".join(line for (line,) in lines)
            assert not any("Nested Loop" in line for (line,) in lines)


def test_the_time_is_what_the_last_rehearsal_of_this_plan_foretold(prepared: Scratch, counts: Counts) -> None:
    held = "INSERT INTO vital.rehearsal (held_by, plan_digest, exact, forecast) VALUES ('', %s, true, %s::jsonb)"
    queries.write_as_owner(prepared, held, load(SHIPPED).digest, '{"total": {"seconds": 12.4}}')
    queries.write_as_owner(prepared, held, "of another plan", '{"total": {"seconds": 99}}')
    told = previewed(prepared)
    assert told["forecast"]["seconds"] == 12.4
    assert f"{counts.changes:,} rows would change in about 12 s, as rehearsed on 20" in preview_warnings.time(told)


# --- the command ---


def test_the_command_writes_nothing_but_the_page(
    legacy: Scratch, manage: Manage, tmp_path: Path, counts: Counts
) -> None:
    dumped = databases.dump(legacy.admin_url)
    done = manage(legacy, "migrate_tenants", "preview", "--html", "page.html", "--json", cwd=tmp_path)
    assert done.returncode == 0, said(done)
    told = document(done)
    assert told["tables"]["agents"]["tenants"]["digital-health"] == counts.agents_of_digital_health
    assert told["tables"]["agents"]["rules"]["other tier 3 agents"] == counts.agents_by_the_fallback
    assert told["forecast"]["seconds"] is None
    assert databases.dump(legacy.admin_url) == dumped
    assert queries.scalar(legacy, "SELECT to_regnamespace('vital') IS NULL")
    assert [file.name for file in tmp_path.iterdir()] == ["page.html"]


def test_another_plan_beside_the_one_that_was_carried_out(
    migrated_template: Scratch, manage: Manage, tmp_path: Path
) -> None:
    other = plans.changed_plan(
        tmp_path, ('"regulatory", "clinical trial", "pharmacovigilance", "drug"', '"regulatory"')
    )
    done = manage(migrated_template, "migrate_tenants", "preview", "--against", str(other), cwd=tmp_path)
    assert done.returncode == 0, said(done)
    assert "from pharma to digital-health (tier 3 agents of pharma → other tier 3 agents)" in done.stdout
    with opened(migrated_template) as session:
        told = against(session, load(SHIPPED), load(other), lambda why: None)
    (change,) = told["changes"]
    assert (change["table"], change["rows"]) == ("agents", told["rows"])
    assert f"{told['rows']} rows of agents" in done.stdout
    agents = queries.tenants_of(migrated_template, "agents")
    assert {agents[key] for key in change["keys"]} == {PHARMA}


# --- the page ---


def test_the_page_needs_nothing_else_and_believes_no_text(before: dict[str, Any], counts: Counts) -> None:
    nasty = "<script>alert('x')</script>"
    told = json.loads(json.dumps(before | {"plan_file": nasty}).replace("other tier 3 agents", nasty))
    told["tables"]["items"] = told["tables"].pop("agents")  # what a template's own words could be mistaken for
    text = preview_page.preview_page(told)
    assert nasty not in text
    assert "&lt;script&gt;" in text
    for outside in ("<script", "src=", "@import", "url(", "http:", "https:", "<link"):
        assert outside not in text
    assert f">{counts.agents_of_digital_health}<" in text
    assert '<a href="#table-10">items</a>' in text
    assert text.count("<section>") == text.count("</section>") >= 11
