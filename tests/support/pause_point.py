"""Pauses a command at a chosen moment, so that whatever interferes with it always meets it there."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

from tests.support import queries
from tests.support.databases import Scratch

LOCK, STANDING = 770077, 770078  # what a writer waits for, and what it holds while it does


@contextmanager
def paused_at(scratch: Scratch, table: str, moment: str) -> Iterator[Callable[[], bool]]:
    """A writer of VITAL's table stops there as soon as the query says so; yields whether one stands there.

    It sleeps instead of waiting for a lock, which VITAL's short lock timeouts would end.
    """
    with psycopg.connect(scratch.admin_url, autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        holder.execute(
            f"""
            CREATE FUNCTION vital.stand_still() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $stand$
            BEGIN
                IF ({moment}) THEN
                    PERFORM pg_advisory_xact_lock_shared({STANDING});
                    WHILE NOT pg_try_advisory_xact_lock_shared({LOCK}) LOOP
                        PERFORM pg_sleep(0.02);
                    END LOOP;
                END IF;
                RETURN NULL;
            END
            $stand$;
            CREATE TRIGGER stand_still AFTER INSERT OR UPDATE OR DELETE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION vital.stand_still()
            """.encode()
        )
        try:
            yield lambda: bool(queries.scalar(scratch, STANDS))
        finally:
            holder.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
            holder.execute("DROP FUNCTION vital.stand_still() CASCADE")


# By its lock: between two naps its session says nothing of waiting.
STANDS = f"""
    SELECT EXISTS (
        SELECT FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database
        WHERE d.datname = current_database() AND l.locktype = 'advisory' AND l.objid = {STANDING} AND l.granted
    )
"""
