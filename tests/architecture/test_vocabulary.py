"""One word for one thing, the field's own: names that nobody would search for do not come back."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator

from tests.support.paths import ROOT
from tests.support.source import PACKAGES, Module, modules

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
    "seats": "slots, or allowed actions",
    "steer": "act on a run",
    "steering": "allowed actions",
    "deed": "applied step",
    "deeds": "applied steps",
    "acts": "actions",
    "memo": "saved state",
    "foreseen": "predicted",
}
# Rooms from which these words are gone as well, in names, comments and docstrings, and what to say there. An error's
# docstring is its message: what a person reads is changed together with the pages that show it.
CLEAN_ROOMS = (
    *(f"migrations_ops/{room}/" for room in ("runs", "reports", "review", "api", "admin")),
    *(f"migrations_ops/{room}/" for room in ("rules", "preview", "engine", "rehearsal", "backup")),
    "vital/db/introspection.py",
    *(
        f"migrations_ops/diagnostics/{name}.py"
        for name in ("aggregate", "markdown", "monitor", "prometheus", "snapshot")
    ),
    *("tenants/lifecycle/", "tenants/api/", "tenants/resolution.py"),
)
WORDS_IN_TEXT = {
    "fence": "isolation",
    "fenced": "isolated",
    "foretold": "forecast",
    "foresight": "prediction",
    "foreseen": "predicted",
    "nobodys": "unassigned",
    "stretch": "page range",
    "strain": "load",
    "told": "said, given, or what it is",
    "workshop": "suggest",
    "survey": "reports",
}
KEPT = {"migrations_ops.models Share"}  # the name of a model is in Django's migrations, and in the table's


def statements() -> Iterator[str]:
    """The named SQL."""
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("sql/*.sql")):
            names = re.findall(r"^-- name: (\w+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            yield from (f"{file.relative_to(ROOT)} {name}" for name in names)


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


def own_texts(module: Module) -> Iterator[tuple[str, str]]:
    """(where, text) of names, docstrings and comments; not of what a person reads."""
    yield from ((name, name.rpartition(" ")[2]) for name in names(module))
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Module | ast.FunctionDef):
            yield f"{module.path} docstring", ast.get_docstring(node) or ""
    for line in tokenize.generate_tokens(io.StringIO(module.text).readline):
        if line.type == tokenize.COMMENT:
            yield f"{module.path}:{line.start[0]}", line.string


def sentences_of_sql() -> Iterator[tuple[str, str]]:
    for room in CLEAN_ROOMS:
        for file in sorted((ROOT / room).rglob("*.sql")) if room.endswith("/") else ():
            for line in file.read_text(encoding="utf-8").splitlines():
                if line.startswith("--"):
                    yield str(file.relative_to(ROOT)), line


def test_in_rooms_that_are_clean_they_do_not_come_back_in_texts_either() -> None:
    texts = [pair for module in modules() if module.path.startswith(CLEAN_ROOMS) for pair in own_texts(module)]
    found = [
        f"{where}: {word}: say {WORDS_IN_TEXT[word]}"
        for where, text in [*texts, *sentences_of_sql()]
        for word in {part.lower() for part in re.findall(r"[A-Za-z]+", text.replace("'s", "s"))} & WORDS_IN_TEXT.keys()
    ]

    assert not found, "\n" + "\n".join(found)


def test_they_do_not_come_back_as_names_of_statements() -> None:
    found = [f"{name}: say {WORDS[word]}" for name in statements() for word in words(name) & WORDS.keys()]

    assert not found, "\n" + "\n".join(found)
