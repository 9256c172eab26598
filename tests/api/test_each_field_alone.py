"""A field that is sent alone changes exactly its column, or its key of `metadata`."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings

from tests.support import any_row, contract
from tests.support.any_row import ADDRESSES, MANY
from tests.support.cast import DIGITAL_HEALTH
from tests.support.contract import TOOLS
from tests.support.service_under_test import ServiceUnderTest
from tests.support.tokens import admin

IGNORED = {"id", "tenant_id", "created_at", "updated_at", "is_shared"}
COMPUTED = {"tools": set[str](), "prompts": {"suite", "is_user_created", "created_by"}}
COLUMNS = {
    "code": "tool_key", "slug": "tool_key", "unique_id": "tool_key", "tool_description": "description",
    "integration_name": "implementation_path", "endpoint_url": "api_endpoint", "function_spec": "input_schema",
    "configuration": "usage_examples", "average_response_time_ms": "avg_response_time_ms", "usage_count": "total_calls",
}  # fmt: skip
# Two values that a column takes; every other takes a text.
OBJECTS = [{"new": [1, None]}, {"newer": 1}]
LISTS, NUMBERS, SHARES = [["new", "newer"], []], [77, 78], [0.5, 0.25]
KINDS: list[tuple[list[Any], str]] = [
    (OBJECTS, "input_schema output_schema usage_examples testing_scenarios execution_instructions success_criteria"),
    (OBJECTS, "model_requirements validation_rules phi_handling_rules metadata"),
    (LISTS, "best_practices limitations prerequisite_prompts compliance_tags prerequisite_capabilities"),
    (LISTS, "related_capabilities required_context"),
    (NUMBERS, "avg_response_time_ms total_calls max_iterations timeout_seconds rate_limit_per_minute estimated_tokens"),
    (SHARES, "success_rate avg_confidence_score accuracy_threshold estimated_cost_per_call"),
    (["advanced", "expert"], "complexity_level"),
    (["beta", "inactive"], "validation_status"),
    (["archived", "draft"], "status"),
    (["database", "function"], "tool_type"),
    (["any-row-new", "any-row-newer", "any-row-newest"], "tool_key"),
]
VALUES = {column: values for values, columns in KINDS for column in columns.split()}
FLAGS = {"is_active", "is_premium", "requires_api_key", "requires_approval", "hipaa_relevant"}


@pytest.fixture(autouse=True)
def tidy(own_service: ServiceUnderTest) -> Iterator[None]:
    yield
    any_row.forget(own_service)
    own_service.sql("DELETE FROM tools WHERE tool_key LIKE 'any-row-%%' RETURNING 1")


def new_value(column: str, was: Any) -> Any:
    if column in FLAGS:
        return not was
    return next(value for value in VALUES.get(column, ["new", "newer"]) if value != was)


@pytest.mark.parametrize("table", ADDRESSES)
def test_each_field_of_an_answer_changes_its_own_place(own_service: ServiceUnderTest, table: str) -> None:
    (address, noun), who = ADDRESSES[table], admin(DIGITAL_HEALTH)
    values = {"name": "x", "description": "Was.", "metadata": {"kept": 1, "tags": ["a"], "prompt_code": "P-1"}}
    values |= {"tool_key": "x", "tool_type": "api"} if table == "tools" else {
        "display_name": "x", "category": "x", "system_prompt": "x", "domain": "x",
    }  # fmt: skip
    id = any_row.insert(own_service, table, DIGITAL_HEALTH, values)
    read = own_service.service.get(f"{address}/{id}", who).json[noun]
    assert set(read) >= contract.TOOL_FIELDS or table == "prompts"
    columns = any_row.columns_of(own_service, table, id)
    assert set(columns) <= set(read)

    names = set(read) - IGNORED - COMPUTED[table] - {"category_id"}
    for name in sorted(names, key=lambda name: (name == "metadata", name)):  # with it the other keys go
        column = COLUMNS.get(name, name) if table == "tools" else name
        before = any_row.columns_of(own_service, table, id)
        value = new_value(column, own_service.service.get(f"{address}/{id}", who).json[noun][name])

        answer = own_service.service.call("PATCH", f"{address}/{id}", who, {name: value})

        assert answer.status == 200, (name, answer)
        assert answer.json[noun][name] == value, name
        after = any_row.columns_of(own_service, table, id)
        changed = {key for key in before if before[key] != after[key]}
        assert changed == {column if column in columns else "metadata"}, (name, changed)
        if column not in columns:
            assert json.loads(after["metadata"]) == json.loads(before["metadata"]) | {name: value}


@pytest.mark.parametrize("table", ADDRESSES)
def test_a_field_that_has_no_column_is_a_key_that_is_shown(own_service: ServiceUnderTest, table: str) -> None:
    (address, noun), who = ADDRESSES[table], admin(DIGITAL_HEALTH)

    @MANY
    @given(any_row.rows_of(table), any_row.TEXTS.map(lambda text: f"own {text}"), any_row.JSON)
    def holds(values: dict[str, Any], name: str, value: Any) -> None:
        values |= {"metadata": {"other": 1.5}}
        id = any_row.insert(own_service, table, DIGITAL_HEALTH, values)
        before = any_row.columns_of(own_service, table, id)

        answer = line.call("PATCH", f"{address}/{id}", who, {name: value})

        assert answer.status == 200, answer
        assert answer.json[noun][name] == pytest.approx(value) if isinstance(value, float) else True
        after = any_row.columns_of(own_service, table, id)
        assert {key for key in before if before[key] != after[key]} == {"metadata"}
        assert set(json.loads(after["metadata"])) == {"other", name}

    with own_service.service.line() as line:
        holds()


def test_a_column_that_no_model_knows_is_written_as_itself(own_service: ServiceUnderTest) -> None:
    """The platform's newer tables have more of them."""
    own_service.sql("ALTER TABLE tools ADD llm_description text, ADD access_level text[], ADD weights jsonb")
    own_service.sql("ALTER TABLE tools ADD max_execution_time_seconds numeric(6, 2) NOT NULL DEFAULT 30")
    own_service.sql("ALTER TABLE tools ADD CONSTRAINT some_time CHECK (max_execution_time_seconds > 0)")
    who = admin(DIGITAL_HEALTH)
    sent = {"llm_description": "Counts.", "access_level": ["a"], "weights": {"a": 1}, "max_execution_time_seconds": 2.5}
    body = {"name": "any row of new columns", "code": "any-row-columns"}

    made = own_service.service.post(TOOLS, who, body | sent)

    assert made.status == 201, made
    assert contract.differences(sent, made.json["tool"]) == {}
    assert made.json["tool"]["metadata"] == {}
    answer = own_service.service.put(f"{TOOLS}/any-row-columns", who, made.json["tool"] | {"llm_description": "None."})
    assert contract.differences(sent | {"llm_description": "None."}, answer.json["tool"]) == {}
    assert answer.json["tool"]["metadata"] == {}
    wrongs: list[dict[str, Any]] = [
        {"max_execution_time_seconds": "many"},
        {"max_execution_time_seconds": -1},
        {"access_level": {}},
    ]
    for wrong in wrongs:
        contract.refusal(own_service.service.put(f"{TOOLS}/any-row-columns", who, wrong), 400)
    assert (
        contract.differences(
            sent | {"llm_description": "None."}, own_service.service.get(f"{TOOLS}/any-row-columns", who).json["tool"]
        )
        == {}
    )


@settings(max_examples=200)
@given(any_row.JSON, any_row.JSON)
def test_values_are_the_same_where_their_json_is(one: Any, other: Any) -> None:
    from catalog.api.fields import same

    assert same(one, json.loads(json.dumps(one)))
    doubled = [json.dumps(json.loads(json.dumps(value), parse_int=float), sort_keys=True) for value in (one, other)]
    assert same(one, other) == (doubled[0].replace("-0.0", "0.0") == doubled[1].replace("-0.0", "0.0"))
