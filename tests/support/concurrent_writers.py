"""An application that writes while VITAL works: one-row statements, at a fixed rate or as fast as possible."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import psycopg

from tests.support.databases import Scratch

Write = Callable[[psycopg.Connection, random.Random], None]


class Writer:
    """One connection in a thread of its own. `writes` counts, `failure` is the error that ended it early."""

    def __init__(self, scratch: Scratch, write: Write, rate: float | None, seed: int) -> None:
        self.writes = 0
        self.failure: Exception | None = None
        self._connection = psycopg.connect(scratch.owner_url, autocommit=True, application_name="the application")
        self._write, self._rate, self._dice = write, rate, random.Random(seed)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        started = time.monotonic()
        try:
            while not self._over.is_set():
                self._write(self._connection, self._dice)
                self.writes += 1
                if self._rate and (early := self.writes / self._rate - (time.monotonic() - started)) > 0:
                    self._over.wait(early)
        except psycopg.Error as error:
            self.failure = error

    def end(self) -> None:
        self._over.set()
        self._thread.join(30)
        self._connection.close()


@contextmanager
def writing(scratch: Scratch, write: Write, *, rate: float | None, writers: int = 1) -> Iterator[list[Writer]]:
    """Writers during the block. `rate` is their sum in statements a second; None is as fast as possible."""
    with ExitStack() as stack:
        at_work = []
        for seed in range(writers):
            at_work.append(Writer(scratch, write, rate / writers if rate else None, seed))
            stack.callback(at_work[-1].end)
        yield at_work
    for writer in at_work:
        assert writer.failure is None, writer.failure
