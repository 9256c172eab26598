"""Proof that nothing but the assigned columns changed: counts and fingerprints against the baseline."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from psycopg.sql import Composable

from migrations_ops.engine.session import QUERIES, Session
from migrations_ops.engine.steps import Table
from vital.db import retry, sql


@dataclass(frozen=True)
class Comparison:
    """A table against its baseline. `foreign` counts writes by others since; `emptied`: rows went all at once,
    which VITAL never does; fingerprints: before, now."""

    relation: str
    rows_before: int
    rows_now: int
    same_content: bool
    foreign: int
    emptied: bool = False
    fingerprints: tuple[str, str] = field(default=("", ""), compare=False)

    @property
    def by_others(self) -> bool:
        """Whether others have written to it, or emptied it."""
        return self.foreign > 0 or self.emptied


def take_baseline(session: Session, table: Table, tenant_column: str, waiting: Callable[[str], None]) -> None:
    """Remember rows and fingerprint, unless a baseline stands already, and who stood in a tenant."""
    retry.retried(session, (table.relation,), lambda: _take_baseline(session, table, tenant_column), waiting)


def _take_baseline(session: Session, table: Table, tenant_column: str) -> None:
    columns = [column for column in session.columns(table.relation) if column.name != tenant_column]
    with session.work():
        if session.named("baseline_columns", {"relation": table.relation}):
            return
        session.named(
            "take_baseline",
            {"relation": table.relation, "columns": [column.name for column in columns]},
            hash=sql.row_hash("t", columns),
            table=sql.relation(table.relation),
            deletes=sql.compose(QUERIES["rows_deleted"]),
            files=sql.compose(QUERIES["files_of_rows"]),
            whole_number=sql.compose(QUERIES["whole_number"], version=sql.column("t", "xmin")),
        )
        if any(column.name == tenant_column for column in session.columns(table.relation)):
            session.named(
                "note_rows_with_tenant",
                {"relation": table.relation},
                key=sql.key_text("t", table.key),
                tenant=sql.column("t", tenant_column),
                table=sql.relation(table.relation),
            )


def compare(session: Session, tables: Iterable[Table]) -> list[Comparison]:
    """Each table that has a baseline against it. Read-only."""
    comparisons = []
    for table in tables:
        noted = session.named("baseline_columns", {"relation": table.relation})
        if not noted:
            continue
        columns = [column for column in session.columns(table.relation) if column.name in noted[0][0]]
        with session.work():
            before, now, first, last, foreign, emptied = session.named(
                "compare_with_baseline",
                {"relation": table.relation},
                hash=sql.row_hash("t", columns),
                table=sql.relation(table.relation),
                key=sql.key_text("t", table.key),
                is_foreign=is_foreign("t", "xmin"),
                deletes=sql.compose(QUERIES["rows_deleted"]),
                files=sql.compose(QUERIES["files_of_rows"]),
            )[0]
        same = first == last
        comparisons.append(Comparison(table.relation, before, now, same, int(foreign), emptied, (first, last)))
    return comparisons


def is_foreign(alias: str, version: str) -> Composable:
    """Predicate: somebody else wrote this version of the row after the baseline."""
    whole_number = sql.compose(QUERIES["whole_number"], version=sql.column(alias, version))
    return sql.compose(QUERIES["is_foreign"], whole_number=whole_number)


def forget_baseline(session: Session, table: Table) -> None:
    """The migration is undone: the next one takes a baseline of its own."""
    with session.work(as_operator=False):
        session.named("forget_baseline_rows", {"relation": table.relation})
        session.named("forget_baseline", {"relation": table.relation})
