"""Rules as the database carries them out say the same as a slow reading of the same rules."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migrations_ops.engine.session import Session
from migrations_ops.rules.comparisons import condition as compiled
from migrations_ops.rules.compile import BY_PERSON, verdict
from migrations_ops.rules.conditions import condition
from migrations_ops.rules.plan_keys import PHASES
from tests.support import slow_rules
from tests.support.random_rules import (
    SORTS,
    Item,
    Told,
    conditions,
    many,
    plan_of,
    renamed,
    rows,
    tables,
    told_rules,
    whether_unmatched,
)
from tests.support.rule_tables import COLUMNS, SHAPES, Row, fill, forget, move
from tests.support.slow_rules import UNDECIDED, decided, holds
from vital.db import sql


@pytest.mark.parametrize("shape", ["uuid key", "quoted names, bigint key"])
@given(table=tables, rules=told_rules, unmatched=whether_unmatched, only_first=st.booleans())
@many
def test_the_compiled_rules_say_what_the_rules_say(
    session: Session, lower: dict[str, str], shape: str, table: list[Row], rules: list[Told], unmatched: str,
    only_first: bool,
) -> None:  # fmt: skip
    of = SHAPES[shape]
    forget(session, of)
    fill(session, of, table, since=False)
    fill(session, of, table, since=True)
    move(session, of, table)
    plan, spec = plan_of(of, rules, unmatched)
    phases = PHASES[:1] if only_first else PHASES

    query = sql.compose(
        """WITH batch AS (SELECT t.*, t.ctid AS vital_row, t.tenant_id IS NULL AS vital_open FROM {t} AS t)
        SELECT t.n, v.tenant_id::text, v.rule FROM ({verdict}) AS v JOIN {t} AS t ON t.ctid = v.vital_row""",
        t=sql.relation(of.relation),
        verdict=verdict(plan, spec, phases),
    )
    told = {n: (tenant, rule) for n, tenant, rule in session.execute(query)}

    wanted = [rule for rule in rules if rule.phase in phases]
    otherwise = "" if only_first else unmatched
    expected = {n: decided(row, wanted, otherwise, lower, may_move=True) for n, row in enumerate(table)}
    assert told == {n: verdict for n, verdict in expected.items() if verdict != UNDECIDED}


@given(
    table=st.lists(rows, min_size=6, max_size=9),
    # A list for each sort of condition, so that each is asked in every example.
    asked=st.tuples(*(st.lists(sort, min_size=1, max_size=2) for sort in [*SORTS, conditions])),
)
@settings(many, max_examples=60)
def test_every_condition_says_what_it_says(
    session: Session, lower: dict[str, str], table: list[Row], asked: tuple[list[Item], ...]
) -> None:
    of = SHAPES["quoted names, bigint key"]
    session.execute(sql.compose("TRUNCATE {t}", t=sql.relation(of.relation)))
    session.execute("DELETE FROM vital.override")
    for since in (False, True):
        fill(session, of, table, since=since)
    items = [item for items in asked for item in items]
    answers = sql.join(
        compiled("batch", condition(renamed(item, of), "here", dict.fromkeys(map(of.called, COLUMNS), "")))
        for item in items
    )

    query = sql.compose("SELECT n, {a} FROM {t} AS batch ORDER BY n", a=answers, t=sql.relation(of.relation))
    for n, *answer in session.execute(query):
        wrong = [item for item, said in zip(items, answer, strict=True) if said is not holds(item, table[n], lower)]
        assert not wrong, f"of the row {table[n]}"


def test_the_random_rules_are_not_all_alike() -> None:
    """A generator that never makes a rule match would prove nothing."""
    seen: set[str] = set()

    @given(told_rules, tables)
    @settings(max_examples=300, deadline=None, database=None, derandomize=True)
    def look(rules: list[Told], table: list[Row]) -> None:
        for row in table:
            seen.add(decided(row, rules, "", {}, may_move=True)[1])

    look()
    assert seen >= {"", "rule 1", "rule 2", BY_PERSON}


def test_the_slow_reading_reads_no_rules_of_the_product() -> None:
    """The slow reading must stay slow and its own."""
    reading = Path(slow_rules.__file__).read_text(encoding="utf-8")

    assert "sql." not in reading
    assert "session" not in reading
