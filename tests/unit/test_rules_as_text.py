"""A suggested rule is read back as it was written."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrations_ops.rules.suggest import toml_writer

# PostgreSQL's text has no NUL and no lone surrogates.
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60)
keys = texts.filter(bool)
scalars = texts | st.booleans() | st.integers(-(2**60), 2**60)
values = st.recursive(
    scalars,
    lambda inner: st.lists(texts, max_size=8) | st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=12,
)
rules = st.dictionaries(keys, values, max_size=4)


@pytest.mark.slow
@given(rules)
def test_a_rule_is_read_as_it_was_written(rule: dict[str, Any]) -> None:
    assert tomllib.loads(toml_writer.rule(rule)) == {"table": {"rule": [rule]}}
