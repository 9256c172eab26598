"""A resolution or its undo that is killed leaves nothing half done; a group too big for one goes on with the rest."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from migrations_ops.review.references import carry_out
from tests.support import background
from tests.support.background import BackgroundCommand
from tests.support.cast import DIGITAL_HEALTH, PHARMA
from tests.support.command_results import Manage, document, said
from tests.support.databases import Scratch, rows
from tests.support.pause_point import paused_at
from tests.support.queries import scalar
from tests.support.restores import WITH_TENANT

pytestmark = pytest.mark.slow

GROUP = ("knowledge_base", "source_id", "pharma", "digital-health")
WHY = ("--reason", "contract 17", "--yes")
MEMORY = ("ledger", "override", "row_copy", "accepted_reference", "audit")
SOURCES = 30
# No trigger asks about what an application may not write any more.
ADD = (
    "SET session_replication_role = replica",
    f"""INSERT INTO knowledge_sources (title, domain, tenant_id)
        SELECT 'source ' || n, 'general', '{DIGITAL_HEALTH}' FROM generate_series(1, {SOURCES}) AS n""",
    f"""INSERT INTO knowledge_base (source_id, chunk_index, content, content_hash, domain, tenant_id)
        SELECT s.id, n, 'text ' || s.id || n, md5(s.id::text || n), 'general', '{PHARMA}'
        FROM knowledge_sources AS s, generate_series(1, %s) AS n
        WHERE s.title LIKE 'source %%' AND s.tenant_id = '{DIGITAL_HEALTH}'""",
)
TERMINATED = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'vital %%@%%' AND datname = %s"
)
LEFT = "SELECT count(*) FROM pg_class WHERE starts_with(relname, 'vital_undo_')"
Kill = Callable[[Scratch, BackgroundCommand], None]


def by_signal(scratch: Scratch, running: BackgroundCommand) -> None:
    running.kill()


def with_its_session(scratch: Scratch, running: BackgroundCommand) -> None:
    rows(scratch.admin_url, TERMINATED, [scratch.name])
    running.ends_with(1)
    assert "Traceback" not in running.said


def filled(scratch: Scratch, each: int) -> None:
    """So many chunks of Pharma's refer to each of 30 sources of Digital Health's."""
    script = ";\n".join(ADD).replace("%%", "%").replace("generate_series(1, %s)", f"generate_series(1, {each})")
    rows(scratch.admin_url, script + "; SELECT 1")


def content(scratch: Scratch) -> dict[str, Any]:
    """Every row of every tenant."""
    return {
        table: rows(scratch.admin_url, f"SELECT t::text FROM {table} AS t ORDER BY 1")
        for (table,) in rows(scratch.admin_url, WITH_TENANT)
    }


def memory(scratch: Scratch) -> dict[str, Any]:
    """What VITAL holds of them."""
    return {table: rows(scratch.admin_url, f"SELECT t::text FROM vital.{table} AS t ORDER BY 1") for table in MEMORY}


def resolve(scratch: Scratch, manage: Manage, *words: str) -> dict[str, Any]:
    done = manage(scratch, "migrate_tenants", "resolve", *words, *WHY, "--json", timeout=300)
    assert done.returncode == 0, said(done)
    return document(done)


@pytest.mark.parametrize("kill", [by_signal, with_its_session])
@pytest.mark.parametrize(("way", "table"), [("copy", "ledger"), ("copy", "row_copy"), ("move-parent", "override")])
def test_killed_in_the_midst_nothing_has_happened(
    way: str, table: str, kill: Kill, migrated: Scratch, manage: Manage
) -> None:
    filled(migrated, 2)
    before, known = content(migrated), memory(migrated)
    with (
        paused_at(migrated, f"vital.{table}", "true") as stands,
        background.start(migrated, "migrate_tenants", "resolve", *GROUP, "--by", way, "--follow", *WHY) as running,
    ):
        running.until(stands)
        kill(migrated, running)
    assert content(migrated) == before
    assert memory(migrated) == known

    done = resolve(migrated, manage, *GROUP, "--by", way, "--follow")
    assert done["references"] >= 2 * SOURCES
    undone = resolve(migrated, manage, "--undo", str(done["numbers"][0]))

    assert undone["kept"] == []
    assert content(migrated) == before


@pytest.mark.parametrize("kill", [by_signal, with_its_session])
def test_an_undo_that_is_killed_goes_on(kill: Kill, migrated: Scratch, manage: Manage) -> None:
    filled(migrated, 2)
    before = content(migrated)
    number = str(resolve(migrated, manage, *GROUP, "--by", "copy")["numbers"][0])
    undone = f"EXISTS (SELECT FROM vital.ledger WHERE run_id = {number} AND undone_at IS NOT NULL)"
    with (
        paused_at(migrated, "vital.ledger", undone) as stands,
        background.start(migrated, "migrate_tenants", "resolve", "--undo", number, *WHY) as running,
    ):
        running.until(stands)
        kill(migrated, running)
    assert content(migrated) != before

    assert resolve(migrated, manage, "--undo", number)["kept"] == []

    assert content(migrated) == before
    assert scalar(migrated, LEFT) == 0


def test_a_group_that_is_too_big_for_one_goes_on_with_the_rest(migrated: Scratch, manage: Manage) -> None:
    each = carry_out.MOST // SOURCES + 1
    filled(migrated, each)
    before = content(migrated)
    group = {"table": GROUP[0], "columns": GROUP[1], "tenant": GROUP[2], "parent_tenant": GROUP[3]}
    listed = document(manage(migrated, "migrate_tenants", "resolve", "--json"))["groups"]
    (count,) = [one["references"] for one in listed if group.items() <= one.items()]
    assert carry_out.MOST < count < carry_out.MOST + 100

    told = manage(migrated, "migrate_tenants", "resolve", *GROUP, "--by", "accept", *WHY, timeout=300)
    assert told.returncode == 0, said(told)
    assert f"Resolved {carry_out.MOST:,} references." in told.stdout
    assert f"{carry_out.MOST:,} of {count:,}, " in told.stdout
    assert f"Resolved {count - carry_out.MOST:,} reference" in told.stdout
    left = document(manage(migrated, "migrate_tenants", "resolve", "--json"))["groups"]
    assert not [one for one in left if group.items() <= one.items()]
    facts = rows(
        migrated.admin_url, "SELECT facts ->> 'number' FROM vital.audit WHERE action = %s", [carry_out.RESOLVED]
    )
    assert len(facts) == 2, json.dumps(facts)
    for (number,) in reversed(facts):
        assert resolve(migrated, manage, "--undo", number)["kept"] == []
    assert document(manage(migrated, "migrate_tenants", "resolve", "--json"))["groups"] == listed
    assert content(migrated) == before
