"""The connection that a run works on, with the engine's named SQL."""

from pathlib import Path

from vital.db import session, sql

QUERIES = {**session.QUERIES, **sql.load(Path(__file__).parent / "sql")}


class Session(session.Session):
    """A session that knows the engine's statements by name."""

    queries = QUERIES
