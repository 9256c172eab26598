"""What a Supabase project has of its own: three ways in, tokens, and things that only its dashboard can do."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import psycopg
from django.conf import settings

from migrations_ops.backup.table_contents import left_to_others
from migrations_ops.diagnostics.result import FAIL, WARN, Result, good
from migrations_ops.engine.session import Session
from vital.db import sql
from vital.db.own_schema import connection_params

QUERIES = sql.load(Path(__file__).parent / "sql")
POOLER, TRANSACTION_PORT = ".pooler.supabase.com", "6543"
OF_HOST = re.compile(r"db\.(?P<project>[a-z0-9]+)\.supabase\.co")
OWNER = "postgres"
COMMANDS, SERVICE, TOKENS = "Supabase, commands", "Supabase, service", "Supabase, tokens"
DASHBOARD = (
    "Database > Backups takes the whole project back, auth and storage too; ./manage.py backup has what postgres owns",
    "Project Settings > JWT Keys shows, rotates and revokes what tokens are signed with",
    "Project Settings > Data API says which schemas browsers reach: vital is not to be one of them",
    "Database > Settings says who may connect from where, and how many connections a pooler keeps",
)


@dataclass(frozen=True)
class Address:
    """Where a connection goes: which of the ways that the dashboard offers, and as whom."""

    host: str
    port: str
    user: str
    changes_process: bool

    @classmethod
    def of(cls, database: dict[str, Any], *, changes_process: bool = False) -> Self:
        """Of Django's connection settings; that the server's process changes is known of a port, or was found out."""
        port = database.get("PORT") or "5432"
        return cls(
            database.get("HOST", ""), port, database.get("USER", ""), changes_process or port == TRANSACTION_PORT
        )

    @property
    def is_pooler(self) -> bool:
        return self.host.endswith(POOLER)

    @property
    def login(self) -> str:
        """Poolers know it as login.project."""
        return self.user.partition(".")[0] if self.is_pooler else self.user

    @property
    def project(self) -> str:
        """Its reference, or an empty text."""
        if self.is_pooler:
            return self.user.partition(".")[2]
        found = OF_HOST.fullmatch(self.host)
        return found["project"] if found else ""

    @property
    def shown(self) -> str:
        where = f"{self.host}:{self.port}"
        if self.changes_process:
            return f"the transaction pooler ({where})"
        return f"the session pooler ({where})" if self.is_pooler else f"the direct connection ({where})"


def is_supabase(session: Session) -> bool:
    return bool(session.value(QUERIES["is_supabase"]))


def behind_a_pooler() -> Iterator[Result]:
    """The same where no session can be opened: a pooler in transaction mode lets single statements through."""
    try:
        with psycopg.connect(**connection_params(), autocommit=True, prepare_threshold=None) as connection:
            row = connection.execute(QUERIES["is_supabase"].encode()).fetchone()
    except psycopg.Error:  # that commands cannot work here is said already
        return
    if row and row[0]:
        yield from ways_in(settings.DATABASES["default"], changes_process=True)


def results(session: Session) -> Iterator[Result]:
    """Of a Supabase project; of any other database nothing."""
    if not is_supabase(session):
        return
    left = ", ".join(left_to_others(session, ()))
    yield good("Supabase", f"a project, by its roles; left to its services are the schemas {left}")
    yield from ways_in(settings.DATABASES["default"], int(session.value(QUERIES["connections_there_are"])))
    if session.value(QUERIES["counts_statements"]):
        yield good("Supabase, pg_stat_statements", "on: Database > Query Performance shows what takes the time")
    else:
        fix = "Switch it on under Database > Extensions, in the schema extensions."
        yield Result("Supabase, pg_stat_statements", WARN, "off: it cannot be seen which statements take the time", fix)
    if "vital" in [schema for (schema,) in session.execute(QUERIES["exposed_schemas"])]:
        fix = "Take it out of pgrst.db_schemas: ALTER ROLE authenticator SET pgrst.db_schemas = 'public, …'."
        yield Result("Supabase, browsers", FAIL, "vital is published, VITAL's own tables", fix)
    for words in DASHBOARD:
        yield good("Supabase, dashboard only", words)


def ways_in(
    commands: dict[str, Any], connections: int | None = None, *, changes_process: bool = False
) -> Iterator[Result]:
    """Which connections are in use, and whether they fit; and what tokens are of this project."""
    ours = Address.of(commands, changes_process=changes_process)
    is_same = all(commands.get(part) == settings.SERVICE_DATABASE.get(part) for part in ("HOST", "PORT", "USER"))
    service = Address.of(settings.SERVICE_DATABASE)
    yield _of_commands(ours)
    yield _not_set() if is_same else _of_service(ours, service, connections)
    yield _tokens(ours.project or service.project)


def _of_commands(ours: Address) -> Result:
    if ours.changes_process:
        fix = "Give the direct connection, or the session pooler (port 5432), in VITAL_MIGRATIONS_DATABASE_URL."
        return Result(COMMANDS, FAIL, f"{ours.shown}, and a run needs a session of its own", fix)
    if ours.is_pooler:
        return good(COMMANDS, f"{ours.shown}: fits a run as the direct connection does, and needs no IPv6")
    return good(COMMANDS, f"{ours.shown}: fits a run; where there is no IPv6, the session pooler (port 5432) does")


def _not_set() -> Result:
    way = f"the transaction pooler (port {TRANSACTION_PORT}) fits"
    return good(SERVICE, f"no connection of its own is set here; {way}, with a login by ./manage.py create_login")


def _of_service(ours: Address, service: Address, connections: int | None) -> Result:
    if service.login == OWNER:
        fix = "./manage.py create_login vital_service; its URL is DATABASE_URL."
        return Result(SERVICE, FAIL, f"{service.shown} as {OWNER}, whom no policy binds", fix)
    if service.is_pooler and not service.project:
        fix = f"Write {service.user}.{ours.project or 'PROJECT'} in DATABASE_URL."
        return Result(SERVICE, FAIL, f"{service.shown} as {service.user}, which is no name to a pooler", fix)
    if service.changes_process:
        return good(SERVICE, f"{service.shown} as {service.login}: fits, and shares few processes among many requests")
    if service.is_pooler:
        fix = f"The transaction pooler (port {TRANSACTION_PORT}) lets many share a few."
        return Result(SERVICE, WARN, f"{service.shown}: each connection keeps one of the pooler's processes", fix)
    most = f" of the server's {connections}" if connections else ""
    return good(SERVICE, f"{service.shown} as {service.login}: fits, each of its connections is one{most}")


def _tokens(project: str) -> Result:
    home = f"https://{project or 'PROJECT'}.supabase.co"
    if settings.JWKS_URL:
        host = str(urlsplit(settings.JWKS_URL).hostname)
        if project and host.endswith(".supabase.co") and not home.endswith(f"/{host}"):
            return Result(TOKENS, WARN, f"VITAL_JWKS_URL is of {host}, not of this project", f"Set it to {_keys(home)}")
        return good(TOKENS, f"signing keys of {host}")
    if settings.JWT_SECRET:
        return good(TOKENS, f"HS256 by the legacy secret; with signing keys it is VITAL_JWKS_URL={_keys(home)}")
    fix = (
        f"A project with signing keys: VITAL_JWKS_URL={_keys(home)} VITAL_JWT_ISSUER={home}/auth/v1; "
        "with the legacy secret: SUPABASE_JWT_SECRET."
    )
    return Result(TOKENS, WARN, "the service accepts none of this project", fix)


def _keys(home: str) -> str:
    return f"{home}/auth/v1/.well-known/jwks.json"
