"""Rows whose owner other rows know: folders below folders, notes about things of several kinds, people by their
memberships, lists of ids. Preview, run, new rows, explanations, decisions, the proof and the undo agree about them."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.support import databases
from tests.support.command_results import Manage, document, said
from tests.support.databases import Scratch, rows
from tests.support.paths import ROOT

TABLES = ROOT / "tests" / "support" / "other_rows.sql"
PLAN = str(TABLES.with_suffix(".toml"))
HEALTH, TRIALS, NOBODY = "digital-health", "pharma", None
OWNERS = {
    "folders": [HEALTH, TRIALS, HEALTH, TRIALS, TRIALS, HEALTH, HEALTH, NOBODY, NOBODY, NOBODY, NOBODY],
    "people": [HEALTH, TRIALS, TRIALS, NOBODY, NOBODY],
    "notes": [HEALTH, TRIALS, NOBODY, NOBODY, NOBODY],
    "reports": [HEALTH, TRIALS, TRIALS, NOBODY],
}
# Written by an application that knows of no tenants, in turn.
LATER = (
    ("INSERT INTO folders VALUES (20, 'later', NULL, 5)", TRIALS),
    ("INSERT INTO folders VALUES (21, 'below that', NULL, 20)", TRIALS),
    ("INSERT INTO folders VALUES (22, 'below nobody''s', NULL, 8)", NOBODY),
    ("INSERT INTO notes VALUES (20, 'Folder', '21', '')", TRIALS),
    ("INSERT INTO reports VALUES (20, '{1}', NULL)", HEALTH),
    ("INSERT INTO people VALUES (20, 'of no site yet')", NOBODY),
)


def owner_of(database: Scratch, table: str, where: str = "true") -> list[str | None]:
    found = rows(
        database.admin_url,
        f"SELECT slug FROM {table} AS t LEFT JOIN vital.registry AS r ON r.id = t.tenant_id WHERE {where}"
        " ORDER BY t.id",
    )
    return [slug for (slug,) in found]


@pytest.fixture(scope="module")
def before(server_url: str) -> Iterator[Scratch]:
    scratch = databases.create_empty(server_url)
    with psycopg.connect(scratch.owner_url) as connection:
        connection.execute(TABLES.read_bytes())
    yield scratch
    databases.drop(scratch)


@pytest.fixture(scope="module")
def migrated(before: Scratch, manage: Manage) -> Iterator[Scratch]:
    scratch = databases.clone(before)
    done = manage(scratch, "migrate_tenants", "run", "--yes", "--plan", PLAN)
    assert done.returncode == 0, said(done)
    yield scratch
    databases.drop(scratch)


def test_each_row_goes_where_the_others_say(migrated: Scratch) -> None:
    assert {table: owner_of(migrated, table) for table in OWNERS} == OWNERS


def test_the_preview_says_so_beforehand(before: Scratch, manage: Manage) -> None:
    preview = document(manage(before, "migrate_tenants", "preview", "--json", "--plan", PLAN))

    told = preview["tables"]
    for table, owners in OWNERS.items():
        counted = {slug: owners.count(slug) for slug in {HEALTH, TRIALS} & {*owners}}
        assert {slug: n for slug, n in told[table]["tenants"].items() if n} == counted, table
        assert told[table]["unassigned"] == owners.count(NOBODY), table


def test_votes_without_an_index_are_named_beforehand(before: Scratch, manage: Manage) -> None:
    grown = databases.clone(before)
    try:
        rows(grown.owner_url, "DROP INDEX memberships_person_id_idx")
        rows(grown.owner_url, "INSERT INTO memberships (person_id, site_id) SELECT 9, 1 FROM generate_series(1, 40000)")
        done = manage(grown, "migrate_tenants", "run", "--yes", "--only", "000", "--plan", PLAN)

        assert done.returncode == 0, said(done)
        [(told,)] = rows(grown.admin_url, "SELECT message FROM vital.finding WHERE relation = 'public.people'")
        assert "CREATE INDEX CONCURRENTLY ON public.memberships (person_id);" in told
    finally:
        databases.drop(grown)


def test_what_is_left_says_why(migrated: Scratch, manage: Manage) -> None:
    found = rows(migrated.admin_url, "SELECT relation, key, message FROM vital.finding")

    said_of = {(relation.removeprefix("public."), key): message for relation, key, message in found}
    assert said_of["people", "4"].endswith("; most memberships: digital-health 1, pharma 1; 75% must agree")
    assert said_of["people", "5"].endswith("; most memberships: no row votes")
    assert said_of["reports", "4"].endswith("; all sites agree: no row votes")
    circle = "; a folder below another: it stands above itself by above"
    assert {key for (table, key), text in said_of.items() if table == "folders" and text.endswith(circle)} == {
        "9",
        "10",
    }


def test_a_row_explains_itself(migrated: Scratch, manage: Manage) -> None:
    person = document(manage(migrated, "migrate_tenants", "explain", "people", "3", "--json"))
    folder = document(manage(migrated, "migrate_tenants", "explain", "folders", "7", "--json"))
    note = document(manage(migrated, "migrate_tenants", "explain", "notes", "2", "--json"))

    assert person["rule"] == "most memberships"
    assert person["still_matches"] is True
    (evidence,) = person["evidence"]
    assert evidence == {"rule": "most memberships", "says": "pharma 3, digital-health 1; 75% must agree"}
    assert folder["rule"] == "a folder below another"
    assert folder["condition"] == "a row above it, by above, has a tenant"
    assert folder["values"] == {"above": "6"}
    assert note["condition"] == "about_type is Folder and its about_id refers to a row of folders that has a tenant"
    assert "“most memberships”: pharma 3" in manage(migrated, "migrate_tenants", "explain", "people", "3").stdout


@pytest.mark.slow
def test_rows_written_later_go_there_too(migrated: Scratch, manage: Manage) -> None:
    later = databases.clone(migrated)
    try:
        for statement, owner in LATER:
            rows(later.owner_url, statement)
            table, key = statement.split()[2], statement.split("(")[1].split(",")[0]
            assert owner_of(later, table, f"t.id = {key}") == [owner], statement
        rows(later.owner_url, "INSERT INTO memberships (person_id, site_id) VALUES (20, 1)")

        done = manage(later, "migrate_tenants", "run", "--yes", "--plan", PLAN)
        assert done.returncode == 0, said(done)
        assert owner_of(later, "people", "t.id = 20") == [HEALTH], "the memberships that came after the person"
    finally:
        databases.drop(later)


@pytest.mark.slow
def test_what_is_below_a_decision_follows_it(migrated: Scratch, manage: Manage, tmp_path: Path) -> None:
    decided = databases.clone(migrated)
    try:
        file = tmp_path / "decisions.csv"
        file.write_text("table,key,tenant,reason\nfolders,2,digital-health,bought\nfolders,8,pharma,found\n")
        done = manage(decided, "migrate_tenants", "decide", "--csv", str(file), "--yes")
        assert done.returncode == 0, said(done)
        done = manage(decided, "migrate_tenants", "run", "--yes", "--plan", PLAN)
        assert done.returncode == 0, said(done)

        owners = list(OWNERS["folders"])
        owners[1] = owners[3] = owners[4] = HEALTH
        owners[7] = TRIALS
        assert owner_of(decided, "folders") == owners
        assert owner_of(decided, "notes", "t.id = 2") == [HEALTH], "the note about a folder below"
    finally:
        databases.drop(decided)


def test_it_is_isolated_and_undone_exactly(before: Scratch, migrated: Scratch, manage: Manage) -> None:
    proof = manage(migrated, "prove_isolation")
    assert proof.returncode == 0, said(proof)

    undone = databases.clone(migrated)
    try:
        done = manage(undone, "migrate_tenants", "undo", "--yes")
        assert done.returncode == 0, said(done)
        assert rows(undone.admin_url, "SELECT count(*) FROM vital.ledger WHERE undone_at IS NULL") == [(0,)]
        left = ["--exclude-table=public.migration_tracking"]
        assert databases.dump(undone.admin_url, *left) == databases.dump(before.admin_url, *left)
    finally:
        databases.drop(undone)
