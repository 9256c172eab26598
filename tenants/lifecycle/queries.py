"""The named SQL of a tenant's life."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from psycopg.sql import Composable

from vital.db import sql
from vital.db.session import Session

QUERIES = sql.load(Path(__file__).parent / "sql")


def ask(session: Session, name: str, params: sql.Params | None = None, /, **parts: Composable) -> list[tuple[Any, ...]]:
    return session.execute(sql.compose(QUERIES[name], **parts), params)


@contextmanager
def as_login(session: Session, *, unless: bool = False) -> Iterator[None]:
    """For what is the owner's alone: vital_operator may use no sequence, and no table that the plan does not name."""
    if unless:
        yield
        return
    ((role,),) = ask(session, "role_now")
    ask(session, "put_role_on", {"role": "none"})
    yield
    ask(session, "put_role_on", {"role": role})
