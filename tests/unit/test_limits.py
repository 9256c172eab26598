"""Limits are written as people write quantities, and what cannot be one is refused with an example."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrations_ops.engine.throttle_limits import LIMITS, OFF, UNITS, BadLimit, Limit, Limits, UnknownLimit, named


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("replication_lag", "10s", 10.0),
        ("replication_lag", "250ms", 0.25),
        ("long_transaction", "30min", 1800.0),
        ("long_transaction", "2h", 7200.0),
        ("wal_rate", "20MB", 20 * 2**20),
        ("wal_rate", "1.5 GB", 1.5 * 2**30),
        ("connections", "90%", 90.0),
        ("connections", "90", 90.0),
        ("lock_waits", "3", 3.0),
        ("autovacuum", "on", 1.0),
        ("autovacuum", OFF, None),
        ("wal_rate", OFF, None),
    ],
)
def test_quantities_are_read_in_their_unit(name: str, text: str, value: float | None) -> None:
    assert named(name).read(text) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("replication_lag", "soon"), ("replication_lag", "10MB"), ("replication_lag", "-1s"), ("wal_rate", "fast"),
        ("wal_rate", "1 parsec"), ("connections", ""), ("autovacuum", "yes"), ("lock_waits", "3s"), ("batch", OFF),
    ],
)  # fmt: skip
def test_what_is_no_quantity_is_refused_with_an_example(name: str, text: str) -> None:
    with pytest.raises(BadLimit) as refused:
        named(name).read(text)

    assert refused.value.exit_code == 2
    assert f"{name} cannot be" in str(refused.value)


def test_an_unknown_limit_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownLimit, match="wal_rate"):
        named("wall_rate")


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.name)
def test_every_default_can_be_read_and_every_limit_says_what_it_means(limit: Limit) -> None:
    limit.read(limit.default)

    assert limit.words


def test_what_somebody_set_goes_before_the_default() -> None:
    limits = Limits({"wal_rate": "1MB"})

    assert limits.number("wal_rate") == 2**20
    assert limits.number("replication_lag") == 10.0


@given(st.sampled_from([limit for limit in LIMITS if limit.unit in UNITS]), st.text(max_size=12))
def test_any_text_is_read_or_refused(limit: Limit, text: str) -> None:
    try:
        value = limit.read(text)
    except BadLimit:
        return
    assert value is None or float(value) >= 0


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.name)
def test_the_example_of_a_refusal_can_be_set(limit: Limit) -> None:
    """Of a limit whose default is off, the example is one of its unit."""
    try:
        limit.read("no such value")
    except BadLimit as refused:
        limit.read(str(refused.facts["example"]))
