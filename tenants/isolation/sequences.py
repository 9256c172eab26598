"""What the attack run draws from an application's sequences is forgotten with the rows that it plants.

A rollback does not give a sequence back what it gave. Planted rows have values for their keys, but a trigger, a rule or
a function behind a default may draw. Such a sequence is written into a new file first, which goes with the transaction.
"""

import psycopg

from tenants.isolation.queries import QUERIES, of_table, query
from vital.db import sql
from vital.db.session import RETRYABLE, Session


class Sequences:
    """Those that one transaction after the other may draw from. `moved` are those that were drawn from all the same:
    nobody could tell before, or they are not the login's to hold."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.moved: set[str] = set()
        self._drawn: dict[str, dict[str, int]] = {}
        self._found: dict[str, int] = {}
        self._held: set[str] = set()
        self._ever_held: set[str] = set()

    def somebody_waits(self) -> bool:
        """Whether others who draw are waiting for the transaction to end."""
        return bool(self._held) and bool(self.session.value(QUERIES["somebody_waits"]))

    def hold(self, relation: str) -> None:
        """Before a row is planted in this table, or one of it is written. Raises where somebody keeps a sequence."""
        if relation not in self._drawn:
            self._drawn[relation] = dict(self.session.execute(of_table("sequences_drawn", relation)))
        wanted = {**self._drawn[relation], **self._found}
        missing = {name: wanted[name] for name in sorted(wanted.keys() - self._held)}
        if not missing:
            return
        self.session.execute(QUERIES["be_oneself"])
        self.session.execute(QUERIES["wait_hardly"])
        for name, increment in missing.items():
            self._hold(name, increment)
        self.session.execute(QUERIES["wait_briefly"])
        self.session.execute(QUERIES["be_operator"])

    def _hold(self, name: str, increment: int) -> None:
        """An event trigger of others may refuse it: then it is seen at the end whether the sequence was drawn from."""
        try:
            with self.session.connection.transaction():
                self.session.execute(of_table("hold_sequence", name, increment=sql.literal(increment)))
        except RETRYABLE:
            raise
        except psycopg.Error:
            if self.session.connection.closed:
                raise
            return
        self._held.add(name)
        self._ever_held.add(name)

    def let_go(self) -> None:
        """A part of the transaction is rolled back, and what it held with it."""
        self._held.clear()

    def end(self) -> None:
        """As the transaction is about to be rolled back. What was drawn unforeseen is held from now on."""
        for (name,) in self.session.execute(query("drawn_from")):
            if name not in self._ever_held:
                self.moved.add(name)
                increment = self.session.value(of_table("increment_of", name))
                self._found |= {} if increment is None else {name: increment}
        self._held.clear()
        self._ever_held.clear()
