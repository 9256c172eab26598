"""SQL lives in `.sql` files: each statement under a name, with a sentence, used by that name; none in Python."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.source import PACKAGES, Module, modules, texts

NAME = re.compile(r"^-- name:(.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Query:
    """A named statement: the folder and file it stands in, and the text beneath its name."""

    folder: str
    file: str
    name: str
    body: str

    @property
    def sentence(self) -> str:
        """The comment directly beneath the name."""
        lines = self.body.strip("\n").split("\n")
        comment = lines[: next((i for i, line in enumerate(lines) if not line.startswith("--")), len(lines))]
        return " ".join(line.removeprefix("--").strip() for line in comment)


@cache
def queries() -> tuple[Query, ...]:
    """Every named statement of the product."""
    found = []
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("sql/*.sql")):
            path = file.relative_to(ROOT)
            parts = NAME.split(file.read_text(encoding="utf-8"))
            pairs = zip(parts[1::2], parts[2::2], strict=True)
            found += [Query(path.parent.as_posix(), path.as_posix(), name.strip(), body) for name, body in pairs]
    return tuple(found)


def users_of(folder: str) -> list[Module]:
    """The modules that may use the folder's statements: those of its top-level package, and all of the ground's."""
    package = folder.split("/", 1)[0]
    return [module for module in modules() if package == "vital" or module.path.startswith(f"{package}/")]


@cache
def texts_of(package: str) -> frozenset[str]:
    return frozenset(str(text.value) for module in users_of(package) for text in texts(module.tree))


def test_there_are_queries() -> None:
    assert {query.folder for query in queries()} >= {"migrations_ops/engine/sql", "migrations_ops/phases/sql"}


def test_every_query_is_used_by_its_name() -> None:
    unused = [f"{query.file}: {query.name}" for query in queries() if query.name not in texts_of(query.folder)]

    assert not unused, (
        "No Python string of the package is exactly this name. Delete the statement, or use it by its whole name "
        "(a name put together from parts is found by nobody who searches for it):\n" + "\n".join(unused)
    )


def test_every_name_is_given_once() -> None:
    twice = {name: n for name, n in Counter(query.name for query in queries()).items() if n > 1}

    assert not twice, f"Names are unique over all folders, so that a search finds one statement. Rename one of: {twice}"


def test_every_query_says_what_it_is_for() -> None:
    silent = [f"{q.file}: {q.name}" for q in queries() if not re.fullmatch(r"[A-Z].*[.?]\)?", q.sentence)]

    assert not silent, "Write one sentence, `-- Like this.`, directly beneath `-- name: …`:\n" + "\n".join(silent)


def test_every_name_is_a_word_that_the_loader_reads() -> None:
    odd = [f"{query.file}: {query.name!r}" for query in queries() if not re.fullmatch(r"[a-z][a-z_]*", query.name)]

    assert not odd, "A name is lower case letters and underscores, alone on its line:\n" + "\n".join(odd)


def test_every_file_without_names_is_read_by_its_own() -> None:
    named = {query.file for query in queries()}
    files = [file.relative_to(ROOT) for package in PACKAGES for file in sorted((ROOT / package).rglob("*.sql"))]
    lost = [file.as_posix() for file in files if file.as_posix() not in named and not mentioned(file)]

    assert not lost, f"Nobody reads {lost}: delete the file, or give its statements names, in a folder `sql`."


def mentioned(file: Path) -> bool:
    return file.name in texts_of(file.parts[0])


def asked_for(tree: ast.AST) -> Iterator[tuple[int, str, str]]:
    """(line, function, name) of each statement that is asked for by a constant name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            function = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            name = node.args[0]
        elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            function, name = node.value.id, node.slice
        else:
            continue
        if function in FINDS_IN and isinstance(name, ast.Constant) and isinstance(name.value, str):
            yield node.lineno, function, name.value


# How a statement is asked for: of a session from anywhere, of the phases' folder, or of the folder beside the module.
FINDS_IN = {"named": ("migrations_ops/engine/sql", "vital/db/sql"), "QUERIES": (), "_of": ()}
FINDS_IN |= dict.fromkeys(("query", "of_table", "every"), ("migrations_ops/phases/sql",))
# functions of the phases' names, for the folder beside
HAS_ITS_OWN = ("tenants/isolation/", "migrations_ops/distribution/")


def folders(module: Module, function: str) -> tuple[str, ...]:
    if module.path.startswith(HAS_ITS_OWN) and function != "named":
        return beside(module)
    return FINDS_IN[function] or beside(module)


def beside(module: Module) -> tuple[str]:
    return (f"{module.path.rpartition('/')[0]}/sql",)


def test_every_name_asked_for_is_there() -> None:
    known: dict[str, set[str]] = {}
    for query in queries():
        known.setdefault(query.folder, set()).add(query.name)
    lost = [
        f"{module.path}:{line} {name}"
        for module in modules()
        for line, function, name in asked_for(module.tree)
        if not any(name in known.get(folder, ()) for folder in folders(module, function))
    ]

    assert not lost, "There is no statement of this name; write it, or mend the name:\n" + "\n".join(lost)


# --- no SQL in Python ---

STATEMENT = re.compile(
    r"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH|VALUES|EXISTS|MERGE|COPY|TRUNCATE|ALTER|CREATE|DROP|GRANT|REVOKE"
    r"|COMMENT ON|DO|CALL|LOCK|SET|RESET|SHOW|ANALYZE|VACUUM|REINDEX|EXPLAIN|BEGIN|COMMIT|ROLLBACK|NOTIFY|LISTEN)[\s(]"
)

# Where SQL may stand in Python, how many pieces, and why. The numbers may only become smaller.
ALLOWED = {
    "catalog/baseline.py": (2, "the catalogue asks through Django's cursor; the loader of named SQL is the engine's"),
    "catalog/generation/fill.py": (6, "the same"),
    "catalog/tables.py": (9, "the same"),
    "migrations_ops/management/demo/story.py": (2, "the demo's own embedded server"),
    "migrations_ops/migrations/0002_tracking.py": (2, "a Django migration is never edited: it holds its own text"),
    "migrations_ops/migrations/0004_online_engine.py": (3, "the same"),
    "migrations_ops/migrations/0008_ledger_by_row.py": (2, "the same"),
    "migrations_ops/migrations/0009_tables_by_identity.py": (1, "the same"),
    "migrations_ops/migrations/0010_failing_rows.py": (1, "the same"),
    "migrations_ops/migrations/0016_references.py": (1, "the same"),
    "migrations_ops/migrations/0011_touch_updated_at.py": (2, "the same"),
    "migrations_ops/migrations/0017_restores.py": (3, "the same"),
    "tenants/migrations/0004_tenant_alias.py": (1, "the same"),
    "vital/db/executor.py": (2, "the same"),
    "vital/db/embedded.py": (6, "the embedded server must start before any of our tables or packages is there"),
}


def statements_in(tree: ast.AST) -> list[ast.Constant]:
    return [text for text in texts(tree) if STATEMENT.match(str(text.value))]


def test_no_sql_in_python() -> None:
    loose = [
        f"{module.path}:{text.lineno} {str(text.value).strip()[:80]!r}"
        for module in modules()
        for text in statements_in(module.tree)
        if module.path not in ALLOWED
    ]

    assert not loose, (
        "Move the statement into the `.sql` file beside the module, under `-- name: what_it_does` with a sentence:\n"
        + "\n".join(loose)
    )


def test_what_is_allowed_only_shrinks() -> None:
    counts = {module.path: len(statements_in(module.tree)) for module in modules()}
    more = [f"{p}: {counts[p]} instead of {n}" for p, (n, _) in ALLOWED.items() if counts.get(p, 0) > n]
    fewer = {p: counts.get(p, 0) for p, (n, _) in ALLOWED.items() if counts.get(p, 0) < n}

    assert not more, "Move the new statement into a `.sql` file; this list only becomes shorter:\n" + "\n".join(more)
    assert not fewer, f"Well done. Keep it so: lower the numbers in ALLOWED to {fewer} (0: take the line out)."


@pytest.mark.parametrize(
    ("text", "is_sql"),
    [
        ("SELECT 1", True),
        ("\n    SELECT a\n    FROM b", True),
        ("SELECT EXISTS ({rows})", True),
        ("DO $x$ BEGIN END $x$", True),
        ("SET LOCAL lock_timeout = '5s'", True),
        ("SELECT", False),  # the name of a privilege
        ("Select a file to load", False),
        ("selects", False),
        ("DONE", False),
        ("UPDATED 3 rows", False),
    ],
)
def test_sql_is_told_from_words(text: str, is_sql: bool) -> None:
    assert bool(statements_in(ast.parse(f"print({text!r})"))) is is_sql


ON_A_CLUSTER = {
    "an empty list of columns of a table that may be distributed: SELECT 1 FROM": re.compile(
        r"SELECT FROM (\{|public\.)"
    ),
    "CASE value WHEN of a row that is written: CASE WHEN value =": re.compile(r"\bCASE\b(?!\s+WHEN)"),
}


@pytest.mark.parametrize("misread", ON_A_CLUSTER)
def test_no_statement_is_one_that_citus_misreads(misread: str) -> None:
    """It passes statements on as texts of its own, and these two wrongly."""
    rows = [one for one in queries() if one.folder.startswith("catalog/api") or "CASE" not in misread]
    assert [f"{one.file}: {one.name}" for one in rows if ON_A_CLUSTER[misread].search(one.body)] == []
