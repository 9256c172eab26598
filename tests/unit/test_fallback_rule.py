"""Which rule only takes what the others leave: the last that names nothing of its own, or the one that is named."""

from pathlib import Path

import pytest

from migrations_ops.rules.load import load
from migrations_ops.rules.suggest.rule_groups import UnknownRuleOfPlan, fallback, families
from tests.support.plans import SHIPPED

HEAD = """
version = 1
platform = "one"
registry = "public.tenants"
[[tenant]]
id = "00000000-0000-0000-0000-000000000001"
slug = "one"
name = "One"
domain = "one.example.org"
[[table]]
name = "public.things"
visibility = "shared"
columns = { kind = "text", name = "text", owner = "uuid" }
"""


def numbered(folder: Path, *conditions: str) -> int | None:
    """The number of the fall-back rule among rules with these conditions."""
    rule = '[[table.rule]]\nname = "{n}"\nphase = "004_tenant_data"\ntenant = "one"\nwhen = {when}\n'
    text = HEAD + "".join(rule.format(n=n, when=when) for n, when in enumerate(conditions))
    path = folder / "plan.toml"
    path.write_text(text, encoding="utf-8")
    found = fallback(load(path).tables[0].rules)
    return found.number if found else None


IS_A, IS_B = '{ column = "kind", equals = "a" }', '{ column = "kind", equals = "b" }'
IS_X, IS_Y = '{ column = "name", contains = ["x"] }', '{ column = "name", contains = ["y"] }'
OWNED = '{ column = "owner", is_null = false }'


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([], None),
        (["{ always = true }"], None),  # the only rule is what the table is meant to follow
        ([IS_A, "{ always = true }"], 2),
        ([IS_A, OWNED], 2),
        ([IS_A, IS_B], None),
        ([f"{{ all = [{IS_A}, {IS_X}] }}", IS_A], 2),  # every rule asks for a; the last for nothing else
        ([f"{{ all = [{IS_A}, {IS_X}] }}", f"{{ all = [{IS_A}, {OWNED}] }}"], 2),
        ([f"{{ all = [{IS_A}, {IS_X}] }}", f"{{ all = [{IS_A}, {IS_Y}] }}"], None),
    ],
)
def test_the_last_rule_that_names_nothing_of_its_own(
    conditions: list[str], expected: int | None, tmp_path: Path
) -> None:
    assert numbered(tmp_path, *conditions) == expected


def test_the_fall_back_rules_of_the_plan_that_is_shipped() -> None:
    found = {family.relation: family.fallback.name for family in families(load(SHIPPED)) if family.fallback}

    assert found == {
        "public.agents": "other tier 3 agents",
        "public.prompts": "other prompts that somebody wrote",
        "public.knowledge_base": "other knowledge",
    }


def test_a_person_may_name_another() -> None:
    (family,) = families(load(SHIPPED), rule="pharma knowledge")

    assert family.fallback
    assert (family.relation, family.fallback.number) == ("public.knowledge_base", 2)
    assert [member.relation for member in family.members] == ["public.knowledge_sources", "public.knowledge_base"]


def test_a_rule_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(UnknownRuleOfPlan, match="other tier 3 agents"):
        families(load(SHIPPED), table="public.agents", rule="pharma knowledge")
