"""`generate_legacy` makes the same valid data for the same seed, of a shape in which every rule finds something."""

import json
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import sha256

import pytest

from catalog.generation.dice import Dice, Ids, Value, array
from catalog.generation.plan import PLAN, Table
from catalog.generation.sizes import Sizes
from catalog.tables import LOAD_ORDER
from tests.support import cast, databases, oracle
from tests.support.databases import Scratch

Manage = Callable[..., subprocess.CompletedProcess[str]]
SIZES = Sizes.for_chunks(1_500)
TABLES = {table.name: table for table in PLAN}


def generated(name: str, seed: int = 1, sizes: Sizes = SIZES) -> list[oracle.Row]:
    """The table's rows as text, as a CSV file would hold them."""
    table = TABLES[name]
    return [
        {column: as_text(value) for column, value in zip(table.columns, row, strict=True)}
        for row in table.rows(seed, sizes)
    ]


def as_text(value: Value) -> str | None:
    if isinstance(value, bool):
        return "t" if value else "f"
    return None if value is None else str(value)


# --- the rows themselves ---


def test_every_legacy_table_is_generated_in_load_order() -> None:
    assert tuple(table.name for table in PLAN) == LOAD_ORDER


@pytest.mark.parametrize("chunks", [1, 2, 3, 23, 1_500])
@pytest.mark.parametrize("table", PLAN, ids=lambda table: table.name)
def test_each_table_has_its_number_of_rows_and_no_id_twice(table: Table, chunks: int) -> None:
    sizes = Sizes.for_chunks(chunks)

    rows = generated(table.name, sizes=sizes)

    assert len({row["id"] for row in rows}) == len(rows) == sizes.of(table.name)


@pytest.mark.parametrize("name", LOAD_ORDER)
def test_the_seed_decides(name: str) -> None:
    assert generated(name) == generated(name)
    if name not in ("tenants",):
        assert generated(name) != generated(name, seed=2)


def test_ids_and_chances_are_the_same_on_every_python() -> None:
    """Whoever changes this changes everybody's data sets."""
    dice = Dice(1, "here")
    assert [dice.between(0, 99) for _ in range(8)] == [65, 43, 95, 25, 4, 70, 19, 16]
    assert Ids(1, "tools")(7) == "7e7ccac1-5581-4e28-a7f3-aa849da41070"


@pytest.mark.parametrize("name", oracle.RULES)
def test_every_rule_decides_a_row(name: str) -> None:
    rules = oracle.RULES[name]

    found = Counter(oracle.decide(row, rules)[1] for row in generated(name))

    assert {rule.number for rule in rules} <= set(found)


@pytest.mark.parametrize("name", ["users", "agents", "knowledge_sources", "knowledge_base", "conversations"])
def test_a_few_rows_have_the_platform_as_tenant_already(name: str) -> None:
    tenants = Counter(row["tenant_id"] for row in generated(name))

    assert set(tenants) == {None, cast.PLATFORM}
    assert tenants[None] > tenants[cast.PLATFORM]


def test_some_chunks_say_another_domain_than_their_source() -> None:
    sources = {row["id"]: row["domain"] for row in generated("knowledge_sources")}
    chunks = [row for row in generated("knowledge_base") if row["source_id"]]

    differing = [row for row in chunks if sources[row["source_id"]] != row["domain"]]

    assert 0 < len(differing) < len(chunks) / 10


def test_chunks_count_from_zero_in_their_source_and_carry_their_hash() -> None:
    places: dict[str | None, list[int]] = {}
    for row in generated("knowledge_base"):
        content = row["content"] or ""
        assert row["content_hash"] == sha256(content.encode()).hexdigest()
        assert json.loads(row["metadata"] or "")["char_count"] == len(content)
        if row["source_id"]:
            places.setdefault(row["source_id"], []).append(int(row["chunk_index"] or 0))
    assert sum(indexes == list(range(len(indexes))) for indexes in places.values()) > 0.95 * len(places)


def test_conversations_of_users_with_and_without_tenant() -> None:
    users = {row["id"]: row["tenant_id"] for row in generated("users")}

    assert {users[row["user_id"]] for row in generated("conversations")} == {None, cast.PLATFORM}


def test_arrays_are_quoted() -> None:
    assert oracle.array(array(['a "b"', "c\\d", "e,f", "NULL", ""])) == ['a "b"', "c\\d", "e,f", "NULL", ""]


# --- in a database ---


@pytest.fixture(scope="module")
def empty(server_url: str, manage: Manage) -> Iterator[Scratch]:
    scratch = databases.create_empty(server_url)
    assert manage(scratch.owner_url, "migrate").returncode == 0
    yield scratch
    databases.drop(scratch)


@pytest.fixture
def pair(empty: Scratch) -> Iterator[tuple[Scratch, Scratch]]:
    one, other = databases.clone(empty), databases.clone(empty)
    yield one, other
    databases.drop(one)
    databases.drop(other)


def generate(manage: Manage, scratch: Scratch, *options: str) -> str:
    done = manage(scratch.owner_url, "generate_legacy", *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def data(scratch: Scratch) -> str:
    return databases.dump(scratch.owner_url, "--data-only") + databases.dump(scratch.owner_url, schema="auth")


@pytest.mark.slow
def test_two_databases_get_the_same_data(pair: tuple[Scratch, Scratch], manage: Manage) -> None:
    one, other = pair

    said = generate(manage, one, "--rows", "1500")
    report = json.loads(generate(manage, other, "--rows", "1500", "--seed", "1", "--json"))

    assert data(one) == data(other)
    assert {table: done["rows"] for table, done in report["tables"].items()} == {
        table: SIZES.of(table) for table in LOAD_ORDER
    }
    assert re.search(r"^knowledge_base +1,500 ", said, re.MULTILINE)


def test_another_seed_gives_other_data(pair: tuple[Scratch, Scratch], manage: Manage) -> None:
    one, other = pair

    generate(manage, one, "--rows", "100")
    generate(manage, other, "--rows", "100", "--seed", "2")

    assert data(one) != data(other)


@pytest.mark.slow
def test_a_large_one_leaves_the_schema_as_it_was(pair: tuple[Scratch, Scratch], manage: Manage) -> None:
    """Large tables are written without their indexes and foreign keys, which come back word for word."""
    one, other = pair

    generate(manage, one, "--rows", "20001")

    schema = databases.dump(other.owner_url, "--schema-only")
    assert databases.dump(one.owner_url, "--schema-only") == schema
    assert databases.rows(one.owner_url, "SELECT count(*) FROM pg_constraint WHERE NOT convalidated") == [(0,)]


def test_it_refuses_tables_that_have_rows(pair: tuple[Scratch, Scratch], manage: Manage) -> None:
    one, _ = pair
    databases.rows(one.owner_url, "INSERT INTO tool_categories (name) VALUES ('mine')")
    before = databases.dump(one.owner_url)

    done = manage(one.owner_url, "generate_legacy", "--rows", "10")

    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"error: [^\n]*have rows: tool_categories\.\n", done.stderr)
    assert databases.dump(one.owner_url) == before


@pytest.mark.parametrize("rows", ["0", "-1", "many", "1e3"])
def test_it_refuses_a_number_of_rows_that_is_none(empty: Scratch, manage: Manage, rows: str) -> None:
    done = manage(empty.owner_url, "generate_legacy", f"--rows={rows}")

    assert done.returncode == 2
    assert "not a whole number above zero" in done.stderr
