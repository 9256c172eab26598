"""What a restore did, undone: its entries, the latest first, each in one transaction. A row changed since stays."""

from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.sql import Composable

from migrations_ops.engine import undo_indexes
from migrations_ops.engine.failing_rows import is_refused_by_row
from migrations_ops.engine.session import Session
from migrations_ops.engine.step_context import Watch
from migrations_ops.engine.tables import are_there, has_columns
from migrations_ops.tenant_restore import references
from migrations_ops.tenant_restore.comparison import Comparison, Wanted
from migrations_ops.tenant_restore.tables import QUERIES, TENANT, Staged, ask, part
from tenants.inventory import TENANT_COLUMN, Inventory
from vital.db import retry, sql
from vital.db.sql import shown

ENTRIES_AT_ONCE = 100


@dataclass
class Undone:
    """`rows` by table that are as they were; `kept` are (table, key) that were changed since; `gone` are tables."""

    rows: dict[str, int] = field(default_factory=dict)
    kept: list[tuple[str, str]] = field(default_factory=list)
    gone: dict[str, int] = field(default_factory=dict)


def undo(session: Session, inventory: Inventory, run: int, total: int, watch: Watch) -> Undone:
    """Killed, it goes on with the entries that still stand when it is called again."""
    with session.work():
        written = ask(session, "rows_written_by_restore", {"run": run})
    removed = {relation: rows for relation, kind, rows in written if kind == "insert"}
    with undo_indexes.built(session, f"undo of {run}", run, removed, watch.waiting):
        return _entries(session, inventory, run, total, watch)


def _entries(session: Session, inventory: Inventory, run: int, total: int, watch: Watch) -> Undone:
    undone, work, done = Undone(), _Undoing(session, inventory, watch), 0
    while entries := _standing(session, run):
        for number, kind, relation, tenant, keys, rows in entries:
            watch.check_stop()
            watch.make_room(relation)
            kept = work.entry(number, kind, relation, tenant, keys)
            into, count = (undone.gone, rows) if kept is None else (undone.rows, rows - len(kept))
            into[shown(relation)] = into.get(shown(relation), 0) + count
            undone.kept += [(shown(relation), key) for key in kept or ()]
            done += rows
            watch.batch_done(done, total, done)
    return undone


def _standing(session: Session, run: int) -> list[tuple[Any, ...]]:
    with session.work():
        return ask(session, "entries_of_restore", {"run": run, "entries": ENTRIES_AT_ONCE})


class _Undoing:
    """What is known of each table, asked once."""

    def __init__(self, session: Session, inventory: Inventory, watch: Watch) -> None:
        self.session, self.inventory, self.watch = session, inventory, watch
        self._tables: dict[tuple[str, str], tuple[Staged, Comparison] | None] = {}

    def entry(self, number: int, kind: str, relation: str, tenant: str, keys: list[str]) -> list[str] | None:
        """Undo one; returns the rows that stay as they are, or None where the table is there no more."""
        known = self._table(relation, tenant)

        def transaction() -> list[str] | None:
            with self.session.work(durable=False):
                self.session.as_applications()
                kept = None
                if known is not None:
                    missing = self._some(known, kind, number, keys)
                    kept = self._still_there(known[0], missing) if kind != "delete" else missing
                facts = {"id": number, "conflicts": kept or None}
                ask(self.session, "close_restored", facts)
                return kept

        return retry.retried(self.session, (relation,), transaction, self.watch.waiting)

    def _table(self, relation: str, tenant: str) -> tuple[Staged, Comparison] | None:
        if (relation, tenant) not in self._tables:
            self._tables[relation, tenant] = self._described(relation, tenant)
        return self._tables[relation, tenant]

    def _described(self, relation: str, tenant: str) -> tuple[Staged, Comparison] | None:
        session = self.session
        keys = {one.relation: one.key for one in self.inventory.tables}
        if relation not in keys or not are_there(session, relation):
            return None
        if not has_columns(session, relation, (*keys[relation], TENANT_COLUMN)):
            return None
        columns = session.columns(relation)
        table = Staged(relation, session.typed_key(relation, keys[relation]), 0, columns, columns, True)
        table.referring = references.to_tables(session, [relation])
        with session.work():
            children = {"relations": [one.child for one in table.referring]}
            readable = {name for (name,) in ask(session, "readable_tables", children)}
        return table, Comparison(session, self.inventory, tenant, Wanted(), readable=readable)

    def _some(self, known: tuple[Staged, Comparison], kind: str, number: int, keys: list[str]) -> list[str]:
        """Undo these rows of an entry, or each half of them where one refuses. Returns those that were not undone."""
        facts: dict[str, Any] = {"id": number, "keys": keys, "tenant": known[1].tenant}
        try:
            with self.session.connection.transaction():
                if kind == "insert":
                    self._hold(known[0], keys)
                    referred = known[1].hidden(known[0]).referred(keys)
                    facts["keys"] = [key for key in keys if key not in referred]
                back = {key for (key,) in self.session.execute(self._statement(*known, kind, number), facts)}
                return [key for key in keys if key not in back]
        except psycopg.Error as error:
            if not is_refused_by_row(error):
                raise
            if len(keys) == 1:
                return keys
        half = len(keys) // 2
        return [*self._some(known, kind, number, keys[:half]), *self._some(known, kind, number, keys[half:])]

    def _statement(self, table: Staged, around: Comparison, kind: str, number: int) -> Composable:
        names = {name for (name,) in ask(self.session, "changed_columns", {"id": number})}
        columns = [one for one in table.columns if one.name in names and not one.is_generated]
        values = {
            one.name: sql.compose(
                "(e.vital_before ->> {name})::{kind}", name=sql.literal(one.name), kind=sql.verbatim(one.kind)
            )
            for one in columns
        }
        parts = {
            "remembered": part("remembered_rows"),
            "relation": sql.relation(table.relation),
            "tenant": TENANT,
            "same_row": sql.key_equals("t", table.key, sql.column("e", "vital_key")),
            "as_restored": part("as_restored", image=table.image("t")),
        }
        if kind == "insert":
            return sql.compose(QUERIES["delete_restored"], unreferred=around.unreferred(table), **parts)
        if kind == "change":
            assignments = sql.join(_assignment(name, value) for name, value in values.items())
            return sql.compose(QUERIES["change_restored"], assignments=assignments, **parts)
        listed = sql.join(map(sql.ident, values))
        key = {"key": table.key_text("t"), "columns": listed, "values": sql.join(values.values())}
        return sql.compose(QUERIES["insert_deleted"], **key, **parts)

    def _hold(self, table: Staged, keys: list[str]) -> None:
        ask(self.session, "hold_restored", {"keys": keys}, **self._given(table))

    def _still_there(self, table: Staged, keys: list[str]) -> list[str]:
        return [key for (key,) in ask(self.session, "keys_still_there", {"keys": keys}, **self._given(table))]

    def _given(self, table: Staged) -> dict[str, Composable]:
        same = sql.key_equals("t", table.key, sql.column("given", "vital_key"))
        return {"relation": sql.relation(table.relation), "same_row": same}


def _assignment(name: str, value: Composable) -> Composable:
    """Only what the row was given goes back; the other columns keep what they have."""
    return sql.compose(
        "{column} = CASE WHEN e.vital_before ? {name} THEN {value} ELSE {now} END",
        column=sql.ident(name), name=sql.literal(name), value=value, now=sql.column("t", name),
    )  # fmt: skip
