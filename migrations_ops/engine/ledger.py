"""The memory of every change to a row, and its exact undo."""

from dataclasses import dataclass, field

from psycopg.sql import Composable

from migrations_ops.engine import locks, sql
from migrations_ops.engine.assign import Watch
from migrations_ops.engine.session import QUERIES, Session
from migrations_ops.engine.steps import Table


@dataclass(frozen=True)
class Touched:
    """A table that entries are about: the columns of its assignments, and which inserted rows may be removed again."""

    table: Table
    columns: tuple[str, ...]
    removable: Composable | None


@dataclass
class Undone:
    """What an undo of ledger entries came to. `conflicts` are (relation, key) that were kept."""

    restored: dict[str, int] = field(default_factory=dict)
    removed: dict[str, int] = field(default_factory=dict)
    conflicts: list[tuple[str, str]] = field(default_factory=list)

    def add(self, other: "Undone") -> None:
        """Count another phase's undo in."""
        for into, more in ((self.restored, other.restored), (self.removed, other.removed)):
            for relation, rows in more.items():
                into[relation] = into.get(relation, 0) + rows
        self.conflicts += other.conflicts


def undo_phase(session: Session, phase: str, tables: dict[str, Touched], watch: Watch) -> Undone:
    """Take back every standing entry of the phase, newest first, each in a transaction of its own.

    An undo that is killed goes on with the entries that still stand.
    """
    undone = Undone()
    entries = session.named("entries_to_undo", {"phase": phase})
    statements: dict[tuple[str, str], Composable] = {}
    for number, (entry, kind, relation, after) in enumerate(entries, start=1):
        watch.check_stop()
        family = "insert" if kind == "insert" else "assign"
        if (relation, family) not in statements:
            hashed = after["columns"] if family == "insert" else []
            statements[relation, family] = _statement(session, family, tables[relation], hashed)
        statement = statements[relation, family]

        def take_back(statement: Composable = statement, entry: int = entry) -> tuple[int, list[str]]:
            with session.work():
                count, kept = session.execute(statement, {"id": entry})[0]
                return int(count), list(kept)

        count, kept = locks.retried(session, (relation,), take_back, watch.waiting)
        into = undone.removed if family == "insert" else undone.restored
        into[relation] = into.get(relation, 0) + count
        undone.conflicts += [(relation, key) for key in kept]
        watch.batch_done(number, len(entries), sum(undone.restored.values()) + sum(undone.removed.values()))
    return undone


def _statement(session: Session, family: str, touched: Touched, hashed: list[str]) -> Composable:
    table, columns = touched.table, touched.columns
    same_row = sql.key_equals("t", session.typed_key(table.relation, table.key), sql.column("e", "vital_key"))
    if family == "insert":
        return sql.compose(
            QUERIES["undo_insert"],
            relation=sql.relation(table.relation),
            same_row=same_row,
            hash=sql.row_hash("t", [column for column in session.columns(table.relation) if column.name in hashed]),
            removable=touched.removable or sql.raw("true"),
        )
    return sql.compose(
        QUERIES["undo_assignment"],
        relation=sql.relation(table.relation),
        old_values=sql.join([sql.column("r", c) for c in columns]),
        assignments=sql.join([sql.ident(c) + sql.raw(" = ") + sql.column("e", c) for c in columns]),
        same_row=same_row,
        as_we_left_it=sql.jsonb_of("t", columns),
    )
