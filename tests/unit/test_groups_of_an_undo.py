"""Which entries of the ledger an undo takes back in one transaction: many, where a batch had rows of many tenants, and
never two that may be about the same row."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from migrations_ops.engine.ledger import ROWS_AT_ONCE, groups

# kind, relation, statement (its transaction and its time; none of a trigger's), rows
entry = st.tuples(
    st.sampled_from(["assign", "insert", "late"]),
    st.sampled_from(["public.a", "public.b"]),
    st.sampled_from([(1, "09:00"), (1, "09:01"), (2, "09:01")]),
    st.integers(1, ROWS_AT_ONCE + 5) | st.just(1),
)


def as_asked(entries: list[tuple[str, str, tuple[int, str], int]]) -> list[tuple[object, ...]]:
    """Newest first, as the ledger is asked for them."""
    return [
        (identifier, kind, relation, None, rows, *((0, None) if kind == "late" else statement))
        for identifier, (kind, relation, statement, rows) in reversed(list(enumerate(entries)))
    ]


@given(entries=st.lists(entry, max_size=40), at_once=st.integers(1, 10))
def test_entries_go_together_only_where_their_order_is_of_no_matter(
    entries: list[tuple[str, str, tuple[int, str], int]], at_once: int
) -> None:
    asked = as_asked(entries)
    by_id = {one[0]: one for one in asked}

    found = list(groups(asked, at_once))

    assert [number for group in found for number in group.ids] == [one[0] for one in asked], "all, newest first"
    for group in found:
        several = [by_id[number] for number in group.ids]
        assert {(one[1], one[2]) for one in several} == {(group.kind, group.relation)}
        assert group.rows == sum(int(str(one[4])) for one in several)
        assert len({one[5:] for one in several}) == 1, "of one statement, or a trigger's"
        assert len(several) == 1 or (group.kind != "insert" and len(several) <= at_once and group.rows <= ROWS_AT_ONCE)
    for one, following in pairwise(found):  # none is smaller than it needs to be
        last, first = by_id[one.ids[-1]], by_id[following.ids[0]]
        if (last[1], last[2], *last[5:]) == (first[1], first[2], *first[5:]) and one.kind != "insert":
            assert len(one.ids) == at_once or one.rows + int(str(first[4])) > ROWS_AT_ONCE
