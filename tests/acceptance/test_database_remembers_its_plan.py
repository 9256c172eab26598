"""A database goes on by the plan that it was migrated by, also where no command names it; another one is said."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import databases
from tests.support.command_results import Manage, document, said
from tests.support.databases import Scratch, rows
from tests.support.paths import ROOT

SHOP = ROOT / "docs" / "tutorial" / "shop.sql"


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plan") / "shop.toml"


@pytest.fixture(scope="module")
def shop(server_url: str, manage: Manage, plan: Path) -> Iterator[Scratch]:
    """Migrated by a plan of its own; VITAL's tables are not in it."""
    scratch = databases.create_empty(server_url)
    try:
        rows(scratch.owner_url, SHOP.read_text(encoding="utf-8"))
        for words in (("init-plan", "--out", str(plan)), ("run", "--yes", "--plan", str(plan))):
            done = manage(scratch, "migrate_tenants", *words)
            assert done.returncode == 0, said(done)
        yield scratch
    finally:
        databases.drop(scratch)


@pytest.mark.slow
def test_without_a_plan_it_is_the_one_of_the_last_run(shop: Scratch, manage: Manage) -> None:
    told = manage(shop, "migrate_tenants", "status")
    validated = manage(shop, "migrate_tenants", "validate")
    again = manage(shop, "migrate_tenants", "run", "--yes")

    assert told.returncode == 0, said(told)
    assert "Plan: the plan of run 1" in told.stdout
    assert "All phases completed" in told.stdout
    assert validated.returncode == 0, said(validated)
    assert again.returncode == 0, said(again)
    assert "Nothing to do" in again.stdout


def test_the_same_plan_named_is_no_other(shop: Scratch, manage: Manage, plan: Path) -> None:
    told = document(manage(shop, "migrate_tenants", "status", "--json", "--plan", str(plan)))["plan"]

    assert told["from"] == f"{plan}, as in run 1"
    assert told["differs"] is False


def test_one_that_differs_is_said(shop: Scratch, manage: Manage, plan: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(plan.read_text(encoding="utf-8") + "\n# another\n", encoding="utf-8")

    told = manage(shop, "migrate_tenants", "status", "--plan", str(other))

    assert f"Plan: {other}, which differs from the plan of run 1" in told.stdout


def test_after_a_full_undo_nothing_is_remembered(shop: Scratch, manage: Manage) -> None:
    undone = manage(shop, "migrate_tenants", "undo", "--yes")
    told = manage(shop, "migrate_tenants", "status")

    assert undone.returncode == 0, said(undone)
    assert told.returncode == 0, said(told)
    assert "Plan: VITAL's own plan" in told.stdout
    assert "Next: 000_pre_validation" in told.stdout
