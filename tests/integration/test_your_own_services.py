"""Services of one's own become a tenant as the page about them shows it: every block is taken from there and run."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.support import databases, own_services, pgbouncer, service_under_test
from tests.support.cast import ASLEEP, DIGITAL_HEALTH, PHARMA, PLATFORM, STRANGER
from tests.support.command_results import Manage, said
from tests.support.databases import Scratch
from tests.support.own_services import LIBRARIES, Client
from tests.support.service_under_test import ServiceDatabase

pytestmark = pytest.mark.server

SEEN = "SELECT tenant_id::text, count(*)::int FROM tools GROUP BY 1 ORDER BY 1"
WHO = (
    "SELECT pg_backend_pid(), current_user::text AS role, coalesce(current_setting('vital.tenant_id', true), '') AS id"
)
INSERT = """
    INSERT INTO tools (tenant_id, tool_key, name, description, tool_type)
    VALUES ('{tenant}', '{key}', 'x', 'x', 'api') RETURNING tenant_id::text
"""
CHANGE = "UPDATE tools SET best_practices = ARRAY['changed'] WHERE tenant_id = '{tenant}' RETURNING tenant_id::text"
DELETE = "DELETE FROM tools WHERE tenant_id = '{tenant}' RETURNING tenant_id::text"
CUSTOMERS = (DIGITAL_HEALTH, PHARMA, STRANGER)


def of(tenant: str | None, statement: str, /, **parts: str) -> dict[str, Any]:
    """A transaction of the tenant with one statement."""
    return {"tenant": tenant, "sql": statement.format(**parts)}


def outside(statement: str) -> dict[str, Any]:
    """The statement on a connection of the pool, outside of the page's block."""
    return {"bare": True, "sql": statement}


@pytest.fixture(scope="module")
def served(server_url: str, migrated_template: Scratch) -> Iterator[ServiceDatabase]:
    """A migrated database, and a login made as the page makes it, by the owner of the tables."""
    name, (login,) = f"vital_test_reports_{uuid4().hex[:12]}", own_services.blocks_of("A login of its own")
    with service_under_test.database_with_cast(migrated_template) as scratch:
        try:
            databases.rows(scratch.owner_url, login.replace("reports_service", name))
            yield ServiceDatabase(scratch, databases.login_url(scratch.owner_url, name, "PASSWORD"))
        finally:
            databases.drop(scratch)
            databases.drop_login(server_url, name)


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.slow if LIBRARIES[name].packages else ()) for name in LIBRARIES],
)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A library's name, and a folder in which it is installed."""
    made = tmp_path_factory.mktemp(request.param)
    own_services.install(LIBRARIES[request.param], made)
    return request.param, made


@pytest.fixture
def client(folder: tuple[str, Path], served: ServiceDatabase) -> Client:
    """The page's block for the library, on the database."""
    name, there = folder
    return Client(LIBRARIES[name], there, served.login)


@pytest.fixture
def key() -> str:
    """A tool's key that no other test has."""
    return uuid4().hex


def there_are(served: ServiceDatabase, *tenants: str) -> list[tuple[str, int]]:
    """How many tools each of the tenants has, past row level security."""
    return [row for row in databases.rows(served.database.admin_url, SEEN) if row[0] in tenants]


def test_each_tenant_reads_its_own_rows_and_the_platforms(client: Client, served: ServiceDatabase) -> None:
    wanted = [there_are(served, PLATFORM, tenant) for tenant in CUSTOMERS]

    assert client.ask(*(of(tenant, SEEN) for tenant in CUSTOMERS)) == wanted
    assert [len(seen) for seen in wanted] == [2, 2, 2]


def test_each_tenant_writes_its_own_rows_alone(client: Client, served: ServiceDatabase, key: str) -> None:
    before = there_are(served, PLATFORM, DIGITAL_HEALTH, STRANGER)
    (own,) = there_are(served, PHARMA)
    inserted, to_another, to_platform, changed, *hit_nothing = client.ask(
        of(PHARMA, INSERT, tenant=PHARMA, key=key),
        of(PHARMA, INSERT, tenant=DIGITAL_HEALTH, key=key),
        of(PHARMA, INSERT, tenant=PLATFORM, key=key),
        of(PHARMA, CHANGE, tenant=PHARMA),
        *(
            of(PHARMA, statement, tenant=other)
            for statement in (CHANGE, DELETE)
            for other in (DIGITAL_HEALTH, PLATFORM)
        ),
    )

    assert inserted == [(PHARMA,)]
    assert (to_another, to_platform) == ("42501", "42501")
    assert changed == [(PHARMA,)] * (own[1] + 1)
    assert hit_nothing == [[], [], [], []]
    assert there_are(served, PLATFORM, DIGITAL_HEALTH, STRANGER) == before
    spoilt = "SELECT count(*) FROM tools WHERE best_practices = ARRAY['changed'] AND tenant_id <> %s"
    assert databases.rows(served.database.admin_url, spoilt, [PHARMA]) == [(0,)]


def test_nothing_is_left_on_the_pools_connection(client: Client, served: ServiceDatabase, key: str) -> None:
    login = served.login.split("//")[1].split(":")[0]
    first, left, second, refused, failed, after_it, third = client.ask(
        of(PHARMA, WHO),
        outside(WHO),
        of(DIGITAL_HEALTH, WHO),
        of(PHARMA, INSERT, tenant=STRANGER, key=key),
        of(PHARMA, "SELECT 1 / 0"),
        outside(WHO),
        of(STRANGER, WHO),
    )

    ((process, *_),) = first
    assert first == [(process, "vital_tenant", PHARMA)]
    assert second == [(process, "vital_tenant", DIGITAL_HEALTH)]
    assert third == [(process, "vital_tenant", STRANGER)]
    assert (refused, failed) == ("42501", "22012")
    assert left == after_it == [(process, login, "")]


def test_without_a_tenant_there_is_nothing_but_what_the_platform_shares(
    client: Client, served: ServiceDatabase, key: str
) -> None:
    shared, private, inserted, malformed, empty, forgotten, forgotten_too = client.ask(
        of(None, SEEN),
        of(None, "SELECT id FROM tenants"),
        of(None, INSERT, tenant=PHARMA, key=key),
        of("pharma", SEEN),
        of("", SEEN),
        outside(SEEN),
        outside(INSERT.format(tenant=PHARMA, key=key)),
    )

    assert shared == there_are(served, PLATFORM)
    assert private == []
    assert (inserted, malformed, empty) == ("42501", "22P02", "22P02")
    assert (forgotten, forgotten_too) == ("42501", "42501")


def test_a_row_that_names_no_tenant_and_a_reference_into_another_are_refused(
    client: Client, served: ServiceDatabase
) -> None:
    find = "SELECT min(id::text) FROM {} WHERE tenant_id = %s"
    ids = [
        databases.rows(served.database.admin_url, find.format(table), [tenant])[0][0]
        for table, tenant in (("agents", PHARMA), ("tools", PHARMA), ("tools", DIGITAL_HEALTH))
    ]
    nobodys = "INSERT INTO tools (tool_key, name, description, tool_type) VALUES ('x', 'x', 'x', 'api') RETURNING 1"
    assign = """
        INSERT INTO agent_tool_assignments (tenant_id, agent_id, tool_id)
        VALUES ('{tenant}', '{agent}', '{tool}') RETURNING tenant_id::text
    """
    remove = "DELETE FROM agent_tool_assignments WHERE agent_id = '{agent}' AND tool_id = '{tool}' RETURNING 1"
    own, foreign = (of(PHARMA, assign, tenant=PHARMA, agent=ids[0], tool=tool) for tool in ids[1:])

    assert client.ask(of(PHARMA, nobodys), foreign) == ["42501", "23503"]
    assert client.ask(own, of(PHARMA, remove, agent=ids[0], tool=ids[1])) == [[(PHARMA,)], [(1,)]]


def test_whether_a_tenant_is_active_it_may_ask_itself(client: Client) -> None:
    active = "SELECT id::text, is_active FROM tenants"

    assert client.ask(of(PHARMA, active), of(ASLEEP, active)) == [[(PHARMA, True)], [(ASLEEP, False)]]


def test_the_example_does_what_it_shows(client: Client, served: ServiceDatabase) -> None:
    url = served.database.admin_url
    databases.rows(url, "DELETE FROM tools WHERE tool_key = 'dose'")
    wanted = "SELECT tenant_id::text FROM tools WHERE tool_key = 'dose'"

    names = client.follow_the_example(PHARMA)

    assert databases.rows(url, wanted) == [(PHARMA,)]
    assert "Dose calculator" in names
    assert len(names) == sum(count for _, count in there_are(served, PHARMA, PLATFORM))
    assert not [name for name in names if name.endswith("of digital-health")]


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["node-postgres"], indirect=True)
def test_a_failure_that_nobody_looks_at_is_an_error_all_the_same(client: Client) -> None:
    printed = client.run(f"""
    import {{ asTenant }} from "./vital-tenant.mjs";
    const ignore = (client) => client.query("SELECT 1 / 0").catch(() => "ignored");
    console.log(await asTenant("{PHARMA}", ignore).catch((error) => error.message));
    process.exit(0);
    """)

    assert printed == "A statement had failed: nothing was written.\n"


def test_two_services_behind_a_pooler_take_turns_on_one_connection(
    folder: tuple[str, Path], served: ServiceDatabase, server_url: str
) -> None:
    name, there = folder
    turns = [of(tenant, WHO) for _ in range(15) for tenant in (PHARMA, DIGITAL_HEALTH)]
    with pgbouncer.transaction_mode(
        server_url, served.database, round_robin=False, login_url=served.login, pool_size=1
    ) as pooled:
        client = Client(LIBRARIES[name], there, pooled)
        with ThreadPoolExecutor(2) as both:
            found = list(both.map(lambda steps: client.ask(*steps), (turns, turns[::-1])))

    processes = {process for answers in found for ((process, _, _),) in answers}
    assert len(processes) == 1
    assert [[tenant for ((_, _, tenant),) in answers] for answers in found] == [
        [step["tenant"] for step in steps] for steps in (turns, turns[::-1])
    ]


def test_the_login_is_nothing_that_the_proof_of_isolation_warns_of(served: ServiceDatabase, manage: Manage) -> None:
    done = manage(served.database, "prove_isolation", "--bypasses")

    assert done.returncode == 0, said(done)
    assert "vital_test_reports_" not in done.stdout


def test_every_section_with_code_is_run() -> None:
    sections = own_services.SECTION.findall(own_services.PAGE.read_text(encoding="utf-8"))
    here = ["A login of its own", *(library.section for library in LIBRARIES.values())]
    elsewhere = ["Tasks in the background"]  # test_tasks_of_tenants.py

    assert [title for title, text in sections if own_services.BLOCK.search(text)] == [*here, *elsewhere]
