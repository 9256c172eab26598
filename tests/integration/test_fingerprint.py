"""The proof that nothing else changed: rows and content against the baseline, and exactly how much others wrote."""

import time
from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from migrations_ops.engine import backfill, baseline, inserts, ledger
from migrations_ops.engine.baseline import Comparison
from migrations_ops.engine.ledger import Touched
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Assign, Insert, Table
from migrations_ops.engine.tracking import PhaseRecord, StepRecord
from tests.conftest import PHARMA, PLATFORM, Manage
from tests.support import databases
from tests.support.databases import Scratch
from tests.support.watching import calm
from vital.db import sql

pytestmark = pytest.mark.server

THINGS = Table("public.things", ("id",))
COLUMNS = ("id", "name", "tags", "facts", "twice", "tenant_id")
RUN = {
    "kind": "run", "phases": [], "digest": "", "plan": "", "by": "the tests", "scope": "", "in_background": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def template(server_url: str, manage: Manage) -> Iterator[Scratch]:
    """VITAL's own tables, and two tables of the platform's: one plain, one in partitions; ten rows each."""
    scratch = databases.create_empty(server_url)
    done = manage(scratch, "migrate")
    assert done.returncode == 0, done.stderr
    body = "name text, tags text[], facts json, twice int GENERATED ALWAYS AS (length(name) * 2) STORED, tenant_id uuid"
    for statement in (
        f"CREATE TABLE things (id bigint PRIMARY KEY, {body})",
        f"CREATE TABLE split (id bigint PRIMARY KEY, {body}) PARTITION BY HASH (id)",
        "CREATE TABLE split_0 PARTITION OF split FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
        "CREATE TABLE split_1 PARTITION OF split FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
        *(
            f"INSERT INTO {table} (id, name, tags, facts) SELECT n, 'thing ' || n, ARRAY['t'], '{{\"n\": 1}}'"
            " FROM generate_series(1, 10) AS n"
            for table in ("things", "split")
        ),
    ):
        databases.rows(scratch.owner_url, statement)
    yield scratch
    databases.drop(scratch)


@pytest.fixture
def scratch(template: Scratch) -> Iterator[Scratch]:
    copy = databases.clone(template)
    yield copy
    databases.drop(copy)


@pytest.fixture
def session(scratch: Scratch) -> Iterator[Session]:
    """The engine's own connection."""
    opened = Session.open({str(k): v for k, v in conninfo_to_dict(scratch.owner_url).items()}, "fingerprint")
    opened.named("open_run", RUN)
    yield opened
    opened.close()


App = Callable[..., None]


@pytest.fixture
def app(scratch: Scratch) -> App:
    """Statements of an application, each in a transaction of its own."""

    def write(*statements: str) -> None:
        for statement in statements:
            databases.rows(scratch.owner_url, statement)

    return write


def compared(session: Session, table: Table = THINGS) -> Comparison:
    (found,) = baseline.compare(session, [table])
    return found


def settled(session: Session, foreign: int, table: Table = THINGS) -> Comparison:
    """The comparison once the server has told how many rows were deleted, which takes it a moment."""
    deadline = time.monotonic() + 15
    while (found := compared(session, table)).foreign != foreign and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def record(session: Session, phase: str, step: str, relation: str) -> StepRecord:
    return PhaseRecord(session, session.value("SELECT max(id) FROM vital.run"), phase).step(step, relation)


def give_all_to(tenant: str) -> Assign:
    """Our own change: the tenant of every row that has none."""
    return Assign(
        name="give",
        table=THINGS,
        columns=("tenant_id",),
        verdict=sql.compose(
            "SELECT vital_row, {t}::uuid AS tenant_id, 'all' AS rule FROM batch", t=sql.literal(tenant)
        ),
        open=sql.raw("t.tenant_id IS NULL"),
    )


def carry_out(session: Session, phase: str = "004_tenant_data") -> int:
    step = record(session, phase, "give", THINGS.relation)
    backfill.run(session, give_all_to(PHARMA), step, calm(session))
    return int(step.rows_changed)


def take_back(session: Session, phase: str = "004_tenant_data") -> None:
    undone = ledger.undo_phase(session, phase, {THINGS.relation: Touched(THINGS, ("tenant_id",))}, calm(session))
    assert undone.conflicts == []


def test_an_untouched_table_is_the_same(session: Session) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", calm(session).waiting)

    assert compared(session) == Comparison("public.things", 10, 10, same_content=True, foreign=0)


def test_a_table_without_baseline_is_not_compared(session: Session) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", calm(session).waiting)
    baseline.forget_baseline(session, THINGS)

    assert list(baseline.compare(session, [THINGS, Table("public.split", ("id",))])) == []


def test_an_empty_table_has_a_baseline_too(session: Session, app: App) -> None:
    app("TRUNCATE things")
    baseline.take_baseline(session, THINGS, "tenant_id", calm(session).waiting)

    assert compared(session) == Comparison("public.things", 0, 0, same_content=True, foreign=0)


@pytest.mark.parametrize(
    ("statement", "rows", "foreign"),
    [
        ("INSERT INTO things (id, name) VALUES (11, 'new')", 11, 1),
        ("INSERT INTO things (id, name) SELECT n, 'new' FROM generate_series(11, 30) AS n", 30, 20),
        ("UPDATE things SET name = 'other' WHERE id <= 3", 10, 3),
        ("UPDATE things SET tags = '{}' WHERE id = 1", 10, 1),
        ("UPDATE things SET facts = '{\"n\":1}' WHERE id = 1", 10, 1),  # the same JSON with other spaces
        ("UPDATE things SET facts = NULL WHERE id = 1", 10, 1),
        ("UPDATE things SET id = 12 WHERE id = 1", 10, 1),
        ("DELETE FROM things WHERE id > 6", 6, 4),
        ("DELETE FROM things", 0, 10),
    ],
)
def test_what_others_wrote_is_counted_exactly(
    session: Session, app: App, statement: str, rows: int, foreign: int
) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", calm(session).waiting)

    app(statement)

    expected = Comparison("public.things", 10, rows, same_content=False, foreign=foreign)
    assert settled(session, foreign) == expected


def test_each_kind_of_write_adds_up(session: Session, app: App) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", calm(session).waiting)

    app(
        "INSERT INTO things (id, name) VALUES (11, 'a'), (12, 'b')",
        "UPDATE things SET name = 'c' WHERE id IN (1, 2, 3)",
        "UPDATE things SET name = 'd' WHERE id = 1",  # the same row again: one version that is not the baseline's
        "DELETE FROM things WHERE id IN (9, 10)",
    )

    assert settled(session, 7) == Comparison("public.things", 10, 10, same_content=False, foreign=7)


def test_a_row_deleted_and_another_put_in_its_place_are_two_writes(session: Session, app: App) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", calm(session).waiting)

    app("DELETE FROM things WHERE id = 1", "INSERT INTO things (id, name) VALUES (1, 'an impostor')")

    assert settled(session, 2) == Comparison("public.things", 10, 10, same_content=False, foreign=2)


def test_two_values_that_change_places_are_noticed(session: Session, app: App) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", calm(session).waiting)

    app("UPDATE things SET name = CASE id WHEN 1 THEN 'thing 2' ELSE 'thing 1' END WHERE id IN (1, 2)")

    assert not compared(session).same_content


def test_a_tenant_that_others_write_is_foreign_though_the_content_is_the_same(session: Session, app: App) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", calm(session).waiting)

    app(f"UPDATE things SET tenant_id = '{PLATFORM}' WHERE id = 1")

    assert compared(session) == Comparison("public.things", 10, 10, same_content=True, foreign=1)


def test_a_write_that_is_put_right_is_foreign_though_the_content_is_the_same(session: Session, app: App) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", calm(session).waiting)

    app("UPDATE things SET name = 'x' WHERE id = 1", "UPDATE things SET name = 'thing 1' WHERE id = 1")

    assert compared(session) == Comparison("public.things", 10, 10, same_content=True, foreign=1)


def test_what_others_roll_back_is_no_difference(session: Session, scratch: Scratch) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", calm(session).waiting)

    with psycopg.connect(scratch.owner_url) as other:
        other.execute("INSERT INTO things (id) VALUES (11)")
        other.execute("UPDATE things SET name = 'x'")
        other.rollback()

    assert compared(session) == Comparison("public.things", 10, 10, same_content=True, foreign=0)


# --- our own ---


def test_our_own_batch_is_not_foreign(session: Session) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", calm(session).waiting)

    assert carry_out(session) == 10

    assert compared(session) == Comparison("public.things", 10, 10, same_content=True, foreign=0)


def test_our_own_undo_is_not_foreign_nor_what_comes_after_it(session: Session) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", calm(session).waiting)
    carry_out(session)

    take_back(session)
    assert compared(session) == Comparison("public.things", 10, 10, same_content=True, foreign=0)

    session.execute("UPDATE vital.run SET status = 'completed'")
    session.named("open_run", RUN)
    assert carry_out(session) == 10
    assert compared(session) == Comparison("public.things", 10, 10, same_content=True, foreign=0)


@pytest.mark.parametrize("before_the_batch", [True, False])
def test_a_foreign_write_shows_whether_our_batch_comes_after_it_or_before(
    session: Session, app: App, before_the_batch: bool
) -> None:
    """Our batch writes the row anew, so that its version is ours: what it wrote over is counted with the batch."""
    baseline.take_baseline(session, THINGS, "tenant_id", calm(session).waiting)
    foreign = "UPDATE things SET name = 'x' WHERE id <= 3"

    if before_the_batch:
        app(foreign)
    carry_out(session)
    if not before_the_batch:
        app(foreign)

    assert compared(session) == Comparison("public.things", 10, 10, same_content=False, foreign=3)


def test_a_change_of_ours_to_anything_but_the_tenant_would_be_seen(session: Session, app: App) -> None:
    """The whole point: without foreign writes a different content is our own fault."""
    baseline.take_baseline(session, THINGS, "tenant_id", calm(session).waiting)
    spoils = """
        CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := 'spoilt'; RETURN NEW; END $$
    """
    app(spoils, "CREATE TRIGGER spoil BEFORE UPDATE ON things FOR EACH ROW EXECUTE FUNCTION spoil()")
    entry = (
        "INSERT INTO vital.ledger"
        " (phase, step, kind, relation, rule, digest, before, after, keys, rows, transaction)"
        " VALUES ('', '', 'assign', 'public.things', '', '', 'null', 'null', '{}', 0,"
        " pg_current_xact_id()::text::bigint)"
    )

    with session.work():
        session.execute(sql.raw("UPDATE things SET tenant_id = NULL"))
        session.execute(sql.verbatim(entry))

    assert compared(session) == Comparison("public.things", 10, 10, same_content=False, foreign=0)


def added(session: Session) -> None:
    """Our own change: two rows more."""
    step = Insert(
        name="two more",
        table=THINGS,
        columns=("id", "name"),
        rows=sql.raw("SELECT n, 'ours' FROM generate_series(101, 102) AS n WHERE n NOT IN (SELECT id FROM things)"),
        rule="two more",
    )
    inserts.run(session, step, record(session, "002_tenant_setup", step.name, THINGS.relation), calm(session))


def test_rows_that_vital_inserted_are_discounted(session: Session) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", calm(session).waiting)

    added(session)

    assert session.value("SELECT count(*) FROM things") == 12
    assert compared(session) == Comparison("public.things", 10, 10, same_content=True, foreign=0)


def test_rows_that_vital_inserted_and_removed_again_are_no_foreign_deletions(session: Session) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", calm(session).waiting)
    added(session)

    take_back(session, "002_tenant_setup")

    assert session.value("SELECT count(*) FROM things") == 10
    time.sleep(1.5)  # until the server has told of the deletions
    assert compared(session) == Comparison("public.things", 10, 10, same_content=True, foreign=0)


def test_a_foreign_insert_beside_ours_is_still_counted(session: Session, app: App) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", calm(session).waiting)

    added(session)
    app("INSERT INTO things (id, name) VALUES (201, 'ours')")

    assert compared(session) == Comparison("public.things", 10, 11, same_content=False, foreign=1)


# --- who was at work while the baseline was taken ---


def test_a_long_open_transaction_in_another_database_confuses_nothing(
    session: Session, app: App, server_url: str
) -> None:
    """It holds back what every snapshot of the cluster takes for finished."""
    elsewhere = databases.create_empty(server_url)
    try:
        with psycopg.connect(elsewhere.owner_url) as other:
            other.execute("CREATE TABLE long (n int)")  # it has a transaction number now, and stays open
            app("UPDATE things SET name = 'before' WHERE id <= 5")  # finished before the baseline, begun after `other`
            baseline.take_baseline(session, THINGS, "tenant_id", calm(session).waiting)
            assert compared(session).foreign == 0

            carry_out(session)
            app("UPDATE things SET name = 'after' WHERE id <= 2")

            assert compared(session) == Comparison("public.things", 10, 10, same_content=False, foreign=2)
            other.commit()
            assert compared(session) == Comparison("public.things", 10, 10, same_content=False, foreign=2)
    finally:
        databases.drop(elsewhere)


@pytest.mark.parametrize("in_savepoint", [False, True])
def test_a_write_that_was_not_committed_yet_at_the_baseline_is_foreign(
    session: Session, app: App, scratch: Scratch, in_savepoint: bool
) -> None:
    with psycopg.connect(scratch.owner_url) as other:
        other.execute("INSERT INTO split (id, name) VALUES (99, 'elsewhere')")
        if in_savepoint:  # its rows carry a number that no snapshot knows
            other.execute("SAVEPOINT here")
        other.execute("INSERT INTO things (id, name) VALUES (11, 'late')")
        app("UPDATE things SET name = 'earlier' WHERE id = 1")  # finished, though its number is higher
        baseline.take_baseline(session, THINGS, "tenant_id", calm(session).waiting)
        other.commit()

    assert compared(session) == Comparison("public.things", 10, 11, same_content=False, foreign=1)


def test_a_write_in_a_savepoint_after_the_baseline_is_foreign(session: Session, scratch: Scratch) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", calm(session).waiting)

    with psycopg.connect(scratch.owner_url) as other:
        other.execute("SELECT 1")
        other.execute("SAVEPOINT here")
        other.execute("UPDATE things SET name = 'x' WHERE id = 1")

    assert compared(session).foreign == 1


def test_vacuum_and_freezing_write_nothing(session: Session, app: App) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", calm(session).waiting)
    carry_out(session)

    app("VACUUM (FREEZE) things", "VACUUM FULL things")

    assert compared(session) == Comparison("public.things", 10, 10, same_content=True, foreign=0)


# --- the baseline itself ---


def test_the_first_baseline_stays(session: Session, app: App) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", calm(session).waiting)
    app("UPDATE things SET name = 'x' WHERE id = 1")

    baseline.take_baseline(session, THINGS, "tenant_id", calm(session).waiting)

    assert compared(session) == Comparison("public.things", 10, 10, same_content=False, foreign=1)


def test_the_baseline_knows_who_stood_in_a_tenant(session: Session, app: App) -> None:
    app(f"UPDATE things SET tenant_id = '{PHARMA}' WHERE id IN (3, 4)")

    baseline.take_baseline(session, THINGS, "tenant_id", calm(session).waiting)

    noted = session.execute("SELECT key, tenant_id::text FROM vital.baseline_row ORDER BY key")
    assert noted == [("3", PHARMA), ("4", PHARMA)]


def test_a_column_that_is_added_later_is_no_difference(session: Session, app: App) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", calm(session).waiting)

    app("ALTER TABLE things ADD COLUMN more text DEFAULT 'x', DROP COLUMN tenant_id")

    assert compared(session) == Comparison("public.things", 10, 10, same_content=True, foreign=0)


def test_a_column_that_is_dropped_is_a_difference(session: Session, app: App) -> None:
    baseline.take_baseline(session, THINGS, "tenant_id", calm(session).waiting)

    app("ALTER TABLE things DROP COLUMN facts")

    assert not compared(session).same_content


@pytest.mark.parametrize(
    ("statement", "rows", "foreign"),
    [
        ("INSERT INTO split (id, name) VALUES (11, 'a'), (12, 'b'), (13, 'c')", 13, 3),
        ("UPDATE split SET name = 'x'", 10, 10),
        ("DELETE FROM split WHERE id <= 4", 6, 4),
    ],
)
def test_writes_to_partitions_are_counted_too(
    session: Session, app: App, statement: str, rows: int, foreign: int
) -> None:
    split = Table("public.split", ("id",))
    baseline.take_baseline(session, split, "tenant_id", calm(session).waiting)
    assert compared(session, split) == Comparison("public.split", 10, 10, same_content=True, foreign=0)

    app(statement)

    assert settled(session, foreign, split) == Comparison("public.split", 10, rows, same_content=False, foreign=foreign)
