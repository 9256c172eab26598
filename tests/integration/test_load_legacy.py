"""`load_legacy` loads a whole folder or nothing, and says in one line what is wrong with it."""

import csv
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import databases
from tests.support.databases import Scratch

pytestmark = pytest.mark.server

Manage = Callable[..., subprocess.CompletedProcess[str]]
COUNTS = re.compile(r"^\| \d+ \| `(\w+)` \| `\w+\.csv` \| (\d+) \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def empty(server_url: str, manage: Manage) -> Iterator[Scratch]:
    """The legacy tables without a row; refusing leaves them so, hence one is enough for all refusals."""
    scratch = databases.create_empty(server_url)
    assert manage(scratch.owner_url, "migrate").returncode == 0
    yield scratch
    databases.drop(scratch)


@pytest.fixture
def fresh(empty: Scratch) -> Iterator[Scratch]:
    scratch = databases.clone(empty)
    yield scratch
    databases.drop(scratch)


@pytest.fixture
def folder(pack: Path, tmp_path: Path) -> Path:
    """A copy of the pack of which single files can be replaced."""
    for file in pack.glob("*.csv"):
        (tmp_path / file.name).symlink_to(file)
    return tmp_path


def replace(file: Path, text: str) -> None:
    file.unlink()
    file.write_bytes(text.encode("latin-1"))


def refused(done: subprocess.CompletedProcess[str], code: int) -> str:
    """The one line on stderr."""
    assert (done.returncode, done.stdout) == (code, "")
    assert re.fullmatch(r"error: [^\n]+\n", done.stderr), done.stderr
    return done.stderr


def test_it_loads_what_the_readme_counts(fresh: Scratch, manage: Manage, real_pack: Path) -> None:
    done = manage(fresh.owner_url, "load_legacy", str(real_pack), "--json")

    assert done.returncode == 0, done.stderr
    counts = {table: int(rows) for table, rows in COUNTS.findall((real_pack / "README.md").read_text(encoding="utf-8"))}
    report = json.loads(done.stdout)
    assert {table: one["rows"] for table, one in report["tables"].items()} == counts
    assert report["rows"] == sum(counts.values())
    for table, rows in counts.items():
        assert databases.rows(fresh.owner_url, f"SELECT count(*) FROM public.{table}") == [(rows,)]


@pytest.mark.slow
def test_the_rows_are_those_of_the_reference_builder(
    fresh: Scratch, manage: Manage, real_pack: Path, server_url: str
) -> None:
    """NULL against the empty string, line breaks, arrays, JSON, `updated_at`: all as psql's own COPY reads them."""
    done = manage(fresh.owner_url, "load_legacy", str(real_pack))
    reference = databases.build_legacy(server_url, real_pack)

    try:
        assert re.search(r"^total +4,542 ", done.stdout, re.MULTILINE), done.stderr
        for schema in ("public", "auth"):
            wanted = databases.dump(reference.owner_url, "--data-only", schema=schema)
            assert databases.dump(fresh.owner_url, "--data-only", schema=schema) == wanted
    finally:
        databases.drop(reference)


def test_logins_that_exist_already_are_kept(fresh: Scratch, manage: Manage, pack: Path) -> None:
    with (pack / "users.csv").open(encoding="utf-8", newline="") as file:
        user = next(csv.DictReader(file))["id"]
    databases.rows(fresh.owner_url, "INSERT INTO auth.users VALUES (%s, 'known before')", [user])

    done = manage(fresh.owner_url, "load_legacy", str(pack))

    assert done.returncode == 0, done.stderr
    assert databases.rows(fresh.owner_url, "SELECT email FROM auth.users WHERE id = %s", [user]) == [("known before",)]


def test_it_refuses_tables_that_have_rows(fresh: Scratch, manage: Manage, pack: Path) -> None:
    databases.rows(fresh.owner_url, "INSERT INTO tool_categories (name) VALUES ('mine')")
    databases.rows(fresh.owner_url, "INSERT INTO tenants (name, slug) VALUES ('Mine', 'mine')")
    before = databases.dump(fresh.owner_url)

    message = refused(manage(fresh.owner_url, "load_legacy", str(pack)), 1)

    assert "have rows: tenants, tool_categories." in message
    assert databases.dump(fresh.owner_url) == before


def test_it_asks_for_migrate_where_there_are_no_tables(server_url: str, manage: Manage, pack: Path) -> None:
    bare = databases.create_empty(server_url)

    try:
        assert "`./manage.py migrate`" in refused(manage(bare.owner_url, "load_legacy", str(pack)), 1)
        databases.rows(bare.owner_url, "CREATE TABLE tools (id uuid)")
        message = refused(manage(bare.owner_url, "load_legacy", str(pack)), 1)
        assert "lacks tenants, users, tool_categories, agents," in message
    finally:
        databases.drop(bare)


CATEGORY = "00000000-0000-4000-8000-000000000001"
BROKEN = {
    "no header": ("tools", "", "tools.csv: has no header line"),
    "unknown column": ("agents", "id,nmae\n", "agents.csv, line 1: unknown column nmae"),
    "column twice": ("agents", "id,name,id\n", "agents.csv, line 1: column named twice: id"),
    "a value too few": ("tool_categories", f"id,name\n{CATEGORY},a\n{CATEGORY}\n", "tool_categories.csv, line 3: "),
    "an open quote": ("tool_categories", f'id,name\n{CATEGORY},"a\n', "tool_categories.csv, line "),
    "no number": (
        "tool_categories",
        f'id,name,display_order\n{CATEGORY},"two\nlines",first\n',
        "tool_categories.csv, line 3: column display_order: invalid input syntax",
    ),
    "no enum label": (
        "tenants",
        "name,slug,compliance_level\na,a,none\n",
        "tenants.csv, line 2: column compliance_level: ",
    ),
    "not UTF-8": ("tool_categories", "id,name\n" + f"{CATEGORY},\xe9\n", "tool_categories.csv, line 2: "),
    "a key twice": ("tool_categories", "name\na\na\n", "tool_categories.csv, line 3: duplicate key"),
    "a missing parent": (
        "tools",
        f"tool_key,name,description,tool_type,category_id\na,a,a,a,{CATEGORY}\n",
        "is not present in table",
    ),
    "NULL where none may be": ("tool_categories", "id,name\n,a\n", "tool_categories.csv, line 2: null value"),
    "a login without id": ("users", "id,email\n" + "x,a@example.org\n", "users.csv, line 2: badly formed"),
    "users without ids": ("users", "email\na@example.org\n", "users.csv, line 2: badly formed"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("table", "text", "problem"), BROKEN.values(), ids=BROKEN.keys())
def test_it_names_file_line_and_problem(
    empty: Scratch, manage: Manage, folder: Path, table: str, text: str, problem: str
) -> None:
    replace(folder / f"{table}.csv", text)
    before = databases.dump(empty.owner_url, "--data-only"), databases.rows(empty.owner_url, "TABLE auth.users")

    message = refused(manage(empty.owner_url, "load_legacy", str(folder)), 2)

    assert problem in message
    after = databases.dump(empty.owner_url, "--data-only"), databases.rows(empty.owner_url, "TABLE auth.users")
    assert after == before


def test_it_names_a_file_that_is_missing(empty: Scratch, manage: Manage, folder: Path) -> None:
    (folder / "messages.csv").unlink()

    assert "messages.csv: No such file" in refused(manage(empty.owner_url, "load_legacy", str(folder)), 2)


def test_it_names_a_folder_that_is_missing(empty: Scratch, manage: Manage, tmp_path: Path) -> None:
    message = refused(manage(empty.owner_url, "load_legacy", str(tmp_path / "none")), 2)

    assert str(tmp_path / "none" / "tenants.csv") in message


def test_a_byte_order_mark_does_no_harm(fresh: Scratch, manage: Manage, folder: Path, pack: Path) -> None:
    text = (pack / "tenants.csv").read_bytes().decode("latin-1")
    replace(folder / "tenants.csv", "\xef\xbb\xbf" + text)

    assert manage(fresh.owner_url, "load_legacy", str(folder)).returncode == 0


def test_a_connection_that_fails_is_a_wrong_setting(empty: Scratch, manage: Manage, pack: Path) -> None:
    message = refused(manage(empty.owner_url.replace(empty.name, "vital_test_none"), "load_legacy", str(pack)), 2)

    assert "vital_test_none" in message
