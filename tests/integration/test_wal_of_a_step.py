"""What a step has written to the WAL is known where the server says so, and 0 where it does not."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from psycopg.conninfo import conninfo_to_dict

from migrations_ops.engine import wal
from migrations_ops.engine.session import Session
from tests.support.databases import Scratch, rows

pytestmark = pytest.mark.server


@pytest.fixture
def session(empty: Scratch) -> Iterator[Session]:
    with closing(Session.open(conninfo_to_dict(empty.owner_url), "vital test")) as opened:
        yield opened


def test_what_was_written_is_counted(session: Session) -> None:
    written = wal.Wal(session)

    session.execute("CREATE TABLE t AS SELECT n FROM generate_series(1, 1000) AS n")

    assert written.since_last_look() > 10_000
    looks = [written.since_last_look() for _ in range(20)]
    assert min(looks) < 10_000, "it is counted once; others of the server may write between two looks"


def test_a_role_that_may_not_ask_counts_nothing(session: Session, empty: Scratch) -> None:
    known = wal.Wal(session)
    rows(empty.admin_url, "REVOKE EXECUTE ON FUNCTION pg_current_wal_insert_lsn() FROM PUBLIC")

    assert wal.position(session) is None
    assert known.since_last_look() == 0
    assert wal.Wal(session).since_last_look() == 0
