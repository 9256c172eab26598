"""PRISM suites and FORGE as one SQL expression, from the keyword lists in suites.toml."""

import re
import tomllib
from pathlib import Path
from typing import Any

from catalog.api.listing import QUERIES

FILE = Path(__file__).resolve().parent.parent / "suites.toml"


def expression(given: dict[str, Any], text: str) -> str:
    """The first suite with a keyword in the text; else by category, by name, the default. The driver has % doubled."""
    arms = [f"WHEN {text} ~ {_any_of(suite['keywords'])} THEN {_quoted(suite['name'])}" for suite in given["suite"]]
    arms += [
        f"WHEN lower(t.category) = {_quoted(key)} THEN {_quoted(suite)}" for key, suite in given["by_category"].items()
    ]
    arms += [
        f"WHEN lower(t.name) ~ {_any_of(item['contains'])} THEN {_quoted(item['suite'])}" for item in given["by_name"]
    ]
    return f"(CASE {' '.join(arms)} ELSE {_quoted(given['default'])} END)"


def _any_of(words: list[str]) -> str:
    """One regular expression for all the words: the text is read once for each suite, not once for each word."""
    return _quoted("|".join(re.sub(r"([^\w\s])", r"\\\1", word.lower()) for word in words))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"


SUITE = expression(tomllib.loads(FILE.read_text(encoding="utf-8")), QUERIES["prompt_text"])
