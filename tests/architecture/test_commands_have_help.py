"""Every command of ours explains itself, with an example, where there is no database at all."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import get_commands

from tests.support.paths import ROOT
from tests.support.source import PACKAGES, modules

COMMANDS = sorted(name for name, app in get_commands().items() if app in PACKAGES)
NOWHERE = "postgresql://nobody:nothing@127.0.0.1:1/nowhere"


def files() -> set[str]:
    """The names of the files in our folders of commands."""
    pattern = re.compile(r"\w+/management/commands/([a-z]\w*)\.py")
    return {found[1] for module in modules() if (found := pattern.fullmatch(module.path))}


def test_every_file_of_a_command_is_found() -> None:
    assert files() == set(COMMANDS), "A command is missing: its app is not installed, or its name hides another's."


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_helps_without_a_database(command: str, tmp_path: Path) -> None:
    environment = os.environ | {"DATABASE_URL": NOWHERE, "VITAL_HOME": str(tmp_path / "home"), "COLUMNS": "120"}
    for name in ("VITAL_MIGRATIONS_DATABASE_URL", "SUPABASE_DB_URL", "REDIS_URL", "VITAL_DEMO", "VITAL_SECRET_KEY"):
        environment.pop(name, None)

    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), command, "--help"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, f"`{command} --help` needs something it should not need: {done.stderr}"
    assert done.stderr == ""
    assert not (tmp_path / "home").exists(), f"`{command} --help` starts the embedded server: import it later"
    assert not list(tmp_path.iterdir()), f"`{command} --help` leaves files behind"
    _, _, after = done.stdout.partition("example")
    example = re.search(rf"(manage\.py|make) {command}\b", after)
    assert example, f"Give `{command}` an epilog with an example: `  ./manage.py {command} …   what it does`"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_says_what_it_does(command: str) -> None:
    module = next(m for m in modules() if m.path.endswith(f"/management/commands/{command}.py"))

    assert re.search(r"^    help = ", module.text, re.MULTILINE), (
        f"Give the Command of {module.path} a `help` sentence."
    )
