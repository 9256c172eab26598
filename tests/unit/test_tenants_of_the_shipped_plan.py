"""The tenants of the shipped plan are configured as RULES.md says."""

from typing import Any

import pytest

from migrations_ops.rules.model import Plan, TenantSpec
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM

TENANTS: dict[str, dict[str, Any]] = {
    "vital-platform": {
        "id": PLATFORM,
        "name": "Platform",
        "domain": "platform.vital.ai",
        "tool_management": True,
        "limits": (-1, -1, -1, -1, 10),
        "security": (True, 60, 5),
        "metadata": {"type": "platform", "industry": "healthcare_technology"},
        "departments": [],
        "levels": [],
        "functions": [],
    },
    "digital-health": {
        "id": DIGITAL_HEALTH,
        "name": "Digital Health Startup",
        "domain": "digital-health.vital.ai",
        "tool_management": False,
        "limits": (100, 50, 50_000, 10_000, 5),
        "security": (False, 120, 5),
        "metadata": {"type": "customer", "industry": "digital_health", "plan": "growth"},
        "departments": ["DIGITAL_HEALTH", "PRODUCT", "CLINICAL", "DATA_SCI"],
        "levels": [("EXEC", 1), ("DIR", 2), ("MGR", 3), ("LEAD", 4), ("PROF", 5)],
        "functions": [
            "Digital Therapeutic Development",
            "Remote Patient Monitoring",
            "Clinical Validation",
            "AI/ML Model Development",
        ],
    },
    "pharma": {
        "id": PHARMA,
        "name": "Pharmaceuticals",
        "domain": "pharma.vital.ai",
        "tool_management": False,
        "limits": (250, 100, 100_000, 50_000, 7),
        "security": (True, 30, 3),
        "metadata": {"type": "enterprise", "industry": "pharmaceutical", "plan": "enterprise"},
        "departments": ["REG_AFFAIRS", "CLINICAL_OPS", "PHARMA_VIGIL", "MKT_ACCESS", "MED_AFFAIRS", "QUAL_ASSURE"],
        "levels": [
            ("VP", 1),
            ("SR_DIR", 2),
            ("DIR", 3),
            ("SR_MGR", 4),
            ("MGR", 5),
            ("SR_SPEC", 6),
            ("SPEC", 7),
        ],
        "functions": [
            "Regulatory Submissions",
            "Clinical Trial Design",
            "Safety Signal Detection",
            "HTA Strategy",
            "Medical Information",
            "Quality Management",
        ],
    },
}
LIMITS = ("max_agents", "max_tools", "max_knowledge_chunks", "max_conversations", "max_agents_per_query")
SECURITY = ("require_mfa", "session_timeout_minutes", "max_failed_login_attempts")


def test_the_tenants_are_these_three_in_this_order(plan: Plan) -> None:
    assert [tenant.slug for tenant in plan.tenants] == list(TENANTS)


@pytest.mark.parametrize("slug", TENANTS)
def test_a_tenant_is_configured_as_rules_md_says(plan: Plan, slug: str) -> None:
    tenant, told = plan.tenant(slug), TENANTS[slug]
    features = dict.fromkeys(("mode_5_enabled", "rag_enabled", "agent_creation", "knowledge_management"), True)
    features["tool_management"] = told["tool_management"]
    if slug == "pharma":
        features["prism_suite_enabled"] = True

    assert (tenant.id, tenant.name, tenant.domain) == (told["id"], told["name"], told["domain"])
    assert tenant.compliance_level == "hipaa"
    assert tenant.settings == {
        "features": features,
        "limits": dict(zip(LIMITS, told["limits"], strict=True)),
        "security": dict(zip(SECURITY, told["security"], strict=True)),
    }
    assert tenant.metadata == told["metadata"]
    assert organisation(tenant) == (told["departments"], told["levels"], told["functions"])


def organisation(tenant: TenantSpec) -> tuple[list[str], list[tuple[str, int]], list[str]]:
    return (
        [department["code"] for department in tenant.departments],
        [(level["code"], level["number"]) for level in tenant.levels],
        [function["name"] for function in tenant.functions],
    )


def test_every_function_belongs_to_a_department_of_its_tenant(plan: Plan) -> None:
    for tenant in plan.tenants:
        codes = {department["code"] for department in tenant.departments}
        assert {function["department"] for function in tenant.functions} <= codes
