"""Every arrow that a run's status may follow, and every other one, which it may not."""

from itertools import product

import pytest

from migrations_ops.models import Run
from migrations_ops.runs import transitions

# By hand, so that a change of the table is noticed: from → to.
ALLOWED = {
    (None, "running"),
    ("running", "running"),
    ("running", "completed"),
    ("running", "failed"),
    ("running", "paused"),
    ("running", "cancelled"),
    ("paused", "running"),
    ("paused", "cancelled"),
    ("failed", "running"),
    ("failed", "cancelled"),
}
EVERY = set(product([None, *Run.Status.values], Run.Status.values))


@pytest.mark.parametrize(("before", "after"), sorted(ALLOWED, key=str))
def test_an_arrow_of_the_table_is_allowed(before: str | None, after: str) -> None:
    transitions.check(before, after)


@pytest.mark.parametrize(("before", "after"), sorted(EVERY - ALLOWED, key=str))
def test_every_other_arrow_is_refused(before: str | None, after: str) -> None:
    with pytest.raises(transitions.NotAllowed) as refused:
        transitions.check(before, after)

    message = str(refused.value)
    assert (before or "new") in message
    assert f"cannot become {after}" in message


def test_the_table_has_these_arrows_and_no_more() -> None:
    assert {(before and str(before), str(after)) for before, after in transitions.ARROWS} == ALLOWED


def test_every_arrow_has_its_sentence() -> None:
    sentences = list(transitions.ARROWS.values())

    assert all(sentence[0].isupper() and sentence.endswith(".") for sentence in sentences)
    assert len(set(sentences)) == len(sentences)


@pytest.mark.parametrize("status", ["completed", "cancelled"])
def test_what_is_finished_stays_finished(status: str) -> None:
    with pytest.raises(transitions.NotAllowed, match="goes to: nowhere"):
        transitions.check(status, "running")


def test_a_refusal_says_where_one_could_go() -> None:
    with pytest.raises(transitions.NotAllowed, match="goes to: cancelled, running"):
        transitions.check("paused", "completed")


def test_a_status_that_nobody_knows_is_refused() -> None:
    for before, after in [("asleep", "running"), ("running", "asleep"), ("", "running")]:
        with pytest.raises(transitions.NotAllowed):
            transitions.check(before, after)


def test_unfinished_are_those_with_a_way_on() -> None:
    with_a_way_on = {before for before, _ in ALLOWED if before}

    assert {str(status) for status in Run.UNFINISHED} == with_a_way_on
