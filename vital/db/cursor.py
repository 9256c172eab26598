"""The cursor of a scope's transaction, which begins it in the message of its first statement."""

from dataclasses import dataclass
from typing import Any, Self

import psycopg
from psycopg.abc import Params
from psycopg.pq import TransactionStatus


@dataclass(frozen=True)
class Beginning:
    """What comes before the first statement of a transaction in its message, and how many results that has."""

    text: str
    results: int


class ScopedCursor(psycopg.ClientCursor[Any]):
    """Where its connection's `vital_scope` holds a scope's beginning, no statement runs outside such a transaction.

    BEGIN, role, tenant and the first statement are one message: a statement of its own for them costs a list a third of
    its throughput (two more changes between processes), and could be forgotten. What was ended is begun anew.
    """

    def execute(self, query: Any, params: Params | None = None, **options: Any) -> Self:
        return self._execute(query, params, "", **options)

    def execute_last(self, query: Any, params: Params | None = None) -> Self:
        """The same, and COMMIT in the same message: for reading, where nothing comes after that belongs to it."""
        return self._execute(query, params, "\n;COMMIT")

    def _execute(self, query: Any, params: Params | None, end: str, **options: Any) -> Self:
        beginning = self._beginning()
        if not (beginning or end):
            super().execute(query, params, **options)
            return self
        before = beginning.text if beginning else ""
        super().execute((before + self.mogrify(query, params) + end).encode(), **options)
        for _ in range(beginning.results if beginning else 0):
            self.nextset()  # BEGIN has a result, and so have the settings
        return self

    def _beginning(self) -> Beginning | None:
        """What must come before the next statement; nothing inside a transaction, be it a failed one."""
        beginning: Beginning | None = getattr(self.connection, "vital_scope", None)
        return beginning if self.connection.info.transaction_status == TransactionStatus.IDLE else None

    def begin(self) -> None:
        """Begin where nothing has: for statements that cannot share a message."""
        if beginning := self._beginning():
            super().execute(beginning.text.encode())

    def executemany(self, *arguments: Any, **options: Any) -> None:
        self.begin()
        super().executemany(*arguments, **options)

    def stream(self, *arguments: Any, **options: Any) -> Any:
        self.begin()
        return super().stream(*arguments, **options)

    def copy(self, *arguments: Any, **options: Any) -> Any:
        self.begin()
        return super().copy(*arguments, **options)
