"""Which tables' rules give every new row a tenant: what is said of a plan's rules, against rows of every kind that the
table can hold, judged by the database."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict

from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Table
from migrations_ops.rules import completeness
from migrations_ops.rules.compile import verdict
from migrations_ops.rules.conditions import condition
from migrations_ops.rules.model import Hop, Parent, Plan, Rule, TableSpec, TenantSpec
from migrations_ops.rules.plan_keys import PHASES
from tests.support import databases
from tests.support.cast import PLATFORM
from vital.db import sql

TABLES = """
CREATE TYPE tier AS ENUM ('gold', 'silver', 'tin');
CREATE TABLE owners (id int PRIMARY KEY, tenant_id uuid NOT NULL);
CREATE TABLE strangers (id int PRIMARY KEY, tenant_id uuid);
CREATE TABLE ways (id int PRIMARY KEY, owner int NOT NULL REFERENCES owners, loose int REFERENCES owners);
CREATE TABLE things (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, sure tier NOT NULL, tier tier, active boolean NOT NULL,
    flag boolean, name text, must text NOT NULL, made text GENERATED ALWAYS AS (must || '!') STORED NOT NULL,
    owner int NOT NULL REFERENCES owners, loose int REFERENCES owners, late int NOT NULL REFERENCES owners DEFERRABLE,
    stranger int NOT NULL REFERENCES strangers, unknown int NOT NULL, way int NOT NULL REFERENCES ways
);
CREATE SCHEMA vital;
CREATE TABLE vital.override (relation text, key text, tenant_id uuid)
"""
VALUES: dict[str, tuple[str | None, ...]] = {
    "sure": ("gold", "silver", "tin"), "tier": ("gold", "silver", "tin", None), "active": ("true", "false"),
    "flag": ("true", "false", None), "name": ("a", "b", "ab", "other", None), "must": ("a", "b", "other"),
}  # fmt: skip
NAMED = {name: [value for value in some if value not in (None, "other")] for name, some in VALUES.items()}
Item = dict[str, Any]


@pytest.fixture(scope="module")
def session(server_url: str) -> Iterator[Session]:
    scratch = databases.create_empty(server_url)
    opened = Session.open(dict(conninfo_to_dict(scratch.owner_url)), "new rows")
    for statement in TABLES.split(";\n"):
        opened.execute(sql.verbatim(statement))
    yield opened
    opened.close()
    databases.drop(scratch)


def plan_of(*rules: Rule, unmatched: str = "") -> tuple[Plan, TableSpec]:
    spec = TableSpec(Table("public.things", ("id",)), False, True, False, {}, rules, unmatched=unmatched)
    tenant = TenantSpec(PLATFORM, "platform", "Platform", "platform", "", {}, {})
    return Plan("test", "platform", "public.owners", "", (tenant,), (spec,), (), ""), spec


def rule(number: int, when: Item) -> Rule:
    return Rule(number, f"rule {number}", PHASES[1], when=condition(when, "here", {}), tenant="platform")


def parent(*hops: tuple[str, str]) -> Rule:
    return Rule(1, "parent", PHASES[1], parent=Parent(tuple(Hop((column,), table, ("id",)) for column, table in hops)))


columns = st.sampled_from(list(VALUES))
leaves = st.one_of(
    columns.flatmap(lambda name: st.sampled_from(NAMED[name]).map(lambda v: {"column": name, "equals": v})),
    columns.flatmap(
        lambda name: st.lists(st.sampled_from(NAMED[name]), min_size=1, max_size=3, unique=True).map(
            lambda some: {"column": name, "in": some}
        )
    ),
    columns.flatmap(lambda name: st.booleans().map(lambda null: {"column": name, "is_null": null})),
    st.sampled_from(["name", "must"]).map(lambda name: {"column": name, "contains": "a"}),
    st.just({"always": True}),
)
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"any": st.lists(inner, min_size=2, max_size=3)}),
        st.fixed_dictionaries({"not": inner}),
    ),
    max_leaves=5,
)


def rows_without_tenant(session: Session, plan: Plan, spec: TableSpec) -> int:
    """How many of all the kinds of rows that the table can hold are given none."""
    kinds = {"sure": "tier", "tier": "tier", "active": "boolean", "flag": "boolean"}
    some = {
        name: ", ".join(f"({sql.text_of(sql.literal(value))}::{kinds.get(name, 'text')})" for value in values)
        for name, values in VALUES.items()
    }
    cross = ", ".join(f"(VALUES {rows}) AS of_{name} ({name})" for name, rows in some.items())
    batch = f"SELECT *, true AS vital_open, NULL::tid AS vital_row, 1 AS id FROM {cross}"
    judged = "SELECT (SELECT count(*) FROM batch) - count(*) FROM ({verdict}) AS v WHERE v.tenant_id IS NOT NULL"
    return int(
        session.value(
            sql.verbatim(f"WITH batch AS ({batch}) ") + sql.compose(judged, verdict=verdict(plan, spec, PHASES))
        )
    )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(conditions, min_size=1, max_size=4))
def test_a_row_is_left_out_where_it_is_said_and_nowhere_else(session: Session, told: list[Item]) -> None:
    plan, spec = plan_of(*(rule(number, when) for number, when in enumerate(told, start=1)))

    why = completeness.gap(session, spec, lambda table: True)

    left_out = rows_without_tenant(session, plan, spec)
    assert why or not left_out
    if "contains" not in str(told):  # of a text inside another nothing is taken for granted
        assert left_out or not why, why


EVERY: list[Item] = [{"column": "sure", "in": ["gold", "silver"]}, {"column": "sure", "equals": "tin"}]


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        (EVERY, ""),
        (EVERY[:1], "no rule matches one whose sure is 'tin'"),
        ([{"column": "tier", "in": ["gold", "silver", "tin"]}], "no rule matches one whose tier is NULL"),
        ([{"column": "flag", "equals": True}], "no rule matches one whose flag is NULL"),
        ([{"column": "must", "equals": "a"}], "no rule matches one whose must is none of those that rules name"),
        ([{"column": "must", "is_null": False}], ""),
        # What is generated has no value yet when the trigger is called.
        ([{"column": "made", "is_null": False}], "no rule matches one whose made is NULL"),
        ([{"column": "must", "contains": "a"}, {"not": {"column": "must", "contains": "a"}}], ""),
        ([{"column": "must", "contains": "a"}], "no rule matches one"),
        ([{"sql": "length(must) > 0"}, {"always": True}], "an expression of the plan can be an error for a row"),
        ([{"column": "no_such", "is_null": False}], "no rule matches one whose no_such is NULL"),
        ([], "no rule gives one its tenant"),
    ],
)  # fmt: skip
def test_the_row_that_is_left_out_is_named(session: Session, rules: list[Item], why: str) -> None:
    _, spec = plan_of(*(rule(number, when) for number, when in enumerate(rules, start=1)))
    assert completeness.gap(session, spec, lambda table: True) == why


def test_the_plans_word_for_all_others_leaves_none_out(session: Session) -> None:
    _, spec = plan_of(rule(1, EVERY[0]), unmatched="platform")
    assert completeness.gap(session, spec, lambda table: True) == ""


@pytest.mark.parametrize(
    ("hops", "sure"),
    [
        ([("owner", "public.owners")], True),
        ([("loose", "public.owners")], False),  # may refer to nobody
        ([("late", "public.owners")], False),  # the row that it refers to may be written after it
        ([("unknown", "public.owners")], False),  # nothing says that there is such a row
        ([("stranger", "public.strangers")], False),  # who may have no tenant
        ([("way", "public.ways"), ("owner", "public.owners")], True),
        ([("way", "public.ways"), ("loose", "public.owners")], False),
    ],
)
def test_a_parent_gives_every_row_a_tenant_where_the_database_says_so(
    session: Session, hops: list[tuple[str, str]], sure: bool
) -> None:
    _, spec = plan_of(parent(*hops))
    assert (completeness.gap(session, spec, completeness.never_null(session)) == "") is sure


def test_rules_that_are_too_many_are_not_trusted(session: Session) -> None:
    _, spec = plan_of(*(rule(n, {"column": "must", "contains": str(n)}) for n in range(1, 100)))
    assert "too many" in completeness.gap(session, spec, lambda table: True)
