"""The frontends save what they read: a row that is sent back as it was read stays as it was, whatever the row."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given

from tests.support import any_row
from tests.support.any_row import ADDRESSES, MANY
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.contract import TOOLS
from tests.support.service import Line
from tests.support.service_under_test import ServiceUnderTest
from tests.support.tokens import admin, super_admin

KINDS = pytest.mark.parametrize("table", ADDRESSES)
EVERYBODY = {tenant: super_admin(tenant) for tenant in (PLATFORM, DIGITAL_HEALTH, PHARMA)}


@pytest.fixture(autouse=True)
def tidy(own_service: ServiceUnderTest) -> Iterator[None]:
    yield
    any_row.forget(own_service)


def as_read(content: bytes) -> Any:
    """As a program keeps it that knows what JSON says."""
    return json.loads(content)


def as_javascript_reads(content: bytes) -> Any:
    """As a page keeps it: every number is a double."""
    return json.loads(content, parse_int=lambda digits: int(float(digits)))


def saved(line: Line, table: str, id: str, who: dict[str, str], reads: Callable[[bytes], Any] = as_read) -> None:
    """The row is read and sent back whole, at its own address and at the collection's."""
    address, noun = ADDRESSES[table]
    read = reads(line.call("GET", f"{address}/{id}", who).body)[noun]
    for path in (f"{address}/{id}", address):
        answer = line.call("PUT", path, who, read)
        assert answer.status == 200, answer


@KINDS
@pytest.mark.parametrize("reads", [as_read, as_javascript_reads])
def test_any_row_stays_as_it_was(own_service: ServiceUnderTest, table: str, reads: Callable[[bytes], Any]) -> None:
    who = admin(DIGITAL_HEALTH)

    @MANY
    @given(any_row.rows_of(table))
    def holds(values: dict[str, Any]) -> None:
        id = any_row.insert(own_service, table, DIGITAL_HEALTH, values)
        before = any_row.columns_of(own_service, table, id)

        saved(line, table, id, who, reads)

        assert any_row.columns_of(own_service, table, id) == before

    with own_service.service.line() as line:
        holds()


@KINDS
def test_any_row_stays_but_for_the_field_that_was_edited(own_service: ServiceUnderTest, table: str) -> None:
    """As the pages do it: the whole row, with one field changed."""
    who, (address, noun) = admin(DIGITAL_HEALTH), ADDRESSES[table]

    @MANY
    @given(any_row.rows_of(table), any_row.TEXTS)
    def holds(values: dict[str, Any], text: str) -> None:
        id = any_row.insert(own_service, table, DIGITAL_HEALTH, values)
        before = any_row.columns_of(own_service, table, id)
        read = line.call("GET", f"{address}/{id}", who).json[noun]

        answer = line.call("PUT", f"{address}/{id}", who, read | {"description": text})

        assert answer.status == 200, answer
        assert any_row.columns_of(own_service, table, id) == before | {
            "description": json.dumps(text, ensure_ascii=False)
        }

    with own_service.service.line() as line:
        holds()


@KINDS
def test_any_row_read_back_is_a_copy_of_itself(own_service: ServiceUnderTest, table: str) -> None:
    """A page that duplicates a row sends all of it, under another name: the copy has what the row has."""
    who, (address, noun) = admin(DIGITAL_HEALTH), ADDRESSES[table]
    names = {"tools": ("code", "slug", "unique_id", "tool_key", "name"), "prompts": ("name",)}[table]

    @MANY
    @given(any_row.rows_of(table))
    def holds(values: dict[str, Any]) -> None:
        values |= {"metadata": values["metadata"] if isinstance(values["metadata"], dict) else {}}
        id = any_row.insert(own_service, table, DIGITAL_HEALTH, _can_be_made(values))
        read = line.call("GET", f"{address}/{id}", who).json[noun]

        made = line.call("POST", address, who, read | dict.fromkeys(names, f"{any_row.MARK.replace(' ', '_')}-{id}"))

        assert made.status == 201, made
        copy = made.json[noun]["id"]
        rest = {*names, "id", "created_at", "created_by"}
        one, other = (any_row.columns_of(own_service, table, which) for which in (id, copy))
        own_service.sql(f"DELETE FROM {table} WHERE id = ANY(%s) RETURNING 1", [id, copy])  # there is a limit
        assert {name: value for name, value in one.items() if name not in rest} == {
            name: value for name, value in other.items() if name not in rest
        }

    with own_service.service.line() as line:
        holds()


def _can_be_made(values: dict[str, Any]) -> dict[str, Any]:
    """What the API itself would have made: these texts may not be empty there."""
    needed = ("category", "domain", "description", "display_name", "system_prompt", "user_prompt_template", "tool_type")
    return values | {name: values[name] or "x" for name in needed if name in values}


@pytest.mark.slow
@KINDS
def test_every_row_of_the_pack_stays_as_it_was(own_service: ServiceUnderTest, table: str) -> None:
    def stored() -> list[tuple[Any, ...]]:
        return own_service.sql(
            f"SELECT id::text, tenant_id::text, to_jsonb(t) - 'updated_at' FROM {table} AS t"
            " WHERE tenant_id::text = ANY(%s) ORDER BY id", list(EVERYBODY),
        )  # fmt: skip

    before = stored()

    with own_service.service.line() as line:
        for id, tenant, _ in before:
            saved(line, table, id, EVERYBODY[tenant])

    assert stored() == before


@pytest.mark.parametrize(
    ("body", "changed"),
    [
        ({"description": "a", "tool_description": "a"}, {"description": '"a"'}),
        ({"description": "Was.", "tool_description": "b"}, {"description": '"b"'}),
        ({"description": "c", "tool_description": "Was."}, {"description": '"c"'}),
        ({"slug": "any-row-new"}, {"tool_key": '"any-row-new"'}),
        ({"endpoint_url": "https://docs"}, {}),
        ({"endpoint_url": "https://else", "api_endpoint": None}, {"api_endpoint": '"https://else"'}),
        ({"category": "General", "tags": [], "version": "1.0.0"}, {}),
        ({"version": "2"}, {"metadata": '{"kept": 1, "version": "2"}'}),
        ({"metadata": {"kept": 1}, "kept": 2}, {"metadata": '{"kept": 2}'}),
        ({"metadata": {"other": 3}, "kept": 1}, {"metadata": '{"other": 3}'}),
        ({"metadata": {"kept": 4}, "kept": 4}, {"metadata": '{"kept": 4}'}),
    ],
    ids=str,
)
def test_of_two_names_the_one_that_differs_counts(
    own_service: ServiceUnderTest, body: dict[str, Any], changed: dict[str, str]
) -> None:
    id, before = _a_tool(own_service)

    answer = own_service.service.put(f"{TOOLS}/{id}", admin(DIGITAL_HEALTH), body)

    assert answer.status == 200, answer
    assert any_row.columns_of(own_service, "tools", id) == before | changed


@pytest.mark.parametrize(
    "body",
    [
        {"description": "a", "tool_description": "b"},
        {"slug": "any-row-a", "code": "any-row-b"},
        {"usage_count": 1, "total_calls": 2},
        {"metadata": {"kept": 2}, "kept": 3},
    ],
    ids=str,
)
def test_two_names_that_differ_from_each_other_are_refused(own_service: ServiceUnderTest, body: dict[str, Any]) -> None:
    id, before = _a_tool(own_service)

    answer = own_service.service.put(f"{TOOLS}/{id}", admin(DIGITAL_HEALTH), body)

    assert (answer.status, answer.json["code"]) == (400, "bad_body"), answer
    assert all(name in answer.json["error"] for name in (set(body) - {"metadata"})), answer
    assert any_row.columns_of(own_service, "tools", id) == before


@pytest.mark.parametrize("metadata", [[1], "text", 3, True])
def test_metadata_that_can_keep_no_field_is_not_written_over(own_service: ServiceUnderTest, metadata: object) -> None:
    id, before = _a_tool(own_service, metadata=metadata)

    refused = own_service.service.put(f"{TOOLS}/{id}", admin(DIGITAL_HEALTH), {"vendor": "Savanna"})

    assert refused.status == 400, refused
    assert any_row.columns_of(own_service, "tools", id) == before
    answer = own_service.service.put(f"{TOOLS}/{id}", admin(DIGITAL_HEALTH), {"metadata": {"vendor": "Savanna"}})
    assert answer.json["tool"]["vendor"] == "Savanna", answer


def test_metadata_that_is_the_null_of_json_keeps_a_field(own_service: ServiceUnderTest) -> None:
    """It is neither NULL nor an object, and holds nothing that could be lost."""
    id, _ = _a_tool(own_service)
    own_service.sql("UPDATE tools SET metadata = 'null' WHERE id = %s RETURNING 1", id)

    answer = own_service.service.put(f"{TOOLS}/{id}", admin(DIGITAL_HEALTH), {"vendor": "Savanna"})

    assert (answer.status, answer.json["tool"]["metadata"]) == (200, {"vendor": "Savanna"}), answer


def test_a_list_in_place_of_metadata_hides_no_contradiction(own_service: ServiceUnderTest) -> None:
    id, before = _a_tool(own_service, metadata=[1])

    answer = own_service.service.put(f"{TOOLS}/{id}", admin(DIGITAL_HEALTH), {"metadata": {"kept": 2}, "kept": 3})

    assert answer.status == 400, answer
    assert any_row.columns_of(own_service, "tools", id) == before


@pytest.mark.parametrize("metadata", ["lifecycle_stage", ["lifecycle_stage"], None, {"lifecycle_stage": "production"}])
def test_a_stage_is_found_as_it_is_shown(own_service: ServiceUnderTest, metadata: object) -> None:
    id, _ = _a_tool(own_service, metadata=metadata)

    read = own_service.service.get(f"{TOOLS}?status=production&search={id}", admin(DIGITAL_HEALTH)).json["tools"]

    assert [(tool["id"], tool["lifecycle_stage"]) for tool in read] == [(id, "production")]


def _a_tool(own_service: ServiceUnderTest, **more: Any) -> tuple[str, dict[str, str]]:
    values = {
        "tool_key": "x",
        "name": "x",
        "description": "Was.",
        "tool_type": "api",
        "documentation_url": "https://docs",
    }
    id = any_row.insert(own_service, "tools", DIGITAL_HEALTH, values | {"metadata": {"kept": 1}} | more)
    return id, any_row.columns_of(own_service, "tools", id)
