"""An undo ends while applications go on writing, as exact as in the quiet, and gives nobody's row a tenant again.

Some thousand chunks; eighteen thousand with VITAL_SLOW_TESTS=1. `pytest -s` shows how long each undo took.
"""

import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest

from tests.support import background, databases, queries
from tests.support.cast import PHARMA
from tests.support.command_results import Done, Manage, document, said
from tests.support.concurrent_writers import Write, writing
from tests.support.databases import Scratch, clone_with_grants
from tests.support.pause_point import paused_at

pytestmark = pytest.mark.slow

CHUNKS = 18_000 if os.environ.get("VITAL_SLOW_TESTS") else 4_000
QUIET_TIMES = 2  # how much longer it may take while somebody writes
MADE = """
    INSERT INTO knowledge_base (chunk_index, content, content_hash, domain)
    SELECT n, 'chunk ' || n, md5(n::text),
           (ARRAY['digital_health', 'pharmacovigilance', 'general_medicine'])[1 + mod(n, 3)]
    FROM generate_series(1, %s) AS n
"""
UPDATE = "UPDATE knowledge_base SET chunk_index = chunk_index + 1 WHERE id = %s"
INSERT = """
    INSERT INTO knowledge_base (chunk_index, content, content_hash, domain)
    VALUES (-1, 'written later', 'later', 'pharmacovigilance')
"""
STANDING = "SELECT count(*) FROM vital.ledger WHERE undone_at IS NULL"


@dataclass(frozen=True)
class Platform:
    """A migrated platform for copies, its chunks as they were found, and the seconds of an undo while nobody writes."""

    migrated: Scratch
    found: dict[str, tuple[object, ...]]
    chunks: list[str]
    seconds: float
    columns: list[str]


def undo(manage: Manage, scratch: Scratch, *options: str) -> tuple[Done, float]:
    """An undo that succeeds, and its seconds."""
    started = time.monotonic()
    undone = manage(scratch, "migrate_tenants", "undo", "--yes", "--json", *options, timeout=600)
    assert undone.returncode == 0, said(undone)
    return undone, time.monotonic() - started


@pytest.fixture(scope="module")
def platform(legacy_template: Scratch, manage: Manage) -> Iterator[Platform]:
    scratch = databases.clone(legacy_template)
    queries.write_as_owner(scratch, MADE, CHUNKS)
    columns = [name for name in queries.columns(scratch, "knowledge_base") if name not in ("chunk_index", "updated_at")]
    found = queries.content(scratch, "knowledge_base", columns)
    run = manage(scratch, "migrate_tenants", "--yes", timeout=600)
    assert run.returncode == 0, said(run)
    quiet = clone_with_grants(scratch)
    _, seconds = undo(manage, quiet)
    print(f"\n{CHUNKS} chunks, in the quiet: {seconds:.1f} s")
    yield Platform(scratch, found, list(found), seconds, columns)
    databases.drop(quiet)
    databases.drop(scratch)


@pytest.fixture
def migrated(platform: Platform) -> Iterator[Scratch]:
    scratch = clone_with_grants(platform.migrated)
    yield scratch
    databases.drop(scratch)


@pytest.mark.parametrize(("rate", "writers"), [(100, 1), (400, 1), (None, 3)], ids=["100", "400", "free-running"])
def test_it_ends_in_time_and_is_exact(
    platform: Platform, migrated: Scratch, manage: Manage, rate: float | None, writers: int
) -> None:
    """Old code changes another column of random rows. What the undo has cleared must not be given to them again."""

    def touch(connection: psycopg.Connection, dice: random.Random) -> None:
        connection.execute(UPDATE, [dice.choice(platform.chunks)])

    entries = queries.scalar(migrated, "SELECT count(*) FROM vital.ledger")
    with writing(migrated, touch, rate=rate, writers=writers) as at_work:
        undone, seconds = undo(manage, migrated)
    writes = sum(writer.writes for writer in at_work)
    quiet = platform.seconds
    if seconds > QUIET_TIMES * quiet:  # writers and others take the machine from an undo that they do not meet as well
        quiet = beside(platform, manage, touch, rate, writers)
    print(f"\n{rate or 'free'}: {seconds:.1f} s beside {writes} writes, in the quiet {quiet:.1f} s")

    assert document(undone)["conflicts"] == []
    assert queries.content(migrated, "knowledge_base", platform.columns) == platform.found
    assert queries.scalar(migrated, STANDING) == 0
    assert queries.scalar(migrated, "SELECT count(*) FROM vital.ledger") == entries
    assert writes > 20 * seconds, "the writers stood still"
    assert seconds < QUIET_TIMES * quiet


def beside(platform: Platform, manage: Manage, touch: Write, rate: float | None, writers: int) -> float:
    """Seconds of an undo in a database where nobody writes, while the machine is as busy with another one."""
    quiet, busy = clone_with_grants(platform.migrated), clone_with_grants(platform.migrated)
    with writing(busy, touch, rate=rate, writers=writers):
        _, seconds = undo(manage, quiet)
    databases.drop(quiet)
    databases.drop(busy)
    return seconds


def test_rows_that_are_new_go_back_as_well(platform: Platform, migrated: Scratch, manage: Manage) -> None:
    """The trigger is off before the first row goes back, so that they have nothing to give back."""
    entries = queries.scalar(migrated, "SELECT count(*) FROM vital.ledger")
    queries.write_as_owner(migrated, INSERT)
    with writing(migrated, lambda connection, _: _insert(connection), rate=200) as (writer,):
        undone, _ = undo(manage, migrated)

    assert document(undone)["conflicts"] == []
    now = queries.content(migrated, "knowledge_base", platform.columns)
    assert platform.found.items() <= now.items()
    tenant = platform.columns.index("tenant_id")
    assert {row[tenant] for key, row in now.items() if key not in platform.found} == {None}
    assert len(now) == len(platform.found) + 1 + writer.writes
    assert queries.scalar(migrated, STANDING) == 0
    in_isolation = queries.scalar(migrated, "SELECT count(*) FROM vital.ledger") - entries
    assert in_isolation < writer.writes, "as long as the trigger stands, each new row has its entry"


def _insert(connection: psycopg.Connection) -> None:
    connection.execute(INSERT)


def test_a_part_that_is_undone_stays_so_and_new_rows_still_get_their_tenant(
    platform: Platform, migrated: Scratch, manage: Manage
) -> None:
    def touch(connection: psycopg.Connection, dice: random.Random) -> None:
        connection.execute(UPDATE, [dice.choice(platform.chunks)])
        if dice.random() < 0.05:
            connection.execute(INSERT)

    before = queries.tenants_of(migrated, "knowledge_base")
    of_004 = {
        key for key, _, phase, *_ in queries.ledger_entries(migrated, "knowledge_base") if phase == "004_tenant_data"
    }
    with writing(migrated, touch, rate=200):
        undone, _ = undo(manage, migrated, "--phase", "004")
        time.sleep(0.5)

    assert document(undone)["conflicts"] == []
    now = queries.tenants_of(migrated, "knowledge_base")
    assert {key: now[key] for key in before} == {key: None if key in of_004 else before[key] for key in before}
    ((new,),) = queries.write_as_owner(migrated, f"{INSERT} RETURNING id::text")
    assert queries.tenants_of(migrated, "knowledge_base")[new] == PHARMA
    given = {key: after for key, *_, after in queries.ledger_entries(migrated, "knowledge_base") if key in now}
    assert {key: tenant for key, tenant in now.items() if key not in before and tenant} == {
        key: tenant for key, tenant in given.items() if key not in before
    }, "what the ledger says of rows that were written meanwhile is not what they have"
    status = document(manage(migrated, "migrate_tenants", "status", "--json"))
    assert status["next"] == "004_tenant_data"

    again = manage(migrated, "migrate_tenants", "--yes", timeout=600)
    assert again.returncode == 0, said(again)
    assert queries.scalar(migrated, "SELECT count(*) FROM knowledge_base WHERE tenant_id IS NULL") == 0
    queries.write_as_owner(migrated, "UPDATE knowledge_base SET tenant_id = NULL WHERE id = %s", new)
    assert queries.tenants_of(migrated, "knowledge_base")[new] == PHARMA, "the trigger is for changed rows again"


def test_killed_while_somebody_writes_it_goes_on_exactly(platform: Platform, migrated: Scratch, manage: Manage) -> None:
    def touch(connection: psycopg.Connection, dice: random.Random) -> None:
        connection.execute(UPDATE, [dice.choice(platform.chunks)])

    moment = "SELECT count(*) FILTER (WHERE undone_at IS NULL) < 40 FROM vital.ledger"
    with writing(migrated, touch, rate=100):
        with (
            paused_at(migrated, "vital.ledger", moment) as stands,
            background.start(migrated, "migrate_tenants", "undo", "--yes") as running,
        ):
            running.until(stands, 60)
            running.kill()
        undone, _ = undo(manage, migrated)

    assert document(undone)["conflicts"] == []
    assert queries.content(migrated, "knowledge_base", platform.columns) == platform.found
    assert queries.scalar(migrated, STANDING) == 0
