"""A plan file is read; one that is wrong is refused with the place and the next step."""

from collections.abc import Callable
from pathlib import Path

import pytest

from migrations_ops.plan import phases
from migrations_ops.rules.load import load
from migrations_ops.rules.model import Bind, Condition
from migrations_ops.rules.reader import PlanError
from tests.support.plans import BIND, GOOD, WRONG, path_to_parent, when

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


BOUND = {
    "": Bind("web", "own", ("app_metadata", "tenant_id")),
    'claim = "tenant"': Bind("web", "own", ("tenant",)),
    'claim = "a.b.c"': Bind("web", "own", ("a", "b", "c")),
    'claim = ["https://example.com/claims", "tenant"]': Bind("web", "own", ("https://example.com/claims", "tenant")),
    'users = { table = "public.rooms" }': Bind(
        "web", "own", ("app_metadata", "tenant_id"), users=("public.rooms", "id")
    ),
    'users = { table = "public.rooms", key = "sub", tenant = "tenant_id" }': Bind(
        "web", "own", ("app_metadata", "tenant_id"), users=("public.rooms", "sub")
    ),
    'sees = "shared"': Bind("web", "shared"),
    'sees = "nothing"\ntables = ["public.rooms"]': Bind("web", "nothing", tables=("public.rooms",)),
}


@pytest.mark.parametrize("given", BOUND)
def test_a_role_is_bound_as_the_plan_says(write: Write, given: str) -> None:
    plan = load(write(f"{GOOD}{BIND}{given}\n"))

    assert plan.bound == (BOUND[given],)


@pytest.mark.parametrize("given", BOUND)
def test_every_phase_of_a_plan_that_binds_can_be_made(write: Write, given: str) -> None:
    """Many statements are composed as a phase is made, before a database is asked."""
    made = phases(load(write(f"{GOOD}{BIND}{given}\n")))

    assert [phase.key[:3] for phase in made] == ["000", "001", "002", "003", "004", "005", "006"]


def test_a_role_may_be_bound_on_one_table_and_left_alone_on_the_others(write: Write) -> None:
    left_alone = '\n[[unbound]]\nrole = "web"\nreason = "tried on one table first"\n'
    plan = load(write(f'{GOOD}{BIND}tables = ["public.rooms"]\n{left_alone}'))

    assert (plan.bound[0].tables, plan.unbound) == (("public.rooms",), ("web",))


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
