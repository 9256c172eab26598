"""Whatever expression a policy is given, another meaning is noticed; the same one made anew is not."""

from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migrations_ops.engine.session import Session
from migrations_ops.phases.inventory import inventory_of
from migrations_ops.rules.load import load
from tenants.isolation import wanted
from tenants.isolation.comparison import is_as_wanted
from tenants.isolation.difference import POLICIES
from tests.support import databases
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.databases import Scratch
from tests.support.plans import SHIPPED
from vital.db import session_settings, sql

INVENTORY = inventory_of(load(SHIPPED))
AS_WANTED = is_as_wanted(lambda: INVENTORY, POLICIES, "public.tools")
ASKED = "(SELECT nullif(current_setting('vital.tenant_id', true), '')::uuid)"
RIGHT = f"tenant_id = ANY (ARRAY[{ASKED}, '{PLATFORM}'::uuid])"
ATOMS = (
    RIGHT,
    f"tenant_id = {ASKED}",
    f"tenant_id = '{PLATFORM}'",
    f"tenant_id = '{PHARMA}'",
    f"tenant_id <> '{PLATFORM}'",
    "tenant_id IS NULL",
    "tenant_id IS NOT NULL",
    f"{ASKED} IS NULL",
    "true",
    "false",
)
EXPRESSIONS = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        inner.map(lambda one: f"NOT ({one})"),
        inner.map(lambda one: f"COALESCE({one}, true)"),
        st.tuples(inner, inner).map(lambda two: f"(({two[0]}) OR ({two[1]}))"),
        st.tuples(inner, inner).map(lambda two: f"(({two[0]}) AND ({two[1]}))"),
        st.tuples(inner, inner, inner).map(lambda t: f"CASE WHEN {t[0]} THEN {t[1]} ELSE {t[2]} END"),
    ),
    max_leaves=4,
)
SPELLINGS = (
    RIGHT,
    RIGHT.lower().replace("any", "Any"),
    f"({RIGHT})",
    RIGHT.replace("tenant_id =", "tools.tenant_id  =\n"),
    RIGHT.replace("nullif(", "NULLIF(").replace("current_setting", "pg_catalog.current_setting"),
    f"tenant_id IN ({ASKED}, '{PLATFORM}'::uuid)",
)


@pytest.fixture(scope="module")
def session(migrated_template: Scratch) -> Iterator[Session]:
    scratch = databases.clone(migrated_template)
    with psycopg.connect(scratch.owner_url, autocommit=True) as connection:
        found = Session(connection, {})
        found.execute(session_settings.for_session("public"))
        yield found
    databases.drop(scratch)


def altered(session: Session, expression: str) -> bool:
    """Whether the policy with this expression is still the one that is wanted; it is taken back."""
    with session.connection.transaction(force_rollback=True):
        session.connection.execute(f"ALTER POLICY vital_tenant_select ON tools USING ({expression})".encode())
        return AS_WANTED(session)


OF_VALUES = """
    SELECT COALESCE(tenant_id::text, '')
    FROM (SELECT nullif(id, '')::uuid FROM unnest(%s::text[]) AS id) AS tools (tenant_id)
    WHERE {expression}
"""


def shown(session: Session, expression: str) -> list[tuple[str, str]]:
    """(tenant that asks, tenant of a row that it is shown), for every one and none."""
    tenants = ["", PLATFORM, DIGITAL_HEALTH, PHARMA]
    found = []
    with session.connection.transaction(force_rollback=True):
        for asks in tenants:
            session.connection.execute("SELECT set_config('vital.tenant_id', %s, true)", [asks])
            question = OF_VALUES.format(expression=expression)
            rows = session.connection.execute(question.encode(), [tenants]).fetchall()
            found += [(asks, row) for (row,) in rows]
    return sorted(found)


@given(EXPRESSIONS)
@settings(max_examples=150, deadline=None)
def test_what_means_another_thing_is_noticed(session: Session, expression: str) -> None:
    if shown(session, expression) != shown(session, RIGHT):
        assert not altered(session, expression)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_one_that_is_made_anew_is_the_same(session: Session, spelling: str) -> None:
    assert altered(session, spelling)


def test_the_texts_that_policies_are_made_from_are_those_that_the_server_prints(session: Session) -> None:
    for policy in wanted.policies(shared=True, platform=PLATFORM, column="tenant_id"):
        if policy.name == wanted.OTHERS:
            continue
        with session.connection.transaction(force_rollback=True):
            session.connection.execute(f"DROP POLICY {policy.name} ON tools".encode())
            assert not AS_WANTED(session)
            session.execute(wanted.creation(policy, "public.tools"))
            assert AS_WANTED(session), sql.text_of(wanted.creation(policy, "public.tools"))
