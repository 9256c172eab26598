"""The schema of the platform, copied by pg_dump, and its text, to compare it."""

import os
import re
import shutil
import subprocess
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from migrations_ops.backup.scratch_database import QUERIES, SERVER, Place, Target
from migrations_ops.engine.session import Session
from vital import private_files
from vital.db import embedded
from vital.errors import EngineError

BUT_OURS = ("--exclude-schema=vital", "--exclude-table=public.migration_tracking")
# Only a superuser may make event triggers, and they are not about rows.
LEFT_OUT = re.compile(r"\d+; \d+ \d+ (COMMENT - )?EVENT TRIGGER ")
EXTENSION = re.compile(r"\d+; \d+ \d+ (COMMENT - EXTENSION|EXTENSION -) (?P<name>.*?) ?$")
ENTRY = re.compile(r"^-- Name: (?P<name>.*); Type: (?P<kind>.*); Schema: (?P<schema>.*); Owner: .*$", re.MULTILINE)
COMPLAINT = re.compile(r"^psql:.*?:(?P<line>\d+): (?:ERROR|FATAL): +(?P<reason>.*)$", re.MULTILINE)
# What pg_dump says about itself and its session, never about the database.
NOISE = re.compile(r"^(-- Dumped (from|by) .*|\\(un)?restrict .*)\n", re.MULTILINE)
# pg_restore of 17 and later says it to older servers as well, which do not know it.
TOO_NEW = re.compile(r"^SET transaction_timeout = 0;\n", re.MULTILINE)
ADVICE = {
    True: "Let a DBA make it possible for this role, or try --on embedded.",
    False: "The embedded PostgreSQL lacks it: let the role make databases on the server (ALTER ROLE … CREATEDB), and "
    "use --on server.",
}


class NoClient(EngineError):
    """There is no pg_dump for PostgreSQL {version}; found: {found}. Nothing was changed. Install the client programs of
    PostgreSQL {version} or later (postgresql-client), so that pg_dump, pg_restore and psql are in PATH."""

    exit_code = 2


class NotDumped(EngineError):
    """pg_dump could not read the schema: {reason}. Nothing was changed. It must see every table: let the owner of the
    tables rehearse."""


class NotRestored(EngineError):
    """The copy cannot have {thing}: {reason}. Nothing was changed. {advice}"""


@dataclass(frozen=True)
class Client:
    """The folder of a pg_dump that knows the server, with its pg_restore and psql."""

    folder: Path

    @property
    def version(self) -> str:
        """As pg_dump says it: pg_dump (PostgreSQL) 17.2."""
        return self.run("pg_dump", "--version").strip()

    @contextmanager
    def running(
        self, program: str, *arguments: str, target: Target | None = None, **streams: Any
    ) -> Iterator["subprocess.Popen[bytes]"]:
        """The program beside us, out of reach of the terminal's Ctrl-C; it never outlives what is inside."""
        environment = (target.environment() if target else os.environ) | {"LC_ALL": "C"}
        command = [str(self.folder / program), *arguments]
        with subprocess.Popen(command, env=environment, start_new_session=True, **streams) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()

    def run(self, program: str, *arguments: str, target: Target | None = None, text: str | None = None) -> str:
        """What the program prints. Raises Complained with what it says."""
        done = subprocess.run(
            [str(self.folder / program), *arguments],
            env=target.environment() if target else None,
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        if done.returncode:
            raise Complained(done.stderr)
        return done.stdout


class Complained(Exception):
    """A program ended with an error; its only argument is what it said."""


def client(session: Session, least: int = 0) -> Client:
    """Programs that are not older than the server, nor than version `least`: those in PATH, else the embedded ones.

    Raises NoClient.
    """
    server = max(int(session.execute(QUERIES["lives_in"])[0][1]), least)
    found = []
    for folder in _folders():
        if not all((folder / program).exists() for program in ("pg_dump", "pg_restore", "psql")):
            continue
        found.append(Client(folder).version)
        if major(found[-1]) >= server:
            return Client(folder)
    raise NoClient(version=server, found=", ".join(found) or "none")


def major(version: str) -> int:
    """The major version of a program that calls itself so; 0 where it says none."""
    found = re.search(r"\) (\d+)", version)
    return int(found[1]) if found else 0


def _folders() -> Iterator[Path]:
    if program := shutil.which("pg_dump"):
        yield Path(program).parent
    try:
        yield embedded.client_bin_dir()
    except embedded.EmbeddedError:
        return


def but(schemas: Collection[str]) -> list[str]:
    """pg_dump's options that leave these schemas out; it reads names as patterns, but for quoted ones."""
    quoted = (schema.replace('"', '""') for schema in schemas)
    return [f'--exclude-schema="{schema}"' for schema in quoted]


class Schema:
    """The platform's schema in a file of pg_dump's, to be restored in two sections: the rows come in between.

    `left` are schemas that are a provider's, and `extensions` those that the copy does not need, or has already.
    """

    def __init__(
        self,
        programs: Client,
        source: Target,
        folder: Path,
        left: Collection[str] = (),
        extensions: Collection[str] = (),
    ) -> None:
        self.client, self.file, self.list = programs, folder / "schema.dump", folder / "schema.list"
        options = ["--format=custom", "--schema-only", "--no-publications", "--no-subscriptions"]
        options += ["--no-security-labels", "--lock-wait-timeout=10s", *BUT_OURS, *but(left), f"--file={self.file}"]
        try:
            programs.run("pg_dump", *options, target=source)
            listed = programs.run("pg_restore", "--list", str(self.file)).split("\n")
        except Complained as complaint:
            raise NotDumped(reason=first_line(str(complaint))) from complaint
        wanted = (line for line in listed if not LEFT_OUT.match(line))
        private_files.write(self.list, "\n".join(line for line in wanted if _extension(line) not in extensions))

    def restore(self, section: str, place: Place) -> None:
        """Make everything of the section, or nothing. Raises NotRestored with the thing that could not be made."""
        options = [f"--section={section}", "--no-owner", "--no-privileges", "--no-tablespaces"]
        script = self.client.run("pg_restore", *options, f"--use-list={self.list}", "--file=-", str(self.file))
        script = TOO_NEW.sub("", script, count=1)
        try:
            arguments = ["--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "--file=-"]
            self.client.run("psql", *arguments, target=place.target, text=script)
        except Complained as complaint:
            thing, reason = _blamed(script, str(complaint))
            raise NotRestored(thing=thing, reason=reason, advice=ADVICE[place.kind == SERVER]) from complaint


def _extension(line: str) -> str:
    """The extension that a line of an archive's list is about, or an empty text."""
    found = EXTENSION.match(line)
    return found["name"] if found else ""


def _blamed(script: str, complaint: str) -> tuple[str, str]:
    """(the thing that the script was about to make, why it could not)."""
    found = COMPLAINT.search(complaint)
    if found is None:
        return "the schema", first_line(complaint)
    before = "\n".join(script.split("\n")[: int(found["line"])])
    entries = list(ENTRY.finditer(before))
    return (_named(entries[-1]) if entries else "the schema"), found["reason"]


def _named(entry: re.Match[str]) -> str:
    schema = "" if entry["schema"] == "-" else f"{entry['schema']}."
    return f"the {entry['kind'].lower()} {schema}{entry['name']}"


def first_line(complaint: str) -> str:
    """The first line of an error, without the program's name."""
    lines = [line for line in complaint.strip().split("\n") if "error:" in line.lower()] or complaint.strip().split(
        "\n"
    )
    return re.sub(r"^\w+: (error: )?", "", lines[0]).rstrip(".")


def described(programs: Client, target: Target) -> dict[str, str]:
    """Every thing of the schema but VITAL's own, with the text that makes it, owners and privileges included."""
    try:
        text = programs.run("pg_dump", "--schema-only", *BUT_OURS, target=target)
    except Complained as complaint:
        raise NotDumped(reason=first_line(str(complaint))) from complaint
    text = NOISE.sub("", text)
    entries = list(ENTRY.finditer(text))
    ends = [entry.start() for entry in entries[1:]] + [len(text)]
    things: dict[str, str] = {}
    for entry, end in zip(entries, ends, strict=True):
        name = _named(entry)
        things[name] = things.get(name, "") + text[entry.end() : end]
    return things
