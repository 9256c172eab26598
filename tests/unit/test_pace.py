"""A batch takes about half a second, whatever the table is like, and learns it from the batches before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrations_ops.engine.batch_size import GROWTH, MOST_PAGES, TARGET_SECONDS, Pace


@pytest.mark.parametrize("seconds_per_page", [0.0001, 0.001, 0.02, 0.3])
@pytest.mark.parametrize("first", [1, 100, 12_000])
def test_it_comes_to_the_target_and_stays(seconds_per_page: float, first: int) -> None:
    pace = Pace(first)

    for _ in range(40):
        pace.took(pace.pages, pace.pages * seconds_per_page)

    assert pace.pages * seconds_per_page <= TARGET_SECONDS + seconds_per_page
    assert pace.pages >= min(MOST_PAGES, TARGET_SECONDS / seconds_per_page) * 0.9 - 1


def test_one_quick_batch_does_not_make_the_next_one_huge() -> None:
    pace = Pace(10)

    pace.took(10, 0.000001)

    assert pace.pages <= 10 * GROWTH + 1


def test_a_slow_stretch_makes_it_smaller_at_once() -> None:
    pace = Pace(1_000)
    pace.took(1_000, 0.5)

    pace.took(pace.pages, 10)

    assert pace.pages < 200


def test_a_batch_that_timed_out_is_halved_down_to_a_page() -> None:
    pace = Pace(5)

    assert [pace.halve(), pace.pages, pace.halve(), pace.pages, pace.halve()] == [True, 2, True, 1, False]


@given(st.integers(0, 10**9), st.lists(st.floats(0, 10_000), max_size=30))
def test_it_is_always_a_number_of_pages_that_can_be_taken(first: int, times: list[float]) -> None:
    pace = Pace(first)
    for seconds in times:
        pace.took(pace.pages, seconds)
        assert 1 <= pace.pages <= MOST_PAGES
