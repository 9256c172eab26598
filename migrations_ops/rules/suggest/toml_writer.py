"""A rule as text for the plan file; the standard library only reads TOML."""

import json
from typing import Any

WIDTH = 120


def rule(item: dict[str, Any]) -> str:
    """A rule under its heading, as it stands in the plan file."""
    return "\n".join(["[[table.rule]]", *(f"{_key(key)} = {value(entry)}" for key, entry in item.items())])


def value(item: Any) -> str:
    """A value in one line; lists that would be too long have an entry a line."""
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, str):
        return json.dumps(item, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(item, dict):
        return "{ " + ", ".join(f"{_key(key)} = {value(entry)}" for key, entry in item.items()) + " }"
    if isinstance(item, list):
        line = "[" + ", ".join(value(entry) for entry in item) + "]"
        nested = any(isinstance(entry, dict) for entry in item)
        return line if len(line) <= WIDTH and not nested else "[\n" + _indented(item) + "]"
    return str(item)


def _indented(items: list[Any]) -> str:
    lines = "".join(f"{value(entry)},\n" for entry in items)
    return "".join(f"    {line}\n" for line in lines[:-1].split("\n"))


def _key(name: str) -> str:
    return name if name.isascii() and name.replace("_", "").replace("-", "").isalnum() else value(name)
