"""tests/README.md lists each shared fixture with what it is: whoever writes a test finds it there."""

import ast
import re
from pathlib import Path

from tests.support.paths import ROOT

TESTS = ROOT / "tests"
README = TESTS / "README.md"
LISTED = re.compile(r"^- `(\w+)`: (.+)$", re.MULTILINE)


def fixtures(conftest: Path) -> dict[str, str]:
    """Name -> docstring, in one line, of each fixture of the file."""
    return {
        node.name: " ".join((ast.get_docstring(node) or "").split())
        for node in ast.parse(conftest.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and any("fixture" in ast.unparse(one) for one in node.decorator_list)
    }


def listed() -> dict[str, dict[str, str]]:
    """Conftest -> name -> text, as the README has them under a heading for each."""
    sections = README.read_text(encoding="utf-8").split("\n### `")[1:]
    return {section.partition("`")[0]: dict(LISTED.findall(section)) for section in sections}


def test_every_shared_fixture_is_listed_with_its_docstring() -> None:
    real = {str(file.relative_to(TESTS)): fixtures(file) for file in TESTS.rglob("conftest.py")}

    wanted = "\n\n".join(
        f"### `{file}`\n\n" + "\n".join(f"- `{name}`: {text}" for name, text in found.items())
        for file, found in sorted(real.items())
    )
    assert listed() == real, f"tests/README.md does not list the fixtures as they are. They are:\n\n{wanted}"


def test_every_shared_fixture_says_what_it_is() -> None:
    silent = [name for file in TESTS.rglob("conftest.py") for name, text in fixtures(file).items() if not text]

    assert not silent, f"A shared fixture needs a docstring of one or two lines: {silent}"
