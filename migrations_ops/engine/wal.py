"""How much WAL the server writes meanwhile: what replicas, archives and the disk have to take."""

from psycopg import errors as pg

from migrations_ops.engine.session import Session

# A role may be forbidden to ask, and some hosted servers do not know the function.
UNKNOWN = (pg.InsufficientPrivilege, pg.FeatureNotSupported, pg.UndefinedFunction, pg.ObjectNotInPrerequisiteState)


def position(session: Session) -> int | None:
    """The bytes written since the server was made, by everybody; None where it does not say."""
    try:
        return int(session.named("wal_position")[0][0])
    except UNKNOWN:
        return None


class Wal:
    """What is written from one look to the next: the steps of a phase follow each other, and a look is a question."""

    def __init__(self, session: Session) -> None:
        self._session, self._at = session, position(session)

    def since_last_look(self) -> int:
        """Bytes; 0 where it is not known."""
        if self._at is None:
            return 0
        before, self._at = self._at, position(self._session)
        return 0 if self._at is None else max(self._at - before, 0)
