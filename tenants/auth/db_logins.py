"""The service's own logins: members of the two roles without inheriting anything, and without grants of their own."""

import hashlib
import hmac
import secrets
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg
from django.conf import settings
from django.db import connection, transaction
from psycopg.sql import Composable

from vital.db import roles, sql

QUERIES = sql.load(Path(__file__).parent / "sql")


class LoginExists(Exception):
    """There is a login of that name already."""


def create(name: str, *, replace_password: bool = False) -> str:
    """Make a login for the service and return its connection URL. Raises LoginExists.

    The roles are made where they are missing, so that a service can be up before the migration turns isolation on.
    """
    password = secrets.token_urlsafe(24)
    with transaction.atomic():
        if _value("login_exists", name=name) and not replace_password:
            raise LoginExists(name)
        _ensure(name, password)
    return _url(name, password)


def grant_again() -> None:
    """After `migrate`: tables that are new are granted as well, where a service works with them."""
    if _value("service_is_served"):
        _run("grant_service_tables")


def become_restricted() -> None:
    """Demo mode only: where the login owns the tables, the service takes a login of its own instead.

    Every worker makes the same one: its password follows from the secret key.
    """
    if _value("is_restricted"):
        return
    params = connection.settings_dict
    name = f"vital_demo_{params['NAME']}"[:63]
    password = hmac.new(settings.SECRET_KEY.encode(), name.encode(), hashlib.sha256).hexdigest()
    with transaction.atomic():
        _run("one_at_a_time")
        _ensure(name, password)
    params.update(USER=name, PASSWORD=password)


def _ensure(name: str, password: str) -> None:
    for role in roles.ROLES:
        if not _answer(roles.exists(role)):
            _execute(roles.create(role))
    verb = "set_password" if _value("login_exists", name=name) else "create_login"
    _run(verb, login=sql.ident(name), password=sql.literal(_scrambled(name, password)))
    _run("join_roles", login_name=sql.literal(name))
    _run("grant_service_tables")


def _scrambled(name: str, password: str) -> str:
    """The password as the server stores it, so that its log never sees the plain one."""
    raw: psycopg.Connection[object] = connection.connection
    return raw.pgconn.encrypt_password(password.encode(), name.encode()).decode()


def _run(statement: str, /, **parts: Composable) -> None:
    _execute(sql.unbound(QUERIES[statement], **parts))


def _execute(statement: Composable) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.text_of(statement))


def _value(statement: str, /, name: str = "", **parts: Composable) -> bool:
    return _answer(sql.compose(QUERIES[statement], **parts), {"name": name} if name else None)


def _answer(question: Composable, params: dict[str, str] | None = None) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(sql.text_of(question), params)
        row = cursor.fetchone()
    return bool(row and row[0])


def _project(user: str) -> str:
    """What a pooler of many projects wants behind each login's name, as Supabase's does: postgres.PROJECT."""
    with connection.cursor() as cursor:
        cursor.execute(QUERIES["who_is_logged_in"])
        ((login,),) = cursor.fetchall()
    return user.removeprefix(login) if user.startswith(f"{login}.") else ""


def _url(name: str, password: str) -> str:
    """The connection of this process as a URL, with another user."""
    params = connection.get_connection_params()
    name += _project(str(params.get("user") or ""))
    host, port = str(params.get("host") or ""), str(params.get("port") or "")
    known = {"dbname", "user", "password", "host", "port", "context", "cursor_factory", "prepare_threshold",
             "client_encoding", "application_name", "connect_timeout"}  # fmt: skip
    query = {key: str(value) for key, value in params.items() if key not in known}
    address = ""
    if host.startswith("/"):
        query |= {"host": host, **({"port": port} if port else {})}
    else:
        address = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
    tail = f"?{urlencode(query, quote_via=quote)}" if query else ""
    return f"postgresql://{quote(name, safe='')}:{password}@{address}/{quote(params['dbname'], safe='')}{tail}"
