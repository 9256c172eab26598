"""A canary: one tenant or one table is migrated, isolated and tested alone; then the rest."""

from collections.abc import Iterator

import pytest

from tests.support import databases, queries, tenant_role
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.command_results import Manage, document, said
from tests.support.database_state import decided_twice, dump_platform
from tests.support.databases import Scratch
from tests.support.queries import PHASES, tenants_of_every_table

FENCED = "SELECT relname FROM pg_class WHERE relforcerowsecurity AND relnamespace = 'public'::regnamespace"
OPTIONS = {"tenant": ("--tenant", "pharma"), "table": ("--table", "conversations")}
TRACKED = "SELECT DISTINCT migration_name FROM migration_tracking ORDER BY 1"


@pytest.fixture(scope="module", params=OPTIONS)
def canary(request: pytest.FixtureRequest, legacy_template: Scratch, manage: Manage) -> Iterator[tuple[str, Scratch]]:
    scratch = databases.clone(legacy_template)
    done = manage(scratch, "migrate_tenants", *OPTIONS[request.param], "--yes", "--json")
    assert (done.returncode, document(done)["status"]) == (0, "completed"), said(done)
    yield request.param, scratch
    databases.drop(scratch)


def test_it_alone_is_carried_over_and_fenced(
    canary: tuple[str, Scratch], migrated_template: Scratch, legacy_template: Scratch
) -> None:
    kind, scratch = canary
    before, whole = queries.tenants_of(legacy_template, "knowledge_base"), tenants_of_every_table(migrated_template)
    if kind == "tenant":
        for table in ("agents", "prompts", "knowledge_base", "knowledge_sources"):
            moved = {key for key, tenant in whole[table].items() if tenant == PHARMA}
            assert {key for key, tenant in queries.tenants_of(scratch, table).items() if tenant == PHARMA} == moved
            assert moved
        with tenant_role.as_tenant(scratch, PHARMA) as pharma, tenant_role.as_tenant(scratch, DIGITAL_HEALTH) as other:
            assert pharma.rows("SELECT count(*) FROM prompts WHERE tenant_id = %s", PHARMA) != [(0,)]
            assert other.rows(
                "SELECT count(*) FROM prompts WHERE tenant_id NOT IN (%s, %s)", DIGITAL_HEALTH, PLATFORM
            ) == [(0,)]
    else:
        fenced = {name for (name,) in databases.rows(scratch.admin_url, FENCED)}
        assert {"conversations", "users"} <= fenced
        assert not {"tools", "agents", "prompts", "knowledge_base"} & fenced
        assert queries.tenants_of(scratch, "conversations") == whole["conversations"]
        assert queries.tenants_of(scratch, "knowledge_base") == before, "other tables are left alone"


def test_it_is_not_the_whole_and_nobody_says_so(canary: tuple[str, Scratch], manage: Manage) -> None:
    _, scratch = canary
    status = document(manage(scratch, "migrate_tenants", "status", "--json"))

    assert [phase["status"] for phase in status["phases"]] == ["pending"] * 7
    assert status["next"] == PHASES[0]
    [shown] = status["canaries"]
    assert shown["phases"] == dict.fromkeys(PHASES, "completed")
    [(name,)] = databases.rows(scratch.admin_url, TRACKED)
    assert name == f"multi_tenant_migration, {shown['scope']}"


@pytest.mark.slow
def test_the_rest_comes_afterwards_as_if_there_had_been_no_canary(
    canary: tuple[str, Scratch], migrated_template: Scratch, manage: Manage
) -> None:
    scratch = databases.clone_with_grants(canary[1])
    try:
        again = manage(scratch, "migrate_tenants", *OPTIONS[canary[0]], "--yes", "--json")
        done = manage(scratch, "migrate_tenants", "--yes", "--json")

        assert document(again)["status"] == "nothing_to_do", said(again)
        assert done.returncode == 0, said(done)
        assert tenants_of_every_table(scratch) == tenants_of_every_table(migrated_template)
        assert decided_twice(scratch) == []
        assert queries.made_assignments(scratch) == queries.made_assignments(migrated_template)
        assert manage(scratch, "prove_isolation").returncode == 0
        last = manage(scratch, "migrate_tenants", "--yes")
        assert "Nothing to do" in last.stdout, said(last)
    finally:
        databases.drop(scratch)


@pytest.mark.slow
def test_a_canary_alone_is_undone_exactly(
    canary: tuple[str, Scratch], legacy_template: Scratch, manage: Manage
) -> None:
    scratch = databases.clone_with_grants(canary[1])
    try:
        undone = manage(scratch, "migrate_tenants", "undo", "--yes")

        assert undone.returncode == 0, said(undone)
        assert dump_platform(scratch) == dump_platform(legacy_template)
        assert "Nothing to undo" in manage(scratch, "migrate_tenants", "undo", "--yes").stdout
    finally:
        databases.drop(scratch)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (("--tenant", "acme"), "The plan has no tenant acme. Its tenants are: vital-platform"),
        (("--table", "toolz"), "The plan has no table toolz. Its tables are: tools"),
        (("--tenant", "pharma", "--table", "tools"), "--tenant and --table are two canaries"),
    ],
)
def test_what_is_no_canary_is_refused(
    legacy_template: Scratch, manage: Manage, options: tuple[str, ...], error: str
) -> None:
    refused = manage(legacy_template, "migrate_tenants", *options, "--json")

    assert refused.returncode == 2, said(refused)
    assert error in document(refused)["error"]
    assert databases.rows(legacy_template.admin_url, "SELECT to_regnamespace('vital')::text") == [(None,)]
