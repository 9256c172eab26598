"""Whatever is done to what keeps tenants apart is noticed by the one comparison, and its fix is what repairs it.

Each case is a transaction that is rolled back, also where it is about roles, which are the whole cluster's.
"""

from collections.abc import Iterator

import psycopg
import pytest

from migrations_ops.engine import ddl
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Statement
from migrations_ops.phases.inventory import inventory_of
from migrations_ops.plan import phases
from migrations_ops.rules.load import load
from tenants.isolation import comparison
from tenants.isolation.comparison import standing
from tenants.isolation.difference import Difference
from tests.support import databases, sabotage
from tests.support.databases import OWNER, Scratch
from tests.support.plans import SHIPPED
from vital.db import session_settings, sql

PLAN = load(SHIPPED)
INVENTORY = inventory_of(PLAN)
STATEMENTS = [step for phase in phases(PLAN) for step in phase.steps if isinstance(step, Statement)]


@pytest.fixture(scope="module")
def whole(migrated_template: Scratch) -> Iterator[Scratch]:
    scratch = databases.clone(migrated_template)
    yield scratch
    databases.drop(scratch)


@pytest.fixture
def session(whole: Scratch) -> Iterator[Session]:
    """A superuser's, in a transaction that is rolled back; a login of the service is there."""
    with psycopg.connect(whole.admin_url) as connection:
        found = Session(connection, {})
        found.execute(session_settings.for_session("public"))
        for statement in sabotage.MADE:
            run(found, statement)
        yield found
        connection.rollback()


@pytest.fixture(scope="module")
def deferred(whole: Scratch) -> frozenset[str]:
    """What the run has left for a later one: rows wait for a decision."""
    with psycopg.connect(whole.owner_url) as connection:
        found = Session(connection, {})
        return frozenset(statement.name for statement in STATEMENTS if not ddl.is_there(found, statement))


def run(session: Session, statement: str) -> None:
    session.connection.execute(statement.encode())


def differences(session: Session) -> list[Difference]:
    stands = standing(session.execute, INVENTORY)
    assert not stands.is_off
    return list(stands.differences)


@pytest.mark.slow
def test_right_after_a_run_nothing_differs(session: Session) -> None:
    assert differences(session) == []


@pytest.mark.slow
@pytest.mark.parametrize("case", sabotage.read(), ids=lambda case: case.name)
def test_it_is_noticed_and_its_fix_repairs_it(session: Session, deferred: frozenset[str], case: sabotage.Case) -> None:
    if not case.since <= session.connection.info.server_version // 10_000 <= case.until:
        pytest.skip(f"only PostgreSQL {case.since} to {case.until} knows it")
    case = sabotage.told(session.connection, case)

    run(session, case.sabotage)

    found = differences(session)
    if not case.object:
        assert found == [], "it fires more often than before, for nobody's harm"
        return
    ours = [one for one in found if one.object.startswith(case.object)]
    assert ours, f"unnoticed; found were {[one.seen for one in found]}"
    assert any(one.dangerous for one in ours) == case.dangerous, [one.seen for one in ours]
    assert case.statement in " ".join(one.fix for one in ours)
    if not case.statement:
        assert {one.statement for one in ours} == {""}
    repair(session, found, deferred)
    left = [one.seen for one in differences(session)]
    assert left == [] or "policies of others" in {one.part for one in found}, left


def repair(session: Session, found: list[Difference], deferred: frozenset[str]) -> None:
    """The statements that were given, as a DBA; then what the next run does, as the owner."""
    for one in found:
        if one.statement and "…" not in one.statement:
            run(session, one.statement)
    session.connection.execute(f"SET LOCAL ROLE {OWNER}".encode())
    while work := missing(session, deferred):
        for statement in work:
            for change in [*([statement.repair] if statement.repair else []), *ddl.changes(session, statement)]:
                # Beside writers an index is built outside of a transaction; alone it need not be.
                session.execute(sql.verbatim(sql.text_of(change).replace(" CONCURRENTLY", "")))
    session.connection.execute(b"RESET ROLE")


def missing(session: Session, deferred: frozenset[str]) -> list[Statement]:
    with comparison.one_look():
        return [one for one in STATEMENTS if one.name not in deferred and not ddl.is_there(session, one)]
