"""`./manage.py` can be pasted: it finds the packages that `make setup` installed, whatever the shell's python3 is."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import django
import pytest

from tests.support.paths import ROOT
from vital import __version__

VERSION = f"VITAL {__version__}, Django {django.get_version()}"
BARE = Path(sys.base_prefix) / "bin" / "python3"  # the Python of which the virtual environment was made


def called(script: Path, folder: Path, *path: Path) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": os.pathsep.join([*map(str, path), "/usr/bin", "/bin"])}
    return subprocess.run([script, "--version"], cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.skipif(not (ROOT / ".venv").exists(), reason="the suite runs in another virtual environment")
@pytest.mark.parametrize("first", [BARE.parent, Path(sys.prefix) / "bin"], ids=["no environment", "activated"])
def test_it_runs_with_the_packages_of_make_setup(first: Path, tmp_path: Path) -> None:
    done = called(ROOT / "manage.py", tmp_path, first)

    assert (done.stdout.strip(), done.stderr) == (VERSION, "")


@pytest.mark.skipif(not (ROOT / ".venv").exists(), reason="the suite runs in another virtual environment")
def test_another_projects_environment_is_left(tmp_path: Path) -> None:
    subprocess.run([BARE, "-m", "venv", "--without-pip", tmp_path / "theirs"], check=True)
    done = called(ROOT / "manage.py", tmp_path, tmp_path / "theirs" / "bin")

    assert (done.stdout.strip(), done.stderr) == (VERSION, "")


def test_before_make_setup_it_says_what_is_missing(tmp_path: Path) -> None:
    shutil.copy(ROOT / "manage.py", tmp_path)
    subprocess.run([BARE, "-m", "venv", "--without-pip", tmp_path / "theirs"], check=True)
    done = called(tmp_path / "manage.py", tmp_path, tmp_path / "theirs" / "bin")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: VITAL's packages are not installed. Run: make setup\n"
