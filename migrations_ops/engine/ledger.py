"""The memory of every change to a row, and its exact undo."""

from dataclasses import dataclass, field
from typing import Any

from psycopg import errors as pg
from psycopg.sql import Composable

from migrations_ops.engine import locks, sql
from migrations_ops.engine.pace import TIMEOUT_SECONDS
from migrations_ops.engine.session import QUERIES, Session
from migrations_ops.engine.steps import Table
from migrations_ops.engine.vacuum import Cleaner
from migrations_ops.engine.watch import Watch

ENTRIES_AT_ONCE = 100


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
    """Take back every standing entry of the phase, newest first, each in a transaction of its own."""
    return _take_back(session, {"phase": phase, "late": ""}, tables, watch)


def undo_late(session: Session, touched: Touched, watch: Watch) -> Undone:
    """Take back what a trigger that is gone by now has given a table's rows, whichever phase's rules it followed: until
    it went, it gave others to rows that those phases' own undo had just taken theirs from."""
    relation = touched.table.relation
    return _take_back(session, {"phase": "", "late": relation}, {relation: touched}, watch)


def _take_back(session: Session, which: dict[str, str], tables: dict[str, Touched], watch: Watch) -> Undone:
    """An undo that is killed goes on with the entries that still stand. An entry that takes too long is cut in two, and
    tried again.
    """
    undone, work = Undone(), _Undoing(session, tables, watch)
    done, total = 0, session.named("rows_to_undo", which)[0][0] or 1
    while entries := session.named("entries_to_undo", which | {"entries": ENTRIES_AT_ONCE}):
        for entry, kind, relation, after, rows in entries:
            watch.check_stop()
            watch.make_room(relation)
            taken_back = work.entry(entry, kind, relation, after)
            if taken_back is None:
                break  # it was cut: the newest standing ones are asked for again
            count, kept = taken_back
            into = undone.removed if kind == "insert" else undone.restored
            into[relation] = into.get(relation, 0) + count
            undone.conflicts += [(relation, key) for key in kept]
            done += rows
            watch.batch_done(done, total, sum(undone.restored.values()) + sum(undone.removed.values()))
    work.finish()
    return undone


class _Undoing:
    """The statements of an undo and what cleans up behind them, made once for each table."""

    def __init__(self, session: Session, tables: dict[str, Touched], watch: Watch) -> None:
        self.session, self.tables, self.watch = session, tables, watch
        self._statements: dict[tuple[str, str], Composable] = {}
        self._cleaners: dict[str, tuple[Cleaner, float]] = {}

    def entry(self, entry: int, kind: str, relation: str, after: Any) -> tuple[int, list[str]] | None:
        """(rows taken back, keys kept); None where it took too long and was cut in two instead."""
        family = "insert" if kind == "insert" else "assign"
        if (relation, family) not in self._statements:
            hashed = after["columns"] if family == "insert" else []
            self._statements[relation, family] = _statement(self.session, family, self.tables[relation], hashed)
        statement = self._statements[relation, family]

        def take_back() -> tuple[int, list[str]]:
            with self.session.work(statement_timeout=f"{TIMEOUT_SECONDS}s"):
                count, kept = self.session.execute(statement, {"id": entry})[0]
                return int(count), list(kept)

        try:
            count, kept = locks.retried(self.session, (relation,), take_back, self.watch.waiting)
        except pg.QueryCanceled:
            with self.session.work():
                if not self.session.named("cut_entry", {"id": entry})[0][0]:
                    raise
            self.watch.waiting(
                f"{relation}: taking back one entry takes longer than {TIMEOUT_SECONDS} s: half of it now"
            )
            return None
        cleaner, pages_per_row = self._cleaner(relation)
        cleaner.went_through(int(count * pages_per_row) + 1)
        return count, kept

    def _cleaner(self, relation: str) -> tuple[Cleaner, float]:
        if relation not in self._cleaners:
            leaves = self.session.leaves(relation)
            pages, rows = sum(pages for _, pages, _ in leaves), sum(rows for *_, rows in leaves)
            share = lambda: self.watch.throttle.limits.number("vacuum")  # noqa: E731
            self._cleaners[relation] = Cleaner(self.session, relation, pages, share), pages / rows if rows else 0.0
        return self._cleaners[relation]

    def finish(self) -> None:
        """Clean the indexes of every table that was touched."""
        for cleaner, _ in self._cleaners.values():
            cleaner.finish()


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
    typed = [column for column in session.columns(table.relation) if column.name in columns]
    return sql.compose(
        QUERIES["undo_assignment"],
        relation=sql.relation(table.relation),
        types=sql.join([sql.ident(c.name) + sql.raw(" ") + sql.verbatim(c.kind) for c in typed]),
        old_values=sql.join([sql.column("r", c) for c in columns]),
        assignments=sql.join([sql.ident(c) + sql.raw(" = ") + sql.column("e", c) for c in columns]),
        same_row=same_row,
        as_we_left_it=sql.jsonb_of("t", columns),
    )
