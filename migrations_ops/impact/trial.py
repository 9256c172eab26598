"""Each statement prepared and explained, as the role that sends it today and as a tenant. Nothing is carried out: one
transaction that writes nothing and is always rolled back."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.sql import Composable

from migrations_ops.impact.sources import QUERIES
from migrations_ops.impact.statements import Statement
from vital.db import sql
from vital.db.roles import TENANT_ROLE
from vital.db.session import Session

ITSELF = "none"  # the role that logged in


@dataclass(frozen=True)
class Actor:
    """Who sends a statement in a try: `role` is put on, `name` is what is said; `tenant` is whose rows it sees."""

    name: str
    role: str = ITSELF
    tenant: str = ""


@dataclass(frozen=True)
class Tried:
    """What came of it: an SQLSTATE with the server's words, or what the planner expects it to cost."""

    state: str = ""
    message: str = ""
    cost: float = 0.0

    @property
    def failed(self) -> bool:
        return bool(self.state)


@dataclass(frozen=True)
class Who:
    """The actors of a database. Roles that are not there, or that this session may not become, are tried as the role
    that logged in; `instead` says which."""

    actors: dict[str, Actor]
    instead: dict[str, str]
    tenant: Actor | None

    def of(self, role: str) -> Actor:
        return self.actors.get(role, Actor(role))


def who(session: Session, roles: Iterable[str], tenant: str, owners: Collection[str] = ()) -> Who:
    """Who may be tried here. On a copy the role that logged in stands for the `owners` of the real tables."""
    wanted = [role for role in roles if role not in owners]
    asked = sql.literal([*wanted, TENANT_ROLE])
    found = dict(session.execute(sql.compose(QUERIES["who_is_there"], roles=asked)))
    instead = {
        role: "this login may not become it" if role in found else "there is no such role here" for role in wanted
    }
    actors = {role: Actor(role, role) for role in wanted if found.get(role)}
    for role in actors:
        del instead[role]
    return Who(actors, instead, Actor(TENANT_ROLE, TENANT_ROLE, tenant) if found.get(TENANT_ROLE) else None)


@contextmanager
def trials(session: Session, grants: Iterable[Composable] = ()) -> Iterator[None]:
    """A transaction that leaves nothing behind, in which names mean what they mean to applications. `grants` hold in it
    alone."""
    with session.connection.transaction(force_rollback=True):
        session.execute(QUERIES["try_settings"])
        for grant in grants:
            with _alone(session):
                session.execute(grant)
        session.as_applications()
        session.execute(QUERIES["only_look"])
        yield


@contextmanager
def _alone(session: Session) -> Iterator[None]:
    """Whatever the server refuses in it is left out."""
    try:
        with session.connection.transaction():
            yield
    except psycopg.Error:
        if session.connection.broken:
            raise


def tried(session: Session, statement: Statement, actor: Actor) -> Tried | None:
    """Inside `trials`. None where there is nothing to prepare or explain, and no right to ask for."""
    prepared = False
    try:
        with session.connection.transaction(force_rollback=True):
            become(session, actor)
            if statement.reading.copied or statement.reading.truncated:
                return _loaded(session, statement)
            if not statement.reading.explained:
                return None
            _one(
                session, sql.compose(QUERIES["prepare_statement"], statement=sql.verbatim(statement.reading.explained))
            )
            prepared = True
            count = int(session.value(QUERIES["parameters_of_statement"]))
            return Tried(cost=_cost(session, count))
    except psycopg.Error as error:
        if session.connection.broken:
            raise
        return Tried(error.sqlstate or "XX000", str(error.diag.message_primary or error).strip())
    finally:
        if prepared and not session.connection.broken:
            # After a rollback the driver forgets its own prepared statements by DEALLOCATE ALL: ours may be gone too.
            with suppress(psycopg.errors.InvalidSqlStatementName), session.connection.transaction():
                session.execute(QUERIES["forget_statement"])


def _loaded(session: Session, statement: Statement) -> Tried:
    """COPY … FROM and TRUNCATE, which nobody can explain: what they would be refused for."""
    copied, truncated = statement.reading.copied, statement.reading.truncated
    tables = sql.literal([copied] if copied else list(truncated))
    for name, inserts, truncates, is_bound in session.execute(sql.compose(QUERIES["may_load"], tables=tables)):
        if not (inserts if copied else truncates):
            return Tried("42501", f"permission denied for table {name}")
        if copied and is_bound:
            return Tried("0A000", "row level security refuses COPY FROM")
    return Tried()


def become(session: Session, actor: Actor) -> None:
    parts = {"role": sql.literal(actor.role), "tenant": sql.literal(actor.tenant)}
    session.execute(sql.compose(QUERIES["become"], **parts))


def _cost(session: Session, parameters: int) -> float:
    nothing = sql.join([sql.literal(None)] * parameters)
    listed = sql.compose("({all})", all=nothing) if parameters else sql.raw("")
    plan: Any = session.value(sql.compose(QUERIES["explain_statement"], parameters=listed))
    return float(plan[0]["Plan"]["Total Cost"])


def _one(session: Session, statement: Composable) -> None:
    """By the extended protocol, which takes one statement and no more, whatever the text holds."""
    text = sql.text_of(statement)
    session.connection.execute(text.encode(), None, binary=True)
