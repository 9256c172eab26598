"""The two locks hold on every machine that VITAL is for: whatever a locked package asks for there is locked as well."""

import ast
import importlib.metadata
import re
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.paths import ROOT
from tests.support.source import modules

RUNTIME, DEV = ROOT / "requirements.txt", ROOT / "requirements-dev.txt"
PYTHONS = ("3.11.0", "3.11.2", "3.11.3", "3.11.14", "3.12.0", "3.13.0", "3.14.0")
MACHINES = {"linux": ("Linux", "x86_64", "aarch64"), "darwin": ("Darwin", "x86_64", "arm64")}
WHERE = [(python, system, machine) for python in PYTHONS for system, (_, *all_) in MACHINES.items() for machine in all_]
LOCKED = re.compile(r"^([^\s#-][^\\\n]*?) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
Environment = dict[str, str]


def locked(lock: Path) -> dict[str, Requirement]:
    return {
        canonicalize_name(entry.name): entry
        for entry in (Requirement(found[1]) for found in LOCKED.finditer(lock.read_text(encoding="utf-8")))
    }


def environment(python: str, system: str, machine: str) -> Environment:
    return {
        "python_full_version": python,
        "python_version": ".".join(python.split(".")[:2]),
        "implementation_version": python,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "os_name": "posix",
        "sys_platform": system,
        "platform_system": MACHINES[system][0],
        "platform_machine": machine,
    }


def holds(requirement: Requirement, there: Environment, extra: str = "") -> bool:
    return requirement.marker is None or requirement.marker.evaluate({**there, "extra": extra})


@cache
def asks_for(name: str) -> tuple[Requirement, ...]:
    """What its own metadata say; a package that is not installed here must be one that this Python has no use for."""
    try:
        return tuple(Requirement(line) for line in importlib.metadata.requires(name) or ())
    except importlib.metadata.PackageNotFoundError:
        entry = {**locked(DEV), **locked(RUNTIME)}[name]
        assert entry.marker is not None, f"{name} is not installed: make dev"
        assert not entry.marker.evaluate(), f"{name} is not installed: make dev"
        return ()


def reached(roots: Iterable[str], lock: dict[str, Requirement], there: Environment) -> set[str]:
    """All packages that `roots` need in this environment, each of them found in the lock in a version that will do."""
    left, seen = [(Requirement(root), "") for root in roots], set()
    while left:
        wanted, asker = left.pop()
        name = canonicalize_name(wanted.name)
        assert name in lock, f"{asker or 'pyproject.toml'} needs {wanted}, which is not locked: make lock"
        assert holds(lock[name], there), f"{asker} needs {name}, which is locked for other machines only: {lock[name]}"
        (version,) = lock[name].specifier
        assert wanted.specifier.contains(version.version, prereleases=True), f"{asker} needs {wanted}, not {lock[name]}"
        for extra in (*sorted(wanted.extras), ""):
            if (name, extra) not in seen:
                seen.add((name, extra))
                left += [(further, name) for further in asks_for(name) if holds(further, there, extra)]
    return {name for name, _ in seen}


@pytest.mark.parametrize(("python", "system", "machine"), WHERE)
def test_what_vital_runs_with_is_whole(python: str, system: str, machine: str) -> None:
    reached(PROJECT["project"]["dependencies"], locked(RUNTIME), environment(python, system, machine))


@pytest.mark.parametrize(("python", "system", "machine"), WHERE)
def test_what_tests_and_checks_need_is_whole(python: str, system: str, machine: str) -> None:
    reached(PROJECT["dependency-groups"]["dev"], locked(DEV), environment(python, system, machine))


def test_the_oldest_python_gets_what_newer_ones_have_in_themselves() -> None:
    roots, lock = PROJECT["project"]["dependencies"], locked(RUNTIME)

    assert "async-timeout" in reached(roots, lock, environment("3.11.2", "linux", "x86_64"))
    assert "async-timeout" not in reached(roots, lock, environment("3.11.3", "linux", "x86_64"))


def test_a_gap_in_a_lock_is_noticed() -> None:
    lock = locked(RUNTIME)
    del lock["async-timeout"]
    roots = PROJECT["project"]["dependencies"]

    reached(roots, lock, environment("3.11.3", "linux", "x86_64"))
    with pytest.raises(AssertionError, match="redis needs async-timeout"):
        reached(roots, lock, environment("3.11.2", "linux", "x86_64"))


def test_both_locks_have_the_same_version_of_what_both_have() -> None:
    runtime, dev = locked(RUNTIME), locked(DEV)

    assert not [name for name in runtime.keys() & dev.keys() if runtime[name].specifier != dev[name].specifier]


def test_nothing_is_installed_to_run_that_only_tests_need() -> None:
    runtime, roots = locked(RUNTIME), PROJECT["project"]["dependencies"]
    needed = set[str]().union(*(reached(roots, runtime, environment(*where)) for where in WHERE))
    elsewhere = {name for name, entry in runtime.items() if not any(holds(entry, environment(*at)) for at in WHERE)}

    assert runtime.keys() == needed | elsewhere
    assert not runtime.keys() & {"pytest", "playwright", "hypothesis", "mypy", "ruff"}


@pytest.mark.parametrize("lock", [RUNTIME, DEV], ids=lambda lock: lock.name)
def test_each_package_has_its_hashes_and_comes_from_nowhere_in_particular(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    pins = re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==", text, re.MULTILINE)

    assert pins
    assert {canonicalize_name(name) for name in pins} == locked(lock).keys(), "Every package has hashes: make lock"
    assert "://" not in text, "A lock names no host: make lock leaves out index addresses"


def imported(tree: ast.Module) -> set[str]:
    """The first parts of the names of all modules that it imports, wherever in it."""
    plain = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    chosen = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level}
    return {name.partition(".")[0] for name in plain | chosen}


def test_what_the_product_imports_is_asked_for_by_name() -> None:
    """An import that works because a package of the tests brings it would fail where only the runtime is."""
    of_modules = importlib.metadata.packages_distributions()
    asked = {canonicalize_name(Requirement(line).name) for line in PROJECT["project"]["dependencies"]}
    brought = {"asgiref", "kombu"}  # Django's and Celery's own other halves
    missing = [
        f"{module.path}: {top}"
        for module in modules()
        for top in sorted(imported(module.tree))
        if top in of_modules and not {canonicalize_name(n) for n in of_modules[top]} & (asked | brought)
    ]

    assert not missing, f"Add it to the dependencies in pyproject.toml, then make lock: {missing}"
