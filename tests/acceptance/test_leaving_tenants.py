"""A tenant moves from one installation to another in one file: complete and equal, or not at all."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support import databases
from tests.support.cast import PHARMA
from tests.support.command_results import Done, Manage, document, said
from tests.support.databases import Scratch, clone_with_grants, rows
from tests.support.paths import ROOT

NEW = "0a0a0a0a-0000-4000-8000-00000000000b"
ALIAS = "0a0a0a0a-0000-4000-8000-00000000000c"
WHY = ("--reason", "contract 17")
MOVES = """
[[move]]
table = "prompts"
from = "pharma"
to = "oncology"
when = { column = "domain", equals = "regulatory_affairs" }
"""
SOURCE, CHUNK, AGENT = (f"0a0a0a0a-0000-4000-8000-0000000001{n:02}" for n in (1, 2, 3))
OWN = f"""
    INSERT INTO knowledge_sources (id, title, domain, tenant_id)
    VALUES ('{SOURCE}', 'Ödem und Übelkeit', 'oncology', '{NEW}');
    INSERT INTO knowledge_base (id, source_id, chunk_index, content, content_hash, domain, tenant_id)
    VALUES ('{CHUNK}', '{SOURCE}', 0, E'two\\nlines, "quoted" and \\\\ backslashed', 'x', 'oncology', '{NEW}');
    INSERT INTO agents (id, name, display_name, description, system_prompt, tenant_id)
    VALUES ('{AGENT}', 'oncologist', 'Oncologist', 'knows', 'You know.', '{NEW}');
    INSERT INTO agent_tool_assignments (agent_id, tool_id, tenant_id)
    SELECT '{AGENT}', id, '{NEW}' FROM tools ORDER BY id LIMIT 3
"""
TABLES = (
    "tools",
    "agents",
    "prompts",
    "knowledge_sources",
    "knowledge_base",
    "agent_tool_assignments",
    "conversations",
)
STRAY = f"""
    UPDATE knowledge_base SET source_id = '{SOURCE}'
    WHERE id = (SELECT min(id::text)::uuid FROM knowledge_base WHERE tenant_id = '{PHARMA}')
"""
ALIASES = "SELECT id::text, tenant_id::text FROM vital.tenant_alias"
LEFT = "SELECT facts ->> 'slug', (facts ->> 'rows')::int FROM vital.audit WHERE action = 'remove tenant'"
CONTENT = "SELECT tenant_id, count(*), sum(hashtextextended(to_jsonb(t)::text, 0)) FROM {} AS t GROUP BY 1 ORDER BY 1"


@pytest.fixture(scope="module")
def home(migrated_template: Scratch, manage: Manage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scratch]:
    """An installation with a fourth tenant, to whom rows were moved, and who has written some itself."""
    scratch = clone_with_grants(migrated_template)
    moves = tmp_path_factory.mktemp("moves") / "rows.toml"
    moves.write_text(MOVES)
    made = (("add", "oncology", "--id", NEW, "--like", "pharma"), ("add-alias", "oncology", ALIAS))
    for words in (*made, ("move", str(moves), "--yes")):
        done = manage(scratch, "tenants", *words, *WHY)
        assert done.returncode == 0, said(done)
    rows(scratch.admin_url, OWN)
    yield scratch
    databases.drop(scratch)


@pytest.fixture
def abroad(migrated_template: Scratch) -> Iterator[Scratch]:
    """Another installation, in which the rows that were moved never were."""
    scratch = clone_with_grants(migrated_template)
    rows(scratch.admin_url, "DELETE FROM prompts WHERE domain = 'regulatory_affairs'")
    yield scratch
    databases.drop(scratch)


@pytest.fixture(scope="module")
def file(home: Scratch, manage: Manage, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("archive") / "oncology.zip"
    done = tenants(manage, home, "export", "oncology", str(file))
    assert done.returncode == 0, said(done)
    return file


def tenants(manage: Manage, scratch: Scratch, *words: str) -> Done:
    return manage(scratch, "tenants", *words, "--yes", "--json")


def content(scratch: Scratch) -> dict[str, dict[str, tuple[int, int]]]:
    """Table → tenant → rows and fingerprint, by another way than the product's."""
    return {
        table: {str(tenant): (count, total) for tenant, count, total in rows(scratch.admin_url, CONTENT.format(table))}
        for table in TABLES
    }


def of(tenant: str, found: dict[str, dict[str, tuple[int, int]]]) -> dict[str, tuple[int, int]]:
    return {table: tenants[tenant] for table, tenants in found.items() if tenant in tenants}


def altered(file: Path, folder: Path, member: str, old: bytes, new: bytes) -> Path:
    copy = folder / "altered.zip"
    with zipfile.ZipFile(file) as before, zipfile.ZipFile(copy, "w") as after:
        for name in before.namelist():
            data = before.read(name)
            after.writestr(name, data.replace(old, new) if name == member else data)
    return copy


@pytest.mark.slow
def test_it_arrives_equal_and_nobody_else_notices(home: Scratch, abroad: Scratch, file: Path, manage: Manage) -> None:
    there, before = content(home), content(abroad)
    assert len(of(NEW, there)) == 5, "it has rows of five tables"

    done = tenants(manage, abroad, "import", str(file), *WHY)

    assert done.returncode == 0, said(done)
    now = content(abroad)
    assert of(NEW, now) == of(NEW, there)
    assert {table: {t: c for t, c in found.items() if t != NEW} for table, found in now.items()} == before
    assert content(home) == there, "an export changes nothing"
    shown = [document(tenants(manage, where, "show", "oncology"))["tenant"] for where in (home, abroad)]
    assert shown[0] == shown[1]
    assert shown[1]["aliases"] == [ALIAS]
    audited = rows(abroad.admin_url, "SELECT reason, facts ->> 'rows' FROM vital.audit WHERE action = 'import tenant'")
    assert audited == [("contract 17", str(document(done)["rows"]))]


def test_it_is_removed_once_its_archive_holds_it_all_and_comes_back_from_it(
    home: Scratch, manage: Manage, tmp_path: Path
) -> None:
    scratch, mine = clone_with_grants(home), tmp_path / "mine.zip"
    try:
        before = content(scratch)
        assert tenants(manage, scratch, "export", "oncology", str(mine)).returncode == 0
        held = sum(count for count, _ in of(NEW, before).values())
        confirmed = ("--confirm", f"oncology:{held}")
        active = tenants(manage, scratch, "remove", "oncology", str(mine), *confirmed, *WHY)
        assert tenants(manage, scratch, "suspend", "oncology", *WHY).returncode == 0
        unsaid = tenants(manage, scratch, "remove", "oncology", str(mine), *WHY)
        rows(scratch.admin_url, f"UPDATE agents SET display_name = 'changed' WHERE id = '{AGENT}'")
        stale = tenants(manage, scratch, "remove", "oncology", str(mine), *confirmed, *WHY)
        assert [one.returncode for one in (active, unsaid, stale)] == [2, 2, 2], (
            said(active) + said(unsaid) + said(stale)
        )
        assert "it is active" in document(active)["error"]
        assert "its agents are not what mine.zip holds any more" in document(stale)["error"]
        rows(scratch.admin_url, f"UPDATE agents SET display_name = 'Oncologist' WHERE id = '{AGENT}'")
        again = tmp_path / "again.zip"
        assert tenants(manage, scratch, "export", "oncology", str(again)).returncode == 0
        whole = content(scratch)

        done = tenants(manage, scratch, "remove", "oncology", str(again), *confirmed, *WHY)

        assert done.returncode == 0, said(done)
        now = content(scratch)
        assert of(NEW, now) == {}
        assert {table: {t: c for t, c in found.items() if t != NEW} for table, found in whole.items()} == now
        assert tenants(manage, scratch, "show", "oncology").returncode == 2
        assert rows(scratch.admin_url, LEFT) == [("oncology", held)]
        assert rows(scratch.admin_url, ALIASES) == []
        assert tenants(manage, scratch, "import", str(again), *WHY).returncode == 0
        assert content(scratch) == whole
        assert rows(scratch.admin_url, ALIASES) == [(ALIAS, NEW)]
    finally:
        databases.drop(scratch)


@pytest.mark.slow
def test_whom_others_refer_to_or_the_plan_names_stays(home: Scratch, manage: Manage, tmp_path: Path) -> None:
    scratch, file = clone_with_grants(home), tmp_path / "pharma.zip"
    try:
        for slug in ("pharma", "oncology"):
            assert tenants(manage, scratch, "suspend", slug, *WHY).returncode == 0
            assert tenants(manage, scratch, "export", slug, str(tmp_path / f"{slug}.zip")).returncode == 0
        with databases_without_triggers(scratch):
            rows(scratch.admin_url, STRAY)
        before = content(scratch)
        with zipfile.ZipFile(tmp_path / "oncology.zip") as pack:
            held = sum(table["rows"] for table in json.loads(pack.read("manifest.json"))["tables"])

        planned = tenants(manage, scratch, "remove", "pharma", str(file), *WHY)
        others = tenants(manage, scratch, "remove", "oncology", str(file), *WHY)
        referred = tenants(
            manage, scratch, "remove", "oncology", str(tmp_path / "oncology.zip"), "--confirm", f"oncology:{held}", *WHY
        )

        assert [one.returncode for one in (planned, others, referred)] == [2, 2, 2], said(referred)
        assert "the plan gives rows to it" in document(planned)["error"]
        assert "the archive is another tenant's" in document(others)["error"]
        assert "1 knowledge_base of others refer to its knowledge_sources by source_id" in document(referred)["error"]
        assert content(scratch) == before
    finally:
        databases.drop(scratch)


@contextmanager
def databases_without_triggers(scratch: Scratch) -> Iterator[None]:
    """The guard of references would not let it happen; somebody has, before there was one."""
    rows(scratch.owner_url, "ALTER TABLE knowledge_base DISABLE TRIGGER USER")
    yield
    rows(scratch.owner_url, "ALTER TABLE knowledge_base ENABLE TRIGGER USER")


def test_what_would_go_in_is_said_and_nothing_kept(abroad: Scratch, file: Path, manage: Manage) -> None:
    before = content(abroad)

    done = manage(abroad, "tenants", "import", str(file), "--dry-run", *WHY)

    assert done.returncode == 0, said(done)
    assert "Nothing was kept" in done.stdout
    assert content(abroad) == before
    assert tenants(manage, abroad, "show", "oncology").returncode == 2


def test_where_its_rows_are_there_already_nothing_goes_in(home: Scratch, file: Path, manage: Manage) -> None:
    before = content(home)

    same = tenants(manage, home, "import", str(file), *WHY)
    other = tenants(manage, home, "import", str(file), "--slug", "onco-two", *WHY)

    assert (same.returncode, other.returncode) == (2, 2), said(same) + said(other)
    assert "belongs to oncology" in document(same)["error"]
    assert content(home) == before


def test_a_further_id_that_is_somebodys_there_keeps_it_out(abroad: Scratch, file: Path, manage: Manage) -> None:
    assert tenants(manage, abroad, "add-alias", "pharma", ALIAS, *WHY).returncode == 0
    before = content(abroad)

    done = tenants(manage, abroad, "import", str(file), *WHY)

    assert done.returncode == 1, said(done)
    assert f"its further id {ALIAS} belongs to pharma, as a further id" in document(done)["error"]
    assert (content(abroad), rows(abroad.admin_url, ALIASES)) == (before, [(ALIAS, PHARMA)])


def test_a_key_that_is_taken_or_a_row_of_the_platforms_that_is_missing_is_named(
    abroad: Scratch, file: Path, manage: Manage
) -> None:
    before = content(abroad)
    same_key = f"INSERT INTO knowledge_sources (id, title, domain, tenant_id) VALUES ('{SOURCE}', 'x', 'x', '{PHARMA}')"
    rows(abroad.admin_url, same_key)
    taken = tenants(manage, abroad, "import", str(file), *WHY)
    rows(abroad.admin_url, f"DELETE FROM knowledge_sources WHERE id = '{SOURCE}'")
    ((tool,),) = rows(abroad.admin_url, "SELECT id::text FROM tools ORDER BY id LIMIT 1")
    rows(abroad.admin_url, "DELETE FROM agent_tool_assignments WHERE tool_id = %s", [tool])
    rows(abroad.admin_url, "DELETE FROM tools WHERE id = %s", [tool])

    missing = tenants(manage, abroad, "import", str(file), *WHY)

    assert (taken.returncode, missing.returncode) == (1, 1), said(taken) + said(missing)
    assert SOURCE in document(taken)["error"]
    assert tool in document(missing)["error"]
    assert "tools of the Platform's that are not here" in document(missing)["error"]
    assert of(NEW, content(abroad)) == of(NEW, before) == {}


def test_an_archive_that_was_altered_cut_or_is_none_is_refused(
    abroad: Scratch, file: Path, manage: Manage, tmp_path: Path
) -> None:
    before = content(abroad)
    cut = tmp_path / "cut.zip"
    cut.write_bytes(file.read_bytes()[:-200])
    nothing = tmp_path / "nothing.zip"
    nothing.write_text("nothing")
    member = "tables/public.knowledge_sources.jsonl"
    for other in (altered(file, tmp_path, member, "Übelkeit".encode(), b"x"), cut, nothing, tmp_path / "absent.zip"):
        refused = tenants(manage, abroad, "import", str(other), *WHY)
        assert refused.returncode == 2, (other.name, said(refused))
        assert "no archive of a tenant that can be relied on" in document(refused)["error"]
        assert "Traceback" not in refused.stderr
    assert content(abroad) == before


def test_another_format_and_another_table_are_told(abroad: Scratch, file: Path, manage: Manage, tmp_path: Path) -> None:
    newer = altered(file, tmp_path, "manifest.json", b"vital tenant 1", b"vital tenant 9")
    refused = tenants(manage, abroad, "import", str(newer), *WHY)
    rows(abroad.admin_url, "ALTER TABLE prompts RENAME COLUMN domain TO field")
    other = tenants(manage, abroad, "import", str(file), *WHY)

    assert (refused.returncode, other.returncode) == (2, 1), said(refused) + said(other)
    assert "this VITAL reads 'vital tenant 1'" in document(refused)["error"]
    assert "prompts has no column domain of type" in document(other)["error"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("export", "nobody", "x.zip"), "There is no tenant nobody"),
        (("export", "vital-platform", "x.zip"), "it does not leave"),
        (("export", "pharma"), "export takes SLUG FILE"),
        (("import",), "import takes FILE"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(home: Scratch, manage: Manage, words: tuple[str, ...], why: str) -> None:
    refused = tenants(manage, home, *words, *(() if words[0] == "export" else WHY))

    assert refused.returncode == 2, said(refused)
    assert why in document(refused)["error"]


def test_an_archive_is_not_written_over_and_a_full_disk_leaves_none(
    home: Scratch, file: Path, manage: Manage, tmp_path: Path
) -> None:
    before = file.read_bytes()
    again = tenants(manage, home, "export", "oncology", str(file))
    command = f"ulimit -f 1; exec {sys.executable} {ROOT / 'manage.py'} tenants export digital-health full.zip"
    environment = os.environ | {"DATABASE_URL": home.owner_url}
    full = subprocess.run(
        ["bash", "-c", command], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120
    )

    assert again.returncode == 2
    assert "is there already" in document(again)["error"]
    assert file.read_bytes() == before
    assert full.returncode != 0
    assert not list(tmp_path.glob("full*"))
    assert "Traceback" not in full.stderr


def test_the_archive_says_what_it_holds(home: Scratch, file: Path) -> None:
    with zipfile.ZipFile(file) as pack:
        manifest = json.loads(pack.read("manifest.json"))
        names = set(pack.namelist())

    assert names == {"manifest.json", *(f"tables/{table['relation']}.jsonl" for table in manifest["tables"])}
    assert manifest["tenant"]["slug"] == "oncology"
    order = [table["relation"] for table in manifest["tables"]]
    assert order.index("public.knowledge_sources") < order.index("public.knowledge_base")
    assert order.index("public.agents") < order.index("public.agent_tool_assignments")
    needs = next(t["needs"] for t in manifest["tables"] if t["relation"] == "public.agent_tool_assignments")
    assert len(needs["public.tools"]) == 3
    assert (file.stat().st_mode & 0o077) == 0, "nobody else reads it"
