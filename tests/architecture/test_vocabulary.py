"""One word for one thing, the field's own: names that nobody would search for do not come back."""

import ast
import re
from collections.abc import Iterator

from tests.support.source import Module, modules

# Old word → the field's own.
WORDS = {
    "fence": "isolation, or row level security",
    "fenced": "isolated",
    "foretold": "forecast",
    "foresight": "preview",
    "seat": "what may be done with a run",
    "silence": "no callback",
    "stretch": "page range",
    "share": "chunk",
    "nobodys": "unassigned",
    "workshop": "suggest",
    "survey": "reports",
    "steering": "allowed actions",
    "memo": "saved state",
}
KEPT = {"migrations_ops.models Share"}  # the name of a model is in Django's migrations, and in the table's


def names(module: Module) -> Iterator[str]:
    """The module's own name, and those of its functions and classes."""
    yield module.name
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield f"{module.name} {node.name}"


def words(name: str) -> set[str]:
    """snake_case and CamelCase alike."""
    last = name.rpartition(" ")[2].rpartition(".")[2]
    return {part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", last)}


def test_the_old_words_do_not_come_back() -> None:
    found = [
        f"{name}: say {WORDS[word]}"
        for module in modules()
        if "/migrations/" not in module.path
        for name in names(module)
        if name not in KEPT
        for word in words(name) & WORDS.keys()
    ]

    assert not found, "\n" + "\n".join(found)
