"""The named SQL of isolation, composed with tables."""

from pathlib import Path

from psycopg.sql import Composable, Composed

from vital.db import sql

# Without the sentences above them: some become bodies of functions, others are printed for people to repeat.
QUERIES = {name: sql.statement_of(body) for name, body in sql.load(Path(__file__).parent / "sql").items()}


def query(name: str, /, **parts: Composable) -> Composed:
    return sql.unbound(QUERIES[name], **parts)


def of_table(name: str, relation: str, /, **parts: Composable) -> Composed:
    """A query about one table: {relation} is its identifier, {name} its name as text."""
    return query(name, **({"relation": sql.relation(relation), "name": sql.literal(relation)} | parts))
