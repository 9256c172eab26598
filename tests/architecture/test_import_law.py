"""Who may know whom: the import law of DESIGN.md, kept by reading every import of the product."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support.source import PACKAGES, modules


@dataclass(frozen=True)
class Law:
    """What the modules of a room may import of ours, what they may never import of others', and what to do instead."""

    room: str
    may: tuple[str, ...]
    never: tuple[str, ...]
    fix: str


FRAMEWORKS = ("django", "django_tenants", "rest_framework", "celery")
FACES = r"migrations_ops\.(management|tasks|admin|api)"
LAWS = (
    Law(
        room=r"migrations_ops\.engine",
        may=("migrations_ops.engine", "vital.private_files"),
        never=FRAMEWORKS,
        fix="The engine knows no phase, rule, tenant, table or framework: let the caller pass what it needs in a step.",
    ),
    Law(
        room=r"migrations_ops\.rules",
        may=("migrations_ops.engine", "migrations_ops.rules"),
        never=FRAMEWORKS,
        fix="Rules are data and the SQL they become; a phase is what puts them to use.",
    ),
    Law(
        room=r"migrations_ops\.phases",
        may=(
            "migrations_ops.engine",
            "migrations_ops.rules",
            "migrations_ops.phases",
            "migrations_ops.isolation.database",
            "tenants.rls",
        ),
        never=FRAMEWORKS,
        fix="A phase is data made of SQL, because it must not follow an ORM model that changes: add a named query.",
    ),
    Law(
        room=r"migrations_ops\.isolation",
        may=(
            "migrations_ops.engine",
            "migrations_ops.rules",
            "migrations_ops.isolation",
            "migrations_ops.phases.organisation.own_tables",
            "migrations_ops.phases.queries",
            "tenants.rls",
        ),
        never=FRAMEWORKS,
        fix="The attack run is handed a session and a plan, or an address: it knows no model, setting or framework.",
    ),
    Law(
        room=r"migrations_ops\.rehearsal",
        may=(
            "migrations_ops.engine",
            "migrations_ops.rules",
            "migrations_ops.rehearsal",
            "tenants.rls",
            "vital.embedded",
            "vital.private_files",
        ),
        never=FRAMEWORKS,
        fix="A rehearsal is handed sessions, a plan, its phases and a command line: it knows no model or setting.",
    ),
    Law(
        room=r"migrations_ops\.backup",
        may=(
            "migrations_ops.engine",
            "migrations_ops.backup",
            "migrations_ops.rehearsal.copy",
            "migrations_ops.rehearsal.places",
            "tenants.rls",
            "vital.private_files",
        ),
        never=FRAMEWORKS,
        fix="A backup is handed a session, a target and a file: it knows no plan, model or setting.",
    ),
    Law(
        room=r"migrations_ops\.workshop",
        may=("migrations_ops.engine", "migrations_ops.rules", "migrations_ops.workshop"),
        never=FRAMEWORKS,
        fix="The workshop is handed a session and a plan, and proposes: it knows no phase, model or setting.",
    ),
    Law(
        room=r"migrations_ops\.foresight",
        may=(
            "migrations_ops.engine",
            "migrations_ops.rules",
            "migrations_ops.phases",
            "migrations_ops.foresight",
            "migrations_ops.rehearsal.records",
            "migrations_ops.reading",
        ),
        never=FRAMEWORKS,
        fix="A preview is handed a session and a plan, and asks what phases would do: it knows no model or setting.",
    ),
    Law(
        room=r"migrations_ops\.reporting",
        may=(
            "migrations_ops.engine",
            "migrations_ops.rules.model",
            "migrations_ops.phases.queries",
            "migrations_ops.reporting",
            "migrations_ops.rehearsal.forecast",
            "migrations_ops.changes",
            "migrations_ops.reading",
            "migrations_ops.units",
            "migrations_ops.watching",
        ),
        never=("celery", "rest_framework"),
        fix="A report is read over a session it is handed and put into words: it opens nothing and knows no setting.",
    ),
    Law(
        room=r"migrations_ops\.init_plan",
        may=("migrations_ops.engine", "migrations_ops.init_plan"),
        never=FRAMEWORKS,
        fix="A starting plan is read from a catalogue over a session it is handed: it knows no model, setting or rule.",
    ),
    Law(
        room=r"tenants",
        may=(
            "tenants",
            "migrations_ops.engine.session_settings",
            "migrations_ops.engine.sql",
            "migrations_ops.engine.steps",
        ),
        never=(),
        fix="Of the migration, tenants may describe steps and share a session's settings (engine.session_settings).",
    ),
    Law(
        room=r"catalog",
        may=("catalog", "tenants"),
        never=(),
        fix="The catalogue stands on tenants alone: move what both need there, or let the caller pass it.",
    ),
    Law(
        room=FACES,
        may=(
            "migrations_ops.services",
            "migrations_ops.reading",
            "migrations_ops.models",
            "migrations_ops.terminal",
            "migrations_ops.units",
            "migrations_ops.admin",
            "migrations_ops.management",
            "migrations_ops.api",
            "migrations_ops.tasks",
            "migrations_ops.rules.load",
            "migrations_ops.isolation.report",
            "migrations_ops.engine.errors",
            "migrations_ops.engine.progress",
            "migrations_ops.engine.steps",
            "tenants",
            "catalog",
            "vital",
        ),
        never=(),
        fix="A face parses, calls the one service and shows: put the work into a function of migrations_ops.services.",
    ),
)


def imported(tree: ast.AST, package: str) -> Iterator[tuple[int, str]]:
    """(line, full dotted name) of everything imported anywhere in a module of the package, in functions as well."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{origin}.{alias.name}") for alias in node.names)


def within(name: str, rooms: tuple[str, ...]) -> bool:
    return any(name == room or name.startswith(f"{room}.") for room in rooms)


def breaches(path: str, name: str, tree: ast.AST) -> list[str]:
    """What the module imports against the law, each with its fix."""
    package = name if path.endswith("__init__.py") else name.rpartition(".")[0]
    found = []
    for law in LAWS:
        if not re.match(rf"{law.room}(\.|$)", name):
            continue
        for line, target in imported(tree, package):
            ours = within(target, PACKAGES) and not within(target, law.may)
            if ours or within(target, law.never):
                found.append(f"{path}:{line} imports {target}. {law.fix}")
    return found


def test_every_import_keeps_the_law() -> None:
    found = [breach for module in modules() for breach in breaches(module.path, module.name, module.tree)]

    assert not found, "\n" + "\n".join(found)


def test_every_room_of_the_law_is_there() -> None:
    empty = [law.room for law in LAWS if not any(re.match(law.room, module.name) for module in modules())]

    assert not empty, f"No module is in {empty}: give the law the room's new name."


@pytest.mark.parametrize(
    ("module", "statement"),
    [
        ("migrations_ops.engine.assign", "from migrations_ops.phases import product"),
        ("migrations_ops.engine.assign", "from migrations_ops import phases"),
        ("migrations_ops.engine.assign", "from ..rules import model"),
        ("migrations_ops.engine.assign", "import tenants.rls"),
        ("migrations_ops.engine.assign", "import django"),
        ("migrations_ops.engine.assign", "def late():\n    from catalog import tables"),
        ("migrations_ops.rules.load", "from migrations_ops.plan import phases"),
        ("migrations_ops.phases.product", "from django.db import connection"),
        ("migrations_ops.phases.product", "from catalog.models import Tool"),
        ("migrations_ops.phases.product", "from migrations_ops.models import Run"),
        ("migrations_ops.phases.product", "from migrations_ops.isolation import service"),
        ("migrations_ops.isolation.service", "from django.conf import settings"),
        ("migrations_ops.isolation.service", "from catalog.models import Tool"),
        ("migrations_ops.isolation.database", "from migrations_ops.phases import row_level_security"),
        ("migrations_ops.management.isolation", "from migrations_ops.isolation import database"),
        ("migrations_ops.rehearsal.sample", "from django.conf import settings"),
        ("migrations_ops.backup.take", "from django.conf import settings"),
        ("migrations_ops.init_plan.draft", "from migrations_ops.phases import queries"),
        ("migrations_ops.rehearsal.rehearse", "from migrations_ops.plan import phases"),
        ("migrations_ops.management.rehearsal", "from migrations_ops.rehearsal import sample"),
        ("catalog.loading", "from migrations_ops.engine import sql"),
        ("tenants.rls", "from migrations_ops.engine import executor"),
        ("migrations_ops.management.face", "from migrations_ops.engine import executor"),
        ("migrations_ops.management.commands.backup", "from migrations_ops.engine.ledger import undo_phase"),
        ("migrations_ops.tasks", "from migrations_ops.engine.assign import run"),
        ("migrations_ops.admin", "from migrations_ops import phases"),
        ("migrations_ops.api.views", "import migrations_ops.engine.undo"),
    ],
)
def test_the_law_has_teeth(module: str, statement: str) -> None:
    assert len(breaches(f"{module.replace('.', '/')}.py", module, ast.parse(statement))) == 1


@pytest.mark.parametrize(
    ("module", "statement"),
    [
        ("migrations_ops.engine.assign", "from migrations_ops.engine import sql"),
        ("migrations_ops.engine.assign", "from . import sql"),
        ("migrations_ops.engine.assign", "import psycopg"),
        ("migrations_ops.phases.product", "from tenants import rls"),
        ("migrations_ops.phases.product", "from migrations_ops.isolation import database"),
        ("migrations_ops.isolation.targets", "from migrations_ops.phases.organisation import own_tables"),
        ("migrations_ops.management.show_isolation", "from migrations_ops.isolation.report import HELD"),
        ("migrations_ops.rehearsal.places", "from vital import embedded"),
        ("migrations_ops.engine.undo", "from vital import private_files"),
        ("migrations_ops.rehearsal.rehearse", "from migrations_ops.engine import signals"),
        ("tenants.rls", "from migrations_ops.engine import sql"),
        ("catalog.models.tools", "from django.db import models"),
        ("migrations_ops.management.face", "from migrations_ops.engine.errors import EngineError"),
        ("migrations_ops.services", "from migrations_ops.engine.executor import Executor"),
    ],
)
def test_the_law_forbids_nothing_else(module: str, statement: str) -> None:
    assert breaches(f"{module.replace('.', '/')}.py", module, ast.parse(statement)) == []
