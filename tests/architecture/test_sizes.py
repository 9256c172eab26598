"""A function fits on a screen, and a file of tests is about one behaviour: past that there is a second idea inside."""

import ast
from pathlib import Path

from tests.support.paths import ROOT
from tests.support.source import modules, tracked

FUNCTION, TEST_FILE = 40, 400  # lines


def functions() -> list[tuple[str, int]]:
    """(`path:line name`, lines) of every function of the product; Django's migrations are not read by people."""
    found = []
    for module in modules():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and "/migrations/" not in module.path:
                found.append((f"{module.path}:{node.lineno} {node.name}", (node.end_lineno or 0) - node.lineno + 1))
    return found


def test_a_function_fits_on_a_screen() -> None:
    long = [f"{where}: {length} lines" for where, length in functions() if length > FUNCTION]

    assert not long, f"A function has at most {FUNCTION} lines. Name a part of it, and call that:\n" + "\n".join(long)


def test_the_table_of_contents_is_read_at_a_glance() -> None:
    (plan,) = [module for module in modules() if module.path == "migrations_ops/plan.py"]

    assert len(plan.text.splitlines()) < 30, "plan.py is the table of contents: phases and their order, nothing else."


def test_a_test_file_is_about_one_behaviour() -> None:
    lines = {path: len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in tracked() if is_test(path)}
    long = [f"{path}: {count} lines" for path, count in lines.items() if count > TEST_FILE]

    assert not long, f"A file of tests has at most {TEST_FILE} lines. Split it along its behaviours:\n" + "\n".join(
        long
    )


def is_test(path: Path) -> bool:
    """The helpers and fixtures of the tests are included."""
    return path.suffix == ".py" and path.parts[0] == "tests"
