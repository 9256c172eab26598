"""A plan file is read; one that is wrong is refused with the place and the next step."""

from collections.abc import Callable
from pathlib import Path

import pytest

from migrations_ops.rules.load import load
from migrations_ops.rules.model import Condition
from migrations_ops.rules.reader import PlanError
from tests.support.plans import GOOD, WRONG, path_to_parent, when

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(text: str) -> Path:
        file = tmp_path / "plan.toml"
        file.write_text(text, encoding="utf-8")
        return file

    return to_file


def test_the_good_plan_is_good(write: Write) -> None:
    plan = load(write(GOOD))

    assert [spec.relation for spec in plan.tables] == ["public.houses", "public.rooms"]
    assert plan.tables[1].rules[0].parent is not None
    assert path_to_parent(plan.tables[1].rules[0].parent) == "house → public.houses.id"
    assert (plan.name, plan.product, plan.common) == ("multi_tenant_migration", "", ())


@pytest.mark.parametrize("wrong", WRONG)
def test_it_is_refused_with_its_place_and_a_way_out(write: Write, wrong: str) -> None:
    text, place, problem = WRONG[wrong]
    file = write(text)

    with pytest.raises(PlanError) as refused:
        load(file)

    message = str(refused.value)
    assert str(file) in message
    assert place in message
    assert problem in message
    assert message.endswith((".", "?"))


def test_toml_that_cannot_be_read_is_refused_with_its_line(write: Write) -> None:
    with pytest.raises(PlanError, match=r"plan\.toml is not valid TOML: .*line 1"):
        load(write("version = = 1"))


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "latin.toml"
    file.write_bytes('name = "Zürich"'.encode("latin-1"))

    with pytest.raises(PlanError, match="is not valid TOML"):
        load(file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"nowhere\.toml cannot be read: No such file"):
        load(tmp_path / "nowhere.toml")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="cannot be read: Is a directory"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("given", "value"),
    [("true", "true"), ("false", "false"), ("3", "3"), ("-1.5", "-1.5"), ('"True"', "True"), ('""', "")],
)
def test_a_value_is_compared_as_postgresql_shows_it(write: Write, given: str, value: str) -> None:
    spec = load(write(when(f'{{ column = "built", equals = {given} }}'))).tables[0]

    assert spec.rules[0].when == Condition("equals", column="built", value=value)


def test_a_single_text_may_be_contained(write: Write) -> None:
    spec = load(write(when('{ column = "street", contains = "Alley" }'))).tables[0]

    assert spec.rules[0].when == Condition("contains", column="street", value=("Alley",))
