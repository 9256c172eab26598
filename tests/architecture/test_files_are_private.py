"""What VITAL writes may hold people's rows, so there is one place where files come about: vital/private_files.py."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.support.source import modules

HELPER = "vital/private_files.py"
FIX = "Write it through vital/private_files.py: nobody else may read it, and it is whole or not there."
WRITES = re.compile(r"[wax+]")
NAMES = {"write_text", "write_bytes", "touch", "mkstemp", "mkdtemp", "NamedTemporaryFile", "TemporaryDirectory"}
COPIES = {"copy", "copy2", "copyfile", "copytree", "move"}  # of shutil
# Where it is not a file of rows: (module, call) → why.
ALLOWED = {
    ("tenants/lifecycle/archive.py", "self._pack.open"): "a member, inside of an archive that is private",
    ("tenants/counts.py", "os.open"): "numbers by hash, private, in the service's own folder",
    ("vital/serve.py", "tempfile.TemporaryDirectory"): "private by itself, and gone with the service",
    ("tenants/lifecycle/archive.py", "zipfile.ZipFile"): "writes into the part that is handed to it",
}
# The embedded server's own folders and locks, which another system user must enter; it holds no file of rows itself.
NOT_OF_ROWS = {"vital/db/embedded.py"}


def writing(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, call) of everything that makes a file or opens one to write."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        name = called.rpartition(".")[2]
        modes = [
            one.value
            for one in [*node.args, *(word.value for word in node.keywords if word.arg in (None, "mode"))]
            if isinstance(one, ast.Constant) and isinstance(one.value, str) and len(one.value) <= 3
        ]
        opens = name in ("open", "fdopen", "ZipFile") and any(WRITES.search(mode) for mode in modes)
        if opens or name in NAMES or called == "os.open" or (called.startswith("shutil.") and name in COPIES):
            yield node.lineno, called


def test_files_come_about_in_one_place() -> None:
    found = [
        f"{module.path}:{line} {called}"
        for module in modules()
        if module.path not in {HELPER, *NOT_OF_ROWS}
        for line, called in writing(module.tree)
        if (module.path, called) not in ALLOWED
    ]

    assert not found, f"{FIX}\n" + "\n".join(found)


def test_every_exception_is_needed() -> None:
    there = {(module.path, called) for module in modules() for _, called in writing(module.tree)}

    assert set(ALLOWED) <= there
    assert {path for path, _ in there} >= NOT_OF_ROWS


@pytest.mark.parametrize(
    "code",
    [
        "open(file, 'w')", "file.open('x', encoding='utf-8')", "file.open(mode='ab')", "file.write_text(text)",
        "file.write_bytes(data)", "os.open(file, flags)", "tempfile.TemporaryDirectory()", "file.open('r+')",
        "shutil.copy(one, other)", "zipfile.ZipFile(file, 'w')", "os.fdopen(number, 'wb')", "file.touch()",
    ],
)  # fmt: skip
def test_the_guard_sees_it(code: str) -> None:
    assert len(list(writing(ast.parse(code)))) == 1


@pytest.mark.parametrize(
    "code", ["open(file)", "file.open('rb')", "file.open(encoding='utf-8')", "pack.open(name)", "session.open(params)"]
)
def test_the_guard_lets_readers_by(code: str) -> None:
    assert list(writing(ast.parse(code))) == []
