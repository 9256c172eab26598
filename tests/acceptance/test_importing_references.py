"""An archive that somebody has written by hand: its rows may refer to its tenant's and the Platform's, or nothing goes
in. A reference into another tenant's rows would go with them when they are deleted."""

import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.support import databases
from tests.support.cast import PHARMA, PLATFORM
from tests.support.command_results import Done, Manage, document, said
from tests.support.databases import Scratch, clone_with_grants, rows
from tests.support.queries import scalar

NEW = "0a0a0a0a-0000-4000-8000-00000000000b"
OTHERS = "0b0b0b0b-0000-4000-8000-000000000001"  # a source of pharma's
COMMON = "0b0b0b0b-0000-4000-8000-000000000002"  # a source of the Platform's
SOURCE, CHUNK, AGENT, ABSENT = (f"0a0a0a0a-0000-4000-8000-0000000001{n:02}" for n in (1, 2, 3, 4))
WHY = ("--reason", "contract 17")
# Every kind of reference, on both sides of the journey.
KINDS = """
    ALTER TABLE knowledge_sources ADD COLUMN code text, ADD COLUMN part int,
        ADD COLUMN replaced_by uuid REFERENCES knowledge_sources ON DELETE CASCADE, ADD UNIQUE (code, part);
    CREATE TABLE unlisted (id int PRIMARY KEY, tenant_id uuid);
    ALTER TABLE knowledge_base ADD COLUMN code text, ADD COLUMN part int,
        ADD COLUMN lent_to uuid REFERENCES tenants ON DELETE CASCADE,
        ADD COLUMN box int REFERENCES unlisted ON DELETE CASCADE,
        ADD FOREIGN KEY (code, part) REFERENCES knowledge_sources (code, part) ON DELETE CASCADE;
    ALTER TABLE agent_tool_assignments DROP CONSTRAINT agent_tool_assignments_agent_id_fkey
"""
OWN = f"""
    INSERT INTO knowledge_sources (id, title, domain, tenant_id) VALUES ('{SOURCE}', 'Mine', 'oncology', '{NEW}');
    INSERT INTO knowledge_base (id, source_id, chunk_index, content, content_hash, domain, tenant_id)
    VALUES ('{CHUNK}', '{SOURCE}', 0, 'mine', 'x', 'oncology', '{NEW}');
    INSERT INTO agents (id, name, display_name, description, system_prompt, tenant_id)
    VALUES ('{AGENT}', 'oncologist', 'Oncologist', 'knows', 'You know.', '{NEW}');
    INSERT INTO agent_tool_assignments (id, agent_id, tool_id, tenant_id)
    SELECT '{CHUNK}', '{AGENT}', id, '{NEW}' FROM tools WHERE tenant_id = '{PLATFORM}' ORDER BY id LIMIT 1
"""
THERE = f"""
    INSERT INTO knowledge_sources (id, title, domain, tenant_id, code, part) VALUES
        ('{OTHERS}', 'A secret of pharma''s', 'x', '{PHARMA}', 'secret', 1),
        ('{COMMON}', 'Common', 'x', '{PLATFORM}', 'common', 1);
    INSERT INTO unlisted VALUES (1, '{PHARMA}'), (2, NULL), (3, '{PLATFORM}')
"""
COUNTS = """
    SELECT (SELECT count(*) FROM tenants), (SELECT count(*) FROM knowledge_sources),
           (SELECT count(*) FROM knowledge_base), (SELECT count(*) FROM agent_tool_assignments)
"""


@dataclass(frozen=True)
class Journey:
    """Where the archive was taken, where it is to go in, and the archive."""

    abroad: Scratch
    file: Path


@pytest.fixture(scope="module")
def journey(migrated_template: Scratch, manage: Manage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    home, file = clone_with_grants(migrated_template), tmp_path_factory.mktemp("archive") / "oncology.zip"
    rows(home.owner_url, KINDS)
    abroad = clone_with_grants(home)
    rows(abroad.admin_url, THERE)
    added = manage(home, "tenants", "add", "oncology", "--id", NEW, *WHY)
    assert added.returncode == 0, said(added)
    rows(home.admin_url, OWN)
    exported = manage(home, "tenants", "export", "oncology", str(file))
    assert exported.returncode == 0, said(exported)
    yield Journey(abroad, file)
    for scratch in (home, abroad):
        databases.drop(scratch)


def forged(file: Path, folder: Path, table: str, change: Callable[[dict[str, Any]], object]) -> Path:
    """The archive with the rows of a table changed, and a manifest that says they were always so."""
    copy, member = folder / "forged.zip", f"tables/public.{table}.jsonl"
    with zipfile.ZipFile(file) as before, zipfile.ZipFile(copy, "w") as after:
        parts = {name: before.read(name) for name in before.namelist()}
        found = [json.loads(line) for line in parts[member].decode().splitlines()]
        for row in found:
            change(row)
        parts[member] = "".join(json.dumps(row) + "\n" for row in found).encode()
        manifest = json.loads(parts["manifest.json"])
        held = next(one_of for one_of in manifest["tables"] if one_of["relation"] == f"public.{table}")
        held["sha256"] = sha256(parts[member]).hexdigest()
        parts["manifest.json"] = json.dumps(manifest).encode()
        for name, data in parts.items():
            after.writestr(name, data)
    return copy


def bring_in(manage: Manage, journey: Journey, file: Path, *words: str) -> Done:
    return manage(journey.abroad, "tenants", "import", str(file), "--yes", "--json", *WHY, *words)


# what → (table, what its row is given, key, what is said of it)
REFUSED: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "a foreign key": ("knowledge_base", {"source_id": OTHERS}, CHUNK, "by source_id to a row of knowledge_sources"),
    "one of several columns": (
        "knowledge_base", {"code": "secret", "part": 1}, CHUNK, "by code, part to a row of knowledge_sources",
    ),
    "of a table to itself": (
        "knowledge_sources", {"replaced_by": OTHERS}, SOURCE, "by replaced_by to a row of knowledge_sources",
    ),
    "to another tenant's record": ("knowledge_base", {"lent_to": PHARMA}, CHUNK, "by lent_to to a row of tenants"),
    "to a table that the plan does not name": ("knowledge_base", {"box": 1}, CHUNK, "by box to a row of unlisted"),
    "that only the plan knows": (
        "agent_tool_assignments", {"agent_id": "pharma's"}, CHUNK, "by agent_id to a row of agents",
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("what", REFUSED)
def test_a_reference_into_another_tenant_is_refused_before_anything_is_written(
    journey: Journey, manage: Manage, tmp_path: Path, what: str
) -> None:
    table, given, key, words = REFUSED[what]
    agent = scalar(journey.abroad, "SELECT id::text FROM agents WHERE tenant_id = %s ORDER BY 1 LIMIT 1", PHARMA)
    given = {name: agent if value == "pharma's" else value for name, value in given.items()}
    before = rows(journey.abroad.admin_url, COUNTS)

    done = bring_in(manage, journey, forged(journey.file, tmp_path, table, lambda row: row.update(given)))

    assert done.returncode == 1, said(done)
    assert "1 of its rows" in document(done)["error"]
    (problem,) = document(done)["problems"]
    assert (problem["table"], problem["key"]) == (table, key)
    assert problem["message"] == f"refers {words} that belongs to another tenant"
    assert PHARMA not in problem["message"]
    assert "secret" not in said(done).lower()
    assert rows(journey.abroad.admin_url, COUNTS) == before
    assert "Traceback" not in said(done)


def test_a_row_of_nobodys_is_not_its_own_either(journey: Journey, manage: Manage, tmp_path: Path) -> None:
    file = forged(journey.file, tmp_path, "knowledge_base", lambda row: row.update(box=2))

    done = bring_in(manage, journey, file)

    assert [problem["message"] for problem in document(done)["problems"]] == [
        "refers by box to a row of unlisted that belongs to no tenant yet"
    ]


def test_a_row_of_another_tenants_is_not_brought_in(journey: Journey, manage: Manage, tmp_path: Path) -> None:
    file = forged(journey.file, tmp_path, "knowledge_base", lambda row: row.update(tenant_id=PHARMA))

    done = bring_in(manage, journey, file)

    assert "another than the tenant of the archive" in said(done)
    assert scalar(journey.abroad, "SELECT count(*) FROM knowledge_base WHERE id = %s", CHUNK) == 0


def test_a_row_that_others_refer_to_already_is_not_theirs_to_get(
    journey: Journey, manage: Manage, tmp_path: Path
) -> None:
    """No key holds pharma's assignment to an agent, and the archive brings one with just that id."""
    tool = scalar(journey.abroad, "SELECT id::text FROM tools WHERE tenant_id = %s ORDER BY 1 LIMIT 1", PLATFORM)
    stray = "INSERT INTO agent_tool_assignments (agent_id, tool_id, tenant_id) VALUES (%s, %s, %s)"
    rows(journey.abroad.owner_url, "ALTER TABLE agent_tool_assignments DISABLE TRIGGER USER")
    rows(journey.abroad.admin_url, stray, [AGENT, tool, PHARMA])

    done = bring_in(manage, journey, journey.file)
    rows(journey.abroad.admin_url, "DELETE FROM agent_tool_assignments WHERE agent_id = %s", [AGENT])
    rows(journey.abroad.owner_url, "ALTER TABLE agent_tool_assignments ENABLE TRIGGER USER")

    assert done.returncode == 1, said(done)
    assert "agent_tool_assignments of others here refer by agent_id to a row with this key" in said(done)


def test_its_own_the_platforms_and_none_are_taken(journey: Journey, manage: Manage, tmp_path: Path) -> None:
    """As far as the comparison at the end: what was forged is not what the fingerprint says."""
    good = {"source_id": COMMON, "code": "common", "part": 1, "lent_to": PLATFORM, "box": 3}
    forged_ = forged(journey.file, tmp_path, "knowledge_base", lambda row: row.update(good))

    other = bring_in(manage, journey, forged_)
    done = bring_in(manage, journey, journey.file)

    assert "would not be what the archive holds" in document(other)["error"], said(other)
    assert done.returncode == 0, said(done)
    assert scalar(journey.abroad, "SELECT count(*) FROM knowledge_base WHERE tenant_id = %s", NEW) == 1
