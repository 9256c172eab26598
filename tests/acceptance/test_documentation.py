"""What the documentation shows is what happens: every `console` block is carried out, in order, page by page."""

import re
import shutil
from pathlib import Path

import pytest

from tests.support import databases
from tests.support.command_results import Manage, Migrated
from tests.support.databases import Scratch, clone_with_grants, rows
from tests.support.documented_commands import carry_out, commands, shows
from tests.support.paths import ROOT

pytestmark = pytest.mark.slow

# Pages whose story needs more than a database have a test of their own, which carries them out.
ELSEWHERE = {
    "the-whole-guide": "test_the_whole_guide.py",
    "runbooks": "test_runbooks.py",
    "supabase": "test_supabase_guide.py",
    "vectors": "test_vectors_guide.py",
    "restore-one-tenant": "test_restore_guide.py",
    "citus": "test_citus_guide.py",
}
PAGES = [
    page
    for page in sorted((ROOT / "docs").rglob("*.md"))
    if page.stem not in ELSEWHERE and commands(page.read_text(encoding="utf-8"))
]
LINK = re.compile(r"\]\(([^)#:]*)(?:#([^)]+))?\)")
# The pages that begin with something else than a filled platform.
EMPTY, DATABASES = ("first-migration",), {"migrate-your-own-database": ROOT / "docs" / "tutorial" / "shop.sql"}
# The command with which many pages begin: it is carried out once for all of them.
MIGRATES = ("./manage.py migrate_tenants", "./manage.py migrate_tenants --yes")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@pytest.mark.parametrize("shown", [page for page in PAGES if page.stem in (*EMPTY, *DATABASES)], ids=lambda p: p.stem)
def test_the_commands_of_a_page_that_begins_with_nothing(
    shown: Path, empty: Scratch, manage: Manage, tmp_path: Path
) -> None:
    if shown.stem in DATABASES:
        rows(empty.owner_url, DATABASES[shown.stem].read_text(encoding="utf-8"))
    else:
        manage(empty, "migrate", "--verbosity", "0")
    for command in commands(shown.read_text(encoding="utf-8")):
        carry_out(empty, manage, tmp_path, command)


@pytest.mark.parametrize("shown", [p for p in PAGES if p.stem not in (*EMPTY, *DATABASES)], ids=lambda p: p.stem)
def test_the_commands_of_a_page_do_what_it_shows(
    shown: Path, platform_template: Scratch, platform_migrated: Migrated, manage: Manage, tmp_path: Path
) -> None:
    first, *further = commands(shown.read_text(encoding="utf-8"))
    begins = first[0] in MIGRATES
    scratch = clone_with_grants(platform_migrated.database) if begins else databases.clone(platform_template)
    try:
        if begins:
            shows(first, platform_migrated.done)
            shutil.copytree(platform_migrated.folder, tmp_path, dirs_exist_ok=True)
        else:
            carry_out(scratch, manage, tmp_path, first)
        for command in further:
            carry_out(scratch, manage, tmp_path, command)
    finally:
        databases.drop(scratch)


def test_pages_are_found() -> None:
    assert {page.stem for page in PAGES} >= {"first-migration", "undo-and-correct"}
    for page, test in ELSEWHERE.items():
        assert f'"{page}.md"' in (Path(__file__).parent / test).read_text(encoding="utf-8")


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
