"""`migrate_tenants vectors --yes`: what is proposed is tried, built, measured again, and withdrawn exactly."""

from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support import databases, queries, tenant_role, vectors
from tests.support.command_results import Manage, document, said
from tests.support.databases import Scratch, rows
from tests.support.vectors import IDS, PARTS

ENOUGH, TOO_LITTLE, WRONG_USAGE = 0, 1, 2
STANDS = "SELECT count(*) FROM vital.applied_statement WHERE phase = 'vectors'"
SETTINGS = """
    SELECT unnest(setconfig) FROM pg_db_role_setting
    WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY 1
"""
NEAREST = "SELECT id FROM passages {where} ORDER BY embedding <=> %s::vector LIMIT 10"
GENERIC = "SELECT max(generic_plans) FROM pg_prepared_statements WHERE statement LIKE '%ORDER BY embedding%'"
VISIBLE = "SELECT count(*), count(*) FILTER (WHERE org = 'platform') FROM passages"


def called(manage: Manage, searched: Scratch, *options: str, code: int = ENOUGH) -> dict[str, Any]:
    done = manage(searched, "migrate_tenants", "vectors", "--sample", "10", "--json", *options)
    assert done.returncode == code, said(done)
    return document(done)


def recalls(found: dict[str, Any], when: str = "after") -> dict[str, dict[str, Any]]:
    (index,) = [one for one in found[when] if one["index"] == "passages_nearest"]
    return {tenant["name"]: tenant for tenant in index["tenants"]}


def settings(searched: Scratch) -> list[str]:
    return [entry for (entry,) in rows(searched.admin_url, SETTINGS)]


def plan_as(searched: Scratch, slug: str, where: str = "") -> str:
    with tenant_role.as_tenant(searched, IDS[slug], table="passages") as tenant:
        ((vector,), *_) = tenant.rows("SELECT embedding::text FROM passages LIMIT 1")
        return "\n".join(line for (line,) in tenant.rows("EXPLAIN " + NEAREST.format(where=where), vector))


def test_proposals_are_tried_and_nothing_is_built(searched: Scratch, manage: Manage) -> None:
    before = databases.dump(searched.admin_url)

    found = called(manage, searched, code=TOO_LITTLE)

    offered = {one["kind"]: one for one in found["proposals"]}
    assert set(offered) == {"settings", "size"}
    assert offered["settings"]["worst_recall_tried"] >= 0.95
    assert any('SET "hnsw"."iterative_scan" = ' in one for one in offered["settings"]["statements"])
    assert offered["size"]["statements"][0].startswith("CREATE POLICY")
    assert (databases.dump(searched.admin_url), settings(searched)) == (before, [])
    assert queries.scalar(searched, STANDS) == 0


def test_every_tenant_has_its_nearest_rows_afterwards_and_small_ones_exactly(searched: Scratch, manage: Manage) -> None:
    found = called(manage, searched, "--yes")

    after, before = recalls(found), recalls(found, "indexes")
    assert min(tenant["recall"] for tenant in before.values()) < 0.5
    assert {name: tenant["recall"] >= 0.95 for name, tenant in after.items()} == dict.fromkeys(PARTS, True)
    assert all(tenant["returned"] == 10 for tenant in after.values())
    assert {after[name]["plan"] for name in ("least", "tiny")} == {"exact"}
    assert after["giant"]["plan"] == "passages_nearest"
    assert "hnsw.iterative_scan=strict_order" in settings(searched)
    assert {one["outcome"] for one in found["proposals"]} == {"kept"}
    again = called(manage, searched, "--yes")
    assert not [one for one in again["proposals"] if one["kind"] == "size"]


def test_a_prepared_statement_is_planned_for_the_tenant_at_hand(searched: Scratch, manage: Manage) -> None:
    """Asked often enough by a large tenant, it would have the large one's plan for all on the connection."""
    assert prepared(searched) == (10, True), "what happens without the setting"
    called(manage, searched, "--yes")
    assert prepared(searched) == (10, False)
    rows(searched.admin_url, f'ALTER DATABASE "{searched.name}" RESET plan_cache_mode')
    assert prepared(searched) == (10, True)


def prepared(searched: Scratch) -> tuple[int, bool]:
    """How many rows the giant was given, and whether it has left one plan for everybody."""
    with psycopg.connect(searched.owner_url, prepare_threshold=0) as login:
        for _ in range(12):
            login.execute("SELECT set_config('vital.tenant_id', %s, true)", [IDS["giant"]])
            login.execute("SET LOCAL ROLE vital_tenant")
            given = len(login.execute(NEAREST.format(where="").encode(), [str([0.1] * 8)]).fetchall())
            login.commit()
        ((generic,),) = login.execute(GENERIC, prepare=False)
        return given, generic > 0


def test_isolation_holds_with_it(searched: Scratch, manage: Manage) -> None:
    called(manage, searched, "--yes")

    proof = manage(searched, "prove_isolation", "--json")

    assert proof.returncode == 0, said(proof)
    assert document(proof)["differences"] == document(manage(searched, "prove_isolation", "--json"))["differences"]
    for slug, part in PARTS.items():
        with tenant_role.as_tenant(searched, IDS[slug], table="passages") as tenant:
            assert tenant.rows(VISIBLE) == [(12 * part, 0)]
    with tenant_role.as_tenant(searched, None, table="passages") as nobody:
        assert nobody.rows(VISIBLE) == [(0, 0)]


def test_the_undo_is_exact(searched: Scratch, manage: Manage) -> None:
    rows(searched.admin_url, f'ALTER DATABASE "{searched.name}" SET hnsw.ef_search = 40')
    rows(searched.admin_url, f'ALTER DATABASE "{searched.name}" SET hnsw.iterative_scan = off')
    before = (databases.dump(searched.admin_url), settings(searched))
    called(manage, searched, "--yes", "--partial", "upper")
    assert (databases.dump(searched.admin_url), settings(searched)) != before

    undone = called(manage, searched, "--undo")["undone"]

    assert len(undone) == 4
    noted = "SELECT action FROM vital.audit WHERE starts_with(action, 'vectors ') ORDER BY id"
    assert rows(searched.admin_url, noted) == [("vectors built",), ("vectors withdrawn",)]
    assert (databases.dump(searched.admin_url), settings(searched)) == before
    assert queries.scalar(searched, STANDS) == 0
    assert called(manage, searched, "--undo")["undone"] == []


def test_it_goes_before_isolation_goes(searched: Scratch, manage: Manage) -> None:
    called(manage, searched, "--yes", "--partial", "upper")

    done = manage(searched, "migrate_tenants", "undo", "--phase", "006", "--yes")

    assert done.returncode == 0, said(done)
    assert (queries.scalar(searched, STANDS), settings(searched)) == (0, [])
    assert queries.scalar(searched, "SELECT count(*) FROM pg_policies WHERE policyname LIKE 'vital%%'") == 0


def test_a_partial_index_answers_only_statements_that_name_the_tenant(searched: Scratch, manage: Manage) -> None:
    found = called(manage, searched, "--yes", "--partial", "upper")

    (one,) = [one for one in found["proposals"] if one["kind"] == "partial"]
    assert one["outcome"].startswith("kept: it answers statements that name the tenant as a constant")
    own = f"passages_nearest_{IDS['upper']}"
    assert own in plan_as(searched, "upper", f"WHERE tenant_id = '{IDS['upper']}'")
    assert own not in plan_as(searched, "upper"), "policies compare with a setting"
    assert own not in plan_as(searched, "upper", "WHERE tenant_id = current_setting('vital.tenant_id')::uuid")


def test_whom_nobody_knows_gets_no_index_of_its_own(searched: Scratch, manage: Manage) -> None:
    assert "stranger" in called(manage, searched, "--yes", "--partial", "stranger", code=WRONG_USAGE)["error"]
    assert "add --yes" in called(manage, searched, "--partial", "upper", code=WRONG_USAGE)["error"]
    assert queries.scalar(searched, STANDS) == 0


def test_what_does_not_help_is_withdrawn(searched: Scratch, manage: Manage) -> None:
    """Where no tenant is small, knowing their size changes nothing."""
    rows(searched.admin_url, "DELETE FROM passages WHERE org NOT IN ('giant', 'large', 'upper')")
    rows(searched.owner_url, "VACUUM ANALYZE passages")

    found = called(manage, searched, "--yes")

    (one,) = [one for one in found["proposals"] if one["kind"] == "size"]
    assert one["outcome"] == "withdrawn: no tenant is answered in another way"
    assert queries.scalar(searched, "SELECT count(*) FROM pg_policies WHERE policyname = 'vital_tenant_size'") == 0


def test_what_the_login_may_not_do_is_printed_for_one_that_may(searched: Scratch, manage: Manage) -> None:
    rows(searched.admin_url, f'ALTER DATABASE "{searched.name}" OWNER TO CURRENT_USER')
    rows(searched.admin_url, f'GRANT CREATE ON DATABASE "{searched.name}" TO vital_test_owner')

    found = called(manage, searched, "--yes", code=TOO_LITTLE)

    refused = next(one for one in found["proposals"] if one["kind"] == "settings")
    assert refused["outcome"] == "refused"
    assert "must be owner of database" in refused["refused"][0]
    assert settings(searched) == []
    for statement in refused["statements"]:
        with psycopg.connect(searched.admin_url, autocommit=True) as dba:
            dba.execute(statement.encode())
    assert called(manage, searched)["below"] == 0


def test_settings_of_the_role_do_nothing_and_so_they_are_the_databases(searched: Scratch, manage: Manage) -> None:
    """Nobody logs in as vital_tenant, and SET ROLE takes no settings along."""
    role = f'ALTER ROLE vital_tenant IN DATABASE "{searched.name}" '
    rows(searched.admin_url, role + "SET hnsw.iterative_scan = strict_order")
    try:
        assert recalls(called(manage, searched, code=TOO_LITTLE), "indexes")["least"]["recall"] < 0.5
    finally:
        rows(searched.admin_url, role + "RESET ALL")


@pytest.mark.parametrize("shared", [False, True], ids=["private", "shared"])
def test_lists_and_shared_rows(server_url: str, manage: Manage, tmp_path: Path, shared: bool) -> None:
    with vectors.isolated(server_url, manage, tmp_path, vectors.IVFFLAT, shared=shared) as searched:
        found = called(manage, searched, "--yes")

        after = recalls(found)
        assert all(tenant["recall"] >= 0.95 for tenant in after.values())
        assert set(after) == ({*PARTS, "platform"} if shared else set(PARTS))
        assert any(entry.startswith("ivfflat.iterative_scan=") for entry in settings(searched))
        with tenant_role.as_tenant(searched, IDS["least"], table="passages") as tenant:
            assert tenant.rows(VISIBLE) == [(612, 600) if shared else (12, 0)]
