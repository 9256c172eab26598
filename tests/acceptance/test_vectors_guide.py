"""The page about vectors, carried out from top to bottom."""

from pathlib import Path

import pytest

from tests.support import vectors
from tests.support.command_results import Manage
from tests.support.databases import rows
from tests.support.documented_commands import blocks, carry_out, of_block
from tests.support.paths import ROOT

pytestmark = pytest.mark.slow
PAGE = ROOT / "docs" / "how-to" / "vectors.md"


def test_the_page_does_what_it_shows(server_url: str, manage: Manage, tmp_path: Path) -> None:
    with vectors.isolated(server_url, manage, tmp_path, index="") as scratch:
        for kind, block, place in blocks(PAGE.read_text(encoding="utf-8")):
            if kind == "sql":
                rows(scratch.owner_url, block)
            for command in of_block(block, place) if kind == "console" else ():
                carry_out(scratch, manage, tmp_path, command)
