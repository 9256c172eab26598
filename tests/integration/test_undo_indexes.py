"""Which tables get an index while an undo removes rows: those that would be read as a whole for each of them."""

from collections.abc import Callable, Iterator

import pytest
from psycopg.conninfo import conninfo_to_dict

from migrations_ops.engine import undo_indexes
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Insert, Phase, Statement, Table
from tests.support.baselines import RUN
from tests.support.command_results import Manage
from tests.support.databases import Scratch, rows
from vital.db import sql

MADE = (
    "CREATE TABLE owners (id int PRIMARY KEY, place text NOT NULL DEFAULT 'x', UNIQUE (id, place))",
    "INSERT INTO owners SELECT n FROM generate_series(1, {count}) AS n",
    "CREATE TABLE plain (owner int REFERENCES owners)",
    "CREATE TABLE indexed (owner int REFERENCES owners)",
    "CREATE INDEX ON indexed (owner)",
    "CREATE TABLE in_part (owner int REFERENCES owners)",
    "CREATE INDEX ON in_part (owner) WHERE owner > 7",
    'CREATE TABLE "Odd ""100%" ("the owner" int, "its {place}" text,'
    ' FOREIGN KEY ("the owner", "its {place}") REFERENCES owners (id, place))',
    "CREATE TABLE split (id int, owner int REFERENCES owners) PARTITION BY HASH (id)",
    "CREATE TABLE split_0 PARTITION OF split FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
    "CREATE TABLE split_1 PARTITION OF split FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
    "CREATE TABLE of_others (owner int)",
    "CREATE TABLE unrelated (owner int)",
)
PHASE = Phase(
    "002_tenant_setup", "", (Insert("owners", Table("public.owners", ("id",)), ("id",), sql.raw("SELECT 1"), ""),)
)
INDEXES = """
    SELECT c.oid::regclass::text, bool_and(i.indisvalid)
    FROM pg_index AS i
    JOIN pg_class AS c ON c.oid = i.indrelid
    WHERE strpos(i.indexrelid::regclass::text, 'vital_undo_') > 0
    GROUP BY 1
    ORDER BY 1
"""
CHECK = "EXPLAIN (COSTS OFF) SELECT FROM {table} AS x WHERE 7 = {column}{more} FOR KEY SHARE OF x"


@pytest.fixture
def made(empty: Scratch, manage: Manage, request: pytest.FixtureRequest) -> Iterator[Session]:
    """The engine's session on a database with so many owners, and with tables that refer to them."""
    assert manage(empty, "migrate").returncode == 0
    for statement in MADE:
        rows(empty.owner_url, statement.replace("{count}", str(request.param)))
    rows(empty.admin_url, "ALTER TABLE of_others OWNER TO CURRENT_USER")
    rows(empty.admin_url, "ALTER TABLE of_others ADD FOREIGN KEY (owner) REFERENCES owners")
    session = Session.open({str(k): v for k, v in conninfo_to_dict(empty.owner_url).items()}, "undo")
    session.named("open_run", RUN)
    yield session
    session.close()


def quietly(_: Statement) -> Callable[[str], None]:
    return lambda _: None


def build(session: Session) -> list[tuple[str, bool]]:
    undo_indexes.build_for_phase(session, PHASE, 1, quietly)
    return session.execute(INDEXES)


@pytest.mark.parametrize("made", [40], indirect=True)
def test_each_table_without_an_index_gets_one_that_the_check_can_use(made: Session) -> None:
    wanted = ['"Odd ""100%"', "in_part", "plain", "split", "split_0", "split_1"]
    assert build(made) == [(table, True) for table in wanted]
    assert build(made) == [(table, True) for table in wanted], "they do for an undo that goes on"

    made.execute("SET enable_seqscan = off")
    for table, column, more in (
        ("plain", "owner", ""),
        ("split", "owner", ""),
        ('"Odd ""100%%"', '"the owner"', " AND 'x' = \"its {{place}}\""),
    ):
        plan = "\n".join(line for (line,) in made.execute(CHECK.format(table=table, column=column, more=more)))
        assert "vital_undo_" in plan, plan
        assert "Seq Scan" not in plan

    undo_indexes.drop(made, quietly)

    assert made.execute(INDEXES) == []
    assert made.execute("SELECT count(*) FROM vital.applied_statement") == [(0,)]


@pytest.mark.parametrize("made", [undo_indexes.FEW], indirect=True)
def test_for_a_few_rows_none_is_made(made: Session) -> None:
    assert build(made) == []


@pytest.mark.parametrize("made", [40], indirect=True)
def test_those_go_as_well_that_somebody_has_dropped(made: Session) -> None:
    build(made)
    made.execute("DROP TABLE plain")
    made.execute("DROP INDEX vital_undo_in_part_owner")

    undo_indexes.drop(made, quietly)

    assert made.execute(INDEXES) == []
    assert made.execute("SELECT count(*) FROM vital.applied_statement") == [(0,)]
