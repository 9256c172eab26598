"""PRISM suites and FORGE as one SQL expression, from the keyword lists in suites.toml.

`strpos` for each word takes a third of the time of a regular expression for each suite, as PostgreSQL makes wide
characters of the text for each of those; the text is put together once for all suites (bench/api/README.md).
"""

import tomllib
from pathlib import Path
from typing import Any

from catalog.api.listing import QUERIES

FILE = Path(__file__).resolve().parent.parent / "suites.toml"


def expression(given: dict[str, Any], frame: str) -> str:
    """The first suite with a keyword in the text; else by category, by name, the default. The driver has % doubled.

    `frame` has a place for it, `{suite}`, where the text is named `found.text` and the lower name `found.name`.
    """
    arms = [_arm(_any_of("found.text", suite["keywords"]), suite["name"]) for suite in given["suite"]]
    arms += [_arm(f"lower(t.category) = {_quoted(key)}", suite) for key, suite in given["by_category"].items()]
    arms += [_arm(_any_of("found.name", item["contains"]), item["suite"]) for item in given["by_name"]]
    return frame.format(suite=f"CASE {' '.join(arms)} ELSE {_quoted(given['default'])} END").strip()


def _arm(condition: str, suite: str) -> str:
    return f"WHEN {condition} THEN {_quoted(suite)}"


def _any_of(text: str, words: list[str]) -> str:
    return " OR ".join(f"strpos({text}, {_quoted(word.lower())}) > 0" for word in words)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"


SUITE = expression(tomllib.loads(FILE.read_text(encoding="utf-8")), QUERIES["prompt_suite_of"])
