"""The JSON schema for editors is the one that the code makes, and says of a file what the loader says of it."""

import json
import re
import tomllib
from datetime import date, time
from typing import Any

import jsonschema
import pytest

from migrations_ops.rules.conditions import condition
from migrations_ops.rules.json_schema import schema, text
from migrations_ops.rules.operators import CONDITIONS
from tests.support.paths import ROOT
from tests.support.plans import GOOD, SHIPPED, WRONG, when

FILE = ROOT / "docs" / "reference" / "plan.schema.json"
VALIDATOR = jsonschema.Draft7Validator(schema())

# What no schema can say: names that must be known elsewhere in the file, and what the values mean together.
ONLY_THE_LOADER_SEES = (
    "a platform that is no tenant",
    "a slug given twice",
    "a domain given twice",
    "an id given twice",
    "a table given twice",
    "two tables of one name",
    "an unknown tenant",
    "rules as a table",
    "rules of its own and of another",
    "a rule's name given twice",
    "platform rules after the others",
    "a parent that comes later",
    "a list as a parent",
    "two columns at one place",
    "votes of its own table",
    "votes too early",
    "a tree ",
    "a parent's column that",
    "a column that the plan",
    "tenants of no table",
    "tenants of a table without",
    "a row's own tenant elsewhere",
    "a tenant's key without",
    "a name that asks another",
    "a role bound twice",
    "a role of VITAL's bound",
    "everybody bound",
    "a tenant by what people write",
    "a claim with a hole",
    "users of no plan",
    "bound on a table of no plan",
    "bound and unbound",
    "what it means: ",
)


def as_json(plan: str) -> Any:
    """The file as an editor's validator sees it: dates as their text."""

    def moment(value: object) -> str:
        assert isinstance(value, date | time)
        return value.isoformat()

    return json.loads(json.dumps(tomllib.loads(plan), default=moment))


def test_the_file_is_the_one_that_the_code_makes() -> None:
    told = "Renew it: python -m migrations_ops.rules.json_schema > docs/reference/plan.schema.json"

    assert FILE.read_text(encoding="utf-8") == text(), told


def test_it_is_a_schema() -> None:
    jsonschema.Draft7Validator.check_schema(schema())


def test_it_accepts_the_shipped_plan() -> None:
    VALIDATOR.validate(as_json(SHIPPED.read_text(encoding="utf-8")))


def test_the_shipped_plan_names_it() -> None:
    (line,) = SHIPPED.read_text(encoding="utf-8").splitlines()[:1]

    assert line.startswith("#:schema ")
    assert (SHIPPED.parent / line.removeprefix("#:schema ")).resolve() == FILE


ACCEPTED = {
    "equals": '{ column = "street", equals = 1 }',
    "in": '{ column = "street", in = ["a", true] }',
    "contains": '{ column = "street", contains = "a" }',
    "starts_with": '{ column = "street", starts_with = ["a"] }',
    "ends_with": '{ column = "street", ends_with = ["a"] }',
    "matches": '{ column = "street", matches = "^a" }',
    "overlaps": '{ column = "tags", overlaps = ["a"] }',
    "less": '{ column = "facts", json = ["a"], less = 5 }',
    "at_most": '{ column = "facts", json = ["a"], at_most = 2024-01-31 }',
    "greater": '{ column = "facts", json = ["a"], greater = 0.5 }',
    "at_least": '{ column = "facts", json = ["a"], at_least = 2024-01-31 }',
    "between": '{ column = "facts", json = ["a"], between = [1, 2] }',
    "is_null": '{ column = "street", is_null = true }',
    "all": '{ all = [{ column = "street", equals = "a" }] }',
    "any": '{ any = [{ column = "street", equals = "a" }] }',
    "not": '{ not = { column = "street", equals = "a" } }',
    "always": "{ always = true }",
    "sql": '{ sql = "length(street) > 3" }',
}


def test_every_condition_is_tried() -> None:
    assert set(ACCEPTED) == set(CONDITIONS)


@pytest.mark.parametrize("kind", ACCEPTED)
def test_it_accepts_every_condition(kind: str) -> None:
    VALIDATOR.validate(as_json(when(ACCEPTED[kind])))


def test_it_accepts_both_kinds_of_parent() -> None:
    path = 'parent = { path = [{ column = ["a", "b"], table = "x.y", key = ["c", "d"] }] }'

    VALIDATOR.validate(as_json(GOOD))
    VALIDATOR.validate(as_json(GOOD.replace('parent = { column = "house", table = "public.houses" }', path)))


def test_the_reference_page_shows_every_condition_by_an_example() -> None:
    """And each example is one that the loader reads and the schema accepts."""
    page = (FILE.parent / "plan.md").read_text(encoding="utf-8")
    examples = re.findall(r"^\| `(\{.*\})` \|", page, re.MULTILINE)
    shown = set()
    for example in examples:
        item = tomllib.loads(f"when = {example}")["when"]
        shown.add(condition(item, "the page", {}).kind)
        VALIDATOR.validate(as_json(when(example)))

    assert shown == set(CONDITIONS)


@pytest.mark.parametrize("wrong", [wrong for wrong in WRONG if not wrong.startswith(ONLY_THE_LOADER_SEES)])
def test_it_refuses_what_the_loader_refuses(wrong: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(as_json(WRONG[wrong][0]))
