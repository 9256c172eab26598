"""What tenants reach past the policies: each way is named with the statement that closes it, or allowed by the plan."""

from dataclasses import replace

import psycopg
import pytest

from migrations_ops.engine.session import Session
from tenants.inventory import Inventory
from tenants.isolation import reachability
from tests.support import databases, isolated
from tests.support.command_results import Manage, document, said
from tests.support.databases import Scratch, clone_with_grants, rows

pytestmark = pytest.mark.server

THINGS = "CREATE TABLE {s}.things (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant_id uuid NOT NULL)"
COPY = "CREATE TABLE {s}.copied AS TABLE {s}.things"
COUNTS = "RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM {s}.things'"
PARTED = (
    "CREATE TABLE {s}.things (id uuid DEFAULT gen_random_uuid(), tenant_id uuid NOT NULL, PRIMARY KEY (id))"
    " PARTITION BY HASH (id)",
    "CREATE TABLE {s}.things_all PARTITION OF {s}.things FOR VALUES WITH (MODULUS 1, REMAINDER 0)",
)
DEFINER = f"CREATE FUNCTION {{s}}.all_things() {COUNTS}"
OPEN = {
    "a copy": (
        "table", ".copied", COPY, "GRANT SELECT ON {s}.copied TO vital_tenant",
    ),
    "a copy for everybody": (
        "table", ".copied", COPY, "GRANT SELECT, DELETE ON {s}.copied TO PUBLIC",
    ),
    "a column of a copy": (
        "table", ".copied", COPY, "GRANT SELECT (id) ON {s}.copied TO vital_tenant",
    ),
    "a view": (
        "view", ".seen", "CREATE VIEW {s}.seen AS TABLE {s}.things", "GRANT SELECT ON {s}.seen TO vital_tenant",
    ),
    "a view of a view": (
        "view", ".seen", "CREATE VIEW {s}.first AS TABLE {s}.things", "CREATE VIEW {s}.seen AS TABLE {s}.first",
        "GRANT SELECT ON {s}.seen TO vital_tenant",
    ),
    "a materialized view": (
        "materialized view", ".kept", "CREATE MATERIALIZED VIEW {s}.kept AS TABLE {s}.things",
        "GRANT SELECT ON {s}.kept TO vital_tenant",
    ),
    "a child": (
        "table", ".child", "CREATE TABLE {s}.child () INHERITS ({s}.things)",
        "GRANT SELECT ON {s}.child TO vital_tenant",
    ),
    "a function": (
        "function", ".all_things()",
        DEFINER,
    ),
    "a procedure with an argument": (
        "function", ".drop_things(integer)",
        "CREATE PROCEDURE {s}.drop_things(n int) LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM {s}.things'",
    ),
}  # fmt: skip
CLOSED = {
    "a view as who reads it": (
        "CREATE VIEW {s}.seen WITH (security_invoker = true) AS TABLE {s}.things",
        "GRANT SELECT ON {s}.seen TO vital_tenant",
    ),
    "a view of what everybody reads": (
        "CREATE TABLE {s}.countries (id int)", "GRANT SELECT ON {s}.countries TO vital_tenant",
        "CREATE VIEW {s}.land AS TABLE {s}.countries", "GRANT SELECT ON {s}.land TO vital_tenant",
    ),
    "a function as who calls it": (
        "CREATE FUNCTION {s}.all_things() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM {s}.things'",
    ),
    "a function that others call": (
        DEFINER,
        "REVOKE EXECUTE ON FUNCTION {s}.all_things() FROM PUBLIC",
    ),
    "a function of a trigger": (
        "CREATE FUNCTION {s}.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN NEW; END'",
    ),
    "a rule that does nothing": ("CREATE RULE calm AS ON DELETE TO {s}.things DO ALSO NOTHING",),
    "a copy that nobody reads": (COPY,),
}  # fmt: skip


def schema_of(inventory: Inventory) -> str:
    return inventory.registry.split(".")[0]


@pytest.mark.parametrize("way", OPEN)
def test_each_way_is_named_and_can_be_closed(session: Session, way: str) -> None:
    kind, name, *statements = OPEN[way]
    with isolated.isolated(session, THINGS, tables=["things"]) as inventory:
        assert reachability.not_allowed(session, inventory) == []
        for statement in statements:
            session.execute(statement.replace("{s}", schema_of(inventory)))

        (reached,) = reachability.not_allowed(session, inventory)
        assert (reached.kind, reached.name) == (kind, schema_of(inventory) + name)
        assert "vital_tenant may" in reached.how

        assert reachability.not_allowed(session, replace(inventory, reachable=(reached.name,))) == []
        for statement in reached.closing.split(";"):
            if statement.strip():
                session.execute(statement)
        if way != "a column of a copy":  # a REVOKE on the table takes the same on its columns
            assert reachability.not_allowed(session, inventory) == []


@pytest.mark.parametrize("way", CLOSED)
def test_what_leads_nowhere_is_not_named(session: Session, way: str) -> None:
    if "as who reads it" in way and session.connection.info.server_version < 150000:
        pytest.skip("views read as their owner before 15")
    with isolated.isolated(session, THINGS, tables=["things"]) as inventory:
        for statement in CLOSED[way]:
            session.execute(statement.replace("{s}", schema_of(inventory)))
        known = replace(inventory, common=(f"{schema_of(inventory)}.countries",))

        assert reachability.not_allowed(session, known) == []


def test_a_partition_is_reached_past_the_policies_of_its_table(session: Session) -> None:
    """Row level security of the table binds whoever asks the table; a partition has none of its own."""
    with isolated.isolated(session, *PARTED, tables=["things"]) as inventory:
        schema = schema_of(inventory)
        assert reachability.not_allowed(session, inventory) == []
        for privilege in ("SELECT", "INSERT (id, tenant_id)"):
            session.execute(f"GRANT {privilege} ON {schema}.things_all TO vital_tenant")

            (reached,) = reachability.not_allowed(session, inventory)

            assert (reached.kind, reached.name) == ("table", f"{schema}.things_all")
            assert "past the policies of the table that it is a part of" in reached.how
            session.execute(f"REVOKE ALL ON {schema}.things_all FROM vital_tenant")
        assert reachability.not_allowed(session, inventory) == []


def test_what_a_rule_does_is_done_as_the_owner(session: Session) -> None:
    with isolated.isolated(session, THINGS, tables=["things"]) as inventory:
        things = f"{schema_of(inventory)}.things"
        deletes = f"CREATE RULE spread AS ON INSERT TO {things} DO ALSO DELETE FROM {things} WHERE id <> NEW.id"
        session.execute(deletes)

        (reached,) = reachability.not_allowed(session, inventory)

        assert (reached.kind, reached.name) == ("rule", f"rule spread of {things}")
        assert "no policy for tenants binds" in reached.how
        assert reachability.not_allowed(session, replace(inventory, reachable=(reached.name,))) == []
        session.execute(reached.closing)
        assert reachability.not_allowed(session, inventory) == []


def test_what_only_a_superuser_may_open(scratch: Scratch, session: Session) -> None:
    with isolated.isolated(session, THINGS, tables=["things"]) as inventory:
        schema = schema_of(inventory)
        with psycopg.connect(scratch.admin_url, autocommit=True) as admin:
            admin.execute(f"CREATE PUBLICATION handed FOR TABLE {schema}.things".encode())
            admin.execute(
                f"CREATE FUNCTION {schema}.spy(text) RETURNS bool LANGUAGE sql LEAKPROOF AS 'SELECT true'".encode()
            )
            admin.execute(b"ALTER FUNCTION pg_catalog.texticlike(text, text) LEAKPROOF")
            try:
                found = {one.name: one for one in reachability.not_allowed(session, inventory)}
                assert set(found) == {
                    "publication handed",
                    f"leakproof {schema}.spy(text)",
                    "leakproof texticlike(text,text)",
                }
                for one in found.values():
                    admin.execute(one.closing.encode())
                assert reachability.not_allowed(session, inventory) == []
            finally:
                admin.execute(b"ALTER FUNCTION pg_catalog.texticlike(text, text) NOT LEAKPROOF")
                admin.execute(b"DROP PUBLICATION handed")


def test_a_service_login_with_rights_of_its_own(scratch: Scratch, session: Session) -> None:
    login = f"service_{scratch.name}"
    with isolated.isolated(session, THINGS, tables=["things"]) as inventory:
        schema = schema_of(inventory)
        with psycopg.connect(scratch.admin_url, autocommit=True) as admin:
            admin.execute(f"CREATE ROLE {login} LOGIN NOINHERIT".encode())
            inherit = " WITH INHERIT FALSE" if admin.info.server_version >= 160000 else ""
            admin.execute(f"GRANT vital_tenant, vital_operator TO {login}{inherit}".encode())
            try:
                assert reachability.not_allowed(session, inventory) == []
                admin.execute(f"GRANT USAGE ON SCHEMA {schema} TO {login}".encode())
                admin.execute(f"GRANT SELECT ON {schema}.things TO {login}".encode())
                (reached,) = reachability.not_allowed(session, inventory)
                assert reached.name == f"{schema}.things"
                assert f"{login} may select" in reached.how
                admin.execute(reached.closing.encode())
                assert reachability.not_allowed(session, inventory) == []
            finally:
                admin.execute(f"DROP OWNED BY {login}".encode())
                admin.execute(f"DROP ROLE {login}".encode())


def test_before_there_are_roles_it_is_what_everybody_reaches(scratch: Scratch, session: Session) -> None:
    """006 gives tenants the way into the schemas of their tables, so none is needed beforehand."""
    opened = "GRANT SELECT ON {s}.copied TO PUBLIC"
    with isolated.isolated(session, THINGS, COPY, DEFINER, opened, tables=["things"]) as inventory:
        afterwards = [one.name for one in reachability.not_allowed(session, inventory)]
        with psycopg.connect(scratch.admin_url) as admin:
            admin.execute("ALTER ROLE vital_tenant RENAME TO vital_not_yet")

            found = reachability.not_allowed(Session(admin, {}), inventory)

            assert [one.name for one in found] == afterwards
            assert {one.name.rpartition(".")[2] for one in found} == {"all_things()", "copied"}
            for one in found:
                assert one.how.startswith("PUBLIC may")
                admin.execute(one.closing.encode())
            assert reachability.not_allowed(Session(admin, {}), inventory) == []
            admin.rollback()


def test_a_table_that_everybody_may_use(session: Session) -> None:
    with isolated.isolated(session, THINGS, tables=["things"]) as inventory:
        assert reachability.open_to_everybody(session, inventory) == []
        session.execute(f"GRANT SELECT, DELETE ON {schema_of(inventory)}.things TO PUBLIC")

        (opened,) = reachability.open_to_everybody(session, inventory)

        assert opened.name == f"{schema_of(inventory)}.things"
        assert opened.how.startswith("everybody may delete, select")
        session.execute(opened.closing)
        assert reachability.open_to_everybody(session, inventory) == []


def test_the_proof_fails_on_it_and_prints_what_closes_it(migrated_template: Scratch, manage: Manage) -> None:
    scratch = clone_with_grants(migrated_template)
    try:
        rows(scratch.owner_url, "CREATE TABLE tools_backup AS TABLE tools")
        rows(scratch.owner_url, "GRANT SELECT ON tools_backup TO vital_tenant")
        rows(scratch.owner_url, "GRANT SELECT ON agents TO PUBLIC")

        done = manage(scratch, "prove_isolation", "--json")
        assert done.returncode == 1, said(done)
        found = document(done)
        assert found["leaks"] == 0
        assert "public.tools_backup" in {one["name"] for one in found["reachable"]}

        printed = manage(scratch, "prove_isolation", "--sql")
        assert printed.returncode == 0, said(printed)
        assert "REVOKE SELECT ON public.agents FROM PUBLIC;" in printed.stdout.splitlines()
        assert rows(scratch.owner_url, "SELECT has_table_privilege('public', 'agents', 'SELECT')") == [(True,)]
    finally:
        databases.drop(scratch)
