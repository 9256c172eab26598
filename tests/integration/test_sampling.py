"""A sample is a database in its own right: whatever a copied row refers to is copied as well, under any name."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from migrations_ops.backup.pg_dump import NotRestored, Schema, client
from migrations_ops.backup.scratch_database import SERVER, Place, Target
from migrations_ops.rehearsal.sampling import QUERIES, NotCopied, Sampled, Sampler, Say
from tests.support import databases
from tests.support.databases import Scratch, rows

pytestmark = pytest.mark.server

LIMIT = 300
PLATFORM = (
    # A single key, a table outside of every plan, and nothing in it but what is referred to.
    "CREATE SCHEMA auth",
    "CREATE TABLE auth.users (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), n serial)",
    "INSERT INTO auth.users (n) SELECT n FROM generate_series(1, 6000) AS n",
    # A composite key in another order than the columns, under names that must be quoted.
    'CREATE SCHEMA "Straße 100%"',
    """CREATE TABLE "Straße 100%"."Häuser {x}" ("Nr." integer, "the ""Ort"" x" text, owner uuid REFERENCES auth.users,
        shout text GENERATED ALWAYS AS (upper("the ""Ort"" x")) STORED, PRIMARY KEY ("the ""Ort"" x", "Nr."))""",
    """INSERT INTO "Straße 100%"."Häuser {x}" SELECT s.n, 'Ort %s ' || s.n % 7, u.id
        FROM generate_series(1, 6000) AS s (n) JOIN auth.users AS u ON u.n = s.n""",
    """CREATE TABLE "select" (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, nr integer, ort text, "Ünïcode" text,
        FOREIGN KEY (nr, ort) REFERENCES "Straße 100%"."Häuser {x}" ("Nr.", "the ""Ort"" x"))""",
    """INSERT INTO "select" (nr, ort, "Ünïcode") SELECT CASE WHEN n % 5 > 0 THEN n END, 'Ort %s ' || n % 7,
        repeat('ü', 60) FROM generate_series(1, 6000) AS n""",
    # A row's boss, and the boss's boss.
    "CREATE TABLE staff (id integer PRIMARY KEY, boss integer REFERENCES staff, note text DEFAULT repeat('x', 60))",
    "INSERT INTO staff (id, boss) SELECT n, NULLIF(n / 3, 0) FROM generate_series(1, 6000) AS n",
    # Two tables that need each other.
    "CREATE TABLE husbands (id integer PRIMARY KEY, wife integer, note text DEFAULT repeat('x', 60))",
    "CREATE TABLE wives (id integer PRIMARY KEY, husband integer, note text DEFAULT repeat('x', 60))",
    "INSERT INTO husbands SELECT n, 1 + (n * 7) % 6000 FROM generate_series(1, 6000) AS n",
    "INSERT INTO wives SELECT n, 1 + (n * 11) % 300 FROM generate_series(1, 6000) AS n",
    "ALTER TABLE husbands ADD FOREIGN KEY (wife) REFERENCES wives",
    "ALTER TABLE wives ADD FOREIGN KEY (husband) REFERENCES husbands",
    # Partitions, referred to and referring.
    "CREATE TABLE days (day integer, id integer, note text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day)",
    "CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM (0) TO (3000)",
    "CREATE TABLE days_2 PARTITION OF days FOR VALUES FROM (3000) TO (9000)",
    "INSERT INTO days SELECT n, n, repeat('x', 60) FROM generate_series(1, 6000) AS n",
    """CREATE TABLE hours (id integer, day integer, of integer, FOREIGN KEY (of, day) REFERENCES days (id, day))
        PARTITION BY HASH (id)""",
    "CREATE TABLE hours_1 PARTITION OF hours FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
    "CREATE TABLE hours_2 PARTITION OF hours FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
    "INSERT INTO hours SELECT n, 6001 - n, 6001 - n FROM generate_series(1, 6000) AS n",
    # Old rows that a key never checked, an enum and its array, and nothing at all.
    "CREATE TYPE \"Mood 100%\" AS ENUM ('good', 'it''s {so}')",
    """CREATE TABLE orphans (id integer, staff integer, moods "Mood 100%"[] DEFAULT ARRAY['good']::"Mood 100%"[])""",
    "INSERT INTO orphans SELECT n, 100000 + n FROM generate_series(1, 20) AS n",
    "ALTER TABLE orphans ADD FOREIGN KEY (staff) REFERENCES staff NOT VALID",
    "CREATE TABLE nothing (id integer PRIMARY KEY)",
    "CREATE TABLE without_columns ()",
    "ANALYZE",
)
TABLES = (
    "auth.users", '"Straße 100%"."Häuser {x}"', '"select"', "staff", "husbands", "wives", "days", "hours", "orphans",
    "nothing",
)  # fmt: skip


def target(scratch: Scratch) -> Target:
    return Target(conninfo_to_dict(scratch.owner_url))


@pytest.fixture(scope="module")
def source(server_url: str) -> Iterator[Scratch]:
    scratch = databases.create_empty(server_url)
    for statement in PLATFORM:
        rows(scratch.owner_url, statement)
    yield scratch
    databases.drop(scratch)


@pytest.fixture(scope="module")
def copy(server_url: str) -> Iterator[Scratch]:
    scratch = databases.create_empty(server_url)
    yield scratch
    databases.drop(scratch)


@pytest.fixture(scope="module")
def sampled(source: Scratch, copy: Scratch, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Sampled]:
    return copied(source, copy, tmp_path_factory.mktemp("schema"))


def copied(
    source: Scratch, copy: Scratch, folder: Path, limit: int = LIMIT, say: Say = lambda text: None
) -> dict[str, Sampled]:
    """The whole way of a copy: the schema's first section, the sample, the second."""
    place = Place(SERVER, target(copy))
    with closing(target(source).open()) as reading, closing(target(copy).open()) as writing:
        reading.execute(QUERIES["never_filtered"])
        schema = Schema(client(reading), target(source), folder)
        schema.restore("pre-data", place)
        found = Sampler(reading, writing, limit, say).take()
        schema.restore("post-data", place)  # it holds the foreign keys: a missing row would be refused here
    return found


def test_big_tables_are_sampled_and_small_ones_are_whole(sampled: dict[str, Sampled]) -> None:
    assert 0 < sampled["public.staff"].rows < 3_000
    assert 5_000 < sampled["public.staff"].real < 7_000
    assert 5 < sampled["public.staff"].factor < 100
    assert sampled["public.orphans"] == Sampled(20, 20)
    assert sampled["public.nothing"].rows == 0


@pytest.mark.parametrize("table", TABLES)
def test_every_row_of_the_copy_is_a_row_of_the_source(
    table: str, source: Scratch, copy: Scratch, sampled: dict[str, Sampled]
) -> None:
    query = f"SELECT t::text FROM {table} AS t"
    everything, some = set(rows(source.admin_url, query)), rows(copy.admin_url, query)

    assert len(some) == len(set(some)), "no row is copied twice"
    assert set(some) <= everything
    assert len(some) < max(len(everything), 21)
    assert bool(some) == (table != "nothing")


def test_the_sample_counts_what_was_fetched_later(copy: Scratch, sampled: dict[str, Sampled]) -> None:
    counts = {relation: rows(copy.admin_url, f"SELECT count(*) FROM {relation}")[0][0] for relation in sampled}

    assert counts == {relation: table.rows for relation, table in sampled.items()}


def test_every_foreign_key_stands_as_it_stood(source: Scratch, copy: Scratch, sampled: dict[str, Sampled]) -> None:
    query = (
        "SELECT conrelid::regclass::text, pg_get_constraintdef(oid), convalidated FROM pg_constraint"
        " WHERE contype = 'f' ORDER BY 1, 2"
    )

    assert rows(copy.admin_url, query) == rows(source.admin_url, query)


def test_new_rows_of_the_copy_meet_no_sampled_ones(copy: Scratch, sampled: dict[str, Sampled]) -> None:
    inserted = "INSERT INTO \"select\" (ort) VALUES ('new') RETURNING id"

    assert rows(copy.owner_url, inserted) == [(6_001,)]
    rows(copy.owner_url, "DELETE FROM \"select\" WHERE ort = 'new'")


def test_a_row_whose_parent_goes_meanwhile_is_not_copied(source: Scratch, empty: Scratch, tmp_path: Path) -> None:
    def divorce(text: str) -> None:
        """After the husbands were copied, before the wives are."""
        if text.startswith("public.husbands:"):
            rows(source.owner_url, "DELETE FROM husbands WHERE id = 6100")
            rows(source.owner_url, "DELETE FROM wives WHERE id = 6100")

    rows(source.owner_url, "INSERT INTO wives (id, husband) VALUES (6100, 1)")
    rows(source.owner_url, "INSERT INTO husbands (id, wife) VALUES (6100, 6100)")

    copied(source, empty, tmp_path, limit=100_000, say=divorce)

    assert rows(empty.owner_url, "SELECT count(*) FROM husbands") == [(6_000,)]


def test_a_table_that_the_role_may_not_read_is_named(source: Scratch, empty: Scratch, tmp_path: Path) -> None:
    rows(source.admin_url, "ALTER TABLE staff ENABLE ROW LEVEL SECURITY")
    rows(source.admin_url, "ALTER TABLE staff FORCE ROW LEVEL SECURITY")
    try:
        with pytest.raises(NotCopied, match=r"public\.staff cannot be copied: query would be affected by row-level"):
            copied(source, empty, tmp_path)
    finally:
        rows(source.admin_url, "ALTER TABLE staff NO FORCE ROW LEVEL SECURITY")
        rows(source.admin_url, "ALTER TABLE staff DISABLE ROW LEVEL SECURITY")


def test_what_cannot_be_restored_is_named(empty: Scratch, source: Scratch, tmp_path: Path) -> None:
    rows(empty.owner_url, "CREATE SCHEMA auth")

    with pytest.raises(NotRestored, match='have the schema auth: schema "auth" already exists'):
        copied(source, empty, tmp_path)
    assert rows(empty.owner_url, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]
