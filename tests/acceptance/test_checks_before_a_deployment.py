"""`./manage.py check`: what it finds is said to people, in one document, and in SARIF for code scanning; a pipeline is
stopped by its exit code."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import databases
from tests.support.command_results import Manage, document, said
from tests.support.databases import Scratch, rows

OPENED = "ALTER POLICY vital_tenant_select ON tools USING (true)"
POLICY = "policy vital_tenant_select of public.tools"


@pytest.fixture(scope="module")
def open_table(migrated_template: Scratch) -> Iterator[Scratch]:
    """A migrated database where every tenant reads the tools of all."""
    scratch = databases.clone(migrated_template)
    rows(scratch.owner_url, OPENED)
    yield scratch
    databases.drop(scratch)


def results(file: Path) -> list[dict[str, Any]]:
    (run,) = json.loads(file.read_text())["runs"]
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == {one["ruleId"] for one in run["results"]}
    found: list[dict[str, Any]] = run["results"]
    return found


def test_a_gap_is_an_error_in_sarif_and_stops_the_pipeline(open_table: Scratch, manage: Manage, tmp_path: Path) -> None:
    file = tmp_path / "check.sarif"

    done = manage(open_table, "check", "--deploy", "--sarif", str(file))

    assert done.returncode == 1, said(done)
    assert f"ERROR: isolation: (vital.E001) {POLICY}" in done.stderr
    assert file.stat().st_mode & 0o077 == 0, "it names what is open"
    errors = [one for one in results(file) if one["level"] == "error"]
    assert [one["ruleId"] for one in errors] == ["vital.E001"]
    assert POLICY in errors[0]["message"]["text"]
    assert "./manage.py migrate_tenants --only 006" in errors[0]["message"]["text"]
    assert errors[0]["locations"] == [{"logicalLocations": [{"fullyQualifiedName": "isolation"}]}]


def test_the_document_says_the_same(open_table: Scratch, manage: Manage) -> None:
    done = manage(open_table, "check", "--deploy", "--json")

    assert done.returncode == 1, said(done)
    (error,) = [one for one in document(done)["checks"] if one["level"] == "ERROR"]
    assert (error["id"], error["object"]) == ("vital.E001", "isolation")
    assert error["message"].startswith(POLICY)


def test_without_a_gap_there_is_no_error(migrated_template: Scratch, manage: Manage, tmp_path: Path) -> None:
    file = tmp_path / "check.sarif"

    done = manage(migrated_template, "check", "--deploy", "--sarif", str(file))

    assert done.returncode == 0, said(done)
    assert not [one for one in results(file) if one["level"] == "error"]


def test_a_level_of_ones_own_stops_as_well(open_table: Scratch, manage: Manage) -> None:
    """Only the level decides: the same finding passes where nothing below CRITICAL counts."""
    assert manage(open_table, "check", "--deploy", "--fail-level", "CRITICAL").returncode == 0


@pytest.mark.parametrize(
    ("words", "reason"), [(("--tag", "nonsense"), "No check has the tag nonsense"), (("nonsense",), "label 'nonsense'")]
)
def test_what_there_is_none_of_is_wrong_usage(words: tuple[str, ...], reason: str, manage: Manage) -> None:
    done = manage("postgresql://nobody:nothing@127.0.0.1:1/nowhere", "check", *words)

    assert done.returncode == 2, said(done)
    assert reason in done.stderr


def test_the_tags_are_listed(manage: Manage) -> None:
    done = manage("postgresql://nobody:nothing@127.0.0.1:1/nowhere", "check", "--list-tags", "--deploy")

    assert done.returncode == 0, said(done)
    assert {"models", "security"} <= {*done.stdout.split()}
