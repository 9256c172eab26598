"""Small modules and functions: past these sizes there is a second idea hiding inside."""

import ast
import re

import pytest

from tests.support.source import Module, modules

# kind of module → (which, lines at most)
LIMITS = {
    "phase": (r"migrations_ops/phases/\w+\.py", 120),
    "engine module": (r"migrations_ops/engine/\w+\.py", 200),
    "module of rules": (r"migrations_ops/rules/\w+\.py", 200),
    "face": (r"\w+/(management/.*|api/.*|tasks)\.py", 80),
}
FUNCTION = 40
ADMIN_CLASS = 80

# What is longer still, and how long it may be. These numbers may only become smaller.
LONGER: dict[str, int] = {}


def lines(module: Module) -> int:
    return len(module.text.splitlines())


def limit_of(path: str) -> tuple[str, int] | None:
    return next(((kind, most) for kind, (which, most) in LIMITS.items() if re.fullmatch(which, path)), None)


def functions() -> list[tuple[str, int]]:
    """(`path:line name`, lines) of every function of the product; Django's migrations are not read by people."""
    found = []
    for module in modules():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and "/migrations/" not in module.path:
                found.append((f"{module.path}:{node.lineno} {node.name}", (node.end_lineno or 0) - node.lineno + 1))
    return found


@pytest.mark.parametrize("kind", LIMITS)
def test_a_module_fits_its_kind(kind: str) -> None:
    which, most = LIMITS[kind]
    of_kind = [module for module in modules() if re.fullmatch(which, module.path)]
    long = [f"{m.path}: {lines(m)} lines" for m in of_kind if lines(m) > LONGER.get(m.path, most)]

    assert of_kind, f"No module is a {kind} any more: give LIMITS its new place."
    assert not long, f"A {kind} has at most {most} lines. Look for the second idea inside, and give it a module:\n" + (
        "\n".join(long)
    )


def test_the_exceptions_only_shrink() -> None:
    sizes = {module.path: lines(module) for module in modules()}
    limits = {path: limit[1] for path in LONGER if (limit := limit_of(path))}
    smaller = {path: sizes.get(path, 0) for path, most in LONGER.items() if sizes.get(path, 0) < most - 5}
    needless = [path for path in LONGER if sizes.get(path, 0) <= limits.get(path, 0)]

    assert set(limits) == set(LONGER), "LONGER names modules that have no limit: take them out."
    assert not needless, f"Well done: take {needless} out of LONGER."
    assert not smaller, f"Well done. Keep it so: lower the numbers in LONGER to {smaller}."


def test_a_function_fits_on_a_screen() -> None:
    long = [f"{where}: {length} lines" for where, length in functions() if length > FUNCTION]

    assert not long, f"A function has at most {FUNCTION} lines. Name a part of it, and call that:\n" + "\n".join(long)


def test_an_admin_class_fits_a_screen_or_two() -> None:
    long = [
        f"{module.path}:{node.lineno} {node.name}: {length} lines"
        for module in modules()
        if re.fullmatch(r"\w+/admin(/\w+)?\.py", module.path)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef) and (length := (node.end_lineno or 0) - node.lineno + 1) > ADMIN_CLASS
    ]

    assert not long, f"An admin class has at most {ADMIN_CLASS} lines: put work into services/:\n" + "\n".join(long)


def test_the_table_of_contents_is_read_at_a_glance() -> None:
    (plan,) = [module for module in modules() if module.path == "migrations_ops/plan.py"]

    assert lines(plan) < 30, "plan.py is the table of contents: phases and their order, nothing else."
