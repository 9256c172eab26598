"""The memory of every change to a row, and its exact undo."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from psycopg import errors as pg
from psycopg.sql import Composable

from migrations_ops.engine import undo_indexes
from migrations_ops.engine.batch_size import TIMEOUT_SECONDS
from migrations_ops.engine.session import QUERIES, Session
from migrations_ops.engine.step_context import Watch
from migrations_ops.engine.steps import Table
from migrations_ops.engine.tables import has_columns, refuse_moved
from migrations_ops.engine.vacuum import Cleaner
from vital.db import retry, sql
from vital.db.introspection import foreign_keys
from vital.errors import Problem

ENTRIES_AT_ONCE = 2_000
ROWS_AT_ONCE = 2_000  # of several entries: an application waits for the end of a transaction
ADDED = ("insert", "copy")  # kinds of entries whose rows are ours: taken back, they go


@dataclass(frozen=True)
class Touched:
    """A table that entries are about: the columns of its assignments, and which inserted rows may be removed again."""

    table: Table
    columns: tuple[str, ...]
    removable: tuple[tuple[str, str, Composable], ...] = ()


@dataclass
class Undone:
    """What an undo of ledger entries came to. `conflicts` are (relation, key) that were kept; `gone` are tables
    that somebody has dropped, with the rows of theirs that were to go back; `elsewhere` are triggers of others that
    fired, and whose own changes of other tables are not known."""

    restored: dict[str, int] = field(default_factory=dict)
    removed: dict[str, int] = field(default_factory=dict)
    conflicts: list[tuple[str, str]] = field(default_factory=list)
    gone: dict[str, int] = field(default_factory=dict)
    elsewhere: list[Problem] = field(default_factory=list)

    def add(self, other: "Undone") -> None:
        """Count another phase's undo in."""
        for into, more in ((self.restored, other.restored), (self.removed, other.removed), (self.gone, other.gone)):
            for relation, rows in more.items():
                into[relation] = into.get(relation, 0) + rows
        self.conflicts += other.conflicts


def undo_phase(session: Session, phase: str, tables: dict[str, Touched], watch: Watch) -> Undone:
    """Take back every standing entry of the phase, newest first, each in a transaction of its own."""
    return _take_back(session, {"phase": phase, "late": "", "run": None}, tables, watch)


def undo_run(session: Session, run: int, tables: dict[str, Touched], watch: Watch) -> Undone:
    """Take back every standing entry that was written under this run, which is no run of phases."""
    rows = dict(session.named("rows_added_by_run", {"run": run, "added": list(ADDED)}))
    with undo_indexes.built(session, f"undo of {run}", run, rows, watch.waiting):
        return _take_back(session, {"phase": "", "late": "", "run": run}, tables, watch)


def undo_legacy_writes(session: Session, touched: Touched, watch: Watch) -> Undone:
    """Take back what a trigger that is gone by now has given a table's rows, whichever phase's rules it followed."""
    relation = touched.table.relation
    return _take_back(session, {"phase": "", "late": relation, "run": None}, {relation: touched}, watch)


def _take_back(session: Session, which: dict[str, Any], tables: dict[str, Touched], watch: Watch) -> Undone:
    """An undo that is killed goes on with the entries that still stand. What takes too long is divided in two."""
    undone, work, done, before = Undone(), _Undoing(session, tables, watch), 0, None
    total, last = session.named("rows_to_undo", which)[0]
    facts = which | {"entries": ENTRIES_AT_ONCE, "last": last}
    while entries := standing_entries(session, facts | {"before": before}):
        for group in groups(entries, work.at_once):
            watch.check_stop()
            watch.make_room(group.relation)
            taken_back = work.group(group)
            if taken_back is None:
                before = None
                break  # it was divided: the newest standing ones are asked for again
            before = group.ids[-1]
            count, kept = taken_back
            into = undone.removed if group.kind in ADDED else undone.restored
            into, count = (undone.gone, group.rows) if group.relation in work.gone else (into, count)
            into[group.relation] = into.get(group.relation, 0) + count
            undone.conflicts += [(group.relation, key) for key in kept]
            done += group.rows
            watch.batch_done(done, total or 1, sum(undone.restored.values()) + sum(undone.removed.values()))
    work.finish()
    return undone


def standing_entries(session: Session, facts: dict[str, Any]) -> list[tuple[Any, ...]]:
    """The next ones to undo."""
    with session.work(as_operator=False):
        session.named("entries_in_their_order")
        return session.named("entries_to_undo", facts)


@dataclass(frozen=True)
class Group:
    """Entries that are undone in one transaction: those of a batch, which has one for each tenant, or a trigger's,
    which have a row each."""

    ids: list[int]
    kind: str
    relation: str
    after: Any
    rows: int

    @property
    def columns(self) -> tuple[str, ...]:
        """Those that it gave values to; of rows that it added all that were hashed."""
        return tuple(self.after["columns"] if self.kind in ADDED else sorted(self.after))


def groups(entries: Iterable[tuple[Any, ...]], at_once: int) -> Iterator[Group]:
    """In their order, which is of no matter among those of one statement, as it changes each row once, nor among a
    trigger's: it gave values to rows that had none."""
    for (relation, kind, *_), run in groupby(entries, key=_statement_of):
        ids, rows, after = list[int](), 0, None
        for entry in run:
            if ids and (kind in ADDED or len(ids) == at_once or rows + entry[4] > ROWS_AT_ONCE):
                yield Group(ids, kind, relation, after, rows)
                ids, rows = [], 0
            ids.append(entry[0])
            rows, after = rows + entry[4], entry[3]
        yield Group(ids, kind, relation, after, rows)


def _statement_of(entry: tuple[Any, ...]) -> tuple[Any, ...]:
    """Which statement has made an entry. A reference may be of other columns of the same row."""
    _, kind, relation, after, _, *rest = entry
    return (relation, kind, *rest, sorted(after) if kind == "reference" else ())


class _Undoing:
    """The statements of an undo and what cleans up behind them, made once for each table."""

    def __init__(self, session: Session, tables: dict[str, Touched], watch: Watch) -> None:
        self.session, self.tables, self.watch = session, tables, watch
        self.at_once = ENTRIES_AT_ONCE
        self.gone: set[str] = set()
        self._statements: dict[tuple[str, str, tuple[str, ...]], Composable] = {}
        self._cleaners: dict[str, Cleaner] = {}

    def group(self, group: Group) -> tuple[int, list[str]] | None:
        """(rows undone, keys kept); None where it took too long and was divided in two instead."""
        relation, family = group.relation, group.kind if group.kind in ADDED else "assign"
        if relation in self.gone or not self._can_be_undone(group):
            return self._closed(group)
        which = relation, family, group.columns
        if which not in self._statements:
            self._statements[which] = _statement(self.session, family, self.tables[relation], group.columns)
        statement = self._statements[which]

        def take_back() -> tuple[int, list[str]]:
            with self.session.work(statement_timeout=f"{TIMEOUT_SECONDS}s", durable=False):
                if family in ADDED:
                    self.session.named("batch_settings")  # else each row of a few reads all tables that may refer to it
                self.session.as_applications()
                count, kept = self.session.execute(statement, {"ids": group.ids})[0]
                return int(count), list(kept)

        try:
            count, kept = retry.retried(self.session, (relation,), take_back, self.watch.waiting)
        except (pg.UndefinedTable, pg.UndefinedColumn):
            if self._can_be_undone(group):
                raise
            return self._closed(group)
        except pg.QueryCanceled:
            if not self._divide(group):
                raise
            self.watch.waiting(
                f"{relation}: taking back {group.rows} rows takes longer than {TIMEOUT_SECONDS} s: half of them now"
            )
            return None
        self._cleaner(relation).left_dead(count)
        return count, kept

    def _can_be_undone(self, group: Group) -> bool:
        touched = self.tables[group.relation]
        needed = touched.columns if group.kind in ADDED else group.columns
        return has_columns(self.session, group.relation, (*touched.table.key, *needed))

    def _closed(self, group: Group) -> tuple[int, list[str]]:
        """The rows of a table that is gone are gone with it: its entries are closed, and hold up no others. Raises
        TableMoved where it only has another name."""
        refuse_moved(self.session, group.relation)
        self.gone.add(group.relation)
        with self.session.work():
            self.session.named("close_entries", {"ids": group.ids})
        return 0, []

    def _divide(self, group: Group) -> bool:
        """Less is tried the next time; False where it is a single row."""
        if len(group.ids) > 1:
            self.at_once = len(group.ids) // 2
            return True
        with self.session.work():
            return bool(self.session.named("divide_entry", {"id": group.ids[0]})[0][0])

    def _cleaner(self, relation: str) -> Cleaner:
        if relation not in self._cleaners:
            leaves = self.session.leaves(relation)
            pages, rows = sum(pages for _, pages, _ in leaves), sum(rows for *_, rows in leaves)
            chunk = lambda: self.watch.throttle.limits.number("vacuum")  # noqa: E731
            self._cleaners[relation] = Cleaner(self.session, relation, pages, rows, chunk)
        return self._cleaners[relation]

    def finish(self) -> None:
        """Clean the indexes of every table that was touched."""
        for cleaner in self._cleaners.values():
            cleaner.finish()


def _statement(session: Session, family: str, touched: Touched, columns: tuple[str, ...]) -> Composable:
    table = touched.table
    same_row = sql.key_equals("t", session.typed_key(table.relation, table.key), sql.column("e", "vital_key"))
    of_rows: dict[str, Composable] = {"relation": sql.relation(table.relation), "same_row": same_row}
    of_rows["close_entries_undone"] = sql.compose(QUERIES["close_entries_undone"], **of_rows)
    if family in ADDED:
        asked = [question for on, column, question in touched.removable if has_columns(session, on, (column,))]
        parts: dict[str, Composable] = {"removable": sql.join([sql.raw("true"), *asked], " AND ")}
        if family == "copy":
            parts = _references_to_copies(session, table, same_row)
        return sql.compose(
            QUERIES["undo_copies" if family == "copy" else "undo_insert"],
            hash=sql.row_hash("t", [column for column in session.columns(table.relation) if column.name in columns]),
            **of_rows,
            **parts,
        )
    typed = [column for column in session.columns(table.relation) if column.name in columns]
    return sql.compose(
        QUERIES["undo_assignment"],
        types=sql.join([sql.ident(c.name) + sql.raw(" ") + sql.verbatim(c.kind) for c in typed]),
        old_values=sql.join([sql.column("r", c) for c in columns]),
        assignments=sql.join([sql.ident(c) + sql.raw(" = ") + sql.column("e", c) for c in columns]),
        as_we_left_it=sql.jsonb_of("t", columns),
        **of_rows,
    )


def _references_to_copies(session: Session, table: Table, same_row: Composable) -> dict[str, Composable]:
    """Which copies have to stay, as rows refer to them. Rows of a table that may not be read count as such: the foreign
    key might take them along."""
    elsewhere, among = list[Composable](), list[Composable]()
    of_copies = {"relation": sql.relation(table.relation), "same_row": same_row}
    for link in foreign_keys(session, parents=[table.relation]):
        same = sql.same_values("c", link.own, "t", link.key)
        own = sql.names(link.child) == sql.names(table.relation)
        if own:
            among.append(sql.compose("({same})", same=same))
        elif not session.named("may_read", {"relation": link.child})[0][0]:
            return {"referred_to": sql.raw(QUERIES["every_copy"]), "of_those_that_stay": sql.raw(QUERIES["no_copies"])}
        key = sql.key_text("c", table.key)
        not_of_these = sql.compose(QUERIES["none_of_these_copies"], key=key) if own else sql.raw("true")
        parts = {"child": sql.relation(link.child), "link": same, "not_of_these": not_of_these} | of_copies
        elsewhere.append(sql.compose(QUERIES["referred_to_from_elsewhere"], **parts))
    of_those = sql.compose(
        QUERIES["copies_referred_to_by_copies"],
        relation=sql.relation(table.relation),
        parent_key=sql.key_text("t", table.key),
        same_row=sql.key_equals("c", session.typed_key(table.relation, table.key), sql.column("stays", "vital_key")),
        links=sql.join(among, " OR "),
    )
    return {
        "referred_to": sql.join(elsewhere, "\n"),
        "of_those_that_stay": of_those if among else sql.raw(QUERIES["no_copies"]),
    }
