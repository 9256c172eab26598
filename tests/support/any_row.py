"""Any row of the catalogue: rows that the pages never made, with metadata of every JSON shape."""

import json
import os
from typing import Any
from uuid import uuid4

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.support.contract import PROMPTS as PROMPTS_ADDRESS
from tests.support.contract import TOOLS as TOOLS_ADDRESS
from tests.support.service_under_test import ServiceUnderTest

ADDRESSES = {"tools": (TOOLS_ADDRESS, "tool"), "prompts": (PROMPTS_ADDRESS, "prompt")}  # and the name in an answer
MANY = settings(
    max_examples=200 if os.environ.get("VITAL_SLOW_TESTS") else 25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
MARK = "any row"  # in the name of each
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
NUMBERS = st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(TEXTS, parts, max_size=3),
    max_leaves=6,
)
COUNTS = st.none() | st.integers(-(2**31), 2**31 - 1)
SHARES = st.none() | st.decimals(0, 1, places=2)
LISTS = st.none() | st.lists(TEXTS, max_size=3)
MAYBE_TEXT, FLAGS = st.none() | TEXTS, st.none() | st.booleans()

# Names that the pages know, so that metadata meets columns, defaults and fall-backs.
KNOWN_NAMES = """
    tags version vendor category_parent implementation_type lifecycle_stage langgraph_compatible health_status code
    business_impact usage_guide slug prompt_code deleted_at suite is_shared metadata name description endpoint_url
    updated_at use_cases llm_description
"""
KNOWN = st.sampled_from(KNOWN_NAMES.split())
METADATA = st.none() | JSON | st.dictionaries(KNOWN | TEXTS, JSON, max_size=5)

TOOLS: dict[str, st.SearchStrategy[Any]] = {
    "tool_key": TEXTS, "name": TEXTS, "description": TEXTS, "category": MAYBE_TEXT,
    "tool_type": st.sampled_from(["function", "api", "ai_function", "database"]), "implementation_path": MAYBE_TEXT,
    "api_endpoint": MAYBE_TEXT, "documentation_url": MAYBE_TEXT, "requires_api_key": FLAGS, "input_schema": JSON,
    "usage_examples": JSON, "output_format": MAYBE_TEXT, "max_iterations": COUNTS, "timeout_seconds": COUNTS,
    "avg_response_time_ms": COUNTS, "total_calls": COUNTS, "is_active": FLAGS, "requires_approval": FLAGS,
    "best_practices": LISTS, "limitations": LISTS, "success_rate": SHARES, "avg_confidence_score": SHARES,
    "estimated_cost_per_call": st.none() | st.decimals(0, 9999, places=6), "metadata": METADATA,
}  # fmt: skip
PROMPTS: dict[str, st.SearchStrategy[Any]] = {
    "name": TEXTS, "display_name": TEXTS, "description": TEXTS, "category": TEXTS, "system_prompt": TEXTS,
    "user_prompt_template": MAYBE_TEXT, "execution_instructions": JSON, "model_requirements": JSON,
    "input_schema": JSON, "complexity_level": st.sampled_from([None, "basic", "expert"]), "domain": TEXTS,
    "estimated_tokens": COUNTS, "prerequisite_prompts": LISTS, "required_context": LISTS, "testing_scenarios": JSON,
    "hipaa_relevant": FLAGS, "compliance_tags": LISTS, "accuracy_threshold": SHARES,
    "version": st.none() | st.text("0123456789.", max_size=9), "status": st.sampled_from([None, "draft", "active"]),
    "created_by": st.none() | st.uuids().map(str), "metadata": METADATA,
}  # fmt: skip


def rows_of(table: str) -> st.SearchStrategy[dict[str, Any]]:
    """Values by column of a row that the table takes."""
    return st.fixed_dictionaries({"tools": TOOLS, "prompts": PROMPTS}[table])


def insert(under_test: ServiceUnderTest, table: str, tenant: str, values: dict[str, Any]) -> str:
    """The id of a new row with these values, written past the API."""
    id = str(uuid4())
    own = {"id": id, "tenant_id": tenant, "name": f"{MARK} {id} {values['name']}"}
    own |= {"tool_key": f"{values['tool_key']} {id}"} if table == "tools" else {}
    columns = ", ".join({**values, **own})
    content = json.dumps(values | own, default=float)
    under_test.sql(
        f"INSERT INTO {table} ({columns}) SELECT {columns} FROM jsonb_populate_record(NULL::{table}, %s::jsonb)"
        " RETURNING 1",
        content,
    )
    return id


def forget(under_test: ServiceUnderTest) -> None:
    """Remove what `insert` has made, in both tables."""
    for table in ADDRESSES:
        under_test.sql(f"DELETE FROM {table} WHERE starts_with(name, %s) RETURNING 1", MARK)


def columns_of(under_test: ServiceUnderTest, table: str, id: str) -> dict[str, str]:
    """The row as text by column, so that a number's last digit counts; without the moment of its last change."""
    ((row,),) = under_test.sql(
        f"SELECT jsonb_object_agg(key, value::text) FROM {table} AS t, jsonb_each(to_jsonb(t)) WHERE id = %s", id
    )
    return {name: value for name, value in row.items() if name != "updated_at"}
