"""The plan that init-plan writes loads, previews and runs as it is, shows no secrets, and says what it lacks."""

import re
import tomllib
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.command_results import Manage, document, said
from tests.support.databases import Scratch, rows

STORES = """
CREATE TABLE stores (id bigint PRIMARY KEY, name text NOT NULL);
INSERT INTO stores VALUES (1, 'Digital Health'), (2, 'Pharma');
"""
SCHEMAS = {
    "orders of stores": """
        CREATE TABLE orders (id bigint PRIMARY KEY, store_id bigint NOT NULL REFERENCES stores);
        INSERT INTO orders VALUES (1, 1), (2, 2), (3, 2)""",
    "a tree whose first rows name the store": """
        CREATE TABLE categories (id int PRIMARY KEY, store_id bigint REFERENCES stores, up int REFERENCES categories);
        INSERT INTO categories VALUES (1, 1, NULL), (2, 2, NULL), (3, NULL, 1)""",
    "a tree that always names the store": """
        CREATE TABLE parts (id int PRIMARY KEY, store_id bigint NOT NULL REFERENCES stores, up int REFERENCES parts);
        INSERT INTO parts VALUES (1, 1, NULL), (2, 1, 1), (3, 2, NULL)""",
    "an archive with the same names": """
        CREATE SCHEMA archive;
        CREATE TABLE orders (id bigint PRIMARY KEY, store_id bigint NOT NULL REFERENCES stores);
        CREATE TABLE lines (id bigint PRIMARY KEY, order_id bigint NOT NULL REFERENCES orders);
        CREATE TABLE archive.orders (id bigint PRIMARY KEY, store_id bigint NOT NULL);
        CREATE TABLE archive.stores (id bigint PRIMARY KEY, name text NOT NULL);
        INSERT INTO orders VALUES (1, 1); INSERT INTO lines VALUES (1, 1); INSERT INTO archive.orders VALUES (9, 1)""",
    "members who are users": """
        CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL UNIQUE);
        CREATE TABLE memberships (
            user_id bigint REFERENCES users, store_id bigint REFERENCES stores, PRIMARY KEY (user_id, store_id)
        );
        INSERT INTO users VALUES (1, 'a@example.org'), (2, 'b@example.org');
        INSERT INTO memberships VALUES (1, 1), (2, 2), (2, 1)""",
    "a reference to a key that may be empty": """
        CREATE TABLE kinds (label text PRIMARY KEY, id smallint UNIQUE CHECK (id IN (1, 2)));
        CREATE TABLE orders (
            id bigint PRIMARY KEY, store_id bigint NOT NULL REFERENCES stores,
            kind smallint NOT NULL REFERENCES kinds (id)
        );
        INSERT INTO kinds VALUES ('c', NULL), ('a', 1), ('b', 2); INSERT INTO orders VALUES (1, 1, 1), (2, 2, 2)""",
    "a unique key that many rows have no value of": """
        CREATE TABLE tokens (
            id bigint PRIMARY KEY, store_id bigint NOT NULL REFERENCES stores, code text UNIQUE, nick text,
            UNIQUE (nick, code)
        );
        INSERT INTO tokens VALUES (1, 1, NULL, 'a'), (2, 1, NULL, 'a'), (3, 2, NULL, 'a'), (4, 2, 'x', NULL)""",
}


def build(database: Scratch, statements: str) -> None:
    for statement in (STORES + statements).split(";"):
        if statement.strip():
            rows(database.owner_url, statement)


def planned(manage: Manage, database: Scratch, folder: Path, *words: str) -> tuple[str, dict[str, Any], str]:
    """Where the plan is, what it says, and what the terminal said."""
    out = folder / "plan.toml"
    done = manage(database, "migrate_tenants", "init-plan", "--out", str(out), *words)
    assert done.returncode == 0, said(done)
    return str(out), tomllib.loads(out.read_text(encoding="utf-8")), done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("schema", SCHEMAS)
def test_it_previews_and_runs_as_it_is(schema: str, empty: Scratch, manage: Manage, tmp_path: Path) -> None:
    build(empty, SCHEMAS[schema])
    out, plan, _ = planned(manage, empty, tmp_path)

    preview = manage(empty, "migrate_tenants", "preview", "--json", "--plan", out)
    assert preview.returncode == 0, said(preview)
    run = manage(empty, "migrate_tenants", "run", "--yes", "--plan", out)
    assert run.returncode == 0, said(run)

    foretold = document(preview)["tables"]
    for table in plan["table"]:
        if table.get("rule"):
            name = table["name"].removeprefix("public.")
            query = f"SELECT count(*), count(tenant_id) FROM {table['name']}"
            [(count, with_tenant)] = rows(empty.admin_url, query)
            assert (foretold[name]["rows"], foretold[name]["unassigned"]) == (count, count - with_tenant)


@pytest.mark.slow
def test_a_tree_is_followed_where_a_row_may_say_nothing_itself(empty: Scratch, manage: Manage, tmp_path: Path) -> None:
    build(empty, "".join(text.strip() + ";" for name, text in SCHEMAS.items() if name.startswith("a tree")))

    out, plan, _ = planned(manage, empty, tmp_path)

    follows = {table["name"]: [rule["parent"]["table"] for rule in table["rule"][-2:]] for table in plan["table"][1:]}
    assert follows == {"public.categories": ["public.stores", "public.categories"], "public.parts": ["public.stores"]}
    done = manage(empty, "migrate_tenants", "run", "--yes", "--plan", out)
    assert done.returncode == 0, said(done)
    assert rows(empty.admin_url, "SELECT count(*), count(tenant_id) FROM categories") == [(3, 3)]


@pytest.mark.slow
def test_whose_a_person_is_may_be_left_to_memberships(empty: Scratch, manage: Manage, tmp_path: Path) -> None:
    build(empty, SCHEMAS["members who are users"])
    out, _, _ = planned(manage, empty, tmp_path)
    text = Path(out).read_text(encoding="utf-8")
    start = text.index("# [[table.rule]]")
    offered = text[start:].partition("\n\n")[0]
    Path(out).write_text(text.replace(offered, offered.replace("# ", "")), encoding="utf-8")

    done = manage(empty, "migrate_tenants", "run", "--yes", "--plan", out)

    assert done.returncode == 0, said(done)
    whose = "SELECT u.id, slug FROM users AS u LEFT JOIN vital.registry AS r ON r.id = u.tenant_id ORDER BY u.id"
    assert rows(empty.admin_url, whose) == [(1, "digital-health"), (2, None)]


# --- the same name in two schemas ---


@pytest.mark.parametrize("words", [(), ("--root", "stores"), ("--root", "public.stores")])
def test_of_two_tables_the_one_that_leads_to_the_root_is_planned(
    empty: Scratch, manage: Manage, tmp_path: Path, words: tuple[str, ...]
) -> None:
    build(empty, SCHEMAS["an archive with the same names"])

    _, plan, said_so = planned(manage, empty, tmp_path, *words)

    assert [table["name"] for table in plan["table"]] == ["public.stores", "public.orders", "public.lines"]
    assert "Left out: archive.orders: a plan names a table once, and public.orders is called the same" in said_so
    assert "Left out: archive.stores: a plan names a table once, and public.stores is called the same" in said_so


def test_what_leads_over_a_table_that_is_left_out_says_so(empty: Scratch, manage: Manage, tmp_path: Path) -> None:
    build(
        empty,
        """CREATE TABLE orders (id bigint PRIMARY KEY, store_id bigint NOT NULL REFERENCES stores);
        CREATE TABLE tickets (id bigint UNIQUE, store_id bigint REFERENCES stores);
        CREATE TABLE answers (id bigint PRIMARY KEY, ticket bigint REFERENCES tickets (id));
        CREATE TABLE votes (id bigint PRIMARY KEY, answer bigint REFERENCES answers)""",
    )

    _, _, said_so = planned(manage, empty, tmp_path)

    assert "Left out: public.tickets: no primary key" in said_so
    assert "Left out: public.answers: it refers to public.tickets, which is left out" in said_so
    assert "Left out: public.votes: it refers to public.answers, which is left out" in said_so


# --- what every tenant may read ---


LISTS = {
    "code text PRIMARY KEY, label text": True,
    "id int PRIMARY KEY, label text": True,  # a row of it is used by both
    "id int PRIMARY KEY, label text, password_digest text": False,
    "id int PRIMARY KEY, api_key text": False,
    "id int PRIMARY KEY, refresh_token text": False,
    "id int PRIMARY KEY, otp text": False,
    'id int PRIMARY KEY, "passwordHash" text': False,
    "id int PRIMARY KEY, email text": False,
    "id int PRIMARY KEY, first_name text": False,
    "username text PRIMARY KEY": False,
}


@pytest.mark.slow
@pytest.mark.parametrize("columns", LISTS)
def test_a_table_with_secrets_or_people_is_never_for_everybody(
    columns: str, empty: Scratch, manage: Manage, tmp_path: Path
) -> None:
    key, kind, *_ = columns.split()
    build(
        empty,
        f"""CREATE TABLE things ({columns});
        INSERT INTO things ({key}) VALUES ('1'), ('2');
        CREATE TABLE orders (id int PRIMARY KEY, store_id bigint REFERENCES stores, thing {kind} REFERENCES things);
        INSERT INTO orders VALUES (1, 1, '1'), (2, 2, '1')""",
    )

    _, plan, said_so = planned(manage, empty, tmp_path)

    is_common = plan.get("common", []) == [{"name": "public.things"}]
    private = [table for table in plan["table"] if table["name"] == "public.things"]
    assert is_common == LISTS[columns]
    assert [table["visibility"] for table in private] == ([] if is_common else ["private"])
    assert ("No tenant reads public.things" in said_so) != is_common


def test_rows_that_tenants_do_not_share_are_no_list(empty: Scratch, manage: Manage, tmp_path: Path) -> None:
    """As contracts or places are: each is one tenant's, over however many steps."""
    build(
        empty,
        """CREATE TABLE contracts (id int PRIMARY KEY, terms text);
        INSERT INTO contracts VALUES (1, 'x'), (2, 'y');
        CREATE TABLE orders (id int PRIMARY KEY, store_id bigint NOT NULL REFERENCES stores);
        CREATE TABLE lines (id int PRIMARY KEY, order_id int REFERENCES orders, contract int REFERENCES contracts);
        INSERT INTO orders VALUES (1, 1), (2, 1), (3, 2);
        INSERT INTO lines VALUES (1, 1, 1), (2, 2, 1), (3, 3, 2)""",
    )

    _, plan, said_so = planned(manage, empty, tmp_path)

    assert "common" not in plan
    assert "none of its rows is used by two tenants" in said_so

    rows(empty.owner_url, "INSERT INTO lines VALUES (4, 3, 1)")
    _, plan, _ = planned(manage, empty, tmp_path, "--yes")
    assert plan["common"] == [{"name": "public.contracts"}]


def test_a_tenant_reads_nobodys_password(empty: Scratch, manage: Manage, tmp_path: Path) -> None:
    build(empty, SCHEMAS["members who are users"])
    out, _, _ = planned(manage, empty, tmp_path)

    run = manage(empty, "migrate_tenants", "run", "--yes", "--plan", out)

    assert run.returncode == 0, said(run)
    read = """SELECT set_config('vital.tenant_id', (SELECT tenant_id::text FROM stores WHERE id = 2), false);
        SET ROLE vital_tenant; SELECT email FROM users"""
    assert last_rows(empty, read) == []


def last_rows(database: Scratch, statements: str) -> list[tuple[Any, ...]]:
    """What the last of several statements in one session finds."""
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        *first, last = statements.split(";")
        for statement in first:
            connection.execute(statement.encode())
        return connection.execute(last.encode()).fetchall()


# --- more tenants than a plan lists ---


@pytest.mark.parametrize(("count", "listed"), [(50, 51), (51, 1)])
def test_many_tenants_are_taken_from_their_table(
    empty: Scratch, manage: Manage, tmp_path: Path, count: int, listed: int
) -> None:
    build(
        empty,
        f"""CREATE TABLE orders (id bigint PRIMARY KEY, store_id bigint NOT NULL REFERENCES stores);
        INSERT INTO stores SELECT n, 'Store ' || n FROM generate_series(3, {count}) AS n""",
    )

    _, plan, said_so = planned(manage, empty, tmp_path)

    assert len(plan["tenant"]) == listed
    assert plan.get("tenants", {}).get("from") == ("public.stores" if listed == 1 else None)
    assert ("The tenants are not all listed" in said_so) == (listed == 1)


def test_tenants_that_are_there_already_are_said_on_the_terminal(
    empty: Scratch, manage: Manage, tmp_path: Path
) -> None:
    build(
        empty,
        """CREATE TABLE tenants (id uuid PRIMARY KEY, name text NOT NULL, store_id bigint REFERENCES stores);
        CREATE TABLE items (id int PRIMARY KEY, tenant_id uuid NOT NULL REFERENCES tenants);
        CREATE TABLE parts (id int PRIMARY KEY, item_id int NOT NULL REFERENCES items)""",
    )

    _, _, said_so = planned(manage, empty, tmp_path, "--root", "stores")

    assert "public.items has a tenant_id that refers to public.tenants: 000 refuses the plan" in said_so


WAYS = """
CREATE TABLE orders (id bigint PRIMARY KEY, store_id bigint NOT NULL REFERENCES stores);
GRANT SELECT ON orders TO PUBLIC;
CREATE FUNCTION count_orders() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM orders'
"""


def test_what_tenants_will_reach_is_said_before_anything_is_changed(
    empty: Scratch, manage: Manage, tmp_path: Path
) -> None:
    """A proof that fails when all is done would be the first to say it."""
    build(empty, WAYS)
    out, _, told = planned(manage, empty, tmp_path)
    assert "Everybody has 1 way past the policies, and so will tenants" in told

    done = manage(empty, "migrate_tenants", "--plan", out, "--to", "000", "-v", "--yes")

    assert done.returncode == 0, said(done)
    told = " ".join(done.stdout.split())
    # A server with logins of other databases' services has a third way: they may read the table as well.
    assert re.search(r"WARN tables that tenants will reach beyond the plan \([23] found\)", told), told
    assert "Close it: REVOKE EXECUTE ON FUNCTION public.count_orders() FROM PUBLIC" in told
    assert '[[reachable]] name = "public.count_orders()"' in told
    assert "orders: everybody may select, so every login of the database goes on to" in told
