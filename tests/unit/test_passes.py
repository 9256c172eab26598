"""How many passes a table's pages are gone through in: as many as help."""

import pytest

from migrations_ops.engine.passes import HELPS, MOST, PAUSE, UNKNOWN, WHOLE, Pass, Passes


def numbers(passes: Passes) -> list[int]:
    return [each.of for each in passes.over_next_pages()]


@pytest.mark.parametrize(
    ("pages", "rows", "of"),
    [(100, 5_000, MOST), (100, 300, 3), (100, 100, 1), (100, 20, 1), (100, 0, UNKNOWN), (99, 5_000, 1), (0, 0, 1)],
)
def test_no_more_of_them_than_rows_in_a_page(pages: int, rows: int, of: int) -> None:
    assert numbers(Passes(pages, rows, indexed=False)) == [of] * of


def test_an_index_on_what_changes_needs_one() -> None:
    assert list(Passes(100, 5_000, indexed=True).over_next_pages()) == [WHOLE]


def test_only_the_last_one_is_the_last() -> None:
    assert [Pass(number, 3).is_last for number in range(3)] == [False, False, True]
    assert WHOLE.is_last


@pytest.mark.parametrize(("share", "helps"), [(HELPS / 2, False), (HELPS, True), (1.0, True)])
def test_they_pause_where_rows_do_not_stay_in_their_pages(share: float, helps: bool) -> None:
    passes = Passes(100, 5_000, indexed=False)
    for each in passes.over_next_pages():
        passes.saw(each.number, 100, round(100 * share) if each.number else 0)

    following = [len(numbers(passes)) for _ in range(PAUSE + 1)]

    assert following == ([MOST] * (PAUSE + 1) if helps else [1] * PAUSE + [MOST])


def test_pages_without_rows_say_nothing() -> None:
    passes = Passes(100, 5_000, indexed=False)

    assert [len(numbers(passes)) for _ in range(3)] == [MOST] * 3
