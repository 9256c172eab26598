"""A list made of remembered rows is, byte for byte, the list that a service without any memory shows."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import citus, service_under_test
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.contract import PROMPTS, TOOLS
from tests.support.service import PRODUCTION, Service, served
from tests.support.service_under_test import ServiceDatabase, ServiceUnderTest
from tests.support.tokens import super_admin, user

pytestmark = citus.one_server("Citus refuses statements that change a row's tenant or use random()")

NO_ANSWERS = PRODUCTION | {"VITAL_RESPONSE_MEMORY_MS": "0"}
LISTS = {TOOLS: "tools", PROMPTS: "prompts"}
MORE = LISTS | {f"{TOOLS}?cursor=&limit=500": "tools", f"{PROMPTS}?status=active": "prompts"}
READERS = (user(PHARMA), user(DIGITAL_HEALTH), super_admin())

# Statements on TABLE, and on ONE row of Pharma's that is among the many; the lists are read after each of them.
CHANGES = {
    "inserted": [
        "INSERT INTO TABLE SELECT n.* FROM TABLE AS t, "
        "jsonb_populate_record(NULL::TABLE, to_jsonb(t) || jsonb_build_object("
        "'id', gen_random_uuid(), 'name', 'many ' || random(), 'tool_key', md5(random()::text))) AS n WHERE t.id = ONE"
    ],
    "updated": ["UPDATE TABLE SET description = md5(random()::text) WHERE id = ONE"],
    "updated without a change": ["UPDATE TABLE SET description = description WHERE id = ONE"],
    "updated twice in one transaction": [
        "UPDATE TABLE SET description = 'first' WHERE tenant_id = 'PHARMA';"
        "UPDATE TABLE SET description = 'second' WHERE tenant_id = 'PHARMA'"
    ],
    "rolled back": [
        "DO $$ BEGIN UPDATE TABLE SET description = 'never'; RAISE 'no'; "
        "EXCEPTION WHEN raise_exception THEN NULL; END $$"
    ],
    "deleted": ["DELETE FROM TABLE WHERE id = ONE"],
    "moved to another tenant": ["UPDATE TABLE SET tenant_id = 'DIGITAL' WHERE id = ONE"],
    "moved to the Platform": ["UPDATE TABLE SET tenant_id = 'PLATFORM' WHERE id = ONE"],
    "a key of metadata": ["UPDATE TABLE SET metadata = jsonb_build_object('vendor', random()) WHERE id = ONE"],
    "metadata of another shape": ["UPDATE TABLE SET metadata = '[1, null]' WHERE id = ONE"],
    "metadata gone": ["UPDATE TABLE SET metadata = NULL WHERE id = ONE"],
    "a column comes, changes and goes": [
        "ALTER TABLE TABLE ADD COLUMN walked integer DEFAULT 7",
        "ALTER TABLE TABLE RENAME COLUMN walked TO ran",
        "ALTER TABLE TABLE ALTER COLUMN ran TYPE text",
        "UPDATE TABLE SET ran = 'far' WHERE id = ONE",
        "ALTER TABLE TABLE DROP COLUMN ran",
    ],
    "rewritten": ["VACUUM FULL TABLE"],
}
MANY = """
INSERT INTO TABLE SELECT n.*
FROM (SELECT * FROM TABLE WHERE tenant_id = 'PHARMA' LIMIT 1) AS t, generate_series(1, 40) AS i,
     jsonb_populate_record(NULL::TABLE, to_jsonb(t) || jsonb_build_object(
         'id', gen_random_uuid(), 'name', 'many ' || i, 'tool_key', 'many-' || i)) AS n
"""


@dataclass(frozen=True)
class Pair:
    """Two services on one database: one remembers rows, the other nothing."""

    remembering: ServiceUnderTest
    forgetful: Service

    def change(self, table: str, statement: str) -> None:
        one = "(SELECT id FROM TABLE WHERE tenant_id = 'PHARMA' AND name LIKE 'many %' ORDER BY random() LIMIT 1)"
        names = {"ONE": one, "TABLE": table, "PHARMA": PHARMA, "DIGITAL": DIGITAL_HEALTH, "PLATFORM": PLATFORM}
        for name, value in names.items():
            statement = statement.replace(f"ALTER TABLE {name}", f"ALTER table {value}").replace(name, value)
        self.remembering.sql(statement)

    def agree(self, path: str, after: str) -> None:
        for who in READERS:
            address = path + ("&" if "?" in path else "?") + "showAll=true"  # for a super_admin
            remembered = self.remembering.service.get(address, who)
            assert remembered.status == 200, remembered
            assert remembered.body == self.forgetful.get(address, who).body, after


@pytest.fixture(scope="module")
def pair(service_database: ServiceDatabase) -> Iterator[Pair]:
    nothing = NO_ANSWERS | {"VITAL_ROW_MEMORY_MB": "0"}
    with (
        service_under_test.started(service_database, NO_ANSWERS) as remembering,
        served(remembering.login, nothing) as forgetful,
    ):
        made = Pair(remembering, forgetful)
        for table in set(LISTS.values()):
            made.change(table, MANY)
        yield made


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("change", CHANGES)
def test_every_kind_of_change_shows_at_once(pair: Pair, path: str, change: str) -> None:
    pair.agree(path, "nothing")
    for statement in CHANGES[change]:
        pair.change(LISTS[path], statement)
        pair.agree(path, statement)


@settings(max_examples=5, deadline=None)
@given(changes=st.lists(st.tuples(st.sampled_from(list(MORE)), st.sampled_from(list(CHANGES))), max_size=6))
def test_changes_one_after_the_other_show_at_once(pair: Pair, changes: list[tuple[str, str]]) -> None:
    for path, change in changes:
        for statement in CHANGES[change]:
            pair.change(MORE[path], statement)
        pair.agree(path, change)


def test_what_is_remembered_for_one_is_hidden_from_another(pair: Pair) -> None:
    """Neither what the operator has read, nor what the tenant itself has, before a policy hid it."""
    service, sql = pair.remembering.service, pair.remembering.sql
    everything = service.get(f"{TOOLS}?showAll=true", super_admin()).json["tools"]
    of_pharma = {tool["id"] for tool in everything if tool["tenant_id"] == PHARMA}
    assert of_pharma

    assert not of_pharma & {tool["id"] for tool in service.get(TOOLS, user(DIGITAL_HEALTH)).json["tools"]}
    assert of_pharma <= {tool["id"] for tool in service.get(TOOLS, user(PHARMA)).json["tools"]}
    hidden = min(of_pharma)
    sql(f"CREATE POLICY hides ON tools AS RESTRICTIVE FOR SELECT TO vital_tenant USING (id <> '{hidden}')")
    try:
        assert hidden not in service.get(TOOLS, user(PHARMA)).text
    finally:
        sql("DROP POLICY hides ON tools")


def test_the_json_of_a_known_row_is_not_asked_for(pair: Pair) -> None:
    """By what PostgreSQL says that it was last asked on each of the service's connections."""

    def asked(times: int) -> str:
        ((since,),) = pair.remembering.sql("SELECT clock_timestamp()")
        for _ in range(times):
            assert pair.remembering.service.get(TOOLS, user(PHARMA)).status == 200
        ((queries,),) = pair.remembering.sql(
            "SELECT string_agg(query, ';') FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND query_start > %s", since,
        )  # fmt: skip
        return str(queries)

    asked(10)  # whatever thread answers, and whatever a request looks up beside
    known = asked(10)
    assert "A page by name" in known
    assert "Rows and their versions" not in known

    pair.change("tools", "UPDATE TABLE SET description = 'unknown' WHERE id = ONE")
    assert "Rows and their versions" in asked(1)
