"""Browsers that reach a Supabase-like platform through PostgREST see their own tenant's rows: every table and verb, as
anon and as authenticated, with each tenant's claims, forged ones and none."""

from collections.abc import Callable, Iterator
from typing import LiteralString

import psycopg
import pytest
from psycopg import errors as pg

from tests.support import browsers, supabase
from tests.support.browsers import NOBODY, NORTH, PLATFORM, SOUTH, browser, claims
from tests.support.command_results import Done, Manage, said
from tests.support.databases import Scratch, rows

pytestmark = [pytest.mark.server, pytest.mark.slow]

Call = Callable[..., Done]
DONE = 0
SHARED: tuple[LiteralString, ...] = ("topics",)
PRIVATE: tuple[LiteralString, ...] = ("orgs", "users", "notes", "replies", "readings")
# Claims that name no tenant, whatever they try; the tokens of people whose row in users has none, too.
FORGED = {
    "nothing said": None,
    "an empty text": "",
    "no claims": "{}",
    "no tenant": claims(),
    "an unknown tenant": claims(NOBODY),
    "user_metadata": claims(user_metadata={"tenant_id": SOUTH}, raw_user_meta_data={"tenant_id": SOUTH}),
    "the top level": claims(tenant_id=SOUTH),
    "user_metadata beside a tenant that is none": claims("south", user_metadata={"tenant_id": SOUTH}),
    "a tenant in a list": claims(app_metadata={"tenant_id": [SOUTH]}),
    "a tenant in an object": claims(app_metadata={"tenant_id": {"id": SOUTH}}),
    "a list": "[]",
    "a text": '"south"',
    "a number": "1",
    "null": "null",
    "no JSON": f"app_metadata.tenant_id = {SOUTH}",
    "half of it": claims(SOUTH)[:-1],
    "SQL": claims(f"{SOUTH}' OR true --"),
    "a null byte": '{"app_metadata": {"tenant_id": "\\u0000"}}',
    "a lone surrogate": '{"app_metadata": {"tenant_id": "\\ud800"}}',
    "very deep": "[" * 50_000,
    "a subject that is none": claims(sub="nobody"),
    "a subject that is a number": claims(sub=1),
    "an unknown subject": claims(sub=NOBODY),
}


@pytest.fixture(scope="module")
def plain(server_url: str) -> Iterator[Scratch]:
    with supabase.project(server_url, old=False) as scratch:
        browsers.more_tables(scratch)
        yield scratch


@pytest.fixture(scope="module")
def call(plain: Scratch, manage: Manage, tmp_path_factory: pytest.TempPathFactory) -> Call:
    folder = tmp_path_factory.mktemp("bound")
    plan = browsers.plan(folder)

    def call(*arguments: str, **env: str) -> Done:
        return manage(plain, *arguments, cwd=folder, env={"VITAL_PLAN": str(plan)} | env)

    return call


@pytest.fixture(scope="module")
def project(plain: Scratch, call: Call) -> Scratch:
    """After the migration; tests leave no row in it."""
    done = call("migrate_tenants", "--yes")
    assert done.returncode == DONE, said(done)
    return plain


@pytest.mark.parametrize("tenant", [NORTH, SOUTH])
def test_a_caller_is_shown_the_own_rows_and_the_platforms(project: Scratch, tenant: str) -> None:
    with browser(project, "authenticated", claims(tenant)) as one:
        for table in SHARED:
            assert one.tenants(table) == {tenant, PLATFORM}, table
        for table in PRIVATE:
            assert one.tenants(table) == {tenant}, table
        assert one.does("SELECT count_topics()") == one.does("SELECT count(*) FROM topics")
        assert one.does("SELECT id FROM seen_topics ORDER BY id") == one.does("SELECT id FROM topics ORDER BY id")
        assert one.does("SELECT name FROM colours") == [("blue",)]


def test_a_caller_without_a_claim_is_of_the_tenant_of_its_user(project: Scratch) -> None:
    for person, tenant in rows(project.owner_url, "SELECT id::text, tenant_id::text FROM users"):
        with browser(project, "authenticated", claims(sub=person)) as one:
            assert one.tenants("notes") == {tenant}
        with browser(project, "authenticated", claims(NORTH, sub=person)) as one:
            assert one.tenants("notes") == {NORTH}, "the claim comes first"
        with browser(project, "authenticated", claims(NOBODY, sub=person)) as one:
            assert one.tenants("notes") == set(), "a claim that names nobody is no reason to look further"


@pytest.mark.parametrize("how", FORGED)
@pytest.mark.parametrize("role", browsers.ROLES)
def test_forged_and_missing_claims_show_nothing_of_a_tenant(project: Scratch, role: str, how: str) -> None:
    with browser(project, role, FORGED[how]) as one:
        for table in SHARED:
            assert one.tenants(table) == {PLATFORM}, table
        for table in PRIVATE:
            assert one.tenants(table) == set(), table
        for tenant in (NORTH, PLATFORM):
            with pytest.raises(pg.InsufficientPrivilege):
                one.does("INSERT INTO topics (name, tenant_id) VALUES ('forged', %s)", [tenant])
        with pytest.raises(pg.InsufficientPrivilege):
            one.does("INSERT INTO topics (name) VALUES ('forged')")


@pytest.mark.parametrize("tenant", [NORTH, SOUTH, PLATFORM])
def test_anon_is_shown_the_platforms_rows_whatever_its_token_says(project: Scratch, tenant: str) -> None:
    person = rows(project.owner_url, "SELECT id::text FROM users LIMIT 1")[0][0]
    with browser(project, "anon", claims(tenant, sub=person)) as one:
        assert one.tenants("topics") == {PLATFORM}
        assert [one.tenants(table) for table in PRIVATE] == [set()] * len(PRIVATE)
        assert one.does("UPDATE topics SET name = name RETURNING id") == []
        assert one.does("DELETE FROM orgs RETURNING id") == []


def test_a_suspended_tenant_is_shown_nothing_of_its_own(project: Scratch) -> None:
    rows(project.admin_url, "UPDATE vital.registry SET is_active = false WHERE slug = 'north'")
    try:
        for token in (claims(NORTH), claims(sub=_person(project, NORTH))):
            with browser(project, "authenticated", token) as one:
                assert (one.tenants("topics"), one.tenants("notes")) == ({PLATFORM}, set())
    finally:
        rows(project.admin_url, "UPDATE vital.registry SET is_active = true WHERE slug = 'north'")


@pytest.mark.parametrize(("tenant", "other"), [(NORTH, SOUTH), (SOUTH, NORTH), (NORTH, PLATFORM)])
def test_a_row_that_a_caller_writes_is_its_tenants(project: Scratch, tenant: str, other: str) -> None:
    with browser(project, "authenticated", claims(tenant)) as one:
        for token in ("", ", tenant_id"):
            added = one.does(
                f"INSERT INTO topics (name{token}) VALUES ('new'{', %s' if token else ''}) RETURNING tenant_id::text",
                [tenant] if token else [],
            )
            assert added == [(tenant,)]
        several = one.does(
            "INSERT INTO replies (topic_id) SELECT id FROM topics WHERE name = 'new' RETURNING tenant_id::text"
        )
        assert several == [(tenant,)] * 2
        assert one.does("INSERT INTO readings (id) VALUES (90) RETURNING tenant_id::text") == [(tenant,)]
        upserted = "INSERT INTO topics (id, name) VALUES (%s, 'taken') ON CONFLICT (id) DO UPDATE SET name = 'taken'"
        with pytest.raises(pg.InsufficientPrivilege):
            one.does(upserted, [_topic(project, other)])
        with pytest.raises(pg.InsufficientPrivilege):
            one.does("INSERT INTO topics (name, tenant_id) VALUES ('theirs', %s)", [other])
        with pytest.raises(pg.InsufficientPrivilege):
            one.does("UPDATE topics SET tenant_id = %s", [other])


@pytest.mark.parametrize(("tenant", "other"), [(NORTH, SOUTH), (SOUTH, NORTH)])
def test_no_verb_reaches_a_row_of_others(project: Scratch, tenant: str, other: str) -> None:
    with browser(project, "authenticated", claims(tenant)) as one:
        for table in ("orgs", "users", "notes", "topics", "replies", "readings"):
            changed = one.does(f"UPDATE {table} SET id = id RETURNING tenant_id::text") if table != "orgs" else []
            assert {owner for (owner,) in changed} <= {tenant}, table
        for table in ("replies", "readings", "notes", "users", "topics"):
            gone = one.does(f"DELETE FROM {table} RETURNING tenant_id::text")
            assert {owner for (owner,) in gone} == {tenant}, table
    assert rows(project.owner_url, "SELECT count(*) FROM topics") == [(4,)]


def test_a_reference_to_a_row_of_others_is_refused(project: Scratch) -> None:
    with browser(project, "authenticated", claims(NORTH)) as one:
        one.does("INSERT INTO replies (topic_id) VALUES (%s)", [_topic(project, NORTH)])
        one.does("INSERT INTO replies (topic_id) VALUES (%s)", [_topic(project, PLATFORM)])
        for wrong in (_topic(project, SOUTH), 999):
            with pytest.raises(pg.ForeignKeyViolation):
                one.does("INSERT INTO replies (topic_id) VALUES (%s)", [wrong])


@pytest.mark.parametrize("role", browsers.ROLES)
def test_what_passes_policies_by_is_refused(project: Scratch, role: str) -> None:
    with browser(project, role, claims(NORTH)) as one:
        for statement in (
            "TRUNCATE replies",
            "INSERT INTO colours VALUES ('red')",
            "SELECT empty_replies()",
            "SELECT FROM readings_of_2026",
            "DELETE FROM readings_of_2026",
            "SELECT FROM vital.registry",
            "SELECT vital.tenant_of_authenticated()",
            "SELECT FROM vital.ledger",
        ):
            with pytest.raises(pg.InsufficientPrivilege):
                one.does(statement)


def test_service_role_and_sign_ups_go_on_as_before(project: Scratch) -> None:
    with browser(project, "service_role", claims(role="service_role")) as one:
        assert one.tenants("notes") == {NORTH, SOUTH}
        added = one.does("INSERT INTO topics (name, org) VALUES ('by a function', 'south') RETURNING tenant_id::text")
        assert added == [(SOUTH,)], "a row without a tenant gets it by the plan's rules, as before"
    person = supabase.sign_up(project, "bound@example.com", "south")
    with browser(project, "authenticated", claims(sub=person)) as one:
        assert one.does("SELECT tenant_id::text FROM users WHERE id = %s", [person]) == [(SOUTH,)]
    rows(project.admin_url, "DELETE FROM auth.users WHERE email = 'bound@example.com'")


def test_a_list_keeps_its_index(project: Scratch) -> None:
    """The tenant is asked for once in a statement, and the column is compared with it by an index."""
    many = "INSERT INTO topics (id, name, tenant_id) SELECT n, 'many', %s FROM generate_series(10000, 30000) AS n"
    with psycopg.connect(project.admin_url) as connection:
        for tenant in (NORTH, SOUTH):
            connection.execute(many.replace("n,", "n + 50000,") if tenant == SOUTH else many, [tenant])
        connection.execute("INSERT INTO topics (id, name, tenant_id) VALUES (9, 'few', %s)", [PLATFORM])
        connection.execute("ANALYZE topics")
        connection.execute("SELECT set_config('role', 'authenticated', true)")
        connection.execute("SELECT set_config('request.jwt.claims', %s, true)", [claims(NORTH)])
        plans = {
            question: "\n".join(line for (line,) in connection.execute(f"EXPLAIN {question}".encode()))
            for question in ("SELECT * FROM topics ORDER BY id LIMIT 10", "SELECT * FROM topics WHERE id = 10001")
        }
        connection.rollback()
    for plan in plans.values():
        assert "Index Scan" in plan, plan
        assert "InitPlan 1" in plan, plan
        assert "InitPlan 2" not in plan, plan


def _topic(project: Scratch, tenant: str) -> int:
    return int(rows(project.owner_url, "SELECT min(id) FROM topics WHERE tenant_id = %s", [tenant])[0][0])


def _person(project: Scratch, tenant: str) -> str:
    return str(rows(project.owner_url, "SELECT id::text FROM users WHERE tenant_id = %s LIMIT 1", [tenant])[0][0])
