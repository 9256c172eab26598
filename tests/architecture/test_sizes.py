"""A function fits on a screen: past that there is a second idea hiding inside."""

import ast

from tests.support.source import modules

FUNCTION = 40


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
