"""A decision about a row is carried out at once, over every rule, and stays through undo and run."""

from pathlib import Path

import psycopg
import pytest

from migrations_ops.review import apply
from migrations_ops.rules.compile import BY_PERSON
from migrations_ops.rules.load import load
from tests.support.decision_database import ONE, PLAN, TWO, DecisionDatabase, said

QUOTED = """["a \\"quoted\\", 100% one", "2"]"""


def test_a_decision_is_carried_out_at_once_and_says_who(filled: DecisionDatabase) -> None:
    before = filled.last_audited()

    done = filled.decide(*said("folk", [3], "two", "her contract"))

    assert (done["carried_out"], done["waits"]) == (1, None)
    assert done["moves"] == [{"table": "folk", "from": None, "to": "two", "rows": 1}]
    assert {key for key, tenant in filled.tenants().items() if tenant} == {"3"}
    assert filled.standing("public.folk") == [("3", BY_PERSON, None, TWO, "ada")]
    facts = {"table": "public.folk", "key": "3", "from": None, "to": TWO}
    assert filled.audited(before) == [("ada", "decide", "her contract", facts)]


def test_what_is_in_the_audit_stays(filled: DecisionDatabase) -> None:
    filled.decide(*said("folk", [1], "one"))
    for change in ("UPDATE vital.audit SET who = 'nobody'", "DELETE FROM vital.audit"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            filled.session.execute(change)


def test_the_counters_and_the_proof_are_the_engines(filled: DecisionDatabase) -> None:
    filled.decide(*said("folk", [1, 2, 9], "one"))
    [(seen, changed, foreign)] = filled.session.execute(
        "SELECT rows_seen, rows_changed, foreign_writes FROM vital.step_run WHERE step = 'decisions about folk'"
    )
    assert (seen, changed, foreign) == (3, 3, 0)


def test_undo_gives_the_row_back_and_the_next_run_decides_it_again(filled: DecisionDatabase) -> None:
    filled.decide(*said("folk", [1, 2], "one"), *said("parts", ['["known", "1"]'], "two"))
    filled.decide(*said("folk", [2], ONE.upper(), "by its id, for another reason"))
    filled.run()
    assert (filled.tenants()["2"], filled.tenants("letters")["2"]) == ("one", "one")

    assert filled.undo() == []
    assert set(filled.tenants().values()) == {None}
    assert set(filled.tenants("parts", "code").values()) == set(filled.tenants("letters").values()) == {None}

    filled.run()
    assert {key for key, tenant in filled.tenants().items() if tenant == "one"} == {"1", "2"}
    assert filled.tenants("parts", "code")["known"] == "two"
    assert filled.run() == 0


def test_no_rule_overrules_a_person_also_when_the_rules_change(filled: DecisionDatabase, tmp_path: Path) -> None:
    filled.decide(*said("parts", ['["known", "1"]'], "two"))
    file = tmp_path / "other.toml"
    file.write_text(PLAN.replace('name = "known parts"', 'name = "known parts, again"'), encoding="utf-8")

    changed = DecisionDatabase(filled.session, load(file), filled.scratch)

    changed.run()
    assert filled.tenants("parts", "code") == {"known": "two", 'a "quoted", 100% one': "one", "unknown": None}
    assert changed.run() == 0


def test_before_004_it_waits_for_the_run(decision_database: DecisionDatabase) -> None:
    decision_database.forget()
    decision_database.fill(3)

    done = decision_database.decide(*said("folk", [1], "two"))

    assert (done["carried_out"], done["waits"]) == (0, apply.LATER)
    assert decision_database.tenants()["1"] is None
    decision_database.run()
    assert (decision_database.tenants()["1"], decision_database.tenants("letters")["1"]) == ("two", "two")


def test_while_a_run_is_at_work_it_waits_for_it(filled: DecisionDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vital.db.session.NOTICED_WITHIN_SECONDS", 0)
    another = filled.another()
    with another.run_lock():
        done = filled.decide(*said("folk", [1], "two"))
    another.close()

    assert done["carried_out"] == 0
    assert "Another run is active" in done["waits"]
    assert filled.run() == 2, "the person and the letter"
    assert filled.tenants()["1"] == "two"


@pytest.mark.parametrize("spelled", [QUOTED, QUOTED.replace('", "', '","'), QUOTED.replace('"2"', '"02"')])
def test_a_key_of_several_columns_is_spelled_as_explain_spells_it(filled: DecisionDatabase, spelled: str) -> None:
    filled.decide(*said("public.parts", [spelled], "two"))
    assert filled.tenants("parts", "code")['a "quoted", 100% one'] == "two"
    assert filled.session.value("SELECT key FROM vital.override") == QUOTED


def test_what_follows_a_row_is_decided_by_the_next_run_and_goes_with_it_again(filled: DecisionDatabase) -> None:
    filled.decide(*said("folk", [1, 2, 3], "one"), *said("letters", [3], "one"))
    assert filled.tenants("letters")["1"] is None
    assert filled.run() == 2
    filled.decide(*said("folk", [1, 3], "two"))
    assert filled.tenants("letters")["1"] == "one", "until the next run"

    filled.run()

    assert [filled.tenants("letters")[key] for key in "123"] == ["two", "one", "one"], (
        "the third letter was decided by itself"
    )
    assert filled.run() == 0
    filled.session.execute("UPDATE public.letters SET tenant_id = %(two)s WHERE id = 9", {"two": TWO})
    filled.decide(*said("folk", [9], "one"))
    filled.run()
    assert filled.tenants("letters")["9"] == "two", "an application wrote it so, and no rule moves it"
