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


def since(session: Session, before: int | None) -> int:
    """The bytes written since that position; 0 where it is not known."""
    now = position(session) if before is not None else None
    return 0 if now is None or before is None else max(now - before, 0)
