"""The page about clusters shows what happens: its commands are carried out on the cluster that CITUS_URL names."""

from pathlib import Path

import pytest

from tests.support import citus, databases
from tests.support.command_results import Manage, said
from tests.support.documented_commands import carry_out, commands
from tests.support.paths import ROOT

pytestmark = pytest.mark.slow

PAGE = ROOT / "docs" / "how-to" / "citus.md"


def test_the_page_shows_what_happens(pack: Path, manage: Manage, tmp_path: Path) -> None:
    scratch = databases.build_legacy(citus.needed(), pack)
    citus.let_replicate(scratch.name)
    plan = tmp_path / "plan.toml"
    plan.write_text(citus.plan(), encoding="utf-8")
    try:
        done = manage(scratch, "migrate_tenants", "--yes", env={"VITAL_PLAN": str(plan)}, timeout=600)
        assert done.returncode == 0, said(done)
        for command in commands(PAGE.read_text(encoding="utf-8")):
            carry_out(scratch, manage, tmp_path, command)
    finally:
        databases.drop(scratch)
