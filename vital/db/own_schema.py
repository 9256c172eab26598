"""VITAL's own tables in the configured database, and the connection beside Django's that works on it."""

import getpass
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from django.core.management import call_command
from django.db import connection

from vital.db.session import Session
from vital.errors import EngineError

S = TypeVar("S", bound=Session)


class EarlierTables(EngineError):
    """VITAL's own tables in this database are of an earlier VITAL. Bring them up to date: ./manage.py migrate, as a run
    does by itself. Nothing was changed."""

    exit_code = 2


class NotSetUp(EngineError):
    """VITAL's own tables are not in this database yet, and the service may not make them. As the tables' owner:
    ./manage.py migrate"""

    exit_code = 2


def me() -> str:
    """Who calls a command."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


@contextmanager
def opened(kind: type[S], *, read_only: bool = False) -> Iterator[S]:
    """A session of this kind on the configured database, whose tables of VITAL's own are those of this version.

    Raises EarlierTables where it only reads, or may not bring them up to date.
    """
    session = kind.open(connection_params(), f"vital {me()}")
    try:
        if read_only:
            session.named("read_only")
            session.read_as_operator()
        if session.named("is_of_an_earlier_vital")[0][0]:
            if read_only or session.read_as_operator() or connection.in_atomic_block:
                raise EarlierTables
            bring_up_to_date()
        yield session
    finally:
        session.close()


def connection_params() -> dict[str, Any]:
    """libpq's parameters of the configured database."""
    params: dict[str, Any] = connection.get_connection_params()
    for key in ("context", "cursor_factory", "prepare_threshold"):
        params.pop(key, None)
    return params


def bring_up_to_date() -> None:
    """VITAL's own tables; where the platform's are all missing, the legacy baseline. Never alters what it finds."""
    call_command("migrate", verbosity=0, interactive=False)
    connection.close()
