"""The tables' owner is bound by row level security or it is not, as the plan says; tenants are kept apart in both."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.support import databases
from tests.support.command_results import Manage, document, said
from tests.support.database_state import dump_platform
from tests.support.databases import OWNER, Scratch, clone_with_grants, rows

pytestmark = pytest.mark.slow

SHOP = """
CREATE TABLE stores (id bigint PRIMARY KEY, name text NOT NULL);
CREATE TABLE orders (id bigint PRIMARY KEY, store_id bigint NOT NULL REFERENCES stores);
CREATE TABLE notes (id bigint PRIMARY KEY, store_id bigint NOT NULL REFERENCES stores);
CREATE TABLE bills (id bigint PRIMARY KEY, store_id bigint NOT NULL REFERENCES stores);
INSERT INTO stores VALUES (1, 'North'), (2, 'South');
INSERT INTO orders VALUES (1, 1), (2, 2), (3, 2);
INSERT INTO notes VALUES (1, 1), (2, 2), (3, 2);
INSERT INTO bills VALUES (1, 1), (2, 2), (3, 2);
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON notes USING (true);
ALTER TABLE bills FORCE ROW LEVEL SECURITY;
CREATE MATERIALIZED VIEW totals AS SELECT store_id, count(*) AS orders FROM orders GROUP BY 1
"""
HIDES = f"CREATE POLICY quiet ON notes AS RESTRICTIVE TO {OWNER} USING (id < 0)"
TABLES = ("bills", "notes", "orders")
FORCED = "SELECT relname, relforcerowsecurity FROM pg_class WHERE relname = ANY(%s) ORDER BY 1"
OTHERS = """
    SELECT c.relname, p.polroles = '{0}' FROM pg_policy AS p JOIN pg_class AS c ON c.oid = p.polrelid
    WHERE p.polname = 'vital_others' AND c.relname = ANY(%s) ORDER BY 1
"""
SOUTH = "SELECT id FROM vital.registry WHERE name = 'South'"


@dataclass
class Closed:
    """A shop that is migrated, its plan, and its dump before."""

    scratch: Scratch
    plan: str
    forced: bool
    before: str
    said: str


def planned(scratch: Scratch, manage: Manage, folder: Path, *, forced: bool) -> str:
    out = folder / f"{forced}.toml"
    assert manage(scratch, "migrate_tenants", "init-plan", "--out", str(out)).returncode == 0
    text = out.read_text(encoding="utf-8")
    assert "\nforce_owner = false\n" in text
    if forced:
        out.write_text(text.replace("force_owner = false", "force_owner = true"), encoding="utf-8")
    return str(out)


def run(closed: Closed, manage: Manage, *words: str) -> str:
    done = manage(closed.scratch, "migrate_tenants", *words, "--plan", closed.plan)
    assert done.returncode == 0, said(done)
    return " ".join(done.stdout.split())


@pytest.fixture(scope="module", params=[True, False], ids=["forced", "not forced"])
def closed(
    request: pytest.FixtureRequest, server_url: str, manage: Manage, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Closed]:
    scratch = databases.create_empty(server_url)
    for statement in SHOP.split(";"):
        rows(scratch.owner_url, statement)
    if not request.param:
        rows(scratch.owner_url, HIDES)
    plan = planned(scratch, manage, tmp_path_factory.mktemp("plan"), forced=request.param)
    made = Closed(scratch, plan, request.param, dump_platform(scratch), "")
    made.said = run(made, manage, "run", "--yes")
    yield made
    databases.drop(scratch)


@pytest.fixture
def copied(closed: Closed) -> Iterator[Closed]:
    copy = clone_with_grants(closed.scratch)
    yield Closed(copy, closed.plan, closed.forced, closed.before, closed.said)
    databases.drop(copy)


def test_only_what_is_needed_is_made_for_the_owner(closed: Closed) -> None:
    forced, to_all = closed.forced, {"bills": True, "notes": False, "orders": True}

    assert rows(closed.scratch.admin_url, FORCED, [list(TABLES)]) == [
        ("bills", True),  # as the application had it
        ("notes", forced),
        ("orders", forced),
    ]
    others = {name: to_all[name] for name in TABLES if forced or name != "notes"}
    assert dict(rows(closed.scratch.admin_url, OTHERS, [list(TABLES)])) == others


def test_the_run_says_who_is_bound(closed: Closed) -> None:
    bound = f"binds all roles, {OWNER} included, who owns"
    free = f"binds all roles but {OWNER}, who owns"

    assert bound in closed.said, "bills is forced in both"
    assert (free in closed.said) is not closed.forced
    where = "tables (bills, notes, orders and " if closed.forced else "1 tables (bills)"
    assert f"{OWNER} can load no more rows with COPY … FROM into" in closed.said
    assert where in closed.said


def test_tenants_are_kept_apart(closed: Closed, manage: Manage) -> None:
    proof = manage(closed.scratch, "prove_isolation", "--json", env={"VITAL_PLAN": closed.plan})
    assert (proof.returncode in (0, 4), document(proof)["leaks"]) == (True, 0), said(proof)
    [(south,)] = rows(closed.scratch.admin_url, SOUTH)
    with psycopg.connect(closed.scratch.admin_url) as connection:
        connection.execute("SET LOCAL ROLE vital_tenant")
        seen = [connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() for table in TABLES]
        connection.execute("SELECT set_config('vital.tenant_id', %s, true)", [str(south)])
        own = [connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() for table in TABLES]
    assert (seen, own) == ([(0,)] * 3, [(2,)] * 3)
    assert "0 checks failed" not in run(closed, manage, "validate")


def test_the_owner_sees_every_row(closed: Closed) -> None:
    counts = [rows(closed.scratch.owner_url, f"SELECT count(*) FROM {table}") for table in TABLES]

    assert counts == [[(3,)]] * 3


def test_loads_dumps_and_restores_work_where_it_is_not_bound(copied: Closed) -> None:
    """A restore fills a materialized view as its owner, with row_security off."""
    scratch = copied.scratch
    with psycopg.connect(scratch.owner_url) as connection:
        try:
            with connection.cursor().copy("COPY orders (id, store_id) FROM STDIN") as load:
                load.write_row((9, 2))
            loaded = True
        except psycopg.errors.FeatureNotSupported:
            loaded = False
    try:
        rows(scratch.owner_url, "SET row_security = off; REFRESH MATERIALIZED VIEW totals")
        refreshed = True
    except psycopg.errors.InsufficientPrivilege:
        refreshed = False

    assert (loaded, refreshed) == ((False, False) if copied.forced else (True, True))
    if not copied.forced:
        assert "COPY public.orders" in databases.dump(scratch.owner_url, "--table=public.orders")
        assert rows(scratch.owner_url, "SELECT orders FROM totals WHERE store_id = 2") == [(3,)]
        found = "SELECT i.tenant_id = s.tenant_id FROM orders AS i JOIN stores AS s ON s.id = 2 WHERE i.id = 9"
        assert rows(scratch.admin_url, found) == [(True,)]


def test_an_undo_is_exact(copied: Closed, manage: Manage) -> None:
    run(copied, manage, "undo", "--yes")

    assert dump_platform(copied.scratch) == copied.before


def test_off_and_on_again(copied: Closed, manage: Manage) -> None:
    forced = rows(copied.scratch.admin_url, FORCED, [list(TABLES)])

    run(copied, manage, "disarm", "--reason", "a test", "--yes")
    off = manage(copied.scratch, "doctor", "--json", env={"VITAL_PLAN": copied.plan})
    isolation = [one["seen"] for one in json.loads(off.stdout)["signs"] if one["name"] == "isolation"]
    run(copied, manage, "rearm", "--reason", "a test", "--yes")

    assert isolation == ["it is not on yet: the API answers 503"], said(off)
    assert rows(copied.scratch.admin_url, FORCED, [list(TABLES)]) == forced
    assert manage(copied.scratch, "prove_isolation", env={"VITAL_PLAN": copied.plan}).returncode in (0, 4)


def test_the_next_run_makes_what_another_plan_says(copied: Closed, manage: Manage, tmp_path: Path) -> None:
    """The plan with the other answer, and back: everything is as it was made the first time."""
    policies = "SELECT polname, polrelid::regclass::text, polroles FROM pg_policy ORDER BY 2, 1"
    first = rows(copied.scratch.admin_url, FORCED, [list(TABLES)]), rows(copied.scratch.admin_url, policies)
    if not copied.forced:
        rows(copied.scratch.owner_url, "DROP POLICY quiet ON notes")  # it would bind an owner that is forced
    text, other = Path(copied.plan).read_text(encoding="utf-8"), tmp_path / "other.toml"
    now, then = str(copied.forced).lower(), str(not copied.forced).lower()
    other.write_text(text.replace(f"force_owner = {now}", f"force_owner = {then}"), encoding="utf-8")

    done = manage(copied.scratch, "migrate_tenants", "run", "--yes", "--plan", str(other))
    assert done.returncode == 0, said(done)
    turned = rows(copied.scratch.admin_url, FORCED, [list(TABLES)])
    assert turned == [("bills", True), ("notes", not copied.forced), ("orders", not copied.forced)]
    run(copied, manage, "run", "--yes")

    again = rows(copied.scratch.admin_url, FORCED, [list(TABLES)]), rows(copied.scratch.admin_url, policies)
    assert again[0] == first[0]
    assert again[1] == [one for one in first[1] if one[0] != "quiet"]


# what somebody does, whether a forced plan and one that is not complain, and whether rows may leak then
CHANGES = {
    "not forced": ("ALTER TABLE orders NO FORCE ROW LEVEL SECURITY", (True, False), True),
    "forced": ("ALTER TABLE orders FORCE ROW LEVEL SECURITY", (False, True), False),
    "off": ("ALTER TABLE orders DISABLE ROW LEVEL SECURITY", (True, True), True),
    "no policy for the owner": ("DROP POLICY IF EXISTS vital_others ON notes", (True, False), False),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_found_and_repaired(what: str, copied: Closed, manage: Manage) -> None:
    statement, (of_forced, of_free), dangerous = CHANGES[what]
    complains = of_forced if copied.forced else of_free
    rows(copied.scratch.owner_url, statement)

    proof = document(manage(copied.scratch, "prove_isolation", "--json", env={"VITAL_PLAN": copied.plan}))

    found = [one for one in proof["differences"] if "orders" in one["object"] or "notes" in one["object"]]
    assert [one["severity"] == "dangerous" for one in found] == ([dangerous] if complains else [])
    run(copied, manage, "run", "--yes")
    assert manage(copied.scratch, "prove_isolation", env={"VITAL_PLAN": copied.plan}).returncode in (0, 4)


def test_a_policy_that_hides_rows_from_the_owner_is_refused_where_it_is_forced(
    empty: Scratch, manage: Manage, tmp_path: Path
) -> None:
    for statement in [*SHOP.split(";"), HIDES]:
        rows(empty.owner_url, statement)
    plan = planned(empty, manage, tmp_path, forced=True)

    done = manage(empty, "migrate_tenants", "run", "--yes", "--plan", plan)

    told = " ".join(done.stdout.split())
    assert done.returncode == 1, said(done)
    hidden = "(from a session like this one 3: SELECT * FROM public.notes WHERE ((id < 0)) IS NOT TRUE;)"
    assert f"from 006 on it would hide rows from the owner, tenants and VITAL's own work {hidden}" in told
    assert "Say whom it is for: ALTER POLICY quiet ON public.notes TO" in told


def test_another_role_that_loads_is_named_too(empty: Scratch, server_url: str, manage: Manage, tmp_path: Path) -> None:
    for statement in SHOP.split(";"):
        rows(empty.owner_url, statement)
    loader = f"loader_of_{empty.name}"
    rows(server_url, f"CREATE ROLE {loader}")
    rows(empty.owner_url, f"GRANT INSERT ON orders TO {loader}")
    plan = planned(empty, manage, tmp_path, forced=False)

    done = manage(empty, "migrate_tenants", "run", "--only", "000", "--yes", "--plan", plan)

    told = " ".join(done.stdout.split())
    assert f"{loader} can load no more rows with COPY … FROM into 1 tables (orders)" in told, said(done)
    rows(empty.owner_url, f"REVOKE INSERT ON orders FROM {loader}")
    rows(server_url, f"DROP ROLE {loader}")
