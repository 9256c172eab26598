"""Rows are remembered by version: asked for once, up to so many bytes, for a minute at most."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from catalog.api.row_memory import BESIDE, SECONDS, RowMemory, Rows

PAGES = st.lists(st.lists(st.integers(0, 30), max_size=12), min_size=1, max_size=30)


class Table:
    """Rows of twenty bytes with their version, which is of four; and which versions were asked for."""

    def __init__(self, *gone: bytes) -> None:
        self.gone, self.asked = gone, list[bytes]()

    def read(self, versions: Iterable[bytes]) -> Rows:
        chosen = sorted(versions)
        self.asked += chosen
        return {version: b"the row %b........" % version for version in chosen if version not in self.gone}


def named(*numbers: int) -> list[bytes]:
    return [b"%04d" % number for number in numbers]


def size(rows: int) -> int:
    return rows * (4 + 20 + BESIDE)


def test_only_what_is_unknown_is_read() -> None:
    table, memory = Table(), RowMemory(size(10))

    memory.recall(named(1, 2), table.read)
    found = memory.recall(named(2, 3, 1), table.read)

    assert table.asked == named(1, 2, 3)
    assert found == {version: b"the row %b........" % version for version in named(1, 2, 3)}


def test_a_row_that_is_gone_by_then_leaves_the_page_to_be_asked_for_anew() -> None:
    table, memory = Table(*named(2)), RowMemory(size(10))

    assert memory.recall(named(1, 2), table.read) is None
    assert memory.recall(named(1), table.read) == {b"0001": b"the row 0001........"}
    assert table.asked == named(1, 2)


def test_what_was_changed_by_then_is_remembered_under_its_own_version() -> None:
    memory = RowMemory(size(10))

    assert memory.recall([b"id 1"], lambda _: {b"id 2": b"new"}) is None
    assert memory.recall([b"id 2"], Table().read) == {b"id 2": b"new"}


def test_nothing_is_remembered_for_longer_than_a_minute() -> None:
    now = [0.0]
    table, memory = Table(), RowMemory(size(10), clock=lambda: now[0])
    for second in (0, 1, SECONDS - 1):
        now[0] = second
        memory.recall(named(7), table.read)
    assert table.asked == named(7)

    now[0] = SECONDS
    memory.recall(named(7), table.read)

    assert table.asked == named(7, 7)


@given(pages=PAGES, most=st.integers(0, 8))
def test_no_page_makes_it_larger_than_it_may_be_nor_is_answered_otherwise(pages: list[list[int]], most: int) -> None:
    table, memory = Table(), RowMemory(size(most))

    for page in pages:
        assert memory.recall(named(*page), table.read) == Table().read(set(named(*page)))
        assert len(memory) <= most


def test_threads_share_it() -> None:
    table, memory = Table(), RowMemory(size(40))

    def page(start: int) -> bool:
        chosen = named(*range(start % 50, start % 50 + 30))
        return memory.recall(chosen, table.read) == Table().read(chosen)

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(page, range(400)))
    assert len(memory) <= 40


def test_without_bytes_there_is_no_memory() -> None:
    assert not RowMemory(0)
    assert RowMemory(1)
