"""Words are compared without separators, case and number; a slip is close, another word is not."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrations_ops.rules.suggest.similarity import holds, likeness, runs, words

# No final s, i or u and at least four letters, so that a plural is made and found by adding one.
word = st.from_regex(r"[b-df-hj-np-rt-z][a-hj-rt-z]{2,7}[b-df-hj-np-rtv-xz]", fullmatch=True)
several = st.lists(word, min_size=1, max_size=4)
WRITTEN: dict[str, Callable[[list[str]], str]] = {
    "snake": "_".join,
    "kebab": "-".join,
    "spaced": " ".join,
    "shouted": lambda parts: "_".join(parts).upper(),
    "title": lambda parts: " ".join(part.title() for part in parts),
    "camel": lambda parts: "".join(part.title() for part in parts),
    "plural": lambda parts: "_".join(parts) + "s",
    "dotted": lambda parts: f"..{'.'.join(parts)}. ",
}


@given(several, st.sampled_from(sorted(WRITTEN)), st.sampled_from(sorted(WRITTEN)))
def test_the_same_words_are_the_same_however_they_are_written(parts: list[str], one: str, other: str) -> None:
    assert words(WRITTEN[one](parts)) == words(WRITTEN[other](parts)) == tuple(parts)
    assert likeness(words(WRITTEN[one](parts)), words(WRITTEN[other](parts))) == 1


@given(st.text(max_size=30), st.text(max_size=30))
def test_likeness_has_no_direction_and_no_surprises(one: str, other: str) -> None:
    a, b = words(one), words(other)

    assert likeness(a, b) == likeness(b, a)
    assert 0 <= likeness(a, b) <= 1
    assert likeness(a, a) == (1 if a else 0)


@given(st.text(max_size=40), st.integers(1, 4))
def test_a_run_is_a_piece_of_the_text_and_its_words_are_neighbours(text: str, longest: int) -> None:
    whole = words(text)

    for spelt, said in runs(text, longest):
        assert 1 <= len(said) <= longest
        assert holds(whole, said)
        assert spelt in text.lower() or len(text.lower()) != len(text)  # İ has two signs in lower case


@pytest.mark.parametrize(
    ("one", "other"),
    [("pharmacovigilance", "phamacovigilance"), ("regulatory_affairs", "regulatry affairs"), ("digital", "digitall")],
)
def test_a_slip_is_near(one: str, other: str) -> None:
    assert 0.7 < likeness(words(one), words(other)) < 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("phase_1_trial", "phase_2_trial"),
        ("tier_1", "tier_2"),
        ("medical informatics", "medical information"),
        ("drug", "drag"),
        ("a strategy", "HTA Strategy"),
        ("premarket", "postmarket"),
        ("", "anything"),
    ],
)
def test_other_words_are_others(one: str, other: str) -> None:
    assert likeness(words(one), words(other)) == 0


def test_capitals_in_a_row_are_one_word() -> None:
    assert words("FDARegulations") == words("fda_regulations") == ("fda", "regulation")
    assert not re.search("[A-Z]", "".join(words("XMLParser iOS mRNA")))
