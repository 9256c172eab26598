"""Where the copy lives: a database of its own, on the same server or on the embedded one, that goes in the end."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

from migrations_ops.engine.session import Session
from vital.db import embedded, session_settings, sql
from vital.errors import EngineError

QUERIES = sql.load(Path(__file__).parent / "sql")
SERVER, EMBEDDED = "server", "embedded"
NAME = "vital rehearsal"
LONGEST_NAME = 63  # bytes; PostgreSQL cuts off what is longer


class NoPlace(EngineError):
    """There is no place for the copy: {reason}. Nothing was changed. Let the role make databases on this server
    (ALTER ROLE … CREATEDB), or install VITAL's dependencies again, which bring an embedded PostgreSQL."""

    exit_code = 2


@dataclass(frozen=True)
class Target:
    """A database as libpq's parameters, for a connection, for a program's environment, and as a URL."""

    params: dict[str, Any] = field(repr=False)

    def open(self) -> Session:
        return Session.open(dict(self.params), NAME)

    def environment(self) -> dict[str, str]:
        """What psql and pg_dump read; a password on their command line would be everybody's to see."""
        variables = {
            option.keyword.decode(): option.envvar.decode() for option in pq.Conninfo.get_defaults() if option.envvar
        }
        mine = {variables[name]: str(value) for name, value in self.params.items() if name in variables and value}
        options = (str(self.params.get("options") or os.environ.get(variables["options"], "")), self._options())
        return os.environ | mine | {variables["options"]: " ".join(filter(None, options))}

    def _options(self) -> str:
        """What the database or the role has otherwise than we need it. Some poolers refuse options, so that none is
        given without need."""
        try:
            with closing(self.open()) as session:
                return session_settings.as_options(session.overruled)
        except (psycopg.Error, EngineError):  # the program itself says what is wrong
            return ""

    def url(self) -> str:
        """For DATABASE_URL; what libpq does not read out of a URL's front goes into its query."""
        front = {"user", "password", "dbname"}
        query = {name: str(value) for name, value in self.params.items() if name not in front and value}
        login = quote(str(self.params.get("user", "")), safe="")
        if password := self.params.get("password"):
            login += ":" + quote(str(password), safe="")
        database = quote(str(self.params["dbname"]), safe="")
        return f"postgresql://{login}{'@' if login else ''}/{database}?{urlencode(query, quote_via=quote)}"


@dataclass(frozen=True)
class Place:
    """Where the copy is: on the platform's own server, or on the embedded one."""

    kind: str
    target: Target


def chosen(source: Session, wanted: str, params: dict[str, Any], home: Path) -> tuple[str, Target, Target]:
    """(kind, who makes the database, who owns it). Raises NoPlace."""
    may = bool(source.value(QUERIES["may_create_databases"]))
    if wanted == SERVER and not may:
        raise NoPlace(reason="the role may not create databases on this server")
    if may and wanted != EMBEDDED:
        return SERVER, Target(params), Target(params)
    try:
        server = embedded.ensure_running(home)
    except embedded.EmbeddedError as error:
        lacking = "" if may else "the role may not create databases on this server, and "
        raise NoPlace(reason=f"{lacking}{error}") from error
    admin, owner = (conninfo_to_dict(url) for url in (server.superuser_url, server.owner_url))
    return EMBEDDED, Target(admin), Target(owner)


@contextmanager
def scratch(source: Session, wanted: str, params: dict[str, Any], home: Path) -> Iterator[Place]:
    """An empty database for the copy. It is dropped in the end, whatever ends it."""
    kind, maker, owner = chosen(source, wanted, params, home)
    database = str(source.value(QUERIES["lives_in"]))
    with closing(maker.open()) as session:
        prefix = _shortened(database, LONGEST_NAME - len("_vital_rehearsal_") - 12) + "_vital_rehearsal_"
        for (abandoned,) in session.execute(QUERIES["abandoned_scratches"], {"prefix": prefix}):
            _drop(session, abandoned)
        name = prefix + uuid4().hex[:12]
        try:
            if kind == SERVER:
                likeness = sql.verbatim(str(source.value(QUERIES["likeness_of_database"])))
            else:
                likeness = sql.compose("OWNER {owner}", owner=sql.ident(str(owner.params["user"])))
                _namesakes(source, session)
            session.execute(sql.compose(QUERIES["create_scratch"], name=sql.ident(name), likeness=likeness))
            if kind == EMBEDDED:
                _extensions(source, Target(maker.params | {"dbname": name}), str(owner.params["user"]))
            yield Place(kind, Target(owner.params | {"dbname": name}))
        finally:
            with undisturbed(), closing(maker.open()) as other:  # the first may have been broken off in mid-statement
                _drop(other, name)


def _drop(session: Session, name: str) -> None:
    try:
        session.execute(sql.compose(QUERIES["drop_scratch"], name=sql.ident(name)))
    except psycopg.errors.InsufficientPrivilege:
        session.execute(sql.compose(QUERIES["drop_scratch_gently"], name=sql.ident(name)))


def _namesakes(source: Session, there: Session) -> None:
    for (role,) in source.execute(QUERIES["roles_of_policies"]):
        if not there.value(QUERIES["has_role"], {"role": role}):
            there.execute(sql.compose(QUERIES["create_namesake"], role=sql.ident(role)))


def _extensions(source: Session, there: Target, owner: str) -> None:
    """Those of the platform that the embedded server has, made by its superuser: most, pgvector among them, are nothing
    that a plain owner may have. Which are lacking is noticed where they are needed."""
    with closing(there.open()) as copy:
        for statement, schema in source.execute(QUERIES["surrounding_extensions"]):
            copy.execute(sql.compose(QUERIES["make_schema"], schema=sql.ident(schema), owner=sql.ident(owner)))
            with suppress(psycopg.DatabaseError):
                copy.execute(sql.verbatim(statement))


def _shortened(name: str, most: int) -> str:
    return name.encode()[:most].decode(errors="ignore")


@contextmanager
def undisturbed() -> Iterator[None]:
    """Ctrl-C waits until what is inside is through. (Only the main thread hears it.)"""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
