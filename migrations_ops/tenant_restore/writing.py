"""The differences away: in batches, each one transaction that holds the rows and what is remembered of them.

Rows come in whatever order their references allow. A batch in which a row refuses is divided until that row is alone,
which is left as it is with the reason. A row that another session has written since it was compared is left, too.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import errors as pg
from psycopg.sql import Composable

from migrations_ops.engine import undo_indexes
from migrations_ops.engine.batch_size import TARGET_SECONDS, TIMEOUT_SECONDS, Pace
from migrations_ops.engine.failing_rows import REFUSED, is_refused_by_row, reason_of
from migrations_ops.engine.step_context import Watch
from migrations_ops.tenant_restore.comparison import Comparison, judge
from migrations_ops.tenant_restore.references import still_refers
from migrations_ops.tenant_restore.tables import (
    FALSE,
    QUERIES,
    TRUE,
    Staged,
    ask,
    every,
    is_given,
    part,
    refers,
    unchanged,
)
from tenants.inventory import TENANT_COLUMN
from vital.db import retry, sql
from vital.db.introspection import ForeignKey

FIRST, MOST = 500, 5_000  # rows of a batch
ROUNDS = 3  # in which rows are set right that a trigger has changed as others were written
WRITTEN_SINCE = "another session has written it since it was compared; restore again"
REMADE = "a trigger, a rule or its type today makes another row of it"
TOO_BIG = (pg.ProgramLimitExceeded, pg.QueryCanceled)
KINDS = ("deleted", "changed", "added")


class Remade(Exception):
    """A row that was written is not as the backup has it."""


@dataclass(frozen=True)
class Batch:
    """How rows are chosen and written. `rest_is_foreign`: another session has written those that were left out."""

    ready: Composable
    write: Composable
    before: Composable | None = None
    rest_is_foreign: bool = False


class Writing:
    """One restore at work. `run` is its number, under which its entries are."""

    def __init__(self, found: Comparison, run: int, watch: Watch) -> None:
        self.found, self.session, self.watch = found, found.session, watch
        self.facts: dict[str, Any] = {"run": run, "tenant": found.tenant}
        self.done, self.total = 0, 0

    def carry_out(self) -> None:
        """Write all that can be written, and say of the rest why not."""
        with self.session.work():
            self.total = sum(self._left_of(table, KINDS) for table in self.found.tables)
            removed = {table.relation: self._left_of(table, ("added",)) for table in self.found.tables}
        with undo_indexes.built(self.session, "restore", self.facts["run"], removed, self.watch.waiting):
            self._carry_out()

    def _carry_out(self) -> None:
        self._all()
        for _ in range(ROUNDS):
            if not any([*map(self._differs_again, self.found.tables)]):
                break
            self._all()
        judge(self.found, finally_=True)
        for table in self.found.tables:
            with self.session.work():
                self._leave_referred(table)
                rest = {"reason": WRITTEN_SINCE, "kinds": list(KINDS)}
                ask(self.session, "leave_the_rest", rest, differences=table.differences)

    def _leave_referred(self, table: Staged) -> None:
        parts = {name: table.parts[name] for name in ("differences", "relation")}
        parts["same_row"] = table.row_of_difference()
        for key in table.referring:
            if key.child in self.found.readable:
                one, many = still_refers(key)
                there = self.found.referring_rows(table, key)
                ask(self.session, "is_referred_to_now", {"one": one, "many": many}, **parts, **there)

    def _all(self) -> None:
        """Again and again, as long as anything helps: what comes and goes makes room for the rest."""
        tables = self.found.tables
        while True:
            moved = sum(self._batches(table, self._insertion(table)) for table in tables)
            moved += sum(self._batches(table, self._change(table)) for table in tables if table.settable)
            moved += sum(self._batches(table, self._deletion(table, "added")) for table in reversed(tables))
            if not moved and not sum(map(self._out_of_the_way, reversed(tables))):
                return

    def _out_of_the_way(self, table: Staged) -> int:
        """Rows whose present values hold up others: their references are emptied, or the rows are taken out; they get
        what the backup has as all others do. Returns how many."""
        moved = 0
        for reference in table.references:
            parent = self.found.table(reference.parent)
            if parent is None:
                continue
            leads = part(
                "refers_to_added", parent=sql.relation(reference.parent), parent_differences=parent.differences,
                parent_key=parent.key_text("p"), refers=refers(reference, "t", "p"),
            )  # fmt: skip
            empty = _emptied(table, reference)
            way = self._emptying(table, leads, empty) if empty else self._deletion(table, "changed", leads)
            moved += self._batches(table, way, once=True)
        for key in table.unique:
            holds = part(
                "holds_for_another", stage=table.stage, differences=table.differences,
                same_values=sql.same_values("t", key.columns, "s", key.columns),
            )  # fmt: skip
            moved += self._batches(table, self._deletion(table, "changed", holds), once=True, most=1)
        return moved

    def _differs_again(self, table: Staged) -> bool:
        now, then = table.text("t", table.compared), table.text("s", table.compared)
        parts = {"now": now, "then": then, "key": table.key_text("s"), "chosen": table.chosen("s")}
        with self.session.work():
            before = self._left_of(table, ("changed",))
            ask(self.session, "differ_again", self.facts, same_row=table.same_row("t", "s"), **parts, **table.parts)
            added = self._left_of(table, ("changed",)) - before
        self.total += added
        return bool(added)

    def _left_of(self, table: Staged, kinds: Sequence[str]) -> int:
        left = ask(self.session, "rows_to_write", {"kinds": list(kinds)}, differences=table.differences)
        return int(left[0][0])

    # --- statements ---

    def _parts(self, table: Staged) -> dict[str, Composable]:
        return table.parts | {
            "same_row": table.row_of_difference(),
            "key": table.key_text("t"),
            "image": table.image("t"),
        }

    def _insertion(self, table: Staged) -> Batch:
        """References that may be empty are left so at first where their row is not there yet."""
        loose = {
            name: reference for reference in table.references for name in _emptied(table, reference)
        }  # fmt: skip
        firm = [one for one in table.references if not _emptied(table, one)]
        names = [column.name for column in table.held]
        values = [self._value(name, loose.get(name)) for name in names]
        same = [name for name in table.compared if name not in loose]
        parts = self._parts(table) | {
            "given": part("given_rows", **table.parts),
            "columns": sql.join(map(sql.ident, names)),
            "values": sql.join(values),
            "now": table.text("t", same),
            "wanted": table.text("s", same),
        }
        ready = [self._is_there(table, one) for one in firm] + [
            self._is_free(table, key.columns) for key in table.unique
        ]
        ready.append(self._is_free(table, table.key_columns, itself=False))
        return Batch(
            sql.compose(QUERIES["ready_to_write"], kind=sql.literal("deleted"), ready=every(ready), **table.parts),
            sql.compose(QUERIES["put_back"], **parts),
        )

    def _change(self, table: Staged) -> Batch:
        pairs = [sql.ident(name) + sql.raw(" = ") + sql.column("s", name) for name in table.settable]
        ready = [self._is_there(table, one, or_as_now=True) for one in table.references]
        ready += [self._is_free(table, key.columns) for key in table.unique]
        texts = {"now": table.text("t", table.compared), "wanted": table.text("s", table.compared)}
        kind = sql.literal("changed")
        ready_now = sql.compose(QUERIES["ready_to_write"], kind=kind, ready=every(ready), **table.parts)
        return Batch(ready_now, self._changing(table, pairs, texts), rest_is_foreign=True)

    def _emptying(self, table: Staged, stands: Composable, names: Iterable[str]) -> Batch:
        pairs = [sql.ident(name) + sql.raw(" = NULL") for name in names]
        ready = sql.compose(QUERIES["in_the_way"], stands=stands, **self._parts(table))
        return Batch(ready, self._changing(table, pairs, {"now": TRUE, "wanted": TRUE}))

    def _changing(self, table: Staged, pairs: Sequence[Composable], texts: dict[str, Composable]) -> Composable:
        given = part("given_rows", **table.parts)
        parts = self._parts(table) | {"same_row": table.same_row("t", "s"), "given": given} | texts
        return sql.compose(QUERIES["change_back"], assignments=sql.join(pairs), **parts)

    def _deletion(self, table: Staged, kind: str, stands: Composable = TRUE) -> Batch:
        """Of rows that were added since; or of changed ones that stand in the way, and come back as deleted ones do."""
        parts = self._parts(table) | {"unreferred": self.found.unreferred(table)}
        if kind == "changed":
            hidden = [FALSE] if self.found.hidden(table).keys else []
            stands = sql.join([stands, parts["unreferred"], *hidden], " AND ")
            ready = sql.compose(QUERIES["in_the_way"], stands=stands, **parts)
        else:
            ready = sql.compose(QUERIES["ready_to_delete"], **parts)
        hold = sql.compose(QUERIES["hold_rows_to_delete"], **parts)
        return Batch(ready, sql.compose(QUERIES["delete_added"], **parts), hold)

    def _is_free(self, table: Staged, columns: Sequence[str], *, itself: bool = True) -> Composable:
        same = sql.same_values("o", columns, "s", columns)
        own = table.same_row("o", "s") if itself else sql.raw("false")
        return part("value_is_free", relation=sql.relation(table.relation), same_values=same, same_row=own)

    def _value(self, name: str, reference: ForeignKey | None) -> Composable:
        """What a row that comes back gets: nothing where the row referred to is not there yet."""
        value = sql.column("s", name)
        if reference is None:
            return value
        there = self._leads_to_row(reference, sql.raw("false"))
        return sql.compose("CASE WHEN {there} THEN {value} END", there=there, value=value)

    def _is_there(self, table: Staged, reference: ForeignKey, *, or_as_now: bool = False) -> Composable:
        """Predicate on `s`: its reference leads to a row, or it is empty; or it leads where it leads now."""
        is_own = self.found.table(reference.parent) is table
        itself = sql.same_values("s", reference.own, "s", reference.key) if is_own else sql.raw("false")
        there = self._leads_to_row(reference, itself)
        if not or_as_now:
            return there
        now = part(
            "refers_as_now", relation=sql.relation(table.relation), same_row=table.same_row("t", "s"),
            refers_now=unchanged(table, reference.own),
        )  # fmt: skip
        return sql.join([sql.raw("("), there, sql.raw(" OR "), now, sql.raw(")")], "")

    def _leads_to_row(self, reference: ForeignKey, itself: Composable) -> Composable:
        return part(
            "parent_is_there", is_given=is_given(reference, "s"), refers_to_itself=itself,
            parent=sql.relation(reference.parent), refers=refers(reference, "s", "p"),
            may_be_referred_to=self.found.may_be_referred_to(reference, "p"),
        )  # fmt: skip

    # --- batches ---

    def _batches(self, table: Staged, batch: Batch, *, once: bool = False, most: int = MOST) -> int:
        """Returns how many rows were written. `once`: they differ as before, and are not looked for again."""
        written, after, pace = 0, 0, Pace(FIRST)
        is_change = batch.rest_is_foreign
        facts = self.facts | {"relation": table.relation, "finished": not once, "next": "deleted" if once else "added"}
        while True:
            self.watch.check_stop()
            self.watch.make_room(table.relation)
            rows = min(pace.pages, most)
            with self.session.work():
                numbers = [n for (n,) in self.session.execute(batch.ready, {"after": after, "rows": rows})]
            if not numbers:
                return written
            begun = time.monotonic()
            done = self._divided(table, batch, facts, numbers)
            if is_change:
                self._leave(table, [n for n in numbers if n not in done], WRITTEN_SINCE)
            pace.took(len(numbers), time.monotonic() - begun, TARGET_SECONDS)
            written += len(done)
            if once:
                return written
            self.done, after = self.done + len(done), numbers[-1]
            self.watch.batch_done(self.done, max(self.total, self.done), self.done)

    def _divided(self, table: Staged, batch: Batch, facts: dict[str, Any], numbers: list[int]) -> set[int]:
        """Write these rows, or each half of them where one refuses. Returns those that were written."""
        try:
            return self._written(table, batch, facts, numbers)
        except (*REFUSED, Remade) as error:
            is_row = isinstance(error, (Remade, *TOO_BIG)) or is_refused_by_row(error)
            if not is_row or (len(numbers) == 1 and isinstance(error, pg.QueryCanceled)):
                raise
            if len(numbers) == 1:
                self._leave(table, numbers, REMADE if isinstance(error, Remade) else reason_of(error)[1])
                return set()
        half = len(numbers) // 2
        first = self._divided(table, batch, facts, numbers[:half])
        return first | self._divided(table, batch, facts, numbers[half:])

    def _written(self, table: Staged, batch: Batch, facts: dict[str, Any], numbers: list[int]) -> set[int]:
        def transaction() -> set[int]:
            with self.session.work(statement_timeout=f"{TIMEOUT_SECONDS}s"):
                self.session.as_applications()
                if batch.before is not None:
                    self.session.execute(batch.before, {"numbers": numbers})
                    self.found.hidden(table).leave_referred(numbers)
                written, as_wanted = self.session.execute(batch.write, facts | {"numbers": numbers})[0]
                if not as_wanted:
                    raise Remade
                return set(written or ())

        return retry.retried(self.session, (table.relation,), transaction, self.watch.waiting)

    def _leave(self, table: Staged, numbers: list[int], reason: str) -> None:
        if numbers:
            with self.session.work():
                facts = {"numbers": numbers, "reason": reason}
                ask(self.session, "leave_out", facts, differences=table.differences)


def _emptied(table: Staged, reference: ForeignKey) -> list[str]:
    """Columns of a reference that may be empty for a while: it then leads nowhere."""
    kept = {*table.key_columns, TENANT_COLUMN}
    nullable = {column.name for column in table.columns if not column.not_null and column.identity == ""}
    return [name for name in reference.own if name in nullable and name not in kept]
