"""The page about restoring one tenant, carried out from top to bottom."""

from pathlib import Path

import pytest

from tests.support import databases
from tests.support.command_results import Manage, Migrated
from tests.support.databases import rows
from tests.support.documented_commands import blocks, carry_out, of_block
from tests.support.paths import ROOT

pytestmark = pytest.mark.slow
PAGE = ROOT / "docs" / "how-to" / "restore-one-tenant.md"


def test_the_page_does_what_it_shows(platform_migrated: Migrated, manage: Manage, tmp_path: Path) -> None:
    scratch = databases.clone_with_grants(platform_migrated.database)
    try:
        for kind, block, place in blocks(PAGE.read_text(encoding="utf-8")):
            if kind == "sql":
                rows(scratch.owner_url, block)
            for command in of_block(block, place) if kind == "console" else ():
                carry_out(scratch, manage, tmp_path, command)
    finally:
        databases.drop(scratch)
