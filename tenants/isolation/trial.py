"""Short transactions in which attacks are tried and taken back."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

import psycopg

from tenants.isolation.attacks import Answer, Move
from tenants.isolation.queries import QUERIES, query
from tenants.isolation.sequences import Sequences
from tenants.isolation.targets import Guise
from vital.db import sql
from vital.db.session import RETRYABLE, Session

LONGEST = 1.5  # seconds after which no more work is begun in a transaction; a statement of it takes 3 at most
Piece = Callable[[], "Piece | None"]  # some work; it returns what is left of it
PATIENCE = 2  # times that work is tried which waits for somebody's lock
TAKES_TOO_LONG = "it takes more than 3 seconds, or waits for a lock that long"


class _RollBack(Exception):
    """Ends a transaction of the attack run."""


class Trial:
    """Works off pieces of work, as many in a transaction as there is time for. `forget` is called when the rows of a
    transaction are gone. `sequences` are held until it ends: once somebody waits for one, no further piece is begun."""

    def __init__(self, session: Session, forget: Callable[[], None], sequences: Sequences) -> None:
        self.session, self._forget, self.sequences = session, forget, sequences

    def forget(self) -> None:
        """What was planted and held is gone."""
        self._forget()
        self.sequences.let_go()

    def work_off(self, pieces: Iterable[Piece], failed: Callable[[str], None], deadline: float) -> int:
        """How many of them were worked off before the deadline. Of one that cannot be it is told why."""
        waiting, done = iter(pieces), 0
        piece = next(waiting, None)
        while piece is not None and time.monotonic() < deadline:
            finished, piece = self._one_transaction(piece, waiting, failed, deadline)
            done += finished
        return done

    def _one_transaction(
        self, piece: Piece, waiting: Iterator[Piece], failed: Callable[[str], None], deadline: float
    ) -> tuple[int, Piece | None]:
        """How many pieces it held, and the next one."""
        done, until = 0, min(deadline, time.monotonic() + LONGEST)
        following: Piece | None = piece
        try:
            with self.session.connection.transaction():
                self.session.execute(QUERIES["begin_attacks"])
                self.session.execute(QUERIES["wait_briefly"])
                self.session.as_applications()
                self.session.execute(QUERIES["be_operator"])
                while following is not None:
                    following = self._persistently(following, failed)
                    if following is None:
                        done += 1
                        following = next(waiting, None)
                    if time.monotonic() > until or self.sequences.somebody_waits():
                        break
                self.sequences.end()
                raise _RollBack
        except _RollBack:
            return done, following
        finally:
            self.forget()

    def _persistently(self, piece: Piece, failed: Callable[[str], None]) -> Piece | None:
        """Some of it may wait for somebody's lock, briefly each time. What is left of it."""
        for attempt in range(1, PATIENCE + 1):
            try:
                with self.session.connection.transaction():
                    return piece()
            except RETRYABLE as error:
                if attempt == PATIENCE:
                    failed(str(error.diag.message_primary))
                self.forget()
            except psycopg.errors.QueryCanceled:
                self.forget()
                failed(TAKES_TOO_LONG)
                return None
        return None

    def shown(self, question: str, guise: Guise, values: Sequence[str]) -> list[dict[str, int]]:
        """What this counts for each of these values of the guise's setting, by owner. All of it is one message."""
        parts = {"role": sql.literal(guise.role), "setting": sql.literal(guise.setting), "value": sql.raw("\x01")}
        put_on = sql.text_of(query("put_on", **parts))
        as_each = [put_on.replace("\x01", sql.quoted(value)) + ";" + question for value in values]
        cursor = self.session.connection.execute(";".join(as_each).encode())
        found: list[dict[str, int]] = []
        for _ in values:
            cursor.nextset()
            found.append(dict(cursor.fetchall()))
            cursor.nextset()
        self.session.execute(QUERIES["be_operator"])
        return found

    def shown_or_refused(self, question: str, guise: Guise, value: str) -> tuple[dict[str, int], str]:
        """The same for one value, which policies of others may not be able to read; then nothing, and why."""
        try:
            with self.session.connection.transaction():
                return self.shown(question, guise, [value])[0], ""
        except psycopg.DataError as error:
            return {}, str(error.diag.message_primary)

    def answers(self, moves: Sequence[Move]) -> list[Answer]:
        """What each came to; all of them are taken back."""
        listed = json.dumps([move.listed() for move in moves])
        self.session.execute(query("try_each", moves=sql.literal(listed)))
        found = json.loads(self.session.value(QUERIES["answers"]))
        self.session.execute(QUERIES["be_operator"])
        return [_answer(json.loads(answer)) for answer in found]


def _answer(parts: list[object]) -> Answer:
    touched, *refusal = parts
    return Answer(int(str(touched)), *(str(part or "") for part in refusal))
