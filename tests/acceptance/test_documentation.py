"""What the documentation shows is what happens: every `console` block is carried out, in order, page by page."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT, Manage
from tests.support.databases import Scratch, rows

BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
PAGES = [page for page in sorted((ROOT / "docs").rglob("*.md")) if BLOCK.search(page.read_text(encoding="utf-8"))]
LINK = re.compile(r"\]\(([^)#:]*)(?:#([^)]+))?\)")
# The pages that begin with something else than a filled platform.
EMPTY, DATABASES = ("first-migration",), {"migrate-your-own-database": ROOT / "docs" / "tutorial" / "shop.sql"}
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def commands(page: Path) -> list[tuple[str, list[str]]]:
    """(command, lines that its output must hold) of each `$ …` line of a page."""
    found: list[tuple[str, list[str]]] = []
    for block in BLOCK.findall(page.read_text(encoding="utf-8")):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


@pytest.mark.parametrize("shown", PAGES, ids=lambda page: page.stem)
def test_the_commands_of_a_page_do_what_it_shows(shown: Path, empty: Scratch, manage: Manage, tmp_path: Path) -> None:
    if shown.stem in DATABASES:
        rows(empty.owner_url, DATABASES[shown.stem].read_text(encoding="utf-8"))
    else:
        manage(empty, "migrate", "--verbosity", "0")
        if shown.stem not in EMPTY:
            manage(empty, "generate_legacy", "--rows", "300")

    for command, expected in commands(shown):
        words = shlex.split(command)
        if words[0] == "manage.py":
            done = manage(empty, *words[1:], cwd=tmp_path)
        else:
            done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
        code = next((int(line[6:-1]) for line in expected if re.fullmatch(r"\(exit \d\)", line)), 0)
        assert done.returncode == code, f"{command}\n{done.stdout}{done.stderr}"
        said = " ".join(done.stdout.split())
        for line in (line for line in expected if not line.startswith("(exit")):
            assert " ".join(line.split()) in said, f"{command} does not show {line!r}:\n{done.stdout}"


def test_pages_are_found() -> None:
    assert {page.stem for page in PAGES} >= {"first-migration", "undo-and-correct"}


@pytest.mark.parametrize("linking", [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))], ids=lambda p: p.stem)
def test_links_lead_somewhere(linking: Path) -> None:
    for target, place in LINK.findall(linking.read_text(encoding="utf-8")):
        to = linking.parent / target if target else linking
        assert to.exists(), f"{linking.name} links to {target}, which is not there"
        assert not place or place in places(to), f"{linking.name} links to {place}, no heading of {to.name}"


def places(page: Path) -> set[str]:
    """The headings of a page as links name them."""
    headings = HEADING.findall(page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
