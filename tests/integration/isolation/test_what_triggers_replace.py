"""A trigger may write something else than the attack did: what counts is what the row is and refers to in the end."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from migrations_ops.engine.session import Session
from tenants.inventory import Inventory
from tenants.isolation import database_probe
from tenants.isolation.attacks import REPLACED
from tenants.isolation.report import HELD
from tests.support import isolated

pytestmark = pytest.mark.server

TENANT = "tenant_id uuid NOT NULL REFERENCES {s}.tenants"
TABLES = (
    f"CREATE TABLE {{s}}.parents (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), {TENANT})",
    "CREATE TABLE {s}.things (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), parent uuid REFERENCES {s}.parents,"
    f" other uuid REFERENCES {{s}}.parents, {TENANT})",
)
TRIGGER = (
    "CREATE FUNCTION {s}.replaces() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS"
    " $$ BEGIN <body>; RETURN NEW; END $$",
    "CREATE TRIGGER replaces <when> INSERT OR UPDATE ON {s}.things FOR EACH ROW EXECUTE FUNCTION {s}.replaces()",
)
OWN, STRANGERS = (
    f"(SELECT p.id FROM {{s}}.parents AS p WHERE p.tenant_id {is_own} NEW.tenant_id LIMIT 1)" for is_own in ("=", "<>")
)
OWN_TENANT = (
    "IF current_setting('role') = 'vital_tenant' THEN"
    " NEW.tenant_id := NULLIF(current_setting('vital.tenant_id', true), ''); END IF"
)
BOTH_VERBS = {"insert that refers to it by parent", "update that refers to it by parent"}
OF_TENANTS = {"insert in its name", "update that gives a row away"}
NO_GUARD = (
    "DO $$ DECLARE guard text; BEGIN FOR guard IN SELECT tgname FROM pg_trigger WHERE tgrelid = '{t}'::regclass"
    " AND tgname ~ '^vital_' LOOP EXECUTE format('DROP TRIGGER %I ON {t}', guard); END LOOP; END $$"
)
OPEN = (
    "ALTER POLICY vital_tenant_insert ON {t} WITH CHECK (true);"
    " ALTER POLICY vital_tenant_update ON {t} WITH CHECK (true)"
)

# What the trigger does, what keeps tenants apart no longer, and the attacks that it is about.
REPLACED_BY = {
    "nothing": ("BEFORE", "NEW.parent := NULL", NO_GUARD, BOTH_VERBS),
    "an own row": ("BEFORE", f"NEW.parent := {OWN}", NO_GUARD, BOTH_VERBS),
    "nothing under another key": (
        "BEFORE", "NEW.id := gen_random_uuid(); NEW.parent := NULL", NO_GUARD, BOTH_VERBS,
    ),
    "nothing afterwards": (
        "AFTER", "UPDATE {s}.things SET parent = NULL WHERE id = NEW.id AND parent IS NOT NULL", NO_GUARD, BOTH_VERBS,
    ),
    "the attacker's tenant": ("BEFORE", OWN_TENANT, OPEN, OF_TENANTS),
}  # fmt: skip
LET_THROUGH = {
    "as it is": ("BEFORE", "NEW.parent := NEW.parent", NO_GUARD, BOTH_VERBS),
    "under another key": ("BEFORE", "NEW.id := gen_random_uuid()", NO_GUARD, BOTH_VERBS),
    "by another column": ("BEFORE", "NEW.other := NEW.parent; NEW.parent := NULL", NO_GUARD, BOTH_VERBS),
    "to somebody else's row": ("BEFORE", f"NEW.parent := {STRANGERS}", NO_GUARD, BOTH_VERBS),
    "by another column afterwards": (
        "AFTER", "UPDATE {s}.things SET parent = NULL, other = parent WHERE id = NEW.id AND parent IS NOT NULL",
        NO_GUARD, BOTH_VERBS,
    ),
    "with its tenant": ("BEFORE", "NEW.tenant_id := NEW.tenant_id", OPEN, OF_TENANTS),
}  # fmt: skip


@contextmanager
def broken(session: Session, when: str, body: str, sabotage: str) -> Iterator[Inventory]:
    made = [one.replace("<when>", when).replace("<body>", body) for one in TRIGGER]
    with isolated.isolated(session, *TABLES, *made, tables=["things", "parents"]) as inventory:
        session.connection.execute(sabotage.replace("{t}", inventory.tables[0].relation).encode())
        yield inventory


@pytest.mark.parametrize("by", REPLACED_BY)
def test_what_a_trigger_replaces_reaches_nobody(session: Session, by: str) -> None:
    when, body, sabotage, verbs = REPLACED_BY[by]
    with broken(session, when, body, sabotage) as inventory:
        report = database_probe.prove(session, inventory)

    assert verbs.isdisjoint(leak.verb for leak in report.leaks)
    assert {one.verb for one in report.attempts if (one.outcome, one.detail) == (HELD, REPLACED)} >= verbs


@pytest.mark.parametrize("how", LET_THROUGH)
def test_what_a_trigger_lets_through_is_a_leak(session: Session, how: str) -> None:
    when, body, sabotage, verbs = LET_THROUGH[how]
    with broken(session, when, body, sabotage) as inventory:
        report = database_probe.prove(session, inventory)

    assert {leak.verb for leak in report.leaks} >= verbs
