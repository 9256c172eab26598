"""Indexes for as long as an undo removes rows: each of these is looked for in every table that refers to its own, and a
table without an index on its reference would be read as a whole for each."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from migrations_ops.engine import ddl
from migrations_ops.engine.session import QUERIES, Session
from migrations_ops.engine.steps import Index, Insert, Phase, Statement
from migrations_ops.engine.tables import are_there
from vital.db import introspection, sql

FEW = 20  # rows: an index is made by reading its table twice
Waits = Callable[[Statement], Callable[[str], None]]


@contextmanager
def built(
    session: Session, work: str, run: int, rows: Mapping[str, int], waiting: Callable[[str], None]
) -> Iterator[None]:
    """While `work` removes so many rows of these tables. It must hold the run's lock. In no transaction."""
    build(session, work, run, [relation for relation, count in rows.items() if count > FEW], lambda _: waiting)
    try:
        yield
    except Exception:
        if not session.connection.broken:
            drop(session, lambda _: waiting)
        raise
    drop(session, lambda _: waiting)


def build_for_phase(session: Session, phase: Phase, run: int, waits: Waits) -> None:
    """For every table that refers to one that the phase has added rows to."""
    parents = {step.table.relation for step in phase.steps if isinstance(step, Insert)}
    build(session, phase.key, run, [relation for relation in sorted(parents) if _has_many(session, relation)], waits)


def build(session: Session, work: str, run: int, parents: Iterable[str], waits: Waits) -> None:
    """For every table that refers to one of these. An index that is there, e.g. one that a killed undo has made, does
    as well."""
    for key in introspection.foreign_keys(session, parents=list(parents)):
        if not key.is_inherited and _is_needed(session, key):
            index = _index(key.child, key.own)
            ddl.apply(session, work, run, index, waits(index))


def _has_many(session: Session, relation: str) -> bool:
    """Whether it has more than a few rows."""
    with session.work():
        there = are_there(session, relation)
        return there and bool(session.named("has_many_rows", {"few": FEW}, relation=sql.relation(relation))[0][0])


def _is_needed(session: Session, key: introspection.ForeignKey) -> bool:
    with session.work(as_operator=False):  # who is to build it must own the table
        return bool(session.named("needs_index_for_undo", {"child": key.child, "columns": list(key.own)})[0][0])


def drop(session: Session, waits: Waits) -> None:
    """Those of this undo, and what any killed one has left."""
    for work, relation, columns in session.named("indexes_for_undo"):
        index = _index(relation, columns)
        ddl.undo(session, work, index, waits(index))


def _index(relation: str, columns: Sequence[str]) -> Statement:
    """Rows that refer to nothing are left out: they are most of them, as their values have gone back by then."""
    schema, table = sql.names(relation)
    name = sql.fitting(f"vital_undo_{table}_{'_'.join(columns)}")
    listed = sql.join(map(sql.ident, columns))
    where = sql.join([sql.compose("{c} IS NOT NULL", c=sql.ident(c)) for c in columns], " AND ")
    index = Index(name, listed, sql.compose("WHERE {where}", where=where))
    gone = sql.compose(QUERIES["drop_piece"], index=sql.ident(schema, name))
    parts = {"index": sql.ident(name), "relation": sql.relation(relation), "columns": listed, "where": index.where}
    return Statement(
        name=f"{sql.spelled(schema, name)} for an undo",
        relation=relation,
        is_applied=lambda session: bool(session.named("is_valid_index", {"index": sql.spelled(schema, name)})),
        saved_state=sql.compose(QUERIES["index_for_undo"], columns=sql.literal(list(columns))),
        repair=gone,
        up=(sql.compose(QUERIES["build_piece"], **parts),),
        down=lambda _: (gone,),
        online=True,
        index=index,
        locks=(relation,),
    )
