"""A question that may take long, for somebody who will not wait for ever."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from psycopg import errors

from vital.db.session import Session
from vital.errors import EngineError

AGAIN = 0.2  # seconds: between two statements there is nothing to cancel


class TookTooLong(EngineError):
    """This took longer than {seconds:.0f} s and was stopped; nothing was changed. On the command line it may take
    as long as it needs: ./manage.py migrate_tenants preview"""


@contextmanager
def statement_deadline(session: Session, seconds: float | None) -> Iterator[None]:
    """Break off whatever the session is at after so many seconds (None: never). Raises TookTooLong then."""
    if seconds is None:
        yield
        return
    over, late = Event(), Event()

    def watch() -> None:
        wait = seconds
        while not over.wait(wait):
            late.set()
            session.connection.cancel_safe(timeout=1)
            wait = AGAIN

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    except errors.QueryCanceled as error:
        if late.is_set():
            raise TookTooLong(seconds=seconds) from error
        raise
    finally:
        over.set()
        watcher.join()
