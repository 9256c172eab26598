"""The list of what is in an archive of pg_dump's, and which of it is wanted."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from migrations_ops.backup.pg_dump import Client
from vital import private_files

NUMBERS = re.compile(r"^\d+; (?P<catalogue>\d+) (?P<oid>\d+) ")
SCHEMA = re.compile(r"SCHEMA - (.+) \S+$")
NAMED = re.compile(r"(?P<kind>[A-Z ]+) (?P<schema>\S+) (?P<name>.+) (?P<owner>\S*)$")
# Not about rows, and a superuser's: they stay as they are.
NOT_OURS = ("EVENT TRIGGER", "COMMENT - EVENT TRIGGER", "COMMENT - EXTENSION")


@dataclass(frozen=True)
class Entry:
    """A thing in an archive: its line, and what comes after the numbers: kind, schema, name, owner."""

    line: str
    words: str
    identity: tuple[int, int] = (0, 0)  # the catalogue and the number in it, in the database that was dumped

    def is_a(self, *kinds: str) -> bool:
        return self.words.startswith(tuple(f"{kind} " for kind in kinds))

    @property
    def schema(self) -> str:
        """The name of the schema that it is, or an empty text."""
        found = SCHEMA.match(self.words)
        return found[1] if found else ""

    @property
    def inside(self) -> str:
        """The name of the schema that it is or is in, or an empty text."""
        found = NAMED.match(self.words)
        return self.schema or (found["schema"].removeprefix("-") if found else "")

    @property
    def owner(self) -> str:
        """The role that it belongs to, or an empty text."""
        found = NAMED.match(self.words)
        return found["owner"] if found else ""

    @property
    def but_its_owner(self) -> str:
        """Kind, schema and name: the same for a thing in two databases."""
        return self.words.removesuffix(self.owner).rstrip()

    @property
    def shown(self) -> str:
        """As people say it: the table public.tools."""
        found = NAMED.match(self.words)
        return f"the {found['kind'].lower()} {found['schema']}.{found['name']}" if found else self.words


def entries(programs: Client, archive: Path) -> list[Entry]:
    """All that may be restored. Raises Complained where the file is no archive."""
    lines = programs.run("pg_restore", "--list", str(archive)).split("\n")
    numbered = ((line, NUMBERS.match(line)) for line in lines)
    found = (
        Entry(line, line[numbers.end() :], (int(numbers["catalogue"]), int(numbers["oid"])))
        for line, numbers in numbered
        if numbers
    )
    return [entry for entry in found if not entry.is_a(*NOT_OURS)]


@contextmanager
def only(wanted: Iterable[Entry]) -> Iterator[str]:
    """pg_restore's option that leaves out everything else."""
    with private_files.folder() as folder:
        file = folder / "list"
        private_files.write(file, "\n".join(entry.line for entry in wanted) + "\n")
        yield f"--use-list={file}"
