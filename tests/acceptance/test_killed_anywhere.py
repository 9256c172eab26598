"""Killed at any instant, in every way there is, while an application writes: nothing is lost, nothing is done twice.

Eight kills; two hundred with VITAL_SLOW_TESTS=1, or as many as VITAL_KILLS says. `pytest -s` shows what was
killed where.
"""

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.support import background, clusters, cuttable_proxy, databases, oracle, queries
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.clusters import Cluster
from tests.support.command_results import Manage, said
from tests.support.cuttable_proxy import CuttableProxy
from tests.support.database_state import decided_twice
from tests.support.databases import Scratch
from tests.support.queries import TABLES

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("VITAL_KILLS") or (200 if os.environ.get("VITAL_SLOW_TESTS") else 8))
SEED = int(os.environ.get("VITAL_KILL_SEED", "20"))
WAYS = ("kill -9", "backend terminated", "connection cut", "server restarted")
TOUCHED = ("knowledge_base", "agents", "prompts", "messages")  # the application writes their rows as found anew as well
TENANT_OF = {"digital_health": DIGITAL_HEALTH, "pharmacovigilance": PHARMA, "general_medicine": PLATFORM}
FORGETFUL = " -c wal_writer_delay=10s"  # a crash takes as much with it as it can of what has not waited for the disk
LONGEST = 7.0  # seconds from one kill to the next; a whole run takes about that long

INSERT = """
    INSERT INTO knowledge_base (id, chunk_index, content, content_hash, domain) VALUES (%s, 0, %s, md5(%s), %s)
"""

# Beside its rows the table has room, over 16 MB in all, so that 003 drops its index on the tenant column and 004 builds
# it again. The rows are behind the room: VACUUM gives back what is empty at the end.
GROWN = (
    """
    INSERT INTO knowledge_base (id, chunk_index, content, content_hash, domain)
    SELECT gen_random_uuid(), -1, repeat('room ', 300), md5(n::text), 'general' FROM generate_series(1, 25000) AS n
    """,
    "UPDATE knowledge_base SET id = id WHERE chunk_index >= 0",
    "DELETE FROM knowledge_base WHERE chunk_index < 0",
    "VACUUM ANALYZE knowledge_base",
)
INDEX = "SELECT pg_get_indexdef(to_regclass('idx_knowledge_base_tenant'))"

# Steps whose counter is not what their entries hold: rows, entries and counters commit together.
MISCOUNTED = """
SELECT s.run_id, s.phase, s.step, s.rows, l.rows
  FROM (SELECT p.run_id, p.phase, s.step, sum(s.rows_changed) AS rows
          FROM vital.step_run AS s JOIN vital.phase_run AS p ON p.id = s.phase_run_id
         GROUP BY 1, 2, 3) AS s
  RIGHT JOIN (SELECT run_id, phase, step, sum(rows) AS rows
                FROM vital.ledger WHERE kind = 'assign' GROUP BY 1, 2, 3) AS l
    USING (run_id, phase, step)
 WHERE s.rows IS DISTINCT FROM l.rows
"""
LEFT_BEHIND = """
SELECT 'session ' || application_name FROM pg_stat_activity WHERE application_name LIKE 'vital %@%'
UNION ALL SELECT 'advisory lock ' || pid FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()
UNION ALL SELECT 'prepared ' || gid FROM pg_prepared_xacts
"""


@dataclass
class Writer:
    """Old code: it knows no tenants. It remembers what is committed for certain, and what it cannot know."""

    url: str
    stop: threading.Event = field(default_factory=threading.Event)
    rows: dict[UUID, str] = field(default_factory=dict)
    gone: set[UUID] = field(default_factory=set)
    unknown: set[UUID] = field(default_factory=set)
    domains: dict[UUID, str] = field(default_factory=dict)
    error: Exception | None = None
    writes: int = 0

    def work(self) -> None:
        dice = random.Random(SEED)
        while not self.stop.is_set():
            try:
                with psycopg.connect(self.url, autocommit=True, connect_timeout=2) as connection:
                    while not self.stop.is_set():
                        self._write(connection, dice)
                        time.sleep(0.01)
            except psycopg.OperationalError:
                time.sleep(0.1)
            except Exception as error:
                self.error = error
                return

    def _write(self, connection: psycopg.Connection, dice: random.Random) -> None:
        if dice.random() < 0.2:
            self._touch(connection, dice.choice(TOUCHED), dice.random())
            return
        mine = uuid4() if dice.random() < 0.6 or not self.rows else dice.choice(list(self.rows))
        self.unknown.add(mine)
        if mine not in self.rows:
            domain = self.domains[mine] = dice.choice(list(TENANT_OF))
            connection.execute(INSERT, [mine, str(mine), str(mine), domain])
            self.rows[mine] = domain
        elif dice.random() < 0.5:
            connection.execute("UPDATE knowledge_base SET tags = tags || 'seen'::text WHERE id = %s", [mine])
        else:
            connection.execute("DELETE FROM knowledge_base WHERE id = %s", [mine])
            self.gone.add(mine)
            self.rows.pop(mine)
        self.unknown.discard(mine)
        self.writes += 1

    def _touch(self, connection: psycopg.Connection, table: str, where: float) -> None:
        """A new version of a row that says the same as the old one: it moves, and its tenant must stay."""
        row = f"SELECT id FROM {table} ORDER BY id OFFSET (SELECT %s * count(*) FROM {table}) LIMIT 1"
        connection.execute(f"UPDATE {table} SET id = id WHERE id = ({row})".encode(), [where])
        self.writes += 1


@dataclass(frozen=True)
class Stage:
    """A server of the test's own with the legacy pack, and the line by which the command reaches it."""

    cluster: Cluster
    line: CuttableProxy
    database: Scratch
    by_line: Scratch


@pytest.fixture
def stage(server_url: str, pack: Path) -> Iterator[Stage]:
    with clusters.restartable(server_url, FORGETFUL) as cluster, cuttable_proxy.proxy_to(cluster.url) as line:
        database = databases.build_legacy(cluster.url, pack)
        with psycopg.connect(database.owner_url, autocommit=True) as owner:
            for statement in GROWN:
                owner.execute(statement)
        assert queries.scalar(database, "SELECT pg_relation_size('knowledge_base')") > 2_000 * 8_192
        address = f"127.0.0.1:{line.port}"
        url = f"postgresql://{databases.OWNER}:{databases.OWNER_PASSWORD}@{address}/{database.name}?sslmode=disable"
        yield Stage(cluster, line, database, replace(database, owner_url=url))


class Killer:
    """Kills a command in one of the ways, and counts which and where."""

    def __init__(self, stage: Stage, dice: random.Random) -> None:
        self.stage, self.dice = stage, dice
        self.kills: Counter[tuple[str, str]] = Counter()

    def kill(self, run: background.BackgroundCommand, what: str) -> None:
        way = self.dice.choice(WAYS)
        phases = [line.split()[0] for line in run.said.splitlines() if line[:2] == "00"]
        self.kills[way, f"{what}, after {phases[-1] if phases else 'nothing'}"] += 1
        if way == "kill -9":
            run.kill()
        elif way == "backend terminated":
            ours = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'vital %%@%%'"
            databases.rows(self.stage.cluster.url, ours)
        elif way == "connection cut":
            self.stage.line.cut()
        else:
            self.stage.cluster.kill()
            self.stage.cluster.start()

    def disturb(self, *arguments: str) -> bool:
        """Start the command and kill it after a while; whether it was through before."""
        with background.start(self.stage.by_line, "migrate_tenants", *arguments) as run:
            until = time.monotonic() + self.dice.uniform(0.8, LONGEST)
            while time.monotonic() < until and run.process.poll() is None:
                time.sleep(0.02)
            killed = run.process.poll() is None
            if killed:
                self.kill(run, "run" if arguments[0] == "--yes" else arguments[0])
                run.process.wait(60)
            assert "Traceback" not in run.said, run.said
            codes = (0, 1, 2, -9) if killed or arguments[0] == "resume" else (0,)
            assert run.process.returncode in codes, f"seed {SEED}: {run.process.returncode}: {run.said}"
            return run.process.returncode == 0


@pytest.mark.slow
@pytest.mark.timeout(300 + 15 * KILLS)
def test_whatever_is_killed_nothing_is_lost_and_nothing_is_done_twice(stage: Stage, pack: Path, manage: Manage) -> None:
    killer, started = Killer(stage, random.Random(SEED)), time.monotonic()
    before = {table: queries.content(stage.database, table, plain_columns(stage, table)) for table in TABLES}
    found = {table: queries.content(stage.database, table, columns(stage, table)) for table in TABLES}
    index = queries.scalar(stage.database, INDEX)
    writer = Writer(stage.database.owner_url)
    thread = threading.Thread(target=writer.work)
    thread.start()
    try:
        undoing = False
        while killer.kills.total() < KILLS:
            again = ("resume",) if killer.dice.random() < 0.5 else ()  # exit 2 where nothing is unfinished yet
            through = killer.disturb("undo", "--yes") if undoing else killer.disturb(*again, "--yes")
            # What is half undone may be done again.
            undoing = not undoing if through else undoing and killer.dice.random() < 0.7
        if undoing:
            assert (done := manage(stage.by_line, "migrate_tenants", "undo", "--yes")).returncode == 0, said(done)
        done = manage(stage.by_line, "migrate_tenants", "--yes")
        assert done.returncode == 0, said(done)
    finally:
        writer.stop.set()
        thread.join()
    assert writer.error is None, writer.error
    assert writer.writes > 10 * KILLS, "the writer must not have stood still"
    print(f"\n{killer.kills.total()} kills, {writer.writes} writes, {time.monotonic() - started:.0f} s")
    for (way, phase), count in sorted(killer.kills.items()):
        print(f"{count:>5}  {way:<20} {phase}")

    every_row_is_where_the_rules_put_it(stage, pack, writer)
    assert decided_twice(stage.database) == []
    assert databases.rows(stage.database.admin_url, MISCOUNTED) == []
    assert databases.rows(stage.database.admin_url, LEFT_BEHIND) == []
    for table in TABLES:
        now = queries.content(stage.database, table, plain_columns(stage, table, before_the_run=True))
        assert before[table].items() <= now.items(), f"{table}: a row is lost, or something but its tenant has changed"
    assert queries.scalar(stage.database, "SELECT count(*) FROM pg_index WHERE NOT indisvalid") == 0
    assert queries.scalar(stage.database, INDEX) == index
    assert manage(stage.database, "prove_isolation").returncode == 0

    undone = manage(stage.by_line, "migrate_tenants", "undo", "--yes")
    assert undone.returncode == 0, said(undone)
    assert [line for line in undone.stdout.splitlines() if "changed since" in line] == []
    assert queries.scalar(stage.database, INDEX) == index
    for table in TABLES:
        now = queries.content(stage.database, table, columns(stage, table))
        mine = {str(key) for key in writer.rows.keys() | writer.unknown}
        assert now.keys() - mine == before[table].keys(), table
        assert found[table].items() <= now.items(), f"{table} is not as it was found"
    tenants = databases.rows(
        stage.database.admin_url, "SELECT count(tenant_id) FROM knowledge_base WHERE id = ANY(%s)", [list(writer.rows)]
    )
    assert tenants == [(0,)], "the writer's rows have no tenant any more"


def columns(stage: Stage, table: str) -> list[str]:
    """The table's columns without the clock that the application's own writes set, where it writes to rows as found."""
    return [name for name in queries.columns(stage.database, table) if name != "updated_at" or table not in TOUCHED]


def plain_columns(stage: Stage, table: str, *, before_the_run: bool = False) -> list[str]:
    """The columns of the pack without the tenant's."""
    ours = {"tenant_id"} | ({"category", "metadata"} if table == "tools" and before_the_run else set())
    return [name for name in columns(stage, table) if name not in ours]


def every_row_is_where_the_rules_put_it(stage: Stage, pack: Path, writer: Writer) -> None:
    expected = oracle.expected(pack).tenants
    found = queries.tenants_of_every_table(stage.database)
    for table in TABLES:
        wanted = dict(expected[table])
        if table == "knowledge_base":
            wanted |= {str(key): TENANT_OF[domain] for key, domain in writer.rows.items()}
            for key in map(str, writer.unknown):  # committed or not: where it is there, it is where it belongs
                if key in found[table]:
                    wanted[key] = TENANT_OF[writer.domains[UUID(key)]]
                else:
                    wanted.pop(key, None)
        assert found[table] == wanted, table
