"""A trigger that VITAL's roles may not run: the login plants the rows, and a refusal of the trigger is no isolation."""

import pytest

from migrations_ops.engine.session import Session
from tenants.inventory import Inventory
from tenants.isolation import database_probe
from tenants.isolation.report import NOT_TRIED, Report
from tests.support import isolated
from tests.support.databases import Scratch
from tests.support.isolated import repeated

pytestmark = pytest.mark.server

TENANT = "tenant_id uuid NOT NULL REFERENCES {s}.tenants"
KEY = "id uuid PRIMARY KEY DEFAULT gen_random_uuid()"
TABLES = (
    "CREATE TABLE {s}.settings (id int)",
    "CREATE FUNCTION {s}.asks() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN PERFORM FROM {s}.settings; RETURN COALESCE(NEW, OLD); END $$",
    f"CREATE TABLE {{s}}.parents ({KEY}, {TENANT})",
    f"CREATE TABLE {{s}}.things ({KEY}, {TENANT}, parent uuid NOT NULL REFERENCES {{s}}.parents)",
    "CREATE TRIGGER asks BEFORE INSERT OR DELETE ON {s}.parents FOR EACH ROW EXECUTE FUNCTION {s}.asks()",
)
BROKEN = {
    "select by key": ("vital_tenant_select", "parents"),
    "update of a row unseen": ("vital_tenant_update", "parents"),
    "delete of a row unseen": ("vital_tenant_delete", "things"),
}


def attacked(session: Session, inventory: Inventory, policy: str, table: str) -> Report:
    """With this policy open for all."""
    if policy:
        schema = inventory.registry.split(".")[0]
        session.execute(f"ALTER POLICY {policy} ON {schema}.{table} USING (true)")
    return database_probe.prove(session, inventory)


def untried(report: Report) -> set[str]:
    return {left["what"] for left in report.not_tried if "shape" in left["what"]}


def test_rows_are_planted_all_the_same(session: Session) -> None:
    with isolated.isolated(session, *TABLES, tables=["parents", "things"]) as inventory:
        report = attacked(session, inventory, "", "")

    assert report.leaks == []
    assert {what.rpartition(" on ")[0] for what in untried(report)} == {"insert in its name", "insert on conflict"}


@pytest.mark.parametrize("verb", BROKEN)
def test_a_leak_is_found_and_can_be_repeated(scratch: Scratch, session: Session, verb: str) -> None:
    with isolated.isolated(session, *TABLES, tables=["parents", "things"]) as inventory:
        report = attacked(session, inventory, *BROKEN[verb])

        leaks = [leak for leak in report.leaks if leak.verb == verb]
        assert {leak.what.rpartition(".")[2] for leak in leaks} == {BROKEN[verb][1]}
        for leak in leaks:
            assert repeated(scratch, report.scripts[leak]) == (1, ""), report.scripts[leak]


def test_what_only_the_trigger_is_refused_is_not_called_held(session: Session) -> None:
    with isolated.isolated(session, *TABLES, tables=["parents", "things"]) as inventory:
        report = attacked(session, inventory, "vital_tenant_delete", "parents")

    verb, parents = "delete of a row unseen", inventory.tables[0].relation
    assert f"{verb} on {parents}" in untried(report)
    assert {one.outcome for one in report.attempts if (one.verb, one.what) == (verb, parents)} == {NOT_TRIED}
