"""What one person was shown and another decided meanwhile: dry runs, tokens and waiting."""

import threading
from collections.abc import Iterator

import pytest

from migrations_ops.review import decide
from migrations_ops.review.decide import DecidedMeanwhile, Decision
from tests.support.decision_database import DecisionDatabase, memory, said


def test_a_dry_run_says_what_it_comes_to_and_writes_nothing(filled: DecisionDatabase) -> None:
    filled.decide(*said("folk", [1], "one"))
    before = memory(filled)

    shown = filled.decide(*said("folk", [1, 2, 3], "two"), Decision(9, "folk", "4", "", ""), dry_run=True)

    assert shown["decisions"] == {"new": 3, "unchanged": 0, "left_empty": 1, "overruled": 1}
    assert {(move["from"], move["to"], move["rows"]) for move in shown["moves"]} == {
        ("one", "two", 1),
        (None, "two", 2),
    }
    assert memory(filled) == before


def test_what_is_decided_already_is_not_decided_again(filled: DecisionDatabase) -> None:
    filled.decide(*said("folk", [1, 2], "one"))
    before = filled.last_audited()
    done = filled.decide(*said("folk", [1, 2, 3], "one"), who="bob")
    assert done["decisions"] | {"new": 1, "unchanged": 2} == done["decisions"]
    assert [facts["key"] for *_, facts in filled.audited(before)] == ["3"]
    assert filled.session.execute("SELECT decided_by FROM vital.override ORDER BY key") == [
        ("ada",),
        ("ada",),
        ("bob",),
    ]


def test_a_token_of_what_was_shown_is_for_that_alone(filled: DecisionDatabase) -> None:
    lines = said("folk", [1, 2], "one")
    token = filled.decide(*lines, dry_run=True)["token"]
    with pytest.raises(DecidedMeanwhile):
        filled.decide(*said("folk", [1, 2], "two"), seen=token)
    filled.decide(*said("folk", [2], "two"), who="bob")
    before = memory(filled)
    with pytest.raises(DecidedMeanwhile):
        filled.decide(*lines, seen=token)
    assert memory(filled) == before
    filled.decide(*lines, seen=filled.decide(*lines, dry_run=True)["token"])
    assert filled.tenants()["2"] == "one"


def test_two_people_decide_one_after_the_other(filled: DecisionDatabase) -> None:
    """The second one, who was shown the row before the first decided, waits and is told."""
    lines = said("folk", [1], "one")
    token = filled.decide(*lines, dry_run=True)["token"]
    begun, go_on = threading.Event(), threading.Event()

    def slowly() -> Iterator[Decision]:
        begun.set()
        assert go_on.wait(10)
        yield from said("folk", [1], "two")

    other = DecisionDatabase(filled.another(), filled.plan, filled.scratch)
    first = threading.Thread(target=other.decide_all, args=(slowly, "bob"))
    first.start()
    assert begun.wait(10)
    waited: list[str] = []

    def waiting(why: str) -> None:
        waited.append(why)
        go_on.set()
        first.join(10)

    with pytest.raises(DecidedMeanwhile):
        decide.record(filled.session, filled.plan, lambda: lines, "ada", seen=token, dry_run=False, waiting=waiting)

    other.session.close()
    assert "vital.override" in waited[0]
    assert filled.tenants()["1"] == "two"
    assert filled.session.execute("SELECT decided_by FROM vital.override") == [("bob",)]
