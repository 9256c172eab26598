"""How a thing is spelt: the same words with other separators, in another case, in the plural, or with a slip."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher

TOKEN = re.compile(r"[^\W_]+")
CAMEL = re.compile(r".+?(?:(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|$)")
ALIKE = 0.88  # of the letters of both, in order
SHORTEST = 6  # letters; shorter words differ by a letter and mean something else


def words(text: str) -> tuple[str, ...]:
    """The words of a text without separators, case and plural: FDARegulations, fda_regulations, FDA regulation."""
    return tuple(word for _, _, word in _pieces(text))


def runs(text: str, longest: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each run of neighbouring words: as it stands in the text, in lower case, and its words.

    What stands further apart than one sign is not one name: "Advisor - Starter #1".
    """
    pieces = list(_pieces(text))
    for first in range(len(pieces)):
        for last in range(first, min(first + longest, len(pieces))):
            if last > first and pieces[last][0] - pieces[last - 1][1] > 1:
                break
            run = pieces[first : last + 1]
            yield text[run[0][0] : run[-1][1]].lower(), tuple(word for _, _, word in run)


def likeness(one: tuple[str, ...], other: tuple[str, ...]) -> float:
    """1 where the words are the same however they are joined, less where letters differ, 0 where they are others."""
    if "".join(one) == "".join(other):
        return 1.0 if one else 0.0
    if len(one) != len(other):
        return 0.0
    return min(_slip(a, b) for a, b in zip(one, other, strict=True)) * 0.9


def _slip(one: str, other: str) -> float:
    """How much of two words is the same, where one may be the other with a slip of the pen; else 0."""
    if one == other:
        return 1.0
    # phase_1_trial is no slip of phase_2_trial
    if min(len(one), len(other)) < SHORTEST or abs(len(one) - len(other)) > 2 or one[0] != other[0]:
        return 0.0
    if [sign for sign in one if sign.isdigit()] != [sign for sign in other if sign.isdigit()]:
        return 0.0
    ratio = SequenceMatcher(None, min(one, other), max(one, other)).ratio()
    return ratio if ratio >= ALIKE else 0.0


def holds(whole: tuple[str, ...], part: tuple[str, ...]) -> bool:
    """Whether the part's words stand in the whole, side by side."""
    return bool(part) and any(whole[at : at + len(part)] == part for at in range(len(whole) - len(part) + 1))


def _pieces(text: str) -> Iterator[tuple[int, int, str]]:
    for token in TOKEN.finditer(text):
        for piece in CAMEL.finditer(token[0]):
            yield token.start() + piece.start(), token.start() + piece.end(), _singular(piece[0].casefold())


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
