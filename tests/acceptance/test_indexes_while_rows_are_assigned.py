"""A big table's index on the tenant column is dropped while its rows are assigned, and comes back whatever happens."""

from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.support import background, databases, queries
from tests.support.command_results import Manage, document, said
from tests.support.database_state import dump_platform
from tests.support.databases import Scratch
from tests.support.pause_point import paused_at
from tests.support.plans import changed_plan

GROWS = """
INSERT INTO knowledge_base (id, source_id, chunk_index, content, content_hash, domain, tenant_id, metadata)
SELECT gen_random_uuid(), source_id, chunk_index, repeat(content || n, 3), md5(content || n), domain, NULL, metadata
FROM (SELECT * FROM knowledge_base ORDER BY id LIMIT 1000) AS k
CROSS JOIN generate_series(1, 40) AS n
"""
WRITTEN_ABOUT = "COMMENT ON INDEX idx_knowledge_base_tenant IS 'asked for each night'; ANALYZE knowledge_base"
INDEX = "SELECT pg_get_indexdef(to_regclass('idx_knowledge_base_tenant'))"
STATE = """
SELECT c.oid::bigint, i.indisvalid, pg_get_indexdef(c.oid), obj_description(c.oid)
FROM pg_class AS c JOIN pg_index AS i ON i.indexrelid = c.oid WHERE c.oid = to_regclass('idx_knowledge_base_tenant')
"""
ASSIGNED = "SELECT count(*) > 0 FROM vital.ledger WHERE relation = 'public.knowledge_base'"
GOES_BACK = f"{ASSIGNED} AND undone_at IS NOT NULL"
ASSIGNED_ROWS = "SELECT sum(rows) FROM vital.ledger WHERE relation = 'public.knowledge_base' AND kind = 'assign'"


@pytest.fixture(scope="module")
def big_template(legacy_template: Scratch, manage: Manage) -> Iterator[Scratch]:
    """The legacy database with many chunks and VITAL's own tables, for copies."""
    scratch = databases.clone(legacy_template)
    assert manage(scratch, "migrate", "--verbosity", "0").returncode == 0
    for change in (GROWS, WRITTEN_ABOUT):
        queries.write_as_owner(scratch, change)
    assert queries.scalar(scratch, "SELECT pg_relation_size('knowledge_base') > 2000 * 8192"), "too small for the test"
    yield scratch
    databases.drop(scratch)


@pytest.fixture
def big(big_template: Scratch) -> Iterator[Scratch]:
    """A copy of the test's own."""
    scratch = databases.clone(big_template)
    yield scratch
    databases.drop(scratch)


def state(scratch: Scratch) -> tuple[bool, str, str]:
    """Whether it is valid, its definition and what is written about it."""
    ((_, *rest),) = databases.rows(scratch.admin_url, STATE)
    return tuple(rest)


def killed(scratch: Scratch, moment: str, *command: str) -> None:
    with (
        paused_at(scratch, "vital.ledger", moment) as stands,
        background.start(scratch, "migrate_tenants", *command, "--yes") as running,
    ):
        running.until(stands, seconds=120)
        assert queries.scalar(scratch, INDEX) is None
        running.kill()


def carried_out(done: CompletedProcess[str]) -> None:
    assert done.returncode == 0, said(done)


def test_it_is_dropped_and_built_again_and_the_undo_gives_it_back(big: Scratch, manage: Manage) -> None:
    before, whole = state(big), dump_platform(big)

    killed(big, ASSIGNED, "run", "--to", "004")
    carried_out(manage(big, "migrate_tenants", "run", "--to", "004", "--yes"))

    assert state(big) == before
    assert document(manage(big, "migrate_tenants", "status", "--json"))["dropped_indexes"] == []
    assert queries.scalar(big, ASSIGNED_ROWS) > 20_000
    was = databases.rows(big.admin_url, STATE)
    carried_out(manage(big, "migrate_tenants", "run", "--only", "003", "--yes"))
    assert databases.rows(big.admin_url, STATE) == was, "once all are assigned it is left alone"

    killed(big, GOES_BACK, "undo")
    carried_out(manage(big, "migrate_tenants", "undo", "--yes"))

    assert state(big) == before
    assert dump_platform(big) == whole


def test_an_undo_builds_again_what_a_killed_run_has_dropped(big: Scratch, manage: Manage) -> None:
    before, whole = state(big), dump_platform(big)
    killed(big, ASSIGNED, "run", "--to", "004")
    status = said(manage(big, "migrate_tenants", "status"))
    assert "idx_knowledge_base_tenant on knowledge_base. 004 builds it again, as does an undo." in status

    carried_out(manage(big, "migrate_tenants", "undo", "--yes"))

    assert state(big) == before
    assert dump_platform(big) == whole


@pytest.mark.parametrize("by", ["the option", "the plan"])
def test_it_stays_where_somebody_says_so(big: Scratch, manage: Manage, tmp_path: Path, by: str) -> None:
    was = databases.rows(big.admin_url, STATE)
    plan = changed_plan(tmp_path, ("version = 1", "version = 1\nkeep_indexes = true"))
    how = ("--keep-indexes",) if by == "the option" else ("--plan", str(plan))

    carried_out(manage(big, "migrate_tenants", "run", "--to", "004", "--yes", *how))

    assert databases.rows(big.admin_url, STATE) == was
    assert queries.scalar(big, ASSIGNED_ROWS) > 20_000


def test_a_dry_run_says_so_first(big: Scratch, manage: Manage) -> None:
    phases = document(manage(big, "migrate_tenants", "run", "--dry-run", "--to", "004", "--json"))["phases"]
    changes = {phase["phase"][:3]: phase["apply"] for phase in phases}

    assert "knowledge_base is assigned without its index on the tenant column" in changes["003"]
    assert not any("tools is assigned" in change for change in changes["003"]), "of small tables nothing is dropped"
