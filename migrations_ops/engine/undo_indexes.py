"""Indexes for as long as an undo removes rows: each of these is looked for in every table that refers to its own, and a
table without an index on its reference would be read as a whole for each."""

from collections.abc import Callable, Iterator, Sequence

from migrations_ops.engine import ddl
from migrations_ops.engine.session import QUERIES, Session
from migrations_ops.engine.steps import Index, Insert, Phase, Statement
from vital.db import introspection, sql

FEW = 20  # rows: an index is made by reading its table twice
Waits = Callable[[Statement], Callable[[str], None]]


def build(session: Session, phase: Phase, run: int, waits: Waits) -> None:
    """For every table that refers to one that the phase has added rows to. An index that is there, e.g. one that a
    killed undo has made, does as well."""
    parents = {step.table.relation for step in phase.steps if isinstance(step, Insert)}
    for key in introspection.foreign_keys(session, parents=sorted(parents)):
        if not key.is_inherited and _is_needed(session, key):
            index = _index(key.child, key.own)
            ddl.apply(session, phase.key, run, index, waits(index))


def _is_needed(session: Session, key: introspection.ForeignKey) -> bool:
    facts = {"child": key.child, "columns": list(key.own), "few": FEW}
    with session.work():
        return bool(session.named("needs_index_for_undo", facts, parent=sql.relation(key.parent))[0][0])


def drop(session: Session, phase: Phase, waits: Waits) -> None:
    """Those of this undo, and what a killed one has left."""
    for index in _made(session, phase):
        ddl.undo(session, phase.key, index, waits(index))


def _made(session: Session, phase: Phase) -> Iterator[Statement]:
    for relation, columns in session.named("indexes_for_undo", {"phase": phase.key}):
        yield _index(relation, columns)


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
