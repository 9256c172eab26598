"""A backup as it is read for one tenant: which tables it has, their columns then, and their rows, never all at once.

Nothing of it is carried out as SQL: names are looked up among those of today, and rows come as pg_dump wrote them.
"""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from migrations_ops.backup import manifest as files
from migrations_ops.backup import toc
from migrations_ops.backup.manifest import Manifest
from migrations_ops.backup.pg_dump import Client, Complained, client, first_line, major
from migrations_ops.backup.toc import Entry
from migrations_ops.engine.session import Session
from vital.db import sql
from vital.errors import EngineError

NAME = r'(?:"(?:[^"]|"")+"|[^\s,."]+)'
TABLE = re.compile(
    rf"^CREATE (?:UNLOGGED )?TABLE (?P<table>{NAME}\.{NAME}) \((?P<body>.*?)^\)", re.MULTILINE | re.DOTALL
)
COLUMN = re.compile(
    r"^    (?P<name>\"(?:[^\"]|\"\")+\"|[a-z_]\S*) (?P<kind>.+?)(?: (?:DEFAULT|NOT NULL|GENERATED|COLLATE)\b.*)?,?$",
    re.MULTILINE,
)
PART_OF = re.compile(
    rf"^ALTER TABLE ONLY (?P<whole>{NAME}\.{NAME}) ATTACH PARTITION (?P<part>{NAME}\.{NAME}) ", re.MULTILINE
)
HEAD = re.compile(rf"^COPY {NAME}\.{NAME} \((?P<columns>.*)\) FROM stdin;$")
COLUMN_NAMES = re.compile(NAME)
ENCODING = re.compile(r"^SET client_encoding = '(?P<name>[A-Za-z0-9_]+)';$")
END = b"\\.\n"
Name = tuple[str, ...]


class NotABackup(EngineError):
    """{file} cannot be read as a backup: {reason}. Nothing was changed. Name the file that `./manage.py backup` wrote,
    or one of `pg_dump --format=custom`."""

    exit_code = 2


@dataclass(frozen=True)
class Layout:
    """A table as the backup has it: its columns with their types, and the entries with its rows. `lacks_rows`: it, or a
    partition of it, was backed up without them."""

    columns: dict[str, str]
    parts: tuple[Entry, ...]
    lacks_rows: bool


@dataclass(frozen=True)
class Part:
    """The rows of a table or partition: the columns in their order, their encoding, and a line of COPY's for each."""

    columns: tuple[str, ...]
    encoding: str
    lines: Iterator[bytes]


@dataclass(frozen=True)
class BackupFile:
    """A file of pg_dump's. The manifest is there where it is VITAL's; `digest` is the file's SHA-256."""

    file: Path
    programs: Client
    digest: str
    manifest: Manifest | None
    entries: list[Entry] = field(repr=False)
    _columns: dict[Name, dict[str, str]] = field(repr=False)
    _parts: dict[Name, list[Name]] = field(repr=False)

    def layout(self, relation: str) -> Layout | None:
        """None where the backup has no such table."""
        name = sql.names(relation)
        if name not in self._columns:
            return None
        entries = {one.but_its_owner: one for one in self.entries if one.is_a("TABLE DATA")}
        held = [entries.get(f"TABLE DATA {' '.join(leaf)}") for leaf in self._leaves(name)]
        return Layout(self._columns[name], tuple(one for one in held if one), None in held)

    def _leaves(self, name: Name) -> list[Name]:
        """The tables that hold the rows: itself, or its partitions."""
        parts = self._parts.get(name)
        return [name] if parts is None else [leaf for part in parts for leaf in self._leaves(part)]

    @contextmanager
    def rows(self, entry: Entry) -> Iterator[Part]:
        """Raises NotABackup also where the file turns out to be cut off, after the rows that it has."""
        with toc.only([entry]) as chosen, tempfile.TemporaryFile() as said:
            arguments = ("--data-only", chosen, "--file=-", str(self.file))
            with self.programs.running("pg_restore", *arguments, stdout=-1, stderr=said) as process:
                assert process.stdout
                part, ended = self._part(process.stdout, entry)
                yield part
                for _ in process.stdout:
                    pass
                if process.wait() or not ended:
                    said.seek(0)
                    complaint = first_line(said.read().decode(errors="replace")) or "its rows break off"
                    raise NotABackup(file=self.file, reason=complaint)

    def _part(self, out: IO[bytes], entry: Entry) -> tuple[Part, list[bool]]:
        encoding, ended = "UTF8", list[bool]()

        def lines() -> Iterator[bytes]:
            for line in out:
                if line == END:
                    ended.append(True)
                    return
                yield line

        for line in out:
            text = line.decode(errors="replace").rstrip("\n")
            if found := ENCODING.match(text):
                encoding = found["name"]
            elif found := HEAD.match(text):
                return Part(tuple(_names(found["columns"])), encoding, lines()), ended
            elif text.startswith("INSERT "):
                reason = f"{entry.shown} is in it as INSERT statements; make it without --inserts"
                raise NotABackup(file=self.file, reason=reason)
        ended.append(True)  # pg_dump writes nothing for a table without columns
        return Part((), encoding, iter(())), ended


def opened(session: Session, file: Path) -> BackupFile:
    """Raises NotABackup, NoClient, and for VITAL's own backups NoBackup and BackupDamaged before anything is read."""
    if not file.is_file():
        raise NotABackup(file=file, reason="there is no such file")
    manifest = files.read(file) if files.beside(file).exists() else None
    programs, entries = _entries(session, file, major(manifest.client) if manifest else 0)
    with toc.only(entry for entry in entries if entry.is_a("TABLE")) as chosen:
        schema = ("--schema-only", "--section=pre-data", chosen, "--file=-", str(file))
        try:
            script = programs.run("pg_restore", *schema)
        except Complained as complaint:
            raise NotABackup(file=file, reason=first_line(str(complaint))) from complaint
    parts: dict[Name, list[Name]] = {}
    for found in PART_OF.finditer(script):
        parts.setdefault(sql.names(found["whole"]), []).append(sql.names(found["part"]))
    columns = {sql.names(found["table"]): _columns(found["body"]) for found in TABLE.finditer(script)}
    digest = manifest.sha256 if manifest else files.digest_of(file)
    return BackupFile(file, programs, digest, manifest, entries, columns, parts)


def _entries(session: Session, file: Path, least: int) -> tuple[Client, list[Entry]]:
    """By the first programs that know the file's format: a newer pg_dump may have written it."""
    while True:
        programs = client(session, least)
        try:
            return programs, toc.entries(programs, file)
        except Complained as complaint:
            if "unsupported version" not in str(complaint):
                raise NotABackup(file=file, reason=first_line(str(complaint))) from complaint
            least = major(programs.version) + 1


def _columns(body: str) -> dict[str, str]:
    return {_names(found["name"])[0]: found["kind"].removeprefix("public.") for found in COLUMN.finditer(body)}


def _names(text: str) -> list[str]:
    """Names as SQL spells them, without their quotes."""
    return [one[1:-1].replace('""', '"') if one[0] == '"' else one for one in COLUMN_NAMES.findall(text)]
