"""The strings of programs: in Python by its own parser, in TypeScript and JavaScript by their quotes and comments."""

import ast
import re
from collections.abc import Iterator

SCRIPT = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
    |(?P<text>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")
    |(?P<template>`)
    |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
MEANT = {"n": "\n", "t": "\t", "r": "\r"}
PARAMETER = "%s"  # stands for whatever a program puts into a text


def of_python(text: str) -> Iterator[tuple[int, str]]:
    """(line, string) of each string; nothing of what Python itself cannot read."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield node.lineno, "".join(_part(part) for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.lineno, node.value


def _part(part: ast.expr) -> str:
    return str(part.value) if isinstance(part, ast.Constant) else PARAMETER


def of_script(text: str) -> Iterator[tuple[int, str]]:
    """(line, string) of each string and template of TypeScript or JavaScript."""
    place = 0
    while place < len(text):
        found = SCRIPT.match(text, place)
        assert found is not None  # the last alternative takes anything
        line, end = text.count("\n", 0, place) + 1, found.end()
        if found.lastgroup == "text":
            yield line, _meant(found[0][1:-1])
        elif found.lastgroup == "template":
            end, parts = _template(text, end)
            yield line, _meant("".join(parts))
        place = end


def _template(text: str, place: int) -> tuple[int, list[str]]:
    """Where it ends, and its text; what stands in `${…}` may hold quotes and templates of its own."""
    parts: list[str] = []
    while place < len(text):
        if text[place] == "`":
            return place + 1, parts
        if text.startswith("${", place):
            place = _end_of_expression(text, place + 2)
            parts.append(PARAMETER)
            continue
        step = 2 if text[place] == "\\" else 1
        parts.append(text[place : place + step])
        place += step
    return place, parts


def _end_of_expression(text: str, place: int) -> int:
    depth = 1
    while place < len(text) and depth:
        found = SCRIPT.match(text, place)
        assert found is not None  # the last alternative takes anything
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        place = _template(text, found.end())[0] if found.lastgroup == "template" else found.end()
    return place


def _meant(text: str) -> str:
    return ESCAPED.sub(lambda found: MEANT.get(found[1], found[1]), text)
