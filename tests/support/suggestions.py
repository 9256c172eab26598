"""Accepts suggested rules as a person does: pastes their text into a copy of the plan."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

HEADING = re.compile(r"^(?=\[\[(?:table|tenant|common|table\.rule)\]\]$)", re.MULTILINE)
Suggestion = dict[str, Any]


def apply_suggestions(plan: Path, suggestions: Iterable[Suggestion], copy: Path) -> Path:
    """A copy of the plan with these suggestions, in their order."""
    chosen = list(suggestions)
    copy.write_text("".join(_pieces(plan.read_text(encoding="utf-8"), chosen)), encoding="utf-8")
    return copy


def _pieces(text: str, chosen: list[Suggestion]) -> list[str]:
    pieces: list[str] = []
    table, rule = "", 0
    for chunk in HEADING.split(text):
        if chunk.startswith("[[table]]"):
            table, rule = _name(chunk), 0
            chunk = _with_columns(chunk, table, chosen)
        elif chunk.startswith("[[table.rule]]"):
            rule += 1
            pieces += _texts(chosen, table, rule, "before")
            chunk = (_texts(chosen, table, rule, "replace") or [chunk])[0]
            chunk += "".join(_texts(chosen, table, rule, "after"))
        pieces.append(chunk)
    return pieces


def _name(chunk: str) -> str:
    found = re.search(r'^name = "(?:public\.)?(.+)"$', chunk, re.MULTILINE)
    assert found
    return found[1]


def _texts(chosen: list[Suggestion], table: str, rule: int, do: str) -> list[str]:
    return [
        f"{one['toml']}\n\n"
        for one in chosen
        if one["table"] == table and (one["place"]["do"], one["place"]["rule"]) == (do, rule)
    ]


def _with_columns(chunk: str, table: str, chosen: list[Suggestion]) -> str:
    added = {name: kind for one in chosen if table in one["tables"] for name, kind in one["columns"].items()}
    if not added:
        return chunk
    listed = "".join(f', {name} = "{kind}"' for name, kind in added.items())
    changed = re.sub(r"^(columns = \{.*?) \}$", rf"\1{listed} }}", chunk, flags=re.MULTILINE)
    assert changed != chunk
    return changed
