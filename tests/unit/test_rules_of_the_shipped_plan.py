"""The rules and tables of the shipped plan are those of RULES.md, line by line."""

from pathlib import Path

import pytest

from migrations_ops.rules.load import load
from migrations_ops.rules.model import Condition, Plan
from tests.support.cast import PLATFORM
from tests.support.plans import SHIPPED, path_to_parent

CRITICAL = {"tools", "agents", "prompts", "knowledge_base", "knowledge_sources", "knowledge_domains"}
OTHERS = {"users", "conversations", "messages", "agent_tool_assignments"}
SHARED = CRITICAL | {"agent_tool_assignments"}
AGENTS_OF_DIGITAL_HEALTH = (
    "digital_health digital_medicine telemedicine remote_monitoring wearables mobile_health digital_therapeutics"
)
AGENTS_OF_PHARMA = (
    "regulatory_affairs clinical_trials clinical_research pharmacovigilance drug_safety market_access medical_writing"
    " medical_affairs clinical_validation"
)
PROMPTS_OF_PHARMA = (
    "regulatory_affairs clinical_research clinical_trials pharmacovigilance market_access medical_writing"
    " clinical_validation medical_affairs"
)
PROMPTS_OF_DIGITAL_HEALTH = "digital_health digital_medicine telemedicine remote_monitoring"
KNOWLEDGE_OF_ALL = (
    "general_medicine healthcare_standards medical_terminology anatomy physiology diagnostics therapeutics"
)
KNOWLEDGE_OF_PHARMA = (
    "regulatory regulatory_affairs clinical_trials clinical_research pharmacovigilance drug_development pharmaceutical"
    " market_access health_economics"
)
KNOWLEDGE_OF_DIGITAL_HEALTH = "digital_health digital_medicine telemedicine remote_monitoring wearables mobile_health"
KNOWLEDGE = [
    ("003", f"domain in {KNOWLEDGE_OF_ALL}", "vital-platform", True),
    ("004", f"domain in {KNOWLEDGE_OF_PHARMA}", "pharma", False),
    ("004", f"domain in {KNOWLEDGE_OF_DIGITAL_HEALTH}", "digital-health", False),
    ("004", "always", "digital-health", False),
]
# table → (phase, condition, tenant or parent, whether it also reassigns), in the order in which rules are tried
RULES = {
    "tools": [("003", "always", "vital-platform", False)],
    "agents": [
        ("003", "tier in tier_1 tier_2", "vital-platform", True),
        (
            "004",
            "(tier equals tier_3 and (knowledge_domains overlaps "
            f"{AGENTS_OF_DIGITAL_HEALTH} or name contains digital|telehealth|remote))",
            "digital-health",
            False,
        ),
        (
            "004",
            "(tier equals tier_3 and (knowledge_domains overlaps "
            f"{AGENTS_OF_PHARMA} or name contains regulatory|clinical trial|pharmacovigilance|drug))",
            "pharma",
            False,
        ),
        ("004", "tier equals tier_3", "digital-health", False),
    ],
    "prompts": [
        ("003", "created_by is null", "vital-platform", True),
        ("003", "metadata.is_template equals true", "vital-platform", True),
        ("004", f"(name contains prism or domain in {PROMPTS_OF_PHARMA})", "pharma", False),
        ("004", f"domain in {PROMPTS_OF_DIGITAL_HEALTH}", "digital-health", False),
        ("004", "created_by is not null", "digital-health", False),
    ],
    "knowledge_base": KNOWLEDGE,
    "knowledge_sources": KNOWLEDGE,
    "knowledge_domains": [("003", "always", "vital-platform", True)],
    "users": [],
    "conversations": [("004", "the tenant of user_id → public.users.id", "", False)],
    "messages": [("004", "the tenant of conversation_id → public.conversations.id", "", False)],
    "agent_tool_assignments": [("004", "the tenant of agent_id → public.agents.id", "", False)],
}


def words(condition: Condition) -> str:
    """A condition as RULES.md would put it."""
    column = ".".join((condition.column, *condition.json))
    match condition.kind:
        case "always":
            return "always"
        case "all" | "any" as kind:
            return "(" + {"all": " and ", "any": " or "}[kind].join(map(words, condition.parts)) + ")"
        case "is_null":
            return f"{column} is null" if condition.value else f"{column} is not null"
        case "in" | "overlaps" as kind:
            return f"{column} {kind} {' '.join(condition.value)}"
        case "contains":
            return f"{column} contains {'|'.join(condition.value)}"
        case "equals":
            return f"{column} equals {condition.value}"
    raise AssertionError(f"the shipped plan uses {condition.kind}: teach this test the word")


@pytest.mark.parametrize("table", RULES)
def test_the_rules_of_a_table_are_those_of_the_table_in_rules_md(plan: Plan, table: str) -> None:
    spec = plan.table(f"public.{table}")

    told = [
        (
            rule.phase[:3],
            words(rule.when) if rule.when else f"the tenant of {path_to_parent(rule.parent)}" if rule.parent else "",
            rule.tenant,
            rule.reassigns,
        )
        for rule in spec.rules
    ]

    assert told == RULES[table]
    assert [rule.number for rule in spec.rules] == list(range(1, len(told) + 1))
    assert spec.unmatched == ""


def test_the_tables_are_those_of_rules_md(plan: Plan) -> None:
    assert {spec.relation for spec in plan.tables} == {f"public.{name}" for name in CRITICAL | OTHERS}
    assert {spec.relation for spec in plan.tables if spec.critical} == {f"public.{name}" for name in CRITICAL}
    assert {spec.relation for spec in plan.tables if spec.shared} == {f"public.{name}" for name in SHARED}
    assert {spec.relation for spec in plan.tables if spec.person_decides} == {"public.users"}
    assert {spec.table.key for spec in plan.tables} == {("id",)}


def test_a_table_comes_after_those_that_its_rows_follow(plan: Plan) -> None:
    order = [spec.relation for spec in plan.tables]

    for spec in plan.tables:
        for rule in spec.rules:
            if rule.parent:
                assert order.index(rule.parent.table) < order.index(spec.relation)


def test_the_keys_that_become_unique_per_tenant(plan: Plan) -> None:
    rescoped = {spec.relation: spec.rescope for spec in plan.tables if spec.rescope}

    assert rescoped == {"public.tools": (("tool_key",),), "public.prompts": (("name",),)}


def test_the_head_of_the_plan(plan: Plan) -> None:
    assert (plan.registry, plan.product, plan.common) == ("public.tenants", "vital", ("public.tool_categories",))
    assert (plan.platform, plan.platform_id) == ("vital-platform", PLATFORM)


def test_the_digest_is_that_of_the_file(plan: Plan, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(SHIPPED.read_text() + "\n# a comment\n")

    assert load(SHIPPED).digest == plan.digest
    assert load(other).digest != plan.digest
    assert load(other).tables == plan.tables
