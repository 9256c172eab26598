"""A tenant's life while tables are distributed: what works has its effect alone, what does not is refused first."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import databases
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.command_results import Done, Manage, document, said
from tests.support.databases import Scratch, clone_with_grants, rows

pytestmark = pytest.mark.slow

WHY = ("--reason", "contract 17")
NOBODY = "00000000-0000-4000-8000-00000000dead"
NEW = "0a0a0a0a-0000-4000-8000-00000000000a"
TABLES = ("agents", "prompts", "knowledge_sources", "tools", "agent_tool_assignments", "conversations",
          "knowledge_base", "messages")  # fmt: skip
CONTENT = "SELECT tenant_id::text, count(*), md5(string_agg(t::text, ',' ORDER BY t.id)) FROM {} AS t GROUP BY 1"
TWICE = "SELECT count(*) FROM (SELECT id FROM {} GROUP BY id HAVING count(*) > 1) AS t"
CHUNKS = """
    SELECT s.title, k.chunk_index, k.content, k.domain FROM knowledge_base AS k
    LEFT JOIN knowledge_sources AS s ON s.id = k.source_id AND s.tenant_id IN (k.tenant_id, '{}')
    WHERE k.tenant_id = '{}' ORDER BY 1, 2, 3
"""
MOVE = """
[[move]]
table = "{}"
from = "pharma"
to = "digital-health"
when = {{ column = "domain", equals = "regulatory_affairs" }}
"""


@pytest.fixture(scope="module")
def home(ready_template: Scratch, manage: Manage) -> Iterator[Scratch]:
    """A distributed platform of the file's own."""
    scratch = clone_with_grants(ready_template)
    done = manage(scratch, "distribute", "--yes", timeout=600)
    assert done.returncode == 0, said(done)
    yield scratch
    databases.drop(scratch)


@pytest.fixture
def tenants(home: Scratch, manage: Manage, tmp_path: Path) -> "Tenants":
    return Tenants(home, manage, tmp_path)


class Tenants:
    """`./manage.py tenants` on this database, in a folder."""

    def __init__(self, scratch: Scratch, manage: Manage, folder: Path) -> None:
        self.scratch, self.manage, self.folder = scratch, manage, folder

    def __call__(self, *words: str) -> Done:
        return self.manage(self.scratch, "tenants", *words, cwd=self.folder, timeout=300)

    def done(self, *words: str) -> dict[str, object]:
        done = self(*words, "--json")
        assert done.returncode == 0, said(done)
        return document(done)

    def refusal(self, *words: str) -> str:
        done = self(*words)
        assert done.returncode == 2, said(done)
        return done.stderr


def content(scratch: Scratch) -> dict[tuple[str, str], tuple[int, str]]:
    """(table, tenant) → how many rows, and what they are."""
    found = {}
    for table in TABLES:
        for tenant, count, digest in rows(scratch.admin_url, CONTENT.format(table)):
            found[table, tenant] = (count, digest)
    return found


def test_one_is_added_configured_suspended_and_let_in_again(tenants: Tenants, home: Scratch) -> None:
    before = content(home)

    added = tenants.done("add", "oncology", "--id", NEW, "--domain", "oncology.vital.ai", "--like", "pharma", *WHY)
    tenants.done("set", "oncology", "limits.max_tools=7", *WHY)
    tenants.done("add-host", "oncology", "ai.oncology.example", *WHY)
    tenants.done("suspend", "oncology", "--yes", *WHY)
    asleep = tenants.done("show", "oncology")["tenant"]
    tenants.done("activate", "oncology", *WHY)

    assert sum(added["tenant"]["rows"].values()) == 0  # type: ignore[index]
    assert not asleep["is_active"]  # type: ignore[index]
    found = {one["slug"]: one for one in tenants.done("list")["tenants"]}  # type: ignore[attr-defined]
    assert found["oncology"]["is_active"]
    assert found["oncology"]["settings"]["limits"]["max_tools"] == 7
    assert found["pharma"]["rows"]["knowledge_base"] == before["knowledge_base", PHARMA][0]
    assert content(home) == before


def test_a_clone_is_exported_removed_and_imported_and_nobody_else_has_changed(tenants: Tenants, home: Scratch) -> None:
    before = content(home)

    cloned = tenants.done("clone", "pharma", "trial", "--without", "knowledge_domains", "--without", "users", *WHY)

    made = content(home)
    trial = str(cloned["tenant"])
    assert {key: found for key, found in made.items() if key[1] != trial} == before
    counts = {table: count for (table, tenant), (count, _) in before.items() if tenant == PHARMA}
    assert {table: count for (table, tenant), (count, _) in made.items() if tenant == trial} == counts
    assert counts["knowledge_base"] > 100
    assert rows(home.admin_url, CHUNKS.format(PLATFORM, trial)) == rows(home.admin_url, CHUNKS.format(PLATFORM, PHARMA))
    for table in TABLES:
        assert rows(home.admin_url, TWICE.format(table)) == [(0,)], f"{table}: its keys are unique in all tenants"

    exported = tenants.done("export", "trial", "trial.zip")
    tenants.done("suspend", "trial", "--yes", *WHY)
    tenants.done("remove", "trial", "trial.zip", "--confirm", f"trial:{exported['rows']}", *WHY)
    assert content(home) == before
    tried = tenants.done("import", "trial.zip", "--dry-run", *WHY)
    assert (tried["rows"], content(home)) == (exported["rows"], before)

    tenants.done("import", "trial.zip", *WHY)

    assert content(home) == made
    again = tenants.done("export", "trial", "again.zip")
    assert again["tables"] == exported["tables"]
    tenants.done("suspend", "trial", "--yes", *WHY)
    tenants.done("remove", "trial", "again.zip", "--confirm", f"trial:{exported['rows']}", *WHY)
    assert content(home) == before


def test_an_archive_whose_rows_are_there_is_refused(tenants: Tenants, home: Scratch) -> None:
    tenants.done("export", "pharma", "pharma.zip")
    before = content(home)

    assert "belongs to pharma" in tenants.refusal("import", "pharma.zip", *WHY)
    assert content(home) == before


REFUSED = {
    "move rows of a distributed table": ("tenants", "move", "knowledge_base.toml", "--yes", *WHY),
    "move rows of a table that is copied": ("tenants", "move", "prompts.toml", "--yes", *WHY),
    "show what would be moved": ("tenants", "move", "prompts.toml", "--dry-run", *WHY),
    "take a move back": ("tenants", "move-back", "1", "--yes", *WHY),
    "restore": ("tenants", "restore", "pharma", "--from", "x.dump"),
    "undo a restore": ("tenants", "undo-restore", "1", "--yes", *WHY),
    "decide": ("migrate_tenants", "decide", "users", NOBODY, "pharma", *WHY),
    "withdraw": ("migrate_tenants", "decide", "users", NOBODY, "--withdraw", "--yes", *WHY),
    "resolve": ("migrate_tenants", "resolve"),
}


@pytest.mark.parametrize("words", REFUSED.values(), ids=REFUSED)
def test_what_goes_by_a_rows_place_is_refused_before_anything_changes(
    home: Scratch, manage: Manage, tmp_path: Path, words: tuple[str, ...]
) -> None:
    for table in ("knowledge_base", "prompts"):
        (tmp_path / f"{table}.toml").write_text(MOVE.format(table), encoding="utf-8")
    before, noted = content(home), rows(home.admin_url, "SELECT count(*) FROM vital.audit")

    done = manage(home, *words, cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, ""), said(done)
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("error: The tables are distributed over a cluster")
    assert "./manage.py distribute --undo" in line
    assert content(home) == before
    assert rows(home.admin_url, "SELECT count(*) FROM vital.audit") == noted
    assert rows(home.admin_url, "SELECT count(*) FROM vital.override WHERE tenant_id = %s", [DIGITAL_HEALTH]) == [(0,)]
