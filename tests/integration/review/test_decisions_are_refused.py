"""Decisions are all carried out or none: every line that is wrong is listed, and nothing is written."""

from pathlib import Path

import pytest

from migrations_ops.review import csv_files, decide
from migrations_ops.review.decide import NotToDecide
from tests.support.decision_database import DecisionDatabase, memory, said


def test_every_line_that_does_not_hold_is_listed_and_nothing_is_written(
    filled: DecisionDatabase, tmp_path: Path
) -> None:
    lines = {
        "folk,1,two,fine": "",
        "folks,1,two,r": "the plan has no table folks",
        "folk,2,three,r": "there is no tenant three",
        "folk,3,two,": "there is no reason",
        "folk,4,,r": "there is no tenant (empty)",
        ",5,nobody,": "the plan has no table (empty); there is no tenant nobody; there is no reason",
        "folk,11,two,r": "folk has no such row",
        "folk,eleven,two,r": "folk has no such row",
        "folk,'=1+1,two,r": "folk has no such row",
        "folk,,two,r": "folk has no such row",
        "folk,01,one,again": "a line before it is about the same row",
        "folk,7,,": "",
        'parts,"[""known""]",two,r': "parts has no such row",
        "parts,known,two,r": "parts has no such row",
    }
    file = tmp_path / "decisions.csv"
    file.write_text("\n".join(["table,key,tenant,reason", *lines]), encoding="utf-8")
    before = memory(filled)

    with pytest.raises(NotToDecide) as refused:
        filled.decide_all(lambda: csv_files.read(file))

    wanted = [f"line {number}: {wrong}" for number, wrong in enumerate(lines.values(), start=2) if wrong]
    assert [problem.message for problem in refused.value.facts["problems"]] == wanted
    assert refused.value.exit_code == 2
    assert memory(filled) == before


def test_a_row_that_is_given_twice_is_noticed_over_any_distance(
    filled: DecisionDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decide, "AT_ONCE", 2)
    before = memory(filled)
    with pytest.raises(NotToDecide) as refused:
        filled.decide(*said("folk", [1, 2, 3, "nonsense", 4, 5, 1, "005"], "one"))
    assert [problem.message.split(":")[0] for problem in refused.value.facts["problems"]] == [
        "line 5",
        "line 8",
        "line 9",
    ]
    assert memory(filled) == before


def test_a_tenant_that_has_the_same_unique_key_cannot_get_the_row(filled: DecisionDatabase) -> None:
    filled.decide(*said("folk", [1], "two"))
    filled.session.execute("UPDATE public.folk SET name = 'name 1' WHERE id = 2")
    with pytest.raises(NotToDecide) as refused:
        filled.decide(*said("folk", [2], "two"))
    assert "same unique key" in refused.value.facts["problems"][0].message
    filled.decide(*said("folk", [2], "one"))
    assert filled.tenants()["2"] == "one"
