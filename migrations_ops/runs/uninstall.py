"""What is VITAL's own leaves the database, once everything that runs have done is undone."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from psycopg import errors as pg

from migrations_ops.engine.session import Session
from migrations_ops.phase_state import has_begun
from migrations_ops.runs.queries import ask, unfinished
from vital.db import retry, roles, sql
from vital.errors import EngineError

SCHEMA = "vital"
ROLES = (*roles.ROLES, roles.PROVER_ROLE)  # the last one is a way to the first: neither goes without the other
NAMED = 5


class NotUndone(EngineError):
    """VITAL cannot be removed: {what}. Nothing was changed. Undo everything first: ./manage.py migrate_tenants
    undo"""


class OthersInSchema(EngineError):
    """VITAL cannot be removed: in its schema vital there is what others have made: {what}. Nothing was changed. Move
    that into a schema of your own, or drop it."""


class OthersDepend(EngineError):
    """VITAL cannot be removed: {what}. Nothing was changed. Drop that first, or let it read tables of your own."""


class NotYours(EngineError):
    """VITAL cannot be removed by this login: {message}. Nothing was changed. Do it as the role that ran the
    migration."""

    exit_code = 2


@dataclass
class Removal:
    """What goes and what stays, with the reason; `lost` counts what is known to VITAL's tables alone."""

    relations: list[tuple[str, str, str]] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)
    has_schema: bool = False
    schema_goes: bool = False
    roles: list[str] = field(default_factory=list)
    stays: list[tuple[str, str]] = field(default_factory=list)
    lost: tuple[int, int, int] = (0, 0, 0)

    def __bool__(self) -> bool:
        return bool(self.relations or self.functions or self.schema_goes or self.roles)

    def goes(self) -> list[str]:
        """In words, the biggest first."""
        tables = [name for kind, _, name in self.relations if kind == "table"]
        views = [f"the view {schema}.{name}" for kind, schema, name in self.relations if kind == "view"]
        schema = [f"the schema {SCHEMA}"] if self.schema_goes else []
        inside = [f"the tables of {SCHEMA}: {', '.join(tables)}"] if tables else []
        functions = [f"the function {signature}" for signature in self.functions]
        return [*schema, *inside, *views, *functions, *(f"the role {role}" for role in self.roles)]

    def document(self) -> dict[str, Any]:
        names = ("audit", "users", "api_keys")
        return {
            "goes": self.goes(),
            "stays": [{"what": what, "why": why} for what, why in self.stays],
            "lost": dict(zip(names, self.lost, strict=True)),
        }


def removal(session: Session) -> Removal:
    """What an uninstall would remove. Raises NotUndone, OthersInSchema. Read-only."""
    is_set_up = bool(session.named("is_set_up")[0][0])
    if is_set_up:
        _refuse_what_stands(session)
    own = {"tables": _own_tables()}
    found = Removal(
        relations=[(str(kind), str(schema), str(name)) for kind, schema, name in ask(session, "own_relations", own)],
        functions=[str(signature) for (signature,) in ask(session, "own_functions")],
        lost=ask(session, "what_is_lost")[0] if is_set_up else (0, 0, 0),
    )
    strangers = [str(what) for (what,) in ask(session, "strangers", own | {"functions": found.functions})]
    if strangers:
        raise OthersInSchema(what=_some(strangers))
    found.has_schema, may_create = ask(session, "own_schema")[0]
    found.schema_goes = found.has_schema and may_create
    if found.has_schema and not may_create:
        found.stays.append((f"the schema {SCHEMA}, empty", "this role may not make it again: another has made it"))
    for role in ROLES:
        _judge(session, role, found)
    return found


def _refuse_what_stands(session: Session) -> None:
    if run := unfinished(session):
        raise NotUndone(what=f"the {run.kind} {run.id} is {run.status}")
    stands = [str(what) for (what,) in ask(session, "what_still_stands")]
    if stands:
        raise NotUndone(what=f"{len(stands)} changes are not undone: {_some(stands)}")
    if has_begun(session):
        raise NotUndone(what="a phase is not undone")


def _own_tables() -> list[str]:
    """Those of the models, and Django's own."""
    return sorted(
        {"django_migrations", *(model._meta.db_table for model in apps.get_models(include_auto_created=True))}
    )


def _judge(session: Session, role: str, found: Removal) -> None:
    """Whether a role goes; if not, what keeps it, and how it could go."""
    for databases, members, here, may_drop in ask(session, "role_and_its_users", {"role": role}):
        waits_for = [one for one in members if one != roles.PROVER_ROLE]
        if role == roles.PROVER_ROLE and roles.TENANT_ROLE not in found.roles:
            why = f"{roles.TENANT_ROLE} stays"
        elif databases:
            why = f"other databases of this server need it: {_some(databases)}"
        elif waits_for:
            why = f"it has members, which are yours to drop: {_some(waits_for)}"
        elif here:
            why = f"it holds something in this database that VITAL did not give it: {_some(here)}"
        elif not may_drop:
            why = f"this role may not drop it. As a DBA: DROP ROLE {role}"
        else:
            found.roles.append(role)
            continue
        found.stays.append((f"the role {role}", why))


def _some(names: list[str]) -> str:
    left = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {left:,} more" if left > 0 else "")


def uninstall(session: Session, waiting: Callable[[str], None]) -> Removal:
    """Remove it, all or nothing apart from roles that somebody has come to need meanwhile. Raises NotUndone,
    OthersInSchema, OthersDepend, NotYours, LockNotGranted."""
    found = removal(session)
    relations = tuple(sql.spelled(schema, name) for _, schema, name in found.relations)
    try:
        retry.retried(session, relations, lambda: _remove(session, found), waiting)
    except pg.DependentObjectsStillExist as error:
        raise OthersDepend(what=" and ".join((error.diag.message_detail or str(error)).splitlines())) from error
    except pg.InsufficientPrivilege as error:
        raise NotYours(message=error.diag.message_primary) from error
    return found


def _remove(session: Session, found: Removal) -> None:
    with session.work(as_operator=False):
        for kind, schema, name in found.relations:
            if kind == "view":
                ask(session, "drop_own_view", view=sql.ident(schema, name))
        tables = [sql.ident(schema, name) for kind, schema, name in found.relations if kind == "table"]
        if tables:
            ask(session, "drop_own_tables", tables=sql.join(tables))
        for signature in found.functions:
            ask(session, "drop_own_function", function=sql.verbatim(signature))
        if found.schema_goes:
            ask(session, "drop_own_schema")
        for role in list(found.roles):
            _drop_role(session, role, found)


def _drop_role(session: Session, role: str, found: Removal) -> None:
    try:
        with session.connection.transaction():
            ask(session, "drop_own_role", role=sql.ident(role))
    except (pg.DependentObjectsStillExist, pg.InsufficientPrivilege, pg.UndefinedObject) as error:
        found.roles.remove(role)
        found.stays.append((f"the role {role}", str(error.diag.message_primary)))
