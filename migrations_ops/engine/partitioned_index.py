"""Indexes of partitioned tables: each partition's is built beside its writers, and the table's takes them over."""

from collections.abc import Callable, Iterator

from psycopg.sql import Composable

from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Index
from vital.db import retry, sql

Waiting = Callable[[str], None]


def has(session: Session, relation: str) -> bool:
    return bool(session.named("is_partitioned", {"relation": relation}))


def build_index(session: Session, relation: str, index: Index, waiting: Waiting) -> None:
    """Partition by partition, then for the table, which finds every piece there."""
    for leaf, schema, name in _pieces(session, relation, index):
        if session.named("is_valid_index", {"index": sql.spelled(schema, name)}):
            continue
        session.named("drop_piece", index=sql.ident(schema, name))
        session.named("build_piece", None, index=sql.ident(name), relation=sql.relation(leaf), **_body(index))

    def whole() -> None:
        with session.work(as_operator=False):
            session.named(
                "build_whole", None, index=sql.ident(index.name), relation=sql.relation(relation), **_body(index)
            )

    retry.retried(session, (relation,), whole, waiting)


def _body(index: Index) -> dict[str, Composable]:
    return {"columns": index.columns, "where": index.where}


def drop_index(session: Session, relation: str, index: Index, waiting: Waiting) -> None:
    """The table's with all its pieces, and those that a killed run has left alone."""

    def whole() -> None:
        with session.work(as_operator=False):
            session.named("drop_whole", index=sql.ident(sql.names(relation)[0], index.name))

    retry.retried(session, (relation,), whole, waiting)
    for _, schema, name in _pieces(session, relation, index):
        session.named("drop_piece", index=sql.ident(schema, name))


def _pieces(session: Session, relation: str, index: Index) -> Iterator[tuple[str, str, str]]:
    """(partition, schema and name of its index)."""
    for leaf, _, _ in session.leaves(relation):
        schema, table = sql.names(leaf)
        yield leaf, schema, sql.fitting(f"{table}_{index.name}")
