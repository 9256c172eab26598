"""The document that the service publishes is what it does: a machine that reads it finds no answer it does not tell."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.cast import DIGITAL_HEALTH
from tests.support.contract import TOOL_FIELDS
from tests.support.service import Service
from tests.support.service_under_test import ServiceUnderTest
from tests.support.tokens import admin, user

OPERATIONS = {
    "/api/knowledge-domains": {"get"},
    "/api/migrations/decisions": {"post"},
    "/api/migrations/findings": {"get"},
    "/api/migrations/preview": {"get"},
    "/api/migrations/references": {"get"},
    "/api/migrations/resolutions": {"post"},
    "/api/migrations/resolutions/{number}/undo": {"post"},
    "/api/migrations/runs": {"get", "post"},
    "/api/migrations/runs/{run}": {"get"},
    "/api/migrations/runs/{run}/cancel": {"post"},
    "/api/migrations/runs/{run}/events": {"get"},
    "/api/migrations/runs/{run}/findings": {"get"},
    "/api/migrations/runs/{run}/pause": {"post"},
    "/api/migrations/runs/{run}/resume": {"post"},
    "/api/migrations/runs/{run}/undo": {"post"},
    "/api/migrations/withdrawals": {"post"},
    "/api/prompts-crud": {"get", "post", "put", "patch", "delete"},
    "/api/prompts-crud/{key}": {"get", "put", "patch", "delete"},
    "/api/tenants": {"get"},
    "/api/tools-crud": {"get", "post", "put", "patch", "delete"},
    "/api/tools-crud/{key}": {"get", "put", "patch", "delete"},
}


def test_every_address_is_in_it_with_its_refusals(service: Service) -> None:
    paths = service.get("/api/schema", user(DIGITAL_HEALTH)).json["paths"]

    assert {path: set(operations) for path, operations in paths.items()} == OPERATIONS
    for path, operations in paths.items():
        for verb, operation in operations.items():
            assert {"400", "401", "403", "429", "503"} <= set(operation["responses"]), (path, verb)
            names = [parameter["name"] for parameter in operation.get("parameters", [])]
            assert "x-tenant-id" in names, (path, verb)
            assert "-crud" not in path or operation.get("requestBody", {"required": True})["required"], (path, verb)


@pytest.mark.parametrize(("table", "shape", "beside"), [
    ("tools", "ToolShape", TOOL_FIELDS), ("prompts", "PromptShape", {"suite", "is_user_created", "is_shared"}),
])  # fmt: skip
def test_it_has_every_column_and_every_field_of_a_row(
    shared_service: ServiceUnderTest, table: str, shape: str, beside: set[str]
) -> None:
    document = shared_service.service.get("/api/schema", user(DIGITAL_HEALTH)).json

    assert set(document["components"]["schemas"][shape]["properties"]) == beside | set(shared_service.rows(table)[0])


def test_a_refusal_shows_every_code_that_it_may_have(service: Service) -> None:
    document = service.get("/api/schema", user(DIGITAL_HEALTH)).json

    shown = document["components"]["examples"]
    assert {example["value"]["code"] for example in shown.values()} == set(shown)
    refusals = document["paths"]["/api/tools-crud"]["post"]["responses"]
    assert {"limit_reached", "conflict"} <= set(refusals["409"]["content"]["application/json"]["examples"])
    codes = set(document["components"]["schemas"]["ErrorShape"]["properties"]["code"]["enum"])
    assert set(shown) == codes - {"other_tables", "unexpected"} or set(shown) == codes


@pytest.mark.parametrize(("path", "noun"), [("/api/tools-crud", "tool"), ("/api/prompts-crud", "prompt")])
def test_the_bodies_that_it_shows_are_accepted(own_service: ServiceUnderTest, path: str, noun: str) -> None:
    document = own_service.service.get("/api/schema", admin(DIGITAL_HEALTH)).json
    who = admin(DIGITAL_HEALTH)

    def shown(address: str, verb: str, name: str) -> Any:
        return document["paths"][address][verb]["requestBody"]["content"]["application/json"]["examples"][name]["value"]

    one = shown(path, "post", "One")
    made = own_service.service.post(path, who, one)
    assert made.status == 201, made
    row = made.json[noun]
    assert own_service.service.put(path, who, shown(path, "put", "SomeFields")).status == 200
    assert own_service.service.call("PATCH", path, who, shown(path, "patch", "SomeFieldsOfEach")).status == 200
    item = f"{path}/{{key}}"
    assert (
        own_service.service.call("PATCH", f"{path}/{row['id']}", who, shown(item, "patch", "SomeFields")).status == 200
    )
    assert own_service.service.delete(f"{path}/{row['id']}", who).status == 200
    assert own_service.service.post(path, who, shown(path, "post", "SeveralAtOnce")).status == 200


# What no schema can say: a cursor is opaque, and every one but an empty one is refused; two names of a tool's value may
# not differ.
CONFIGURATION = """
[[operations]]
include-operation-id = "tools_list"
parameters = { "query.cursor" = "" }

[[operations]]
include-operation-id = ["tools_create", "tools_update", "tools_update_by_body", "tools_change"]
checks = { positive_data_acceptance = { expected-statuses = ["2xx", "400", "401", "403", "404", "409", "412", "5xx"] } }
"""


@pytest.mark.slow
def test_schemathesis_finds_no_failure(own_service: ServiceUnderTest, tmp_path: Path) -> None:
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION)
    command: list[str | Path] = [
        Path(sys.executable).with_name("schemathesis"), "run", f"http://127.0.0.1:{own_service.service.port}/api/schema",
        "--checks", "all", "--max-examples", "10", "--generation-deterministic", "--generation-allow-x00", "false",
        "--no-color",
    ]  # fmt: skip
    for name, value in admin(DIGITAL_HEALTH).items():
        command += ["--header", f"{name}: {value}"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=280)

    assert done.returncode == 0, done.stdout[-8000:]
    assert f"Tested: {sum(map(len, OPERATIONS.values()))}" in done.stdout, done.stdout[-2000:]
