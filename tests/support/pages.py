"""What pages show, to be carried out: commands in `console` blocks, calls in `sh` blocks, in their order."""

import re
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.conftest import Manage
from tests.support.databases import Scratch

BLOCK = re.compile(r"^```(console|sh)\n(.*?)^```", re.MULTILINE | re.DOTALL)
CALL = re.compile(r"^(curl .*?) +# (\d{3})\b", re.MULTILINE | re.DOTALL)
# The calls print as people want to see them; here only the status counts.
STATUS_ONLY = 'curl() { command curl --silent --show-error --output /dev/null --write-out "%{http_code}" "$@"; }\n'
Command = tuple[str, list[str]]  # a line, and the lines that its output must hold


def blocks(text: str) -> list[tuple[str, str]]:
    """(`console` or `sh`, what is in it)"""
    return [(found[1], found[2]) for found in BLOCK.finditer(text)]


def commands(text: str) -> list[Command]:
    """Each `$ …` line of the text's console blocks."""
    return [command for kind, block in blocks(text) if kind == "console" for command in of_block(block)]


def of_block(block: str) -> list[Command]:
    found: list[Command] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def carry_out(scratch: Scratch, manage: Manage, folder: Path, command: Command, env: Mapping[str, str] = {}) -> str:
    """Run it as the page shows, with the exit code and the output that it shows; returns what it said."""
    words = shlex.split(command[0])
    if words[0] == "manage.py":
        done = manage(scratch, *words[1:], cwd=folder, env=dict(env))
    else:
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    return shows(command, done)


def shows(command: Command, done: "subprocess.CompletedProcess[str]") -> str:
    """It ended with the exit code and the output that the page shows; returns what it said."""
    line, expected = command
    code = next((int(said[6:-1]) for said in expected if re.fullmatch(r"\(exit \d\)", said)), 0)
    assert done.returncode == code, f"{line}\n{done.stdout}{done.stderr}"
    said = " ".join(done.stdout.split())
    for wanted in (wanted for wanted in expected if not wanted.startswith("(exit")):
        assert " ".join(wanted.split()) in said, f"{line} does not show {wanted!r}:\n{done.stdout}"
    return done.stdout


def calls(text: str) -> list[tuple[str, str]]:
    """(command, status) of each curl line, which may go on over several."""
    return [call for kind, block in blocks(text) if kind == "sh" for call in CALL.findall(block)]


def status_of(command: str, environment: Mapping[str, str]) -> str:
    shell = ["sh", "-euc", STATUS_ONLY + command]
    done = subprocess.run(shell, env=environment, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, f"{command}\n{done.stderr}"
    return done.stdout
