"""Whatever a person reads is in the field's words: strings of the programs, errors, templates, settings, pages."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.source import PACKAGES, modules, texts

# What is not said any more, and what is said instead.
OLD_WORDS = {
    r"\bfenced?\b": "isolation; isolated; row level security",
    r"\bforetold\b|\bforetells?\b": "forecast",
    r"\b(is|are|was|were) told\b": "say what it gets, or shows",
    r"\blate (rows?|writers?)\b": "rows written without a tenant; legacy writers",
    r"\bsigns? of strain\b|\bunder strain\b": "load signals; busy",
    r"\bno rule (knows|decides)\b": "matches no rule",
    r"\bpersons? decides?\b": "needs a manual decision",
    r"\bmend(s|ed|ing)?\b": "fix, correct",
    r"\b(take|takes|taken|took) (\w+ )?back\b": "undo, withdraw, revoke",
    r"\b(give|gives|given|gave) (\w+ )?up\b": "cancel",
    r"\bput(s)? aside\b": "drop for the duration",
    r"\bnobody's\b": "unassigned, or no tenant's",
    r"\b(is|are) at work\b": "is running",
    r"\ball was calm\b": "No problems found.",
    r"\bsays no\b": "failed",
    r"\b1 (checks|rows|findings|warnings|tables|tenants)\b": "1 check, 1 row",
}
# In a message "somebody" hides who; in a page it may be anybody.
OF_PROGRAMS = {r"\bsomebody('s)?\b": "another session, or name it"}
TAG = re.compile(r"<script.*?</script>|<style.*?</style>|{%.*?%}|{{.*?}}|{#.*?#}|<[^>]*>", re.DOTALL)
LITERAL = re.compile(r"'((?:[^']|'')*)'")


def of_programs() -> Iterator[tuple[str, str]]:
    """Strings, and the docstrings of exceptions, which are their messages."""
    for module in modules():
        if "/migrations/" in module.path:
            continue
        for text in texts(module.tree):
            yield f"{module.path}:{text.lineno}", str(text.value)
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef) and node.bases:
                yield f"{module.path}:{node.lineno}", ast.get_docstring(node) or ""


def of_statements() -> Iterator[tuple[str, str]]:
    for file in _files("*.sql"):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            if not line.startswith("--"):
                yield from ((f"{file.relative_to(ROOT)}:{number}", text) for text in LITERAL.findall(line))


def of_templates() -> Iterator[tuple[str, str]]:
    for file in _files("*.html"):
        yield str(file.relative_to(ROOT)), TAG.sub(" ", file.read_text(encoding="utf-8"))


def of_settings() -> Iterator[tuple[str, str]]:
    yield "vital/settings.toml", (ROOT / "vital" / "settings.toml").read_text(encoding="utf-8")


def of_pages() -> Iterator[tuple[str, str]]:
    pages = [ROOT / name for name in ("README.md", "SECURITY.md", "CONTRIBUTING.md")]
    for page in [*pages, *sorted((ROOT / "docs").rglob("*.md"))]:
        if page.parent.name != "decisions":  # they say what was decided in the words of then
            for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
                yield f"{page.relative_to(ROOT)}:{number}", line


def _files(pattern: str) -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob(pattern))


SOURCES = {source.__name__: source for source in (of_programs, of_statements, of_templates, of_settings, of_pages)}


@pytest.mark.parametrize("source", SOURCES)
def test_no_message_has_an_old_word(source: str) -> None:
    read = list(SOURCES[source]())
    found = [
        f"{where}: “{match[0]}”: say {instead}"
        for where, text in read
        for word, instead in (OLD_WORDS if source == "of_pages" else OLD_WORDS | OF_PROGRAMS).items()
        for match in re.finditer(word, text, re.IGNORECASE)
    ]

    assert read, "nothing was collected"
    assert not found, f"{len(found)} messages have old words:\n" + "\n".join(found)


def test_an_old_word_would_be_found() -> None:
    text = "The fence is open: 1 checks failed. Mend it, or take it back."
    assert [word for word in OLD_WORDS if re.search(word, text, re.IGNORECASE)] == [
        r"\bfenced?\b",
        r"\bmend(s|ed|ing)?\b",
        r"\b(take|takes|taken|took) (\w+ )?back\b",
        r"\b1 (checks|rows|findings|warnings|tables|tenants)\b",
    ]
