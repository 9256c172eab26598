"""Which part of the right answer was found, and which of many tenants are asked."""

import math

import pytest

from migrations_ops.vectors.measure import Tenant, hits, some_of


@pytest.mark.parametrize(
    ("found", "right", "part"),
    [
        ([0.1, 0.2], [0.1, 0.2], 1.0),
        ([0.1], [0.1, 0.2], 0.5),
        ([], [0.1, 0.2], 0.0),
        ([0.1, 0.3], [0.1, 0.2], 0.5),
        ([], [], 1.0),
        ([0.2, 0.2], [0.2, 0.2], 1.0),
        ([0.2 + 1e-9, 0.2], [0.2, 0.2], 1.0),
        ([-5.0, -4.0], [-5.0, -4.5], 0.5),
        ([0.1, math.nan], [0.1, math.nan], 1.0),
        ([0.1, math.nan], [0.1, 0.2], 0.5),
        ([0.1, 0.1, 0.1], [0.1, 0.1], 1.0),
    ],
)
def test_distances_are_compared_and_not_rows(found: list[float], right: list[float], part: float) -> None:
    assert hits(found, right) == part


@pytest.mark.parametrize("most", [1, 2, 3, 7, 10, 99, 100])
def test_the_largest_are_asked_and_of_the_others_some_down_to_the_smallest(most: int) -> None:
    tenants = [Tenant(str(number), f"tenant {number}", 1_000 - number) for number in range(100)]

    chosen = some_of(tenants, most)

    assert len(chosen) == len({one.id for one in chosen}) == most
    assert chosen == sorted(chosen, key=lambda one: -one.rows)
    assert chosen[0] == tenants[0]
    assert most == 1 or chosen[-1] == tenants[-1]
