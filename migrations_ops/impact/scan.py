"""Sources of applications: ON CONFLICT on keys that are unique in each tenant, tables of the plan that they name
themselves, and keys of the service role, which passes every policy."""

import base64
import binascii
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from migrations_ops.impact.reading import BEGINNINGS, Insertion, read
from migrations_ops.impact.source_texts import of_python, of_script
from migrations_ops.impact.sources import NotRead, text_of
from migrations_ops.impact.splitting import UNSAID, Piece, Token, pieces, tokens
from migrations_ops.rules.model import TENANT_COLUMN, Plan, TableSpec
from vital.db.sql import names, shown

SCRIPTS = (".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs")
PASSED_OVER = {"node_modules", "dist", "build", "vendor", "__pycache__", "site-packages", "venv"}
LARGEST = 5_000_000  # bytes: beyond that it is data
ERROR, WARNING, NOTE = "error", "warning", "note"

# How clients of PostgREST name a table, and the key of an upsert.
CALLED = re.compile(r"""\.(?:from|from_|table)\(\s*["'`](?P<table>[\w.]+)["'`]""")
UPSERT = re.compile(r"""\b(?:onConflict|on_conflict)\s*[:=]\s*["'`](?P<keys>[\w, ]+)["'`]""")
SERVICE_ROLE = re.compile(r"\b\w*service_?role_?key\w*|\bservice_role\b", re.IGNORECASE)
TOKEN_OF_A_KEY = re.compile(r"\beyJ[\w-]+\.(?P<claims>[\w-]+)\.[\w-]+|\bsb_secret_[\w-]{10,}")
NAMES_A_TABLE = ("from", "join", "into", "update", "truncate", "copy", "table", "using")
STATEMENTS = (*BEGINNINGS, "copy", "truncate")


@dataclass(frozen=True)
class Found:
    kind: str
    level: str
    file: str
    line: int
    tables: tuple[str, ...]
    reason: str
    change: str

    def document(self) -> dict[str, Any]:
        return asdict(self) | {"tables": list(self.tables)}


def scan(folder: Path, plan: Plan) -> dict[str, Any]:
    """What is found in the SQL, TypeScript, JavaScript and Python files of a folder. Raises NotRead."""
    if not folder.is_dir():
        raise NotRead(source=folder, reason="it is no folder")
    found: list[Found] = []
    files = list(_files(folder))
    for file in files:
        text = text_of(file)
        found += Source(str(file.relative_to(folder)), file.suffix, text, plan).found()
    return {
        "folder": str(folder),
        "files": len(files),
        "findings": [one.document() for one in found],
        "breaks": sum(one.level == ERROR for one in found),
    }


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names_of_files in os.walk(folder):
        folders[:] = sorted(one for one in folders if one not in PASSED_OVER and not one.startswith("."))
        for name in sorted(names_of_files):
            file = Path(place) / name
            if file.suffix in (".sql", ".py", *SCRIPTS) and file.is_file() and file.stat().st_size <= LARGEST:
                yield file


class Source:
    """One file."""

    def __init__(self, file: str, suffix: str, text: str, plan: Plan) -> None:
        self.file, self.suffix, self.text, self.plan = file, suffix, text, plan
        self.by_name: Mapping[str, TableSpec] = {names(spec.relation)[1]: spec for spec in plan.tables}

    def found(self) -> list[Found]:
        """In the order of its lines; a table that is named often is one finding."""
        conflicts: list[Found] = []
        named: dict[str, int] = {}
        for line, piece in self._statements():
            conflicts += self._conflicts(line, piece.text)
            for table in self._tables(piece):
                named.setdefault(table, line)
        if self.suffix != ".sql":
            conflicts += self._upserts()
            for call in CALLED.finditer(self.text):
                if spec := self._spec(call["table"]):
                    named.setdefault(shown(spec.relation), self._line(call.start()))
        raw = [self._raw(table, line) for table, line in named.items()]
        every = {(one.kind, one.line, one.tables): one for one in (*conflicts, *raw, *self._service_role())}
        return sorted(every.values(), key=lambda one: (one.line, one.kind))

    def _line(self, place: int) -> int:
        return self.text.count("\n", 0, place) + 1

    def _spec(self, name: str) -> TableSpec | None:
        """The plan's table that people mean by this name, with or without its schema."""
        parts = names(name)
        spec = self.by_name.get(parts[-1]) if parts else None
        return spec if spec and (len(parts) == 1 or names(spec.relation) == parts) else None

    def _statements(self) -> Iterator[tuple[int, Piece]]:
        """Statements, with their line: of SQL all, and those in the bodies of functions; of programs what their strings
        hold."""
        if self.suffix == ".sql":
            for piece in pieces(self.text):
                yield piece.line, piece
                for place, one in enumerate(piece.tokens):
                    if one.kind == "dollar":
                        tag = one.text[: one.text.index("$", 1) + 1]
                        body = one.text.removeprefix(tag).removesuffix(tag)
                        yield from self._in_body(body, piece.line + _lines_before(piece.tokens, place))
            return
        strings = of_python(self.text) if self.suffix == ".py" else of_script(self.text)
        for line, string in strings:
            first = next((one.text.lower() for one in tokens(string[:200]) if one.kind == "word"), "")
            if first in STATEMENTS:
                for piece in pieces(string):
                    yield line + piece.line - 1, piece

    @staticmethod
    def _in_body(body: str, line: int) -> Iterator[tuple[int, Piece]]:
        """What stands in a function: each statement from the word on that begins it, past BEGIN, THEN and the like."""
        for piece in pieces(body):
            begins = next(
                (n for n, one in enumerate(piece.tokens) if one.kind == "word" and one.text.lower() in STATEMENTS), None
            )
            if begins is not None:
                first = line + piece.line - 1 + _lines_before(piece.tokens, begins)
                yield first, Piece(piece.tokens[begins:], piece.line)

    # --- ON CONFLICT ---

    def _conflicts(self, line: int, text: str) -> Iterator[Found]:
        for insertion in read(text).insertions or _roughly(text):
            spec = self._spec(".".join(names(insertion.table)))
            for key in spec.rescope if spec else ():
                by_name = insertion.constraint and all(part in insertion.constraint for part in key)
                if spec and (by_name or {*insertion.conflict_keys} == {*key}):
                    yield self._conflict(line, spec, key, f"ON CONFLICT ({TENANT_COLUMN}, {', '.join(key)})")

    def _upserts(self) -> Iterator[Found]:
        """`onConflict: "…"` of a client of PostgREST, in the call that names the table before it."""
        for upsert in UPSERT.finditer(self.text):
            calls = list(CALLED.finditer(self.text, 0, upsert.start()))
            spec = self._spec(calls[-1]["table"]) if calls else None
            keys = {part.strip() for part in upsert["keys"].split(",")}
            for key in spec.rescope if spec else ():
                if spec and keys == {*key}:
                    said = f'"{TENANT_COLUMN},{",".join(key)}"'
                    yield self._conflict(self._line(upsert.start()), spec, key, said)

    def _conflict(self, line: int, spec: TableSpec, key: Sequence[str], said: str) -> Found:
        reason = (
            f"({', '.join(key)}) is unique in each tenant once the database is isolated, no longer in the whole table"
        )
        change = f"Say {said}, and give the row's {TENANT_COLUMN}."
        return Found("on-conflict", ERROR, self.file, line, (shown(spec.relation),), reason, change)

    # --- tables and keys ---

    def _tables(self, piece: Piece) -> Iterator[str]:
        reading = read(piece.text)
        called = [".".join(names(name)) for name in reading.tables] or list(_after_words(piece.tokens))
        for name in called:
            if spec := self._spec(name):
                yield shown(spec.relation)

    def _raw(self, table: str, line: int) -> Found:
        reason = f"it names {table}, which isolation closes: who asks decides which rows it sees"
        change = "Ask as a tenant (vital_tenant with vital.tenant_id), and try the statement with --statements."
        return Found("raw-table", NOTE, self.file, line, (table,), reason, change)

    def _service_role(self) -> Iterator[Found]:
        lines: dict[int, Found] = {}
        for one in SERVICE_ROLE.finditer(self.text):
            line = self._line(one.start())
            reason = "the service role is named: it passes every policy, and shows every tenant's rows"
            change = "Ask with the caller's own token, or as vital_tenant; keep the service role for operators."
            lines[line] = Found("service-role-key", WARNING, self.file, line, (), reason, change)
        for one in TOKEN_OF_A_KEY.finditer(self.text):
            if one["claims"] is None or _role_of(one["claims"]) == "service_role":
                line = self._line(one.start())
                reason = "a key of the service role is written here: whoever reads it sees every tenant's rows"
                change = "Take it out, and let Supabase make another one; it stays in the history of the source."
                lines[line] = Found("service-role-key", ERROR, self.file, line, (), reason, change)
        yield from lines.values()


def _lines_before(own: Sequence[Token], place: int) -> int:
    """How many lines below the statement's first one a token stands."""
    before = "".join(" " if one.kind in UNSAID and "\n" not in one.text else one.text for one in own[:place])
    return before.lstrip().count("\n")


def _role_of(claims: str) -> str:
    try:
        read_claims = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    except (binascii.Error, ValueError):
        return ""
    return str(read_claims.get("role", "")) if isinstance(read_claims, dict) else ""


def _words(own: Iterable[Token]) -> list[Token]:
    return [one for one in own if one.kind in ("word", "quoted", "other") and not one.text.isspace()]


def _name_at(words: Sequence[Token], place: int) -> str:
    """The name that begins there, with its schema; empty where none does."""
    if place >= len(words) or words[place].kind == "other":
        return ""
    has_schema = place + 2 < len(words) and words[place + 1].text == "."
    return f"{words[place].text}.{words[place + 2].text}" if has_schema else words[place].text


def _after_words(own: Iterable[Token]) -> Iterator[str]:
    """The names after FROM, INTO and the like, of a text that no parser takes, as when a program goes on with it."""
    words = _words(own)
    for place, one in enumerate(words):
        if one.text.lower() in NAMES_A_TABLE and (name := _name_at(words, place + 1)):
            yield name


def _roughly(text: str) -> Iterator[Insertion]:
    """The ON CONFLICT of a text that no parser takes."""
    words = _words(tokens(text))
    low = [one.text.lower() for one in words]
    table = _name_at(words, low.index("into") + 1) if "into" in low else ""
    for place in (n for n, word in enumerate(low) if table and low[n : n + 2] == ["on", "conflict"]):
        rest = low[place + 2 :]
        if rest[:1] == ["("] and ")" in rest:
            keys = tuple(word for word in rest[1 : rest.index(")")] if word != ",")
            yield Insertion(table, None, None, keys)
        elif rest[:2] == ["on", "constraint"] and len(rest) > 2:
            yield Insertion(table, None, None, (), rest[2])
