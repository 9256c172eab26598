"""Whatever a database has, a run and its undo give it back: definitions, owners, grants, comments, options, rows. What
could not be given back is refused by 000, with the thing's name.

Some examples; many more with VITAL_SLOW_TESTS=1.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support import databases, schema_oddities
from tests.support.command_results import Manage, said
from tests.support.schema_oddities import EVERY, ROLES, Oddity

pytestmark = [pytest.mark.server, pytest.mark.slow]

EXAMPLES = 80 if os.environ.get("VITAL_SLOW_TESTS") else 3
POSSIBLE = [oddity for oddity in EVERY.values() if not oddity.refused]
REFUSED = [oddity for oddity in EVERY.values() if oddity.refused]
Journey = Callable[..., None]

# --- what a database may have besides ---

PRIVILEGES = ["SELECT", "INSERT", "UPDATE", "DELETE", "REFERENCES", "TRIGGER", "TRUNCATE"]
TABLES = ["orders", "items", "visits", "visits_low", "stores", "countries"]
THINGS = {f"TABLE {table}": PRIVILEGES for table in TABLES} | {
    "SEQUENCE items_id_seq": ["USAGE", "SELECT", "UPDATE"],
    "SEQUENCE orders_id_seq": ["USAGE", "SELECT"],
    "SCHEMA public": ["USAGE", "CREATE"],
}
COLUMNS = {"orders": "note", "items": "note", "visits": "note", "visits_low": "note", "stores": "name"}


@st.composite
def grants(draw: st.DrawFn) -> Oddity:
    """To one of VITAL's roles or another, by the owner or a team that it was passed on to, of all or of a column."""
    thing = draw(st.sampled_from(list(THINGS)))
    to = draw(st.sampled_from([ROLES["reader"], "PUBLIC", "vital_tenant", "vital_operator"]))
    privileges = sorted(draw(st.sets(st.sampled_from(THINGS[thing]), min_size=1)))
    column = COLUMNS.get(thing.removeprefix("TABLE ")) if draw(st.booleans()) else None
    if column:
        privileges = [name for name in privileges if name in PRIVILEGES[:3]] or ["SELECT"]
    listed = ", ".join(f"{name} ({column})" if column else name for name in privileges)
    passed_on = " WITH GRANT OPTION" if to != "PUBLIC" and draw(st.booleans()) else ""
    grant = f"GRANT {listed} ON {thing} TO {to}{passed_on}; RESET ROLE"
    if draw(st.booleans()):
        team = ROLES["team"]
        grant = f"GRANT {', '.join(THINGS[thing])} ON {thing} TO {team} WITH GRANT OPTION; SET ROLE {team}; {grant}"
    return Oddity(grant, f"{schema_oddities.OUR_ROLES}; {grant}")


@st.composite
def triggers(draw: st.DrawFn) -> Oddity:
    """Before or after, for rows or statements, with a condition or arguments, in any state."""
    table = draw(st.sampled_from(["orders", "items", "visits", "visits_low", "stores"]))
    before, rows = draw(st.booleans()), draw(st.booleans())
    events = draw(st.sampled_from(["UPDATE", "INSERT", "INSERT OR UPDATE", f"UPDATE OF {COLUMNS[table]}"]))
    condition = "WHEN (NEW.ctid IS NOT NULL) " if rows and not before and draw(st.booleans()) else ""
    function = "stamp" if rows and before and table != "stores" else "pass_by" if before and rows else "silent"
    state = draw(st.sampled_from(["ENABLE", "ENABLE ALWAYS", "ENABLE REPLICA", "DISABLE"]))
    name = f'"t{draw(st.integers(0, 10**9))} 100% {{}} \'"'
    create = (
        f"CREATE TRIGGER {name} {'BEFORE' if before else 'AFTER'} {events} ON {table}"
        f" FOR EACH {'ROW' if rows else 'STATEMENT'} {condition}EXECUTE FUNCTION {function}('a''b', '$1')"
    )
    return Oddity(create, f"{create}; ALTER TABLE {table} {state} TRIGGER {name}")


RUN, WAYS = ("run", "--yes"), {
    "all at once": [],
    "twice": [("undo", "--phase", "006", "--yes")],
    "in two steps": [("undo", "--phase", "002", "--yes")],
    "with a part of it undone": [("undo", "--phase", "003", "--yes"), ("run", "--yes", "--to", "004")],
}  # fmt: skip


# --- the way there and back ---

# A grant to tenants from before may let them past row level security. The proof says so, and the undo is exact as well.
# What others have granted to roles of VITAL's is theirs to take back: a run says so and stops.
PROOF = re.compile("FAIL +(tenants that see more or less|differences that a run may not repair)")


@pytest.fixture(scope="module")
def there_and_back(server_url: str, manage: Manage, tmp_path_factory: pytest.TempPathFactory) -> Journey:
    folder = tmp_path_factory.mktemp("exact")

    def journey(wanted: list[Oddity], detours: list[tuple[str, ...]]) -> None:
        chosen = schema_oddities.fitting(wanted, server_url)
        plan = folder / "plan.toml"
        plan.write_text(schema_oddities.plan(chosen), encoding="utf-8")
        scratch = schema_oddities.build(server_url, chosen)
        try:
            before = schema_oddities.state(scratch)
            for words in [RUN, *detours, ("undo", "--yes")]:
                done = manage(scratch, "migrate_tenants", *words, "--plan", str(plan))
                assert done.returncode == 0 or PROOF.search(done.stdout), f"{chosen}, {words}: {said(done)}"
                assert "kept as" not in done.stdout
            changed = schema_oddities.difference(before, schema_oddities.state(scratch))
            assert not changed, f"{chosen}: {changed}"
        finally:
            databases.drop(scratch)

    return journey


def test_everything_at_once(there_and_back: Journey) -> None:
    there_and_back(POSSIBLE, [])


IN_ORDER = """
    GRANT REFERENCES, TRIGGER ON {on} TO vital_tenant WITH GRANT OPTION;
    GRANT SELECT, INSERT ON {on} TO {reader};
    GRANT UPDATE ON {on} TO vital_operator;
    GRANT DELETE ON {on} TO PUBLIC
"""


def test_grants_stand_in_the_order_in_which_they_were_given(there_and_back: Journey) -> None:
    """What tenants may do with a table may be more than they need, all of which a run takes away from them."""
    tables = ", ".join(TABLES)
    given = Oddity("grants in an order", f"{schema_oddities.OUR_ROLES}; {IN_ORDER.format(on=tables, **ROLES)}")
    there_and_back([given], WAYS["in two steps"])


PASSED_ON = """
    GRANT SELECT ON SEQUENCE items_id_seq TO vital_operator;
    GRANT USAGE, SELECT, UPDATE ON SEQUENCE items_id_seq TO {team} WITH GRANT OPTION;
    SET ROLE {team};
    GRANT UPDATE, USAGE ON SEQUENCE items_id_seq TO PUBLIC;
    RESET ROLE
"""


def test_grants_that_were_passed_on_stand_in_their_order(there_and_back: Journey) -> None:
    given = Oddity("grants passed on", f"{schema_oddities.OUR_ROLES}; {PASSED_ON.format(**ROLES)}")
    there_and_back([given], WAYS["in two steps"])


@given(
    some=st.lists(st.sampled_from(POSSIBLE), max_size=12, unique=True),
    granted=st.lists(grants(), max_size=6),
    fired=st.lists(triggers(), max_size=4, unique_by=repr),
    way=st.sampled_from(list(WAYS)),
)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # each try is a run and its undo
)
@pytest.mark.timeout(300 + 15 * EXAMPLES)
def test_some_of_it_by_some_way(
    there_and_back: Journey, some: list[Oddity], granted: list[Oddity], fired: list[Oddity], way: str
) -> None:
    there_and_back([*some, *granted, *fired], WAYS[way])


# --- what could not be given back ---

BUILT = {
    "view of_tenants": "CREATE VIEW of_tenants AS SELECT tenant_id, count(*) FROM orders GROUP BY 1",
    "index by_tenant_and_note": "CREATE INDEX by_tenant_and_note ON items (tenant_id, note)",
    "policy theirs on table orders": "CREATE POLICY theirs ON orders USING (tenant_id IS NOT NULL)",
    "constraint known on table visits": "ALTER TABLE visits ADD CONSTRAINT known CHECK (tenant_id IS NOT NULL)",
    "statistics object together": "CREATE STATISTICS together ON tenant_id, code FROM items",
}


def test_what_others_built_on_a_column_of_ours_is_named_and_never_dropped(
    server_url: str, manage: Manage, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(schema_oddities.plan([]), encoding="utf-8")
    scratch = schema_oddities.build(server_url, [])
    before, of_plan = schema_oddities.state(scratch), ("--yes", "--plan", str(plan))
    assert manage(scratch, "migrate_tenants", "run", *of_plan).returncode == 0
    run = schema_oddities.state(scratch)
    for statement in BUILT.values():
        databases.rows(scratch.owner_url, statement)
    built = schema_oddities.state(scratch)

    refused = manage(scratch, "migrate_tenants", "undo", *of_plan)

    assert refused.returncode == 1, said(refused)
    missing = [name for name in BUILT if f"{name} is built on the column tenant_id" not in said(refused)]
    assert not missing, f"{missing}: {said(refused)}"
    assert schema_oddities.state(scratch) == built
    for statement in (
        "DROP VIEW of_tenants",
        "DROP INDEX by_tenant_and_note",
        "DROP POLICY theirs ON orders",
        "ALTER TABLE visits DROP CONSTRAINT known",
        "DROP STATISTICS together",
    ):
        databases.rows(scratch.owner_url, statement)
    assert schema_oddities.state(scratch) == run
    assert manage(scratch, "migrate_tenants", "undo", *of_plan).returncode == 0
    assert not schema_oddities.difference(before, schema_oddities.state(scratch))
    databases.drop(scratch)


@pytest.mark.parametrize("gate", sorted({oddity.gate for oddity in REFUSED}))
def test_what_could_not_be_given_back_is_refused_by_name(
    server_url: str, manage: Manage, tmp_path: Path, gate: str
) -> None:
    chosen = schema_oddities.fitting([oddity for oddity in REFUSED if oddity.gate == gate], server_url)
    plan = tmp_path / "plan.toml"
    plan.write_text(schema_oddities.plan(chosen), encoding="utf-8")
    scratch = schema_oddities.build(server_url, chosen)
    before = schema_oddities.state(scratch)

    done = manage(scratch, "migrate_tenants", "run", "--yes", "--plan", str(plan))

    assert done.returncode == 1, said(done)
    missing = [oddity.name for oddity in chosen if oddity.refused not in done.stdout]
    assert not missing, f"{missing}: {said(done)}"
    assert "001_schema_fixes" not in done.stdout
    assert not schema_oddities.difference(before, schema_oddities.state(scratch))
    databases.drop(scratch)
