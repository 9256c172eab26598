"""Ask the server itself whether it can carry out what a plan says. Each try is undone, whatever comes of it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.sql import Composable

from migrations_ops.engine.session import Session
from migrations_ops.rules.comparisons import condition
from migrations_ops.rules.compile import value_of_row
from migrations_ops.rules.model import TENANT_COLUMN, Condition, Hop, RowValue
from migrations_ops.rules.paths import path_to_parent
from vital.db import introspection, sql

QUERIES = sql.load(Path(__file__).parent / "sql")
# What the server says of a statement; a lock that is not granted or a lost connection says nothing of the plan.
REFUSALS = (psycopg.ProgrammingError, psycopg.DataError, psycopg.NotSupportedError, psycopg.IntegrityError)


@dataclass(frozen=True)
class Trying:
    """The server as a judge."""

    session: Session

    def shown(self, value: str, kind: str) -> str | None:
        """A value as a column of this type shows it; None where the column cannot hold it."""
        with suppress(*REFUSALS), self._undone():
            parts = {"value": sql.literal(value), "type": sql.verbatim(kind)}
            return str(self.session.value(sql.compose(QUERIES["value_as_shown"], **parts)))
        return None

    def pattern(self, pattern: str) -> str:
        """Why this is no regular expression; empty where it is."""
        return self._refusal(sql.compose(QUERIES["pattern_is_valid"], pattern=sql.literal(pattern)))

    def is_unique(self, relation: str, key: tuple[str, ...]) -> bool:
        """Whether these columns tell the rows of a table apart."""
        found = introspection.unique_keys(self.session, relation)
        return any(unique.tells_rows_apart and {*key}.issuperset(unique.columns) for unique in found)

    def wanted_index(self, relation: str, columns: tuple[str, ...]) -> str:
        """The statement for an index without which the rows that have a value in these columns are found only by
        reading a table of some size; empty where it is not wanted."""
        asked = {"relation": relation, "columns": list(columns)}
        with self.session.work(as_operator=False):
            found = self.session.execute(sql.compose(QUERIES["index_that_votes_want"]), asked)
        return str(found[0][0]) if found else ""

    def links(self, relation: str, hops: tuple[Hop, ...]) -> str:
        """Why the rows on this way cannot be compared."""
        tables, links = path_to_parent(hops, "batch", "parent")
        parts = {"relation": sql.relation(relation), "tables": sql.join(tables), "links": sql.join(links, " AND ")}
        return self._refusal(sql.compose(QUERIES["try_links"], **parts))

    def condition(self, relation: str, when: Condition) -> str:
        """Why the server cannot carry out this condition. Its expressions must have been tried before."""
        parts = {"relation": sql.relation(relation), "condition": condition("batch", when)}
        return self._refusal(sql.compose(QUERIES["try_condition"], **parts))

    def value(self, relation: str, value: RowValue, kind: str) -> str:
        """Why this is not a value of a row, of this type."""
        parts = {"relation": sql.relation(relation), "value": value_of_row(value, "batch"), "type": sql.raw(kind)}
        return self._refusal(sql.compose(QUERIES["try_value"], **parts))

    def expression(self, relation: str, text: str) -> str:
        """Why this is not one boolean expression that depends on the row's own columns alone."""
        column = sql.ident(TENANT_COLUMN)
        why = self._refusal(
            sql.compose(QUERIES["stand_in"], relation=sql.relation(relation)),
            sql.compose(QUERIES["stand_in_has_no_tenant"], column=column),
            sql.compose(QUERIES["index_by_expression"], expression=sql.verbatim(text)),
            sql.compose(QUERIES["not_of_the_server"]),
        )
        return why and f"the expression cannot be used: {why}"

    def _refusal(self, *statements: Composable) -> str:
        """What the server has against these statements; rows of the last one are names of what is not its own."""
        rows = []
        try:
            with self._undone():
                for statement in statements:
                    rows = self.session.execute(statement)
        except REFUSALS as error:
            said = (error.diag.message_primary, error.diag.message_detail, error.diag.message_hint)
            return " ".join(f"{part.rstrip('.')}." for part in said if part)
        made = ", ".join(str(row[0]) for row in rows if len(statements) > 1)
        return (
            made
            and f"it depends on {made}, which was made in this database and may change. Use the server's own functions."
        )

    @contextmanager
    def _undone(self) -> Iterator[None]:
        with self.session.work(as_operator=False), self.session.connection.transaction(force_rollback=True):
            yield
