"""The real commands, as a person would call them, on the copy."""

import json
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from migrations_ops.backup.scratch_database import Target, undisturbed
from migrations_ops.rehearsal.sampling import Say

ELSEWHERE = ("VITAL_MIGRATIONS_DATABASE_URL", "SUPABASE_DB_URL")
APART = {"VITAL_BACKUP": "0", "VITAL_HOOKS": ""}  # a copy has no owner, and no application is to be stopped for it
PHASE = re.compile(r"^\d{3}_\w+")
PATIENCE = 30  # seconds for a command to stop by itself


@dataclass(frozen=True)
class Answer:
    """What a command said: its exit code, and its document."""

    code: int
    document: dict[str, Any]

    @property
    def error(self) -> str:
        return str(self.document.get("error") or f"it ended with exit code {self.code}")


@dataclass(frozen=True)
class Command:
    """`./manage.py migrate_tenants` with the options that every call has."""

    words: tuple[str, ...]
    target: Target
    log_dir: Path

    def answer(self, verb: str, log: str, say: Say) -> Answer:
        """Carry the verb out and wait for its end; what it says about phases is passed on."""
        words = [*self.words, verb, "--yes", "--json", "--log-dir", str(self.log_dir / log)]
        environment = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
        environment |= {"DATABASE_URL": self.target.url(), "PYTHONUNBUFFERED": "1"} | APART
        with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
            # In a session of its own: the terminal's Ctrl-C reaches it once, from here.
            process = subprocess.Popen(
                words, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.PIPE,
                encoding="utf-8", start_new_session=True,
            )  # fmt: skip
            said = _listened(process, say)
            output.seek(0)
            try:
                return Answer(process.returncode, json.load(output))
            except ValueError:
                return Answer(process.returncode, {"error": said[-1] if said else ""})


def _listened(process: "subprocess.Popen[str]", say: Say) -> list[str]:
    """Wait for the process; returns its last words. It never outlives us."""
    said: list[str] = []
    try:
        assert process.stderr is not None
        for line in process.stderr:
            said = [*said[-20:], line.strip()] if line.strip() else said
            if PHASE.match(line):
                say(line.strip())
        process.wait()
    except BaseException:
        with undisturbed():
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        raise
    return said
