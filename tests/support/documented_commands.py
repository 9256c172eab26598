"""The commands and calls that the pages of docs/ show, run in their order: `console` blocks and `sh` blocks."""

import atexit
import os
import re
import shlex
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.command_results import Manage
from tests.support.databases import Scratch
from tests.support.paths import ROOT

BLOCK = re.compile(r"^```(console|sh|sql|js|toml)\n(.*?)^```", re.MULTILINE | re.DOTALL)
CALL = re.compile(r"^(curl .*?) +# (\d{3})\b", re.MULTILINE | re.DOTALL)
# The calls print as people want to see them; here only the status counts.
STATUS_ONLY = 'curl() { command curl --silent --show-error --output /dev/null --write-out "%{http_code}" "$@"; }\n'
ANY_LINES = r"(?:.*\n)*?"
EXIT = re.compile(r"\(exit \d\)")
WHOLE, LONGEST = 6, 130  # lines that are shown as they are, and letters of a line
VOLATILE = re.compile(  # what differs from one time to the next
    r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?(\.\d+)?( ?UTC|Z|[+-]\d\d:?\d\d)?"
    r"|\d[\d,.]*(?= (ms|s|h|min|kB|MB|GB|KiB|MiB|GiB|B)\b)"
    r"|\d[\d,]*(?= (checks passed|changes made|were there already|attacks|ok,|warnings,))"
    r"|(?<=\brun )\d+|(?<=\bRun )\d+|\b\d+\.\d+( +[\d,]+)?$|\b\w+@[\w.-]+(?=[,):])"
    r"|(?<=//)\S+@\S+|vital_test_\w+|/\S*pytest-\S+|vital_\w{20,}"
)
_renewed: dict[Path, list[tuple[int, str, str]]] = {}  # page → where, what stood there, what is to stand there


class Place(NamedTuple):
    """Where in the pages something stands: in this text, which is in one page once, from this letter on."""

    text: str
    start: int


class Command(NamedTuple):
    """A line, and the lines that its output must hold."""

    line: str
    expected: list[str]
    place: Place


def blocks(text: str) -> list[tuple[str, str, Place]]:
    """(`console`, `sh`, `sql`, `js` or `toml`, what is in it, where it begins)"""
    return [(found[1], found[2], Place(text, found.start(2))) for found in BLOCK.finditer(text)]


def commands(text: str) -> list[Command]:
    """Each `$ …` line of the text's console blocks."""
    return [command for kind, block, place in blocks(text) if kind == "console" for command in of_block(block, place)]


def of_block(block: str, place: Place) -> list[Command]:
    found: list[Command] = []
    for line in block.splitlines(keepends=True):
        if line.startswith("$ "):
            found.append(Command(line[2:].rstrip("\n"), [], place))
        else:
            found[-1].expected.append(line.rstrip("\n"))
        place = Place(place.text, place.start + len(line))
    return found


def carry_out(scratch: Scratch, manage: Manage, folder: Path, command: Command, env: Mapping[str, str] = {}) -> str:
    """Run it as it stands there, with the exit code and the output that the page shows; returns what it said."""
    return shows(command, run(scratch, manage, folder, command.line, env))


def run(
    scratch: Scratch, manage: Manage, folder: Path, line: str, env: Mapping[str, str]
) -> "subprocess.CompletedProcess[str]":
    assert "manage.py" not in line or line.startswith("./manage.py "), f"{line}: VITAL is called as ./manage.py"
    if line.startswith("./manage.py "):
        return manage(scratch, *shlex.split(line)[1:], cwd=folder, env=dict(env))
    return subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True, text=True)


def shows(command: Command, done: "subprocess.CompletedProcess[str]") -> str:
    """It ended with the exit code that the page shows, and printed what the page shows: line by line, where a line of
    `…` is any number of lines and `…` in a line any text. Spaces and empty lines do not count.
    """
    line, expected, _ = command
    code = next((int(said[6:-1]) for said in expected if EXIT.fullmatch(said)), 0)
    assert done.returncode == code, f"{line}\n{done.stdout}{done.stderr}"
    printed = lines_of(done.stdout + done.stderr)
    wanted = lines_of("\n".join(line for line in expected if not EXIT.fullmatch(line)))
    pattern = "".join(".*?".join(map(re.escape, one.split("…"))) + "\n" if one != "…" else ANY_LINES for one in wanted)
    if re.fullmatch(pattern, "".join(f"{one}\n" for one in printed)) is None:
        if os.environ.get("VITAL_RENEW_PAGES"):
            renew(command, done)
        else:
            shown = "\n".join(printed)
            pytest.fail(f"$ {line}\nThe page shows other lines than are printed (make pages renews them):\n{shown}")
    return done.stdout


def lines_of(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def renew(command: Command, done: "subprocess.CompletedProcess[str]") -> None:
    """Write into the page, when all is over, what is printed: whole where it is short, else the lines shown before."""
    line, expected, place = command
    left = [" ".join(one.split()) for one in expected if one != "…" and not EXIT.fullmatch(one)]
    printed = [one.rstrip() for one in (done.stdout + done.stderr).splitlines() if one.strip()]
    ends_open = expected[-1:] == ["…"]  # how it ends is left out on purpose
    kept: list[str] = []
    for number, one in enumerate(printed):
        found = bool(left) and all(part.strip() in " ".join(one.split()) for part in left[0].split("…"))
        if found:
            left.pop(0)
        is_last = number == len(printed) - 1 and not ends_open
        one = VOLATILE.sub("…", one) if found or is_last or len(printed) <= WHOLE else "…"
        if one != "…" or kept[-1:] != ["…"]:
            kept.append(one[:LONGEST] + "…" * (len(one) > LONGEST))
    now = [f"$ {line}", *(one for one in expected if EXIT.fullmatch(one)), *kept]
    page = next(page for page, text in _pages().items() if place.text in text)
    _renewed.setdefault(page, []).append(
        (
            _pages()[page].index(place.text) + place.start,
            "".join(f"{one}\n" for one in [f"$ {line}", *expected]),
            "".join(f"{one}\n" for one in now),
        )
    )


@cache
def _pages() -> dict[Path, str]:
    atexit.register(_write)
    return {page: page.read_text(encoding="utf-8") for page in (ROOT / "docs").rglob("*.md")}


def _write() -> None:
    for page, changes in _renewed.items():
        text = _pages()[page]
        for start, was, now in sorted(changes, reverse=True):
            assert text[start:].startswith(was), f"{page} was changed meanwhile"
            text = text[:start] + now + text[start + len(was) :]
        page.write_text(text, encoding="utf-8")


def calls(text: str) -> list[tuple[str, str]]:
    """(command, status) of each curl line, which may go on over several."""
    return [call for kind, block, _ in blocks(text) if kind == "sh" for call in CALL.findall(block)]


def status_of(command: str, environment: Mapping[str, str]) -> str:
    shell = ["sh", "-euc", STATUS_ONLY + command]
    done = subprocess.run(shell, env=environment, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, f"{command}\n{done.stderr}"
    return done.stdout
