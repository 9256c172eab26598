"""Suggestions on small tables: every pattern in the data is found, and none where there is none."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

from migrations_ops.engine.session import Session
from migrations_ops.rules.load import load
from migrations_ops.rules.suggest.suggest import suggest
from tests.support import databases
from tests.support.databases import Scratch
from tests.support.suggestions import apply_suggestions

HEAD = """
version = 1
platform = "shop"
registry = "public.tenants"

[[tenant]]
id = "00000000-0000-0000-0000-000000000001"
slug = "shop"
name = "Shop"
domain = "shop.example.org"

[[tenant]]
id = "00000000-0000-0000-0000-000000000002"
slug = "north"
name = "North"
domain = "north.example.org"

[[tenant]]
id = "00000000-0000-0000-0000-000000000003"
slug = "south"
name = "South"
domain = "south.example.org"
"""
BOOKS = """
[[table]]
name = "public.books"
visibility = "shared"
columns = { kind = "text", name = "text" }
"""
RULE = """
[[table.rule]]
name = "{name}"
phase = "004_tenant_data"
when = {when}
tenant = "{tenant}"
"""
PAGES = """
[[table]]
name = "public.pages"
visibility = "shared"
columns = { book = "integer" }
"""


def rule(name: str, when: str, tenant: str) -> str:
    return RULE.format(name=name, when=when, tenant=tenant)


NORTHERN = rule("of the north", '{ column = "kind", in = ["polar_bears", "ice", "glaciology"] }', "north")
SOUTHERN = rule("of the south", '{ column = "kind", in = ["penguins"] }', "south")
THE_REST = rule("the rest", "{ always = true }", "shop")


@pytest.fixture(scope="module")
def database(server_url: str) -> Iterator[Scratch]:
    scratch = databases.create_empty(server_url)
    databases.rows(scratch.owner_url, "CREATE TABLE books (id integer PRIMARY KEY, kind text, name text, tags text[])")
    databases.rows(
        scratch.owner_url, "CREATE TABLE pages (id integer PRIMARY KEY, book integer REFERENCES books, tenant_id uuid)"
    )
    yield scratch
    databases.drop(scratch)


@contextmanager
def opened(database: Scratch) -> Iterator[Session]:
    session = Session.open(conninfo_to_dict(database.owner_url), "the tests")
    try:
        yield session
    finally:
        session.close()


def fill(database: Scratch, *books: str) -> None:
    """Books as `kind/name`, in the place of those that were there."""
    databases.rows(database.owner_url, "TRUNCATE books, pages")
    databases.rows(
        database.owner_url,
        "INSERT INTO books (id, kind, name)"
        " SELECT n, split_part(book, '/', 1), split_part(book, '/', 2)"
        " FROM unnest(%s::text[]) WITH ORDINALITY AS b (book, n)",
        [list(books)],
    )


def ask(database: Scratch, folder: Path, *text: str, **about: str) -> dict[str, Any]:
    path = folder / "plan.toml"
    path.write_text("".join(text), encoding="utf-8")
    with opened(database) as session:
        session.named("read_only")
        return suggest(session, load(path), **about)


def test_nothing_is_suggested_where_there_is_nothing(database: Scratch, tmp_path: Path) -> None:
    """The loose rows say nothing that the decided ones or the plan say; and without loose rows there is no question."""
    fill(database, *["ice/on ice"] * 3, *["penguins/on birds"] * 3, *["tea/on tea"] * 3)
    nothing = ask(database, tmp_path, HEAD, BOOKS, NORTHERN, SOUTHERN, THE_REST)
    fill(database, *["ice/on ice"] * 3)
    everything = ask(database, tmp_path, HEAD, BOOKS, NORTHERN, SOUTHERN, THE_REST)

    assert nothing["tables"][0]["fallback"] == 3
    assert nothing["suggestions"] == []
    assert everything["tables"][0]["fallback"] == 0
    assert everything["suggestions"] == []


def test_another_spelling_goes_into_the_rule_that_has_the_word(database: Scratch, tmp_path: Path) -> None:
    fill(database, "ice/a", "PolarBear/b", "polar bears/c", "POLAR-BEARS/d", "glacilogy/e", "polar%bears/f", "tea/g")
    (one,) = ask(database, tmp_path, HEAD, BOOKS, NORTHERN, SOUTHERN, THE_REST)["suggestions"]

    assert one["kind"] == "spelling"
    assert one["place"] == {"do": "replace", "rule": 1, "name": "of the north"}
    assert {value["value"] for value in one["values"]} == {
        "PolarBear",
        "polar bears",
        "POLAR-BEARS",
        "glacilogy",
        "polar%bears",
    }
    assert (one["rows"], one["new"], one["of"], one["moves"]) == (5, 5, 6, 5)
    assert one["moves_from"] == {"shop": 5}
    assert one["conflicts"] == {}

    plan = apply_suggestions(tmp_path / "plan.toml", [one], tmp_path / "accepted.toml")
    with opened(database) as session:
        again = suggest(session, load(plan))
    assert again["tables"][0]["fallback"] == 1
    assert again["suggestions"] == []


def test_rows_that_no_rule_knows_are_looked_at_as_well(database: Scratch, tmp_path: Path) -> None:
    """Without a fall-back rule new rules stand last; what the plan does with unmatched rows is a default, too."""
    unmatched = BOOKS.replace("columns", 'unmatched = "shop"\ncolumns')
    fill(database, "ice/a", "penguin tales/b", "penguin tales/c", "tea/d")
    open_rows = ask(database, tmp_path, HEAD, BOOKS, NORTHERN, SOUTHERN)
    defaulted = ask(database, tmp_path, HEAD, unmatched, NORTHERN, SOUTHERN)

    assert [found["tables"][0]["unmatched"] for found in (open_rows, defaulted)] == [3, 3]
    for found, before in ((open_rows, "none"), (defaulted, "shop")):
        (one,) = found["suggestions"]
        assert one["place"] == {"do": "after", "rule": 2, "name": "of the south"}
        assert (one["tenant"], one["rows"], one["of"]) == ("south", 2, 3)
        assert one["moves_from"] == {before: 2}


def test_a_rule_is_not_widened_over_what_a_later_rule_decides(database: Scratch, tmp_path: Path) -> None:
    """Rule 1 with one more word would take a row from rule 2; as a rule of its own behind both it does not."""
    by_name = rule("bears", '{ column = "name", contains = ["polar bear"] }', "north")
    fill(database, "penguins/polar_bear tales", "tea/polar_bear facts", "tea/polar_bear songs", "ice/other")
    found = ask(database, tmp_path, HEAD, BOOKS, by_name, SOUTHERN, THE_REST)["suggestions"]

    (one,) = [suggestion for suggestion in found if suggestion["tenant"] == "north"]
    assert one["place"] == {"do": "before", "rule": 3, "name": "the rest"}
    assert one["conflicts"] == {"south": 1}
    assert 'contains = ["polar_bear"]' in one["toml"], "the new words alone: the old ones stay in the old rule"
    assert one["moves_from"] == {"shop": 2}


def test_a_rule_that_takes_rows_from_their_tenants_is_not_widened(database: Scratch, tmp_path: Path) -> None:
    fill(database, "ice/a", "ICE/b", "ICE/c", "tea/d")
    (one,) = ask(database, tmp_path, HEAD, BOOKS, NORTHERN + "reassigns = true\n", SOUTHERN, THE_REST)["suggestions"]

    assert one["place"] == {"do": "before", "rule": 3, "name": "the rest"}
    assert "reassigns" not in one["toml"]
    assert [value["value"] for value in one["values"]] == ["ICE"]


def test_a_word_that_a_rule_has_is_not_proposed_to_it(database: Scratch, tmp_path: Path) -> None:
    """The rule asks for something else that the row lacks, and that was meant."""
    strict = rule(
        "x", '{ all = [{ column = "kind", in = ["ice"] }, { column = "name", contains = ["snow"] }] }', "north"
    )
    fill(database, "ice/snow a", "ice/b", "tea/snow c", "tea/d")
    found = ask(database, tmp_path, HEAD, BOOKS, strict, SOUTHERN, THE_REST)

    assert found["tables"][0]["fallback"] == 3
    assert found["suggestions"] == []


def test_a_named_rule_in_the_midst_loses_rows_and_those_behind_it_do_not(database: Scratch, tmp_path: Path) -> None:
    named = rule("warm", '{ column = "kind", in = ["desert"] }', "shop")
    fill(database, "desert/polar_bears", "desert/x", "penguins/polar_bears", "tea/y")
    (one,) = ask(
        database, tmp_path, HEAD, BOOKS, rule("bears", '{ column = "name", contains = ["polar bears"] }', "north"),
        named, SOUTHERN, rule="warm",
    )["suggestions"]  # fmt: skip

    assert one["place"] == {"do": "before", "rule": 2, "name": "warm"}
    assert (one["rows"], one["moves_from"], one["conflicts"]) == (1, {"shop": 1}, {})
    assert 'in = ["desert"]' in one["toml"]


def test_values_and_words_that_decided_rows_have(database: Scratch, tmp_path: Path) -> None:
    """A column that the plan has not asked for counts for less, and is named."""
    fill(
        database,
        *(f"ice/snow of winter {n}" for n in range(6)),
        *(f"penguins/heat of summer {n}" for n in range(6)),
        *(f"tea/snow and tea {n}" for n in range(3)),
        *(f"tea/tea {n}" for n in range(30)),
    )
    databases.rows(database.owner_url, "UPDATE books SET tags = '{frost}' WHERE kind = 'ice' OR id = 40")
    databases.rows(database.owner_url, "UPDATE books SET tags = '{frost}' WHERE id = 41")
    found = ask(database, tmp_path, HEAD, BOOKS, NORTHERN, SOUTHERN, THE_REST)["suggestions"]

    words, tags = found
    assert (words["kind"], words["tenant"], words["rows"], words["agrees"]) == ("words", "north", 3, 6)
    assert [value["value"] for value in words["values"]] == ["snow"]
    assert "6 of 6 decided rows" in words["reason"]
    assert (tags["kind"], tags["tenant"], tags["rows"], tags["columns"]) == ("values", "north", 2, {"tags": "text[]"})
    assert tags["confidence"] < words["confidence"]
    assert sorted(tags["keys"]) == ["40", "41"]
    accepted_plan = apply_suggestions(tmp_path / "plan.toml", found, tmp_path / "accepted.toml")
    assert load(accepted_plan).tables[0].columns["tags"] == "text[]"


def test_rows_that_refer_to_decided_ones_may_follow_them(database: Scratch, tmp_path: Path) -> None:
    """Not where the row referred to is itself only on its fall-back rule; and rules that come after need no guard."""
    fill(database, "ice/a", "penguins/b", "tea/c")
    databases.rows(
        database.owner_url, "INSERT INTO pages (id, book) SELECT n, 1 + n % 3 FROM generate_series(1, 30) AS n"
    )
    pages = PAGES + rule("nobody's", '{ column = "book", is_null = true }', "shop")
    found = ask(database, tmp_path, HEAD, BOOKS, NORTHERN, SOUTHERN, THE_REST, pages, table="public.pages")

    (one,) = found["suggestions"]
    assert [table["table"] for table in found["tables"]] == ["pages"]
    assert (one["kind"], one["tenant"], one["rows"], one["of"]) == ("parent", None, 20, 30)
    assert one["place"] == {"do": "after", "rule": 1, "name": "nobody's"}
    plan = load(apply_suggestions(tmp_path / "plan.toml", [one], tmp_path / "accepted.toml"))
    assert plan.tables[1].rules[1].parent


@pytest.mark.slow
def test_a_big_table_is_sampled_for_values_and_counted_for_figures(database: Scratch, tmp_path: Path) -> None:
    fill(database)
    databases.rows(
        database.owner_url,
        "INSERT INTO books"
        " SELECT n, CASE n % 4 WHEN 0 THEN 'ice' WHEN 1 THEN 'Polar Bears' ELSE 'tea' END, 'book ' || n"
        " FROM generate_series(1, 60000) AS n",
    )
    databases.rows(database.owner_url, "ANALYZE books")
    found = ask(database, tmp_path, HEAD, BOOKS, NORTHERN, SOUTHERN, THE_REST)

    (one,) = found["suggestions"]
    assert found["tables"][0]["sampled"]
    assert found["tables"][0]["fallback"] == 45_000
    assert (one["rows"], one["new"], one["of"]) == (15_000, 15_000, 45_000)
    assert 2_000 < one["values"][0]["rows"] < 10_000
