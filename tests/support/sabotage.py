"""What somebody could do to a migrated database, read from sabotage.toml and said in this database's words."""

import re
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg

from tests.support.databases import OWNER

LOGIN = "vital_test_service"  # made for each case, as `create_login` makes one
OTHER = "vital_test_other"  # somebody else, who may do nothing
MADE = (
    f"CREATE ROLE {LOGIN} LOGIN NOINHERIT NOSUPERUSER NOBYPASSRLS",
    f"GRANT vital_tenant, vital_operator TO {LOGIN}",
    f"CREATE ROLE {OTHER} NOLOGIN",
)
PLATFORM, PHARMA = "00000000-0000-0000-0000-000000000001", "f7aa6fd4-0af9-4706-8b31-034f1f7accda"
TENANT = "(SELECT nullif(current_setting('vital.tenant_id', true), '')::uuid)"
WRITER = "vital.late_writer_of_public_tools()"
REFERENCE = "vital_ref_knowledge_base_source_id_fkey"  # the guard of a foreign key to knowledge_sources
INSERTS = "vital_references"
OF_PARENT = "SELECT tgname FROM pg_trigger WHERE tgrelid = 'knowledge_sources'::regclass AND tgname LIKE 'vital_chd_%'"
MORE = "WHEN EXISTS (SELECT FROM agents AS p WHERE p.id = c.id AND p.tenant_id <> c.tenant_id) THEN 'agents'"
GIVE = "CREATE FUNCTION public.give() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; "


@dataclass(frozen=True)
class Case:
    """See sabotage.toml."""

    name: str
    sabotage: str
    object: str
    dangerous: bool
    statement: str = ""
    since: int = 14
    until: int = 99


def read() -> list[Case]:
    text = (Path(__file__).parent / "sabotage.toml").read_text(encoding="utf-8")
    return [Case(**case) for case in tomllib.loads(text)["case"]]


def told(connection: psycopg.Connection[Any], case: Case) -> Case:
    """The case with its words in braces filled in: names, and definitions that are altered."""
    words = _words(connection)

    def filled(text: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda found: words[found[1]], text)

    return replace(case, sabotage=filled(case.sabotage), object=filled(case.object), statement=filled(case.statement))


def _words(connection: psycopg.Connection[Any]) -> dict[str, str]:
    def value(query: str) -> str:
        row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return str(row[0])

    def trigger(name: str, table: str = "knowledge_base") -> str:
        where = f"tgname = '{name}' AND tgrelid = '{table}'::regclass"
        return value(f"SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE {where}")

    guard, inserts, of_parent = trigger(REFERENCE), trigger(INSERTS), value(OF_PARENT)
    of_row, of_rows = (definition.rpartition(" ")[2] for definition in (guard, inserts))
    body = value(f"SELECT pg_get_functiondef('{of_rows}'::regprocedure)")
    writer = value(f"SELECT pg_get_functiondef('{WRITER}'::regprocedure)")
    again, no_inserts = (f"DROP TRIGGER {name} ON knowledge_base; " for name in (REFERENCE, INSERTS))
    by_membership = connection.info.server_version >= 160000
    return {
        "own": f"tenant_id = {TENANT}",
        "tenant": TENANT,
        "login": LOGIN,
        "other": OTHER,
        "owner": OWNER,
        "platform": PLATFORM,
        "give": GIVE,
        "writer": WRITER,
        "guard_function": of_rows,
        "row_function": of_row,
        "guard": REFERENCE,
        "guard_of_inserts": INSERTS,
        "guard_of_parent": of_parent,
        "other_platform": f"DROP TRIGGER {of_parent} ON knowledge_sources; "
        + trigger(of_parent, "knowledge_sources").replace(PLATFORM, PHARMA),
        "body_of_other_platform": body.replace(PLATFORM, PHARMA),
        "body_that_asks_nothing": re.sub(r"WHEN EXISTS .*", "WHEN NULL THEN ''", body),
        "body_that_asks_more": re.sub(r"(WHEN EXISTS .*)", r"\1\n" + MORE, body),
        "inserts_alone": again + re.sub(r"AFTER UPDATE (.*) WHEN .* EXECUTE", r"AFTER INSERT \1 EXECUTE", guard),
        "never_fires": again + re.sub(r"WHEN \(.*\) EXECUTE", "WHEN (false) EXECUTE", guard),
        "each_insert_alone": re.sub(r"REFERENCING .* STATEMENT", "FOR EACH ROW", f"{no_inserts}{inserts}"),
        "another_table": re.sub(r"NEW TABLE AS \w+", "NEW TABLE AS others", f"{no_inserts}{inserts}"),
        "another_function": GIVE + again + re.sub(r"EXECUTE FUNCTION .*", "EXECUTE FUNCTION public.give()", guard),
        "writer_body": writer.replace("RETURN NEW", f"NEW.tenant_id := '{PLATFORM}'; RETURN NEW"),
        "inherits": f"GRANT vital_operator TO {LOGIN} WITH INHERIT TRUE"
        if by_membership
        else f"ALTER ROLE {LOGIN} INHERIT",
        "owner_inherits": f"GRANT vital_tenant TO {OWNER}" + (" WITH INHERIT TRUE" if by_membership else ""),
    }
