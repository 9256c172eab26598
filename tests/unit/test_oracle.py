"""The oracle itself: each rule of RULES.md on a row made for it, then its totals on the pack against the raw facts."""

import csv
import json
import os
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.oracle import Expected, array, expected

OTHER = "99999999-9999-9999-9999-999999999999"  # a customer's tenant that stood there before the migration
NAMES = {PLATFORM: "Platform", DIGITAL_HEALTH: "Digital Health", PHARMA: "Pharma", None: "unassigned"}

COLUMNS = {
    "tools": "id name category_id is_active",
    "tool_categories": "id display_order",
    "agents": "id tenant_id name tier knowledge_domains",
    "prompts": "id tenant_id name domain metadata created_by",
    "knowledge_base": "id tenant_id domain",
    "knowledge_sources": "id tenant_id domain",
    "knowledge_domains": "id tenant_id",
    "users": "id tenant_id",
    "conversations": "id tenant_id user_id",
    "messages": "id conversation_id",
    "agent_tool_assignments": "id agent_id tool_id",
}

Values = dict[str, str]
Judge = Callable[..., Expected]


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """Writes a pack of the given rows (a row: its column values; tables not given are empty) and asks the oracle."""

    def ask(**tables: list[Values]) -> Expected:
        for table, columns in COLUMNS.items():
            with (tmp_path / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, columns.split())
                writer.writeheader()
                writer.writerows(tables.get(table, []))
        return expected(tmp_path)

    return ask


def verdict(judge: Judge, table: str, row: Values) -> tuple[str | None, int | None]:
    """Tenant and rule of a single row."""
    seen = judge(**{table: [{"id": "it", **row}]})
    return seen.tenants[table]["it"], seen.rules[table]["it"]


AGENTS = [
    # tier, name, knowledge_domains, tenant before -> tenant, rule
    ("tier_1", "digital one", "{telemedicine}", "", PLATFORM, 1),
    ("tier_2", "x", "{clinical_trials}", "", PLATFORM, 1),
    ("tier_2", "x", "{general}", OTHER, PLATFORM, 1),  # also reassigns
    ("tier_2", "x", "{general}", PLATFORM, PLATFORM, None),  # nothing to decide
    ("tier_3", "x", "{general,wearables}", "", DIGITAL_HEALTH, 2),
    ("tier_3", "TeleHealth guide", "{general}", "", DIGITAL_HEALTH, 2),
    ("tier_3", "digital drug advisor", "{general}", "", DIGITAL_HEALTH, 2),  # 2 before 3
    ("tier_3", "x", "{clinical_trials,remote_monitoring}", "", DIGITAL_HEALTH, 2),  # 2 before 3
    ("tier_3", "x", '{"drug_safety"}', "", PHARMA, 3),
    ("tier_3", "Regulatory lead", "{general}", "", PHARMA, 3),
    ("tier_3", "a Clinical Trial planner", "{general}", "", PHARMA, 3),
    ("tier_3", "clinical_trial_planner", "{general}", "", DIGITAL_HEALTH, 4),  # the rule says it with a space
    ("tier_3", "x", "{Telemedicine,clinical_trials_2}", "", DIGITAL_HEALTH, 4),  # domains: exactly as stored
    ("tier_3", "x", '{"clinical_trials,wearables"}', "", DIGITAL_HEALTH, 4),  # one element, of neither name
    ("tier_3", "x", "{drug_safety}", OTHER, OTHER, None),  # stays
    ("tier_3", "x", "{drug_safety}", PLATFORM, PLATFORM, None),
]


@pytest.mark.parametrize(("tier", "name", "domains", "before", "tenant", "rule"), AGENTS)
def test_agents(judge: Judge, tier: str, name: str, domains: str, before: str, tenant: str, rule: int | None) -> None:
    row = {"tier": tier, "name": name, "knowledge_domains": domains, "tenant_id": before}
    assert verdict(judge, "agents", row) == (tenant, rule)


PROMPTS = [
    # created_by, name, domain, metadata, tenant before -> tenant, rule
    ("", "PRISM", "digital_health", {"is_template": True}, "", PLATFORM, 1),
    ("", "x", "general", {}, OTHER, PLATFORM, 1),  # also reassigns
    ("u", "PRISM", "digital_health", {"is_template": True}, "", PLATFORM, 2),
    ("u", "x", "general", {"is_template": "true"}, OTHER, PLATFORM, 2),  # also reassigns
    ("u", "x", "general", {"is_template": False}, "", DIGITAL_HEALTH, 5),
    ("u", "x", "general", {"is_template": 1}, "", DIGITAL_HEALTH, 5),
    ("u", "x", "general", ["is_template"], "", DIGITAL_HEALTH, 5),
    ("u", "my Prism prompt", "digital_health", {}, "", PHARMA, 3),  # 3 before 4
    ("u", "x", "medical_affairs", {}, "", PHARMA, 3),
    ("u", "x", "telemedicine", {}, "", DIGITAL_HEALTH, 4),
    ("u", "x", "Medical_affairs", {}, "", DIGITAL_HEALTH, 5),
    ("u", "x", "general", {}, "", DIGITAL_HEALTH, 5),
    ("u", "prism", "general", {}, OTHER, OTHER, None),  # stays
]


@pytest.mark.parametrize(("created_by", "name", "domain", "metadata", "before", "tenant", "rule"), PROMPTS)
def test_prompts(
    judge: Judge,
    created_by: str,
    name: str,
    domain: str,
    metadata: object,
    before: str,
    tenant: str,
    rule: int | None,
) -> None:
    row = {"created_by": created_by, "name": name, "domain": domain, "metadata": json.dumps(metadata)}
    assert verdict(judge, "prompts", {**row, "tenant_id": before}) == (tenant, rule)


KNOWLEDGE = [
    # domain, tenant before -> tenant, rule
    ("diagnostics", "", PLATFORM, 1),
    ("diagnostics", OTHER, PLATFORM, 1),  # also reassigns
    ("diagnostics", PLATFORM, PLATFORM, None),
    ("health_economics", "", PHARMA, 2),
    ("mobile_health", "", DIGITAL_HEALTH, 3),
    ("supply_chain", "", DIGITAL_HEALTH, 4),
    ("Diagnostics", "", DIGITAL_HEALTH, 4),
    ("health_economics", OTHER, OTHER, None),  # stays
    ("supply_chain", OTHER, OTHER, None),  # "always" is not "also reassigns"
]


@pytest.mark.parametrize("table", ["knowledge_base", "knowledge_sources"])
@pytest.mark.parametrize(("domain", "before", "tenant", "rule"), KNOWLEDGE)
def test_knowledge(judge: Judge, table: str, domain: str, before: str, tenant: str, rule: int | None) -> None:
    assert verdict(judge, table, {"domain": domain, "tenant_id": before}) == (tenant, rule)


def test_tools_and_knowledge_domains_are_the_platforms(judge: Judge) -> None:
    assert verdict(judge, "tools", {"is_active": "f"}) == (PLATFORM, 1)
    assert verdict(judge, "knowledge_domains", {}) == (PLATFORM, 1)
    assert verdict(judge, "knowledge_domains", {"tenant_id": OTHER}) == (PLATFORM, 1)


def test_users_are_never_decided_by_rule(judge: Judge) -> None:
    assert verdict(judge, "users", {}) == (None, None)
    assert verdict(judge, "users", {"tenant_id": OTHER}) == (OTHER, None)


def test_children_follow_their_parents(judge: Judge) -> None:
    seen = judge(
        users=[{"id": "placed", "tenant_id": PHARMA}, {"id": "open"}],
        conversations=[
            {"id": "follows", "user_id": "placed"},
            {"id": "waits", "user_id": "open"},
            {"id": "has", "user_id": "placed", "tenant_id": OTHER},
            {"id": "had", "user_id": "open", "tenant_id": OTHER},
        ],
        messages=[{"id": name, "conversation_id": name} for name in ("follows", "waits", "has", "had")],
        agents=[{"id": "a", "name": "drug", "tier": "tier_3", "knowledge_domains": "{x}"}],
        agent_tool_assignments=[{"id": "of an agent", "agent_id": "a"}, {"id": "of none"}],
    )
    assert seen.tenants["conversations"] == {"follows": PHARMA, "waits": None, "has": OTHER, "had": OTHER}
    assert seen.rules["conversations"] == {"follows": 1, "waits": None, "has": None, "had": None}
    assert seen.tenants["messages"] == seen.tenants["conversations"]
    assert seen.rules["messages"] == {"follows": 1, "waits": None, "has": 1, "had": 1}
    assert seen.tenants["agent_tool_assignments"] == {"of an agent": PHARMA, "of none": None}
    assert seen.rules["agent_tool_assignments"] == {"of an agent": 1, "of none": None}


def test_active_platform_tools_go_to_the_customers_tier_3_agents_that_lack_them(judge: Judge) -> None:
    def agent(name: str, tier: str = "tier_3", tenant: str = "") -> Values:
        return {"id": name, "name": name, "tier": tier, "knowledge_domains": "{x}", "tenant_id": tenant}

    seen = judge(
        tool_categories=[{"id": "ordered", "display_order": "7"}, {"id": "unordered"}],
        tools=[
            {"id": "t7", "is_active": "t", "category_id": "ordered"},
            {"id": "t0", "is_active": "t", "category_id": "unordered"},
            {"id": "alone", "is_active": "t"},
            {"id": "inactive", "is_active": "f"},
            {"id": "unknown"},
        ],
        agents=[
            agent("digital"),
            agent("drug"),
            agent("already pharma's", tenant=PHARMA),
            agent("basic", "tier_2"),
            agent("the platform's", tenant=PLATFORM),
            agent("another's", tenant=OTHER),
        ],
        agent_tool_assignments=[{"id": "1", "agent_id": "digital", "tool_id": "t7"}, {"id": "2"}],
    )
    customers = {"digital", "drug", "already pharma's"}
    wanted = {(agent, tool) for agent in customers for tool in ("t7", "t0", "alone")}
    assert seen.tool_assignments == wanted - {("digital", "t7")}
    assert seen.tool_priority == {"t7": 7, "t0": 0, "alone": 0, "inactive": 0, "unknown": 0}


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        (None, []),
        ("{}", []),
        ("{a,b}", ["a", "b"]),
        ('{"b c","a,b","{}"}', ["b c", "a,b", "{}"]),
        (r'{"say \"hi\"","back\\slash"}', ['say "hi"', "back\\slash"]),
        ('{NULL,"NULL",""}', [None, "NULL", ""]),
        ('{"two\nlines", spaced }', ["two\nlines", "spaced"]),
        ("[0:1]={a,b}", ["a", "b"]),
        ("{{a,b},{c,d}}", ["a", "b", "c", "d"]),
    ],
)
def test_array_text(text: str | None, elements: list[str | None]) -> None:
    assert array(text) == elements


# --- the pack itself ---

PACK = Path(os.environ.get("VITAL_LEGACY_PACK") or Path(__file__).resolve().parents[2] / "../shared/legacy")
needs_pack = pytest.mark.skipif(
    not (PACK / "agents.csv").is_file(), reason=f"no legacy pack in {PACK} (VITAL_LEGACY_PACK names another place)"
)

TOTALS = {
    # Platform, Digital Health, Pharma, unassigned
    "tools": (182, 0, 0, 0),
    "agents": (192, 87, 7, 0),
    "prompts": (992, 431, 39, 0),
    "knowledge_base": (393, 484, 641, 0),
    "knowledge_sources": (104, 115, 183, 0),
    "knowledge_domains": (30, 0, 0, 0),
    "users": (10, 0, 0, 14),
    "conversations": (24, 0, 0, 36),
    "messages": (160, 0, 0, 240),
    "agent_tool_assignments": (94, 26, 0, 0),
}


@pytest.fixture(scope="module")
def seen() -> Expected:
    """What the oracle says about the pack."""
    return expected(PACK)


@pytest.fixture(scope="module")
def readme() -> str:
    """The pack's own description."""
    return (PACK / "README.md").read_text(encoding="utf-8")


def values(readme: str, column: str) -> Counter[str]:
    """One line of the README's value lists, and how many rows hold each."""
    line = re.search(rf"^\| `{re.escape(column)}` \| (`.*) \|$", readme, re.MULTILINE)
    assert line, f"the README lists no values of {column}"
    return Counter({value: int(count) for value, count in re.findall(r"`(\w+)` (\d+)", line[1])})


@needs_pack
@pytest.mark.parametrize("table", TOTALS)
def test_totals_of_the_pack(seen: Expected, readme: str, table: str) -> None:
    totals = Counter(NAMES.get(tenant, "other") for tenant in seen.tenants[table].values())
    print(table, dict(totals), dict(Counter(seen.rules[table].values())))
    assert tuple(totals[name] for name in NAMES.values()) == TOTALS[table]
    rows = re.search(rf"^\| \d+ \| `{table}` \| `{table}\.csv` \| (\d+) \|$", readme, re.MULTILINE)
    assert rows
    assert totals.total() == int(rows[1])


@needs_pack
def test_the_rules_follow_the_raw_facts(seen: Expected, readme: str) -> None:
    tiers = values(readme, "agents.tier")
    rules = {table: Counter(numbers.values()) for table, numbers in seen.rules.items()}
    platform = {table: Counter(tenants.values())[PLATFORM] for table, tenants in seen.tenants.items()}

    assert platform["tools"] == 182
    assert platform["agents"] == tiers["tier_1"] + tiers["tier_2"] == 192
    assert sum(rules["agents"][number] for number in (2, 3, 4)) == tiers["tier_3"] == 94
    assert rules["agents"][4] == 85
    assert rules["prompts"][1] == 987, "the prompts without created_by"
    assert sum(rules["prompts"].values()) - rules["prompts"][1] == 475, "those with one"
    for table in ("knowledge_base", "knowledge_sources"):
        domains = values(readme, f"{table}.domain")
        general = ["healthcare_standards", "therapeutics", "general_medicine", "diagnostics", "medical_terminology"]
        assert platform[table] == sum(domains[domain] for domain in general)
    assert rules["users"] == {None: 24}
    assert rules["conversations"] == {1: 21, None: 39}, "24 of the 60 belong to placed users, 3 of these had a tenant"


@needs_pack
def test_tool_assignments_of_the_pack(seen: Expected) -> None:
    present = 26  # the legacy assignments of tier_3 agents
    assert len(seen.tool_assignments) == 94 * 182 - present == 17082
