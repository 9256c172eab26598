"""A withdrawn decision leaves the row as the rules have it."""

import pytest

from migrations_ops.review.withdraw import NotDecided, NowhereToGo
from tests.support.decision_database import ONE, TWO, DecisionDatabase, memory, said, take_back
from vital.errors import EngineError, ReasonRequired, UnknownTable


@pytest.mark.slow
def test_a_row_that_had_no_tenant_has_none_again(filled: DecisionDatabase) -> None:
    filled.decide(*said("folk", [1], "one"))
    filled.decide(*said("folk", [1], "two"))
    before = filled.last_audited()

    done = take_back(filled, "folk", "01")

    assert (done["to"], done["moved"]) == (None, True)
    assert filled.tenants()["1"] is None
    assert filled.session.execute("SELECT FROM vital.override") == []
    facts = {"table": "public.folk", "key": "1", "from": TWO, "to": None}
    assert filled.audited(before) == [("bob", "withdraw", "mistaken", facts)]
    assert filled.run() == 0, "it is a finding again"
    [group] = filled.findings(table="folk").groups()
    assert (group.open, group.decided) == (10, 0)
    assert filled.undo() == []
    assert set(filled.tenants().values()) == {None}


def test_a_row_that_a_rule_had_decided_goes_back_to_that(filled: DecisionDatabase) -> None:
    filled.decide(*said("parts", ['["known", "1"]'], "two"))
    assert take_back(filled, "parts", '["known", "1"]')["to"] == ONE
    assert filled.tenants("parts", "code")["known"] == "one"
    assert filled.run() == 0
    filled.decide(*said("parts", ['["known", "1"]'], "two"))
    assert take_back(filled, "parts", '["known", "1"]')["to"] == ONE


def test_a_row_that_was_decided_before_any_rule_goes_where_the_rules_put_it(
    decision_database: DecisionDatabase,
) -> None:
    decision_database.forget()
    decision_database.fill(1)
    decision_database.decide(*said("parts", ['["known", "1"]'], "two"))
    decision_database.run()
    decision_database.decide(*said("parts", ['["unknown", "3"]'], "one"))
    decision_database.session.execute("ALTER TABLE public.parts ALTER tenant_id SET NOT NULL")

    done = take_back(decision_database, "parts", '["known", "1"]')

    assert (done["to"], done["rule"]) == (ONE, "known parts")
    assert decision_database.tenants("parts", "code")["known"] == "one"


def test_where_the_table_demands_a_tenant_the_row_has_nowhere_to_go(filled: DecisionDatabase) -> None:
    filled.decide(*said("folk", range(1, 11), "one"))
    filled.session.execute("ALTER TABLE public.folk ALTER tenant_id SET NOT NULL")
    before = memory(filled)
    with pytest.raises(NowhereToGo):
        take_back(filled, "folk", "1")
    assert memory(filled) == before


def test_a_row_that_somebody_has_moved_or_deleted_since_is_left_alone(filled: DecisionDatabase) -> None:
    filled.decide(*said("folk", [1, 2], "one"))
    filled.session.execute("UPDATE public.folk SET tenant_id = %(two)s WHERE id = 1", {"two": TWO})
    filled.session.execute("DELETE FROM public.letters WHERE id = 2")
    filled.session.execute("DELETE FROM public.folk WHERE id = 2")
    assert [take_back(filled, "folk", key)["moved"] for key in "12"] == [False, False]
    assert filled.tenants()["1"] == "two"
    assert filled.session.execute("SELECT FROM vital.override") == []


@pytest.mark.parametrize(
    ("table", "key", "reason", "error"),
    [
        ("folk", "1", "r", NotDecided),
        ("folk", "x", "r", NotDecided),
        ("folk", "2", " ", ReasonRequired),
        ("no", "1", "r", UnknownTable),
    ],
)
def test_what_cannot_be_taken_back_is_said(
    filled: DecisionDatabase, table: str, key: str, reason: str, error: type[EngineError]
) -> None:
    filled.decide(*said("folk", [2], "one"))
    before = memory(filled)
    with pytest.raises(error):
        take_back(filled, table, key, reason)
    assert memory(filled) == before
