"""Whatever the tables and rules are: the preview of a row is what a run then does with it, also under changed rules."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from migrations_ops.engine import backfill, baseline
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Table
from migrations_ops.engine.tracking import PhaseRecord
from migrations_ops.phases.assign_steps import assign as assignment_of
from migrations_ops.preview.compare import against
from migrations_ops.preview.document import Words
from migrations_ops.preview.inputs import Asking
from migrations_ops.rules.model import Condition, Hop, Parent, Plan, Rule, TableSpec, TenantSpec
from migrations_ops.rules.plan_keys import PHASES
from migrations_ops.rules.suggest.current_rule import CurrentRules
from migrations_ops.rules.suggest.rule_groups import Family
from tests.support import engine_session
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM, STRANGER
from tests.support.command_results import Manage
from tests.support.engine_watch import quiet
from vital.db import sql

TENANTS = {"platform": PLATFORM, "health": DIGITAL_HEALTH, "pharma": PHARMA}
SHARES = (Decimal(1), Decimal("0.6"))
FAMILY = {
    "public.owners": "",
    "public.things": "public.owners",
    "public.parts": "public.things",
}  # table → what it follows
MEMORY = ("ledger", "baseline", "baseline_row", "override", "redecision", "share", "step_run", "phase_run")
RUN = {
    "kind": "run", "phases": [], "digest": "", "plan": "", "by": "the tests", "reason": "", "scope": "",
    "in_background": False,
}  # fmt: skip


def key_of(table: str, n: int) -> str:
    return str(uuid5(UUID(STRANGER), f"{table} {n}"))


# --- random rows and rules ---

conditions = st.one_of(
    st.just(Condition("always")),
    st.sampled_from("abc").map(lambda name: Condition("equals", "name", value=name)),
    st.booleans().map(lambda value: Condition("is_null", "name", value=value)),
)
compared = st.builds(
    lambda when, tenant, phase, moves: Rule(0, "", phase, when=when, tenant=tenant, reassigns=moves),
    conditions, st.sampled_from(list(TENANTS)), st.sampled_from(PHASES), st.booleans(),
)  # fmt: skip


def rules_of(table: str) -> st.SearchStrategy[tuple[Rule, ...]]:
    """Rules in the order of their phases; those of a child may follow the parent."""
    one: st.SearchStrategy[Rule] = compared
    if FAMILY[table]:
        parent = Parent((Hop(("parent",), FAMILY[table], ("id",)),))
        namesakes = Hop(("name",), FAMILY[table], ("name",))
        votes = st.sampled_from(SHARES).map(lambda share: Parent((namesakes,), share=share))
        whether = st.none() | conditions
        one |= st.builds(lambda phase, when: Rule(0, "", phase, when, parent=parent), st.sampled_from(PHASES), whether)
        one |= st.builds(lambda when, of: Rule(0, "", PHASES[1], when, parent=of), whether, votes)
    tree = Rule(0, "", PHASES[1], parent=Parent((Hop(("above",), table, ("id",)),), is_tree=True))
    return st.builds(
        lambda rules, last: tuple(
            replace(rule, number=n, name=f"rule {n}")
            for n, rule in enumerate([*sorted(rules, key=lambda rule: rule.phase), *last(rules)], start=1)
        ),
        st.lists(one, max_size=4),
        st.booleans().map(lambda has: lambda rules: [tree] if has and not any(one.reassigns for one in rules) else []),
    )


plans = st.fixed_dictionaries(
    {table: st.tuples(rules_of(table), st.sampled_from(["", "", "pharma"])) for table in FAMILY}
)
rows = st.fixed_dictionaries(
    {
        "name": st.sampled_from([None, "a", "b", "c"]),
        "parent": st.none() | st.integers(0, 3),
        "above": st.none() | st.integers(0, 5),  # of the same table: also itself, in a circle, or not there
        "tenant": st.sampled_from([None, None, PLATFORM, DIGITAL_HEALTH, STRANGER]),
        "decided": st.sampled_from([None, None, None, PHARMA]),
    }
)
tables = st.fixed_dictionaries({table: st.lists(rows, min_size=4, max_size=6) for table in FAMILY})


def plan_of(given: dict[str, tuple[tuple[Rule, ...], str]]) -> Plan:
    specs = tuple(
        TableSpec(Table(table, ("id",)), False, True, False, {"name": "text"}, rules, unmatched=unmatched)
        for table, (rules, unmatched) in ((table, given[table]) for table in FAMILY)
    )
    tenants = tuple(TenantSpec(id, slug, slug, slug, "", {}, {}) for slug, id in TENANTS.items())
    return Plan("test", "platform", "public.tenants", "", tenants, specs, (), "")


# --- filling and asking ---


@pytest.fixture(scope="module")
def session(server_url: str, manage: Manage) -> Iterator[Session]:
    """The engine's connection to a database with a family of three tables."""
    with engine_session.on_empty_database(server_url, manage, "preview") as opened:
        for table, parent in FAMILY.items():
            refers = f" REFERENCES {parent} (id)" if parent else ""
            opened.execute(
                f"CREATE TABLE {table} (id uuid PRIMARY KEY, name text, parent uuid{refers}, tenant_id uuid, n int,"
                " above uuid)"
            )
        yield opened


def fill(session: Session, given: dict[str, list[dict[str, Any]]]) -> None:
    session.execute("TRUNCATE public.owners, public.things, public.parts")
    for memory in MEMORY:
        session.execute(sql.compose("DELETE FROM {t}", t=sql.ident("vital", memory)))
    for table in FAMILY:
        for n, row in enumerate(given[table]):
            parent = key_of(FAMILY[table], row["parent"]) if FAMILY[table] and row["parent"] is not None else None
            above = key_of(table, row["above"]) if row["above"] is not None else None
            session.execute(
                sql.compose(
                    "INSERT INTO {t} VALUES (%(id)s, %(name)s, %(parent)s, %(tenant)s, %(n)s, %(above)s)",
                    t=sql.relation(table),
                ),
                row | {"id": key_of(table, n), "parent": parent, "n": n, "above": above},
            )
            if row["decided"]:
                session.execute(
                    "INSERT INTO vital.override (relation, key, tenant_id, reason, decided_by)"
                    " VALUES (%(t)s, %(key)s, %(decided)s, '', '')",
                    row | {"t": table, "key": key_of(table, n)},
                )


Fate = tuple[str | None, str | None]  # the tenant after the run, and the rule that put the row there unless it stays


def forecast(session: Session, plan: Plan) -> dict[str, dict[int, Fate]]:
    asking = Asking(session, plan, lambda why: None)
    words, found = Words(asking, {}), {}
    for spec in plan.tables:
        query = sql.compose(
            "SELECT n, vital_now::text, vital_after::text, vital_rule FROM ({rows}) AS t",
            rows=asking.prediction.rows(spec),
        )
        found[spec.relation] = {
            n: (after, words.rule(spec, rule) if after != now else None)
            for n, now, after, rule in session.execute(query)
        }
    return found


def come(session: Session, plan: Plan, *, looking: bool = False) -> dict[str, dict[int, Fate]]:
    """Run 003 and 004, and look what has become of each row; in between, that what is foretold stays the same."""
    tenants = {table: {n: fate[0] for n, fate in fates.items()} for table, fates in forecast(session, plan).items()}
    before = {spec.relation: tenants_of(session, spec.relation) for spec in plan.tables}
    session.execute("UPDATE vital.run SET status = 'completed'")
    session.named("open_run", RUN)
    run = session.value("SELECT max(id) FROM vital.run")
    for phase, phases in zip(PHASES, (PHASES[:1], PHASES), strict=True):
        phase_record = PhaseRecord(session, run, phase)
        for spec in plan.tables:
            if phase == PHASES[1] or any(rule.phase == phase for rule in spec.rules):
                step = assignment_of(plan, spec, phases)
                backfill.run(session, step, phase_record.step(step.name, spec.relation), quiet(session))
        if looking:
            told = forecast(session, plan)
            assert {table: {n: fate[0] for n, fate in fates.items()} for table, fates in told.items()} == tenants
    found = {}
    for spec in plan.tables:
        query = sql.compose(
            "SELECT t.n, t.tenant_id::text, (SELECT rule FROM vital.ledger WHERE relation = %(r)s AND run_id = %(run)s"
            " AND keys @> ARRAY[t.id::text] ORDER BY id DESC LIMIT 1) FROM {t} AS t",
            t=sql.relation(spec.relation),
        )
        asked = session.execute(query, {"r": spec.relation, "run": run})
        was = before[spec.relation]  # 004 may put a row back that 003 has moved
        found[spec.relation] = {n: (tenant, rule if tenant != was[n] else None) for n, tenant, rule in asked}
    return found


def tenants_of(session: Session, relation: str) -> dict[int, str | None]:
    return dict(session.execute(sql.compose("SELECT n, tenant_id::text FROM {t}", t=sql.relation(relation))))


@pytest.mark.slow
@given(given_tables=tables, first=plans, second=plans, remembered=st.booleans())
@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # each try is three runs: a failure is told as it is found
)
def test_a_run_does_what_was_foretold(
    session: Session, given_tables: dict[str, Any], first: dict[str, Any], second: dict[str, Any], remembered: bool
) -> None:
    fill(session, given_tables)
    plan, other = plan_of(first), plan_of(second)
    if not remembered:
        session.execute("DELETE FROM vital.baseline")
        expected = forecast(session, plan)
    for spec in plan.tables:
        baseline.take_baseline(session, spec.table, "tenant_id", quiet(session).waiting)
    if remembered:
        expected = forecast(session, plan)

    assert come(session, plan, looking=True) == expected

    assert {fate[1] for fates in forecast(session, plan).values() for fate in fates.values()} == {None}
    changed = forecast(session, other)
    elsewhere = sum(fate[0] != changed[table][n][0] for table, fates in expected.items() for n, fate in fates.items())
    assert against(session, plan, other, lambda why: None)["rows"] == elsewhere
    assert come(session, other) == changed


@pytest.mark.slow
@given(
    rows=st.lists(rows, min_size=4, max_size=6),
    rules=rules_of("public.owners"),
    unmatched=st.sampled_from(["", "pharma"]),
)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_suggestions_read_rules_as_the_preview_does(
    session: Session, rows: list[dict[str, Any]], rules: tuple[Rule, ...], unmatched: str
) -> None:
    """Which rule decides about each row, and for which tenant. To suggestions, a rule that reassigns has done so."""
    fill(session, {table: rows if table == "public.owners" else [] for table in FAMILY})
    stays = tuple(replace(rule, reassigns=False) for rule in rules)
    plan = plan_of(dict.fromkeys(FAMILY, ((), "")) | {"public.owners": (stays, unmatched)})
    spec = plan.table("public.owners")

    suggested = sql.compose(
        "SELECT n, NULLIF(vital_number, 0), vital_tenant::text FROM ({rows}) AS t ORDER BY n",
        rows=CurrentRules(session, plan).rows(Family(spec.relation, (spec,), (), None), spec),
    )
    previewed = sql.compose(
        "SELECT n, NULLIF(vital_rule, 0), vital_after::text FROM ({rows}) AS t ORDER BY n",
        rows=Asking(session, plan, lambda why: None).prediction.rows(spec),
    )
    assert session.execute(suggested) == session.execute(previewed)
