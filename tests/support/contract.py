"""The REST contract, read independently of the product: how a row looks to a caller, and how every refusal looks."""

import math
import re
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from tests.support.cast import PLATFORM
from tests.support.paths import ROOT
from tests.support.service import Answer

Row = Mapping[str, Any]

TOOLS, PROMPTS, DOMAINS = "/api/tools-crud", "/api/prompts-crud", "/api/knowledge-domains"
NOWHERE = "12345678-1234-4234-8234-123456789012"  # an id that no row has

TOOL_FIELDS = {
    *("id", "slug", "code", "unique_id", "name", "description", "tool_description", "category", "category_parent"),
    *("tool_type", "implementation_type", "integration_name", "endpoint_url", "function_spec", "configuration"),
    *("metadata", "tags", "average_response_time_ms", "is_active", "requires_approval", "usage_count", "success_rate"),
    *("tenant_id", "is_shared", "created_at", "updated_at", "deleted_at", "lifecycle_stage", "langgraph_compatible"),
    *("documentation_url", "health_status", "business_impact", "usage_guide", "vendor", "version"),
}
DOMAIN_TYPES = {1: "core", 2: "specialized", 3: "emerging"}


# --- rows ---


def tool(row: Row) -> dict[str, Any]:
    """The fields of a tool that the contract defines; `row` is to_jsonb of the table's row. What a NULL in a column
    with a default becomes is not said there."""
    metadata = row["metadata"] or {}
    with_default = {"metadata": "metadata", "requires_approval": "requires_approval", "usage_count": "total_calls"}
    return {name: row[column] for name, column in with_default.items() if row[column] is not None} | {
        "id": row["id"],
        "slug": row["tool_key"],
        "code": row["tool_key"],
        "unique_id": row["tool_key"],
        "name": row["name"],
        "description": row["description"],
        "tool_description": row["description"],
        "category": row["category"] or "General",
        "tool_type": row["tool_type"],
        "implementation_type": metadata.get("implementation_type") or row["tool_type"],
        "integration_name": row["implementation_path"],
        "endpoint_url": row["api_endpoint"] or row["documentation_url"],
        "function_spec": row["input_schema"],
        "configuration": row["usage_examples"],
        "tags": metadata.get("tags") or row["best_practices"] or [],
        "average_response_time_ms": row["avg_response_time_ms"],
        "success_rate": row["success_rate"],
        "is_active": row["is_active"],
        "tenant_id": row["tenant_id"],
        "is_shared": row["tenant_id"] == PLATFORM,
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "deleted_at": None,
        "lifecycle_stage": metadata.get("lifecycle_stage", "production"),
        "langgraph_compatible": metadata.get("langgraph_compatible", True),
        "documentation_url": row["documentation_url"],
        "health_status": metadata.get("health_status", "healthy"),
        "version": metadata.get("version", "1.0.0"),
    }


def prompt(row: Row, suites: Mapping[str, Any]) -> dict[str, Any]:
    """A prompt: every column of its table, and what is found out about it."""
    return {
        **row,
        "suite": suite(row, suites),
        "is_user_created": row["created_by"] is not None,
        "is_shared": row["tenant_id"] == PLATFORM,
    }


def read_suites(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))


def suite(row: Row, suites: Mapping[str, Any]) -> str:
    """The first suite with a keyword in name, content and title; then by category, by name, or the default."""
    content = row.get("content", row.get("system_prompt")) or ""
    title = row.get("title", row.get("display_name")) or ""
    text = f"{row['name'] or ''} {content} {title}".lower()
    for candidate in suites["suite"]:
        if any(keyword.lower() in text for keyword in candidate["keywords"]):
            return str(candidate["name"])
    by_category: dict[str, str] = suites["by_category"]
    if found := by_category.get((row["category"] or "").lower()):
        return found
    for rule in suites["by_name"]:
        if any(word in row["name"].lower() for word in rule["contains"]):
            return str(rule["suite"])
    return str(suites["default"])


def domain(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in ("id", "name", "slug", "is_active")} | {
        "domain_type": DOMAIN_TYPES[row["tier"]]
    }


def differences(expected: Row, found: Row) -> dict[str, tuple[Any, Any]]:
    """Field -> (expected, found), where they are not the same value; instants and decimals are compared as such."""
    return {
        name: (value, found.get(name, "missing"))
        for name, value in expected.items()
        if name not in found or _value(name, value) != _value(name, found[name])
    }


def _value(name: str, value: Any) -> Any:
    if name.endswith("_at") and isinstance(value, str):
        return instant(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Decimal(str(value))
    return value


def instant(text: str) -> datetime:
    """The moment an ISO 8601 text names; it must be UTC."""
    moment = datetime.fromisoformat(text)
    assert moment.tzinfo is not None, f"{text} names no time zone"
    assert moment.utcoffset() == UTC.utcoffset(None), f"{text} is not UTC"
    return moment


def pages(total: int, limit: int) -> int:
    return math.ceil(total / limit)


# --- refusals ---

LEAKS = re.compile(
    r"Traceback|File \"|line \d+, in|psycopg|django|(?-i:\b(SELECT|INSERT|UPDATE|DELETE FROM|WHERE|SQL|SQLSTATE)\b)"
    r"|relation \"|constraint|violates|row-level security|vital_tenant|vital_operator|public\.|prompts_|tools_",
    re.IGNORECASE,
)


@cache
def refusal_codes() -> dict[str, str]:
    """Code → the statuses that it comes with, as the reference lists them for programs."""
    page = (ROOT / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| `([a-z][a-z_]+)` \| (\d{3}) \|", page, re.MULTILINE))


def refusal(answer: Answer, status: int) -> str:
    """The sentence of a refusal; it has this status and the contract's shape, and tells nothing of the inside."""
    assert answer.status == status, f"{status} was expected: {answer}"
    document = answer.json
    assert isinstance(document, dict), answer
    assert {"error", "code"} <= set(document) <= {"error", "code", "details"}, answer
    assert document["code"] in refusal_codes(), answer
    sentence = document["error"]
    assert isinstance(sentence, str), answer
    assert sentence.strip(), answer
    assert "\n" not in sentence, answer
    leak = LEAKS.search(answer.text)
    assert not leak, f"{leak} in {answer}"
    if status == 401:
        assert answer.headers["WWW-Authenticate"], "a 401 names how to authenticate"
    return sentence
