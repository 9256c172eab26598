"""A rule of the plan as a sentence that a person can read."""

from pathlib import Path

import pytest

from migrations_ops.rules.columns_read import called, reads
from migrations_ops.rules.describe import in_words, rule_in_words
from migrations_ops.rules.load import load
from migrations_ops.rules.model import Condition, Hop, Parent, Rule
from migrations_ops.rules.plan_keys import PHASES
from tests.support.plans import SHIPPED

TIER = Condition("equals", "tier", value="tier_3")
NAME = Condition("contains", "name", value=("a", "b", "c"))
WORDS = {
    "always": Condition("always"),
    "tier is tier_3": TIER,
    "not (tier is tier_3)": Condition("not", parts=(TIER,)),
    "name contains a, b or c": NAME,
    "domains has x or y": Condition("overlaps", "domains", value=("x", "y")),
    "metadata.is_template is true": Condition("equals", "metadata", ("is_template",), "true"),
    "created_by is empty": Condition("is_null", "created_by", value=True),
    "created_by is not empty": Condition("is_null", "created_by", value=False),
    "tier is tier_3 and (tier is tier_3 or name contains a, b or c)": Condition(
        "all", parts=(TIER, Condition("any", parts=(TIER, NAME)))
    ),
    "price is at most 3": Condition("at_most", "price", value=3),
    "price is between 1 and 3": Condition("between", "price", value=(1, 3)),
    "name starts with a or b": Condition("starts_with", "name", value=("a", "b")),
    "length(name) > 3": Condition("sql", value="length(name) > 3"),
    "tier is tier_4": Condition("any", parts=(Condition("equals", "tier", value="tier_4"),)),
}


@pytest.mark.parametrize("words", WORDS)
def test_a_condition_in_words(words: str) -> None:
    assert in_words(WORDS[words]) == words


def shipped(folder: Path) -> list[Rule]:
    return [rule for spec in load(folder).tables for rule in spec.rules]


def test_every_rule_of_the_plan_says_what_it_reads() -> None:
    rules = shipped(SHIPPED)
    assert len(rules) > 15
    for rule in rules:
        words = rule_in_words(rule)
        assert words == "always" or all(called(read) in words for read in reads([rule]))


def test_a_rule_that_follows_a_parent() -> None:
    rule = next(rule for rule in shipped(SHIPPED) if rule.parent)
    assert rule_in_words(rule) == "its user_id refers to a row of users that has a tenant"
    way = (Hop(("shelf", "nr"), "public.shelves", ("id", "nr")), Hop(("store_id",), "public.stores", ("id",)))
    far = Rule(1, "far", PHASES[1], parent=Parent(way))
    assert rule_in_words(far) == "its shelf, nr refers to a row of stores over shelves that has a tenant"
