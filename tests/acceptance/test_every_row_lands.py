"""After a run every row has the tenant that RULES.md gives it, the ledger says why, and nothing else has changed."""

import csv
import json
from pathlib import Path

import pytest

from tests.support import databases, oracle, plans, queries
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.command_results import Manage, document, said
from tests.support.databases import Scratch
from tests.support.expected_counts import Counts
from tests.support.queries import TABLES

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def expected(pack: Path) -> oracle.Expected:
    return oracle.expected(pack)


@pytest.mark.parametrize("table", TABLES)
def test_every_row_has_the_tenant_that_the_rules_give_it(
    migrated_template: Scratch, legacy_template: Scratch, expected: oracle.Expected, counts: Counts, table: str
) -> None:
    before = set(databases.rows(legacy_template.admin_url, f"SELECT id::text FROM public.{table}"))
    found = queries.tenants_of(migrated_template, table)
    legacy = {key: tenant for key, tenant in found.items() if (key,) in before}
    assert legacy == expected.tenants[table]
    assert sum(tenant is None for tenant in legacy.values()) == counts.undecided.get(table, 0)


@pytest.mark.parametrize("table", TABLES)
def test_the_ledger_names_the_rule_run_and_values_of_each_row(
    migrated_template: Scratch, expected: oracle.Expected, table: str
) -> None:
    rules = plans.rules_of(table)
    wanted = {
        key: (rules[number - 1]["name"], rules[number - 1]["phase"], "assign", expected.tenants[table][key])
        for key, number in expected.rules[table].items()
        if number is not None
    }
    entries = queries.ledger_entries(migrated_template, table)
    assert {key: (rule, phase, kind, after) for key, rule, phase, kind, _, _, after in entries} == wanted
    assert len(entries) == len(wanted), "a row is in the ledger twice"
    if wanted:
        run = queries.scalar(migrated_template, "SELECT id FROM vital.run WHERE kind = 'run' AND status = 'completed'")
        assert {entry[4] for entry in entries} == {run}
        assert {entry[5] for entry in entries} == {None}


def test_the_rules_were_not_all_the_same(expected: oracle.Expected) -> None:
    """The two tests above compare with something: every rule of every table but two decided rows of the pack."""
    used = {(table, number) for table, rows in expected.rules.items() for number in rows.values() if number}
    numbers = {(table, n) for table in TABLES for n in range(1, len(plans.rules_of(table)) + 1)}
    assert used <= numbers
    assert len(numbers - used) <= 2, f"rules that decided nothing: {sorted(numbers - used)}"


def test_customers_agents_get_exactly_the_platforms_tools_they_lack(
    migrated_template: Scratch, legacy_template: Scratch, expected: oracle.Expected, counts: Counts
) -> None:
    old = {key for (key,) in databases.rows(legacy_template.admin_url, "SELECT id::text FROM agent_tool_assignments")}
    added = databases.rows(
        migrated_template.admin_url,
        "SELECT id::text, agent_id::text, tool_id::text, tenant_id::text, priority, is_enabled, auto_use"
        " FROM agent_tool_assignments WHERE id::text <> ALL (%s)",
        [list(old)],
    )
    assert {(agent, tool) for _, agent, tool, *_ in added} == expected.tool_assignments
    assert len(added) == len(expected.tool_assignments) == counts.added
    for _, agent, tool, tenant, priority, enabled, automatic in added:
        assert (tenant, priority, enabled, automatic) == (
            expected.tenants["agents"][agent], expected.tool_priority[tool], True, False
        )  # fmt: skip
    assert len(set(expected.tool_priority.values())) > 3
    made = {key for (key,) in databases.rows(migrated_template.admin_url, queries.MADE_ASSIGNMENTS)}
    assert made == {key for key, *_ in added}


def test_rows_that_no_rule_knows_are_findings(
    migrated_template: Scratch, manage: Manage, expected: oracle.Expected, counts: Counts
) -> None:
    done = manage(migrated_template, "migrate_tenants", "status", "--json")
    assert done.returncode == 0, said(done)
    review = {f["table"]: f["count"] for f in document(done)["findings"] if f["severity"] == "REVIEW"}
    assert review == counts.undecided
    found = databases.rows(
        migrated_template.admin_url, "SELECT relation, key FROM vital.finding WHERE severity = 'REVIEW'"
    )
    unassigned = [(f"public.{t}", key) for t in TABLES for key, tenant in expected.tenants[t].items() if tenant is None]
    assert sorted(found) == sorted(unassigned)


@pytest.mark.parametrize("table", [*TABLES, "tool_categories"])
def test_nothing_but_the_tenant_changes_in_a_row(
    migrated_template: Scratch, legacy_template: Scratch, table: str
) -> None:
    names = [name for name in queries.columns(legacy_template, table) if name != "tenant_id"]
    assert "updated_at" in names or table in {"agent_tool_assignments", "messages"}
    before = queries.content(legacy_template, table, names)
    after = queries.content(migrated_template, table, names)
    assert {key: after.get(key) for key in before} == before
    assert table == "agent_tool_assignments" or len(after) == len(before)


def test_tools_say_their_category_and_keep_their_metadata(migrated_template: Scratch) -> None:
    wrong = databases.rows(
        migrated_template.admin_url,
        "SELECT t.id FROM tools AS t LEFT JOIN tool_categories AS c ON c.id = t.category_id"
        " WHERE t.category IS DISTINCT FROM c.name OR t.metadata IS DISTINCT FROM '{}'",
    )
    assert wrong == []
    assert queries.scalar(migrated_template, "SELECT count(DISTINCT category) > 10 FROM tools")


FEATURES = {"mode_5_enabled": True, "rag_enabled": True, "agent_creation": True, "knowledge_management": True}
CONFIGURED = {
    PLATFORM: ("Platform", "vital-platform", "platform.vital.ai",
               FEATURES | {"tool_management": True}, (-1, -1, -1, -1, 10), (True, 60, 5),
               {"type": "platform", "industry": "healthcare_technology"}),
    DIGITAL_HEALTH: ("Digital Health Startup", "digital-health", "digital-health.vital.ai",
                     FEATURES | {"tool_management": False}, (100, 50, 50_000, 10_000, 5), (False, 120, 5),
                     {"type": "customer", "industry": "digital_health", "plan": "growth"}),
    PHARMA: ("Pharmaceuticals", "pharma", "pharma.vital.ai",
             FEATURES | {"tool_management": False, "prism_suite_enabled": True}, (250, 100, 100_000, 50_000, 7),
             (True, 30, 3), {"type": "enterprise", "industry": "pharmaceutical", "plan": "enterprise"}),
}  # fmt: skip
LIMITS = ("max_agents", "max_tools", "max_knowledge_chunks", "max_conversations", "max_agents_per_query")
SECURITY = ("require_mfa", "session_timeout_minutes", "max_failed_login_attempts")


@pytest.mark.parametrize("tenant", CONFIGURED, ids=["platform", "digital-health", "pharma"])
def test_the_tenants_are_configured_as_the_rules_say(
    migrated_template: Scratch, legacy_template: Scratch, counts: Counts, tenant: str
) -> None:
    name, slug, domain, features, limits, security, metadata = CONFIGURED[tenant]
    query = (
        "SELECT name, slug, domain, compliance_level::text, is_active, settings, metadata FROM tenants WHERE id = %s"
    )
    stood = "SELECT settings -> 'features', metadata FROM tenants WHERE id = %s"
    for other_features, other_metadata in databases.rows(legacy_template.admin_url, stood, [tenant]):
        features, metadata = other_features | features, other_metadata | metadata  # what was not said anew stays
    settings = {
        "features": features,
        "limits": dict(zip(LIMITS, limits, strict=True)),
        "security": dict(zip(SECURITY, security, strict=True)),
    }
    found = databases.rows(migrated_template.admin_url, query, [tenant])
    assert found == [(name, slug, domain, "hipaa", True, settings, metadata)]
    hosts = databases.rows(
        migrated_template.admin_url, "SELECT domain, is_primary FROM vital.domain WHERE tenant_id = %s", [tenant]
    )
    old = databases.rows(legacy_template.admin_url, "SELECT slug, domain FROM tenants WHERE id = %s", [tenant])
    aliases = {alias for row in old for alias in row}
    assert dict(hosts) == {domain: True, slug: False} | dict.fromkeys(aliases, False)
    assert tenant != PLATFORM or aliases == counts.old_names


ORGANISATION = {
    DIGITAL_HEALTH: (
        {"DIGITAL_HEALTH", "PRODUCT", "CLINICAL", "DATA_SCI"},
        {"EXEC": 1, "DIR": 2, "MGR": 3, "LEAD": 4, "PROF": 5},
        {"Digital Therapeutic Development", "Remote Patient Monitoring", "Clinical Validation",
         "AI/ML Model Development"},
    ),
    PHARMA: (
        {"REG_AFFAIRS", "CLINICAL_OPS", "PHARMA_VIGIL", "MKT_ACCESS", "MED_AFFAIRS", "QUAL_ASSURE"},
        {"VP": 1, "SR_DIR": 2, "DIR": 3, "SR_MGR": 4, "MGR": 5, "SR_SPEC": 6, "SPEC": 7},
        {"Regulatory Submissions", "Clinical Trial Design", "Safety Signal Detection", "HTA Strategy",
         "Medical Information", "Quality Management"},
    ),
}  # fmt: skip


def test_the_customers_have_their_organisation(migrated_template: Scratch) -> None:
    def of_tenants(query: str) -> list[tuple[object, ...]]:
        return databases.rows(migrated_template.admin_url, query)

    departments = of_tenants("SELECT tenant_id::text, code FROM org_departments")
    levels = of_tenants("SELECT tenant_id::text, code, level_number FROM organizational_levels")
    functions = of_tenants("SELECT tenant_id::text, name FROM business_functions")
    wanted = ORGANISATION.items()
    assert set(departments) == {(tenant, code) for tenant, (codes, _, _) in wanted for code in codes}
    assert set(levels) == {(tenant, *level) for tenant, (_, numbers, _) in wanted for level in numbers.items()}
    assert set(functions) == {(tenant, name) for tenant, (_, _, names) in wanted for name in names}
    assert [len(rows) for rows in (departments, levels, functions)] == [10, 12, 10]


def test_each_part_of_an_organisation_is_described(migrated_template: Scratch) -> None:
    def parts(table: str, *columns: str) -> list[tuple[object, ...]]:
        return databases.rows(migrated_template.admin_url, f"SELECT description, {', '.join(columns)} FROM {table}")

    departments = parts("org_departments", "healthcare_domain")
    levels = parts("organizational_levels", "role_type")
    functions = parts("business_functions", "healthcare_category", "cardinality(regulatory_requirements)")
    assert [len(found) for found in (departments, levels, functions)] == [10, 12, 10]
    assert all(all(row) for row in (*departments, *levels, *functions))
    assert (["FDA 21 CFR 314", "EMA CTD"],) in databases.rows(
        migrated_template.admin_url, "SELECT regulatory_requirements FROM business_functions"
    )


def test_updated_at_of_an_organisation_moves_with_a_change(migrated: Scratch) -> None:
    for table in ("org_departments", "organizational_levels", "business_functions"):
        before = databases.rows(migrated.admin_url, f"SELECT max(updated_at) FROM {table}")
        databases.rows(migrated.admin_url, f"UPDATE {table} SET description = 'Changed.'")
        assert databases.rows(migrated.admin_url, f"SELECT min(updated_at) FROM {table}") > before


# What the platform's pages ask, behind the tenant.
PAGES = {
    "agents": "(tenant_id, tier, status) WHERE (status = 'active'::agent_status)",
    "prompts": "(tenant_id, domain, status) WHERE ((status)::text = 'active'::text)",
    "knowledge_base": "(tenant_id, domain)",
    "tools": "(tenant_id, tool_type) WHERE is_active",
}


@pytest.mark.parametrize("table", PAGES)
def test_what_the_pages_ask_has_an_index(migrated_template: Scratch, table: str) -> None:
    found = databases.rows(
        migrated_template.admin_url,
        "SELECT indexdef FROM pg_indexes WHERE tablename = %s AND schemaname = 'public'",
        [table],
    )

    assert [True for (definition,) in found if definition.endswith(f"USING btree {PAGES[table]}")] == [True], found


# --- a database in which other tenants stood before ---

OTHER = "55555555-5555-4555-8555-555555555555"
TENANTS_BEFORE = f"""
    INSERT INTO tenants (id, name, slug, domain, compliance_level, is_active, settings, metadata) VALUES
        ('{PHARMA}', 'Old Pharma', 'old-pharma', 'old-pharma.example.org', 'gdpr', false,
         '{{"limits": {{"max_agents": 1, "max_robots": 9}}, "theme": "dark"}}', '{{"plan": "trial", "since": 2019}}'),
        ('{OTHER}', 'Other Corp', 'other-corp', NULL, 'standard', true, '{{"features": {{}}}}', '{{}}');
"""
STOOD_BEFORE = (  # table, which of its rows without a tenant, how many of them get one before the migration
    ("agents", "tier = 'tier_1'", 3),
    ("agents", "tier = 'tier_3'", 3),
    ("knowledge_base", "domain = 'therapeutics'", 5),
    ("knowledge_base", "domain = 'market_access'", 5),
    ("knowledge_sources", "domain = 'diagnostics'", 2),
    ("knowledge_sources", "domain = 'wearables'", 2),
    ("users", "true", 4),
    ("conversations", "true", 4),
)


@pytest.fixture
def with_others(legacy: Scratch, tmp_path: Path) -> tuple[Scratch, Path]:
    """A legacy database with rows of two more tenants, one of them under an id of the plan; and its rows as CSV."""
    databases.rows(legacy.admin_url, TENANTS_BEFORE)
    for tenant in (OTHER, PHARMA):
        for table, condition, count in STOOD_BEFORE:
            open_rows = f"SELECT id FROM {table} WHERE tenant_id IS NULL AND {condition} ORDER BY id LIMIT {count}"
            databases.rows(legacy.admin_url, f"UPDATE {table} SET tenant_id = %s WHERE id IN ({open_rows})", [tenant])
    for table in [*TABLES, "tool_categories"]:
        write_csv(legacy, table, tmp_path)
    return legacy, tmp_path


def write_csv(scratch: Scratch, table: str, folder: Path) -> None:
    """The table as the oracle reads it."""
    names = queries.columns(scratch, table)
    listed = ", ".join(f'"{name}"::text' for name in names)
    found = databases.rows(scratch.admin_url, f"SELECT {listed} FROM public.{table}")
    flags = {"true": "t", "false": "f"}
    with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows([["" if v is None else flags.get(v, v) for v in row] for row in found])


@pytest.mark.slow
def test_rows_of_tenants_that_stood_before_move_only_where_a_rule_also_reassigns(
    with_others: tuple[Scratch, Path], manage: Manage
) -> None:
    legacy, folder = with_others
    assert manage(legacy, "migrate", "-v0").returncode == 0
    before = databases.dump(legacy.admin_url)
    expected = oracle.expected(folder)
    done = manage(legacy, "migrate_tenants", "--yes", "--json")
    assert done.returncode == 0, said(done)

    made = {key for (key,) in databases.rows(legacy.admin_url, queries.MADE_ASSIGNMENTS)}
    for table in TABLES:
        found = {key: t for key, t in queries.tenants_of(legacy, table).items() if key not in made}
        assert found == expected.tenants[table], table
    moved = [e for e in queries.ledger_entries(legacy, "knowledge_base") if e[5] is not None]
    assert {e[5:] for e in moved} == {(OTHER, PLATFORM), (PHARMA, PLATFORM)}
    assert len(moved) == 10
    assert set(expected.tenants["knowledge_base"].values()) == {PLATFORM, DIGITAL_HEALTH, PHARMA, OTHER}

    row = json.dumps(document(manage(legacy, "migrate_tenants", "explain", "knowledge_base", moved[0][0], "--json")))
    assert all(word in row for word in ("general medical knowledge is the Platform's", moved[0][5]))

    settings = queries.scalar(legacy, "SELECT settings FROM tenants WHERE id = %s", PHARMA)
    assert (settings["limits"]["max_agents"], settings["limits"]["max_robots"], settings["theme"]) == (250, 9, "dark")
    assert queries.scalar(legacy, "SELECT metadata FROM tenants WHERE id = %s", PHARMA)["since"] == 2019
    other = "SELECT name, slug, compliance_level::text, settings FROM tenants WHERE id = %s"
    assert databases.rows(legacy.admin_url, other, [OTHER]) == [
        ("Other Corp", "other-corp", "standard", {"features": {}})
    ]
    alias = (
        "SELECT count(*) FROM vital.domain WHERE tenant_id = %s AND domain IN ('old-pharma', 'old-pharma.example.org')"
    )
    assert queries.scalar(legacy, alias, PHARMA) == 2

    undone = manage(legacy, "migrate_tenants", "undo", "--yes")
    assert undone.returncode == 0, said(undone)
    assert databases.dump(legacy.admin_url) == before
