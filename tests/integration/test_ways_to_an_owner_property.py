"""Rows that other rows speak for: owners of several kinds behind one reference, ids inside JSON and lists, votes, and
trees with circles. What a run does is what a slow reading of the same rows says, in whatever order the rows lie."""

import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from migrations_ops.engine import backfill
from migrations_ops.engine.session import Session
from migrations_ops.engine.tracking import PhaseRecord
from migrations_ops.phases.assign_steps import assign
from migrations_ops.preview.inputs import Asking
from migrations_ops.rules import evidence
from migrations_ops.rules.load import of_text
from migrations_ops.rules.model import Plan
from migrations_ops.rules.plan_keys import PHASES
from tests.support import engine_session
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM
from tests.support.command_results import Manage
from tests.support.engine_watch import quiet
from tests.support.rule_tables import RUN
from vital.db import sql

TENANTS = {"platform": PLATFORM, "health": DIGITAL_HEALTH, "pharma": PHARMA}
TABLES = """
CREATE TABLE companies (id uuid PRIMARY KEY, slug text);
CREATE TABLE clinics (id bigint PRIMARY KEY, tenant_id uuid);
CREATE TABLE labs (id uuid PRIMARY KEY, tenant_id uuid);
CREATE TABLE joined (person int, clinic bigint);
CREATE TABLE notes (
    id int PRIMARY KEY, tenant_id uuid, owner_type text, owner_id text, facts jsonb, clinics bigint[], above int
) WITH (fillfactor = 10)
"""
HEAD = 'version = 1\nplatform = "platform"\nregistry = "public.companies"\n' + "".join(
    f'[[tenant]]\nid = "{id}"\nslug = "{slug}"\nname = "{slug}"\ndomain = "{slug}.example"\n'
    for slug, id in TENANTS.items()
)
RULES = {
    "a clinic's": """when = { column = "owner_type", equals = "Clinic" }
parent = { column = "owner_id", as = "bigint", table = "public.clinics" }""",
    "a lab's": """when = { column = "owner_type", equals = "Lab" }
parent = { column = "owner_id", as = "uuid", table = "public.labs" }""",
    "the fact's": 'parent = { column = "facts", json = ["owner", "clinic"], as = "bigint", table = "public.clinics" }',
    "the listed clinics'": 'votes = { column = "clinics", each = true, at_least = 0.6, table = "public.clinics" }',
    "the listed labs'": """
votes = { column = "facts", json = ["labs"], each = true, as = "uuid", table = "public.labs" }""",
    "the members'": """votes = { at_least = 0.51, path = [
    { column = "id", table = "public.joined", key = "person" }, { column = "clinic", table = "public.clinics" }] }""",
    "the row above's": 'parent = { column = "above", table = "public.notes" }',
}
CLINICS = {1: None, 2: PHARMA, 3: PHARMA, 4: DIGITAL_HEALTH}
LABS = {f"0000000{n}-0000-4000-8000-00000000000{n}": owner for n, owner in enumerate((None, PHARMA, DIGITAL_HEALTH))}
ids = st.sampled_from(
    [*map(str, CLINICS), *LABS, *(lab.replace("-", "") for lab in LABS), "9", "x", "", "1e2", "9" * 30]
)
some_json = st.recursive(
    st.none() | st.booleans() | ids | st.integers(0, 5), lambda inner: st.lists(inner, max_size=3), max_leaves=4
)
facts = st.none() | some_json | st.fixed_dictionaries(
    {}, optional={"owner": some_json | st.fixed_dictionaries({"clinic": some_json}), "labs": st.lists(ids) | some_json}
)  # fmt: skip
notes = st.fixed_dictionaries(
    {
        "owner_type": st.sampled_from([None, "Clinic", "Lab", "lab"]),
        "owner_id": st.none() | ids,
        "facts": facts,
        "clinics": st.none() | st.lists(st.none() | st.integers(1, 5), max_size=4),
        "above": st.none() | st.integers(0, 9),
        "tenant": st.sampled_from([None, None, None, None, PLATFORM]),
        "joined": st.lists(st.integers(1, 5), max_size=4),
    }
)
Row = dict[str, Any]


@pytest.fixture(scope="module")
def session(server_url: str, manage: Manage) -> Iterator[Session]:
    with engine_session.on_empty_database(server_url, manage, "owners") as opened:
        for statement in TABLES.split(";\n"):
            opened.execute(sql.verbatim(statement))
        for slug, id in TENANTS.items():
            opened.execute("INSERT INTO companies VALUES (%(id)s, %(slug)s)", {"id": id, "slug": slug})
        for table, owners in (("clinics", CLINICS), ("labs", LABS)):
            for key, owner in owners.items():
                insert = sql.compose("INSERT INTO {t} VALUES (%(key)s, %(owner)s)", t=sql.ident(table))
                opened.execute(insert, {"key": key, "owner": owner})
        yield opened


def plan_of(rules: list[str], unmatched: bool) -> Plan:
    of_others = "".join(f'[[table]]\nname = "public.{name}"\nvisibility = "private"\n' for name in ("clinics", "labs"))
    ruled = "".join(f'[[table.rule]]\nname = "{name}"\nphase = "{PHASES[1]}"\n{RULES[name]}\n' for name in rules)
    otherwise = 'unmatched = "platform"\n' if unmatched else ""
    return of_text(
        f'{HEAD}{of_others}[[table]]\nname = "public.notes"\nvisibility = "private"\n{otherwise}{ruled}', "it"
    )


# --- the slow reading ---


def clinic(text: object) -> str | None:
    shown = json.dumps(text) if isinstance(text, bool | list | dict) else str(text)
    return CLINICS.get(int(shown)) if shown.isascii() and shown.lstrip("-").isdigit() and len(shown) < 18 else None


def lab(text: object) -> str | None:
    known = {key.replace("-", ""): owner for key, owner in LABS.items()}
    return known.get(str(text).replace("-", ""))


def elected(votes: list[str | None], share: str) -> str | None:
    cast = Counter(vote for vote in votes if vote)
    return next((who for who, count in cast.items() if count >= Decimal(share) * cast.total()), None)


def by_rule(rule: str, row: Row) -> str | None:
    inside = row["facts"] if isinstance(row["facts"], dict) else {}
    if rule == "a clinic's":
        return clinic(row["owner_id"]) if row["owner_type"] == "Clinic" else None
    if rule == "a lab's":
        return lab(row["owner_id"]) if row["owner_type"] == "Lab" else None
    if rule == "the fact's":
        owner = inside.get("owner")
        return clinic(owner["clinic"]) if isinstance(owner, dict) else None
    if rule == "the listed clinics'":
        return elected([CLINICS.get(one) for one in row["clinics"] or []], "0.6")
    if rule == "the listed labs'":
        listed = inside.get("labs")
        return elected([lab(one) for one in listed], "1") if isinstance(listed, list) else None
    return elected([CLINICS.get(one) for one in row["joined"]], "0.51")


def expected(rows: dict[int, Row], rules: list[str], unmatched: bool) -> dict[int, str | None]:
    """Each row by itself; then, where there is a tree, by the nearest above it that is somebody's by itself."""
    alone = {
        n: row["tenant"] or next((who for rule in rules if rule[:7] != "the row" and (who := by_rule(rule, row))), None)
        for n, row in rows.items()
    }
    found = {}
    for n, row in rows.items():
        owner, met, above = alone[n], {n}, row["above"]
        while "the row above's" in rules and owner is None and above in rows and above not in met:
            met.add(above)
            owner, above = alone[above], rows[above]["above"]
        found[n] = owner or (PLATFORM if unmatched else None)
    return found


@given(
    given_rows=st.lists(notes, min_size=3, max_size=10),
    rules=st.lists(st.sampled_from(list(RULES)), min_size=1, max_size=5, unique=True),
    unmatched=st.booleans(),
    order=st.randoms(),
)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
def test_a_run_and_its_preview_say_what_the_other_rows_say(
    session: Session, given_rows: list[Row], rules: list[str], unmatched: bool, order: Any
) -> None:
    rules.sort(key=lambda name: name == "the row above's")
    rows, plan = dict(enumerate(given_rows)), plan_of(rules, unmatched)
    numbers = list(rows)
    order.shuffle(numbers)
    session.execute("TRUNCATE notes, joined, vital.ledger")
    for n in numbers:
        row = rows[n] | {"n": n, "facts": None if rows[n]["facts"] is None else json.dumps(rows[n]["facts"])}
        session.execute(
            "INSERT INTO notes VALUES"
            " (%(n)s, %(tenant)s, %(owner_type)s, %(owner_id)s, %(facts)s, %(clinics)s, %(above)s)",
            row,
        )
        for one in row["joined"]:
            session.execute("INSERT INTO joined VALUES (%(n)s, %(one)s)", {"n": n, "one": one})
    wanted = expected(rows, rules, unmatched)
    spec = plan.table("public.notes")
    after = sql.compose(
        "SELECT id, vital_after::text FROM ({rows}) AS t",
        rows=Asking(session, plan, lambda why: None).prediction.rows(spec),
    )
    assert dict(session.execute(after)) == wanted

    session.execute("UPDATE vital.run SET status = 'completed'")
    session.named("open_run", RUN)
    step = assign(plan, spec, PHASES)
    record = PhaseRecord(session, session.value("SELECT max(id) FROM vital.run"), PHASES[1])
    backfill.run(session, step, record.step(step.name, spec.relation), quiet(session))

    assert dict(session.execute("SELECT id, tenant_id::text FROM notes")) == wanted
    said = sql.compose("SELECT id, {text} FROM notes AS t", text=evidence.in_words(plan, spec, "t"))
    told = dict(session.execute(said))
    if "the members'" in rules:
        assert all(("no row votes" in told[n] or "must agree" in told[n]) for n in rows)
    if "the row above's" in rules:
        assert {n for n, text in told.items() if "above itself" in text} == in_circles(rows)


def in_circles(rows: dict[int, Row]) -> set[int]:
    found = set()
    for n in rows:
        above, steps = rows[n]["above"], 0
        while above in rows and above != n and steps < len(rows):
            above, steps = rows[above]["above"], steps + 1
        if above == n:
            found.add(n)
    return found
