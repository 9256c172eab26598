"""What a call goes through: which of the product's files, and how often a function."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

from tests.support.paths import ROOT
from tests.support.source import PACKAGES

OURS = tuple(f"{ROOT / package}/" for package in PACKAGES)


@contextmanager
def watched() -> Iterator[Counter[CodeType]]:
    """Every function that is entered meanwhile, and how often; one that calls itself is entered once."""
    entered: Counter[CodeType] = Counter()

    def enter(frame: FrameType, event: str, argument: Any) -> None:
        entered[frame.f_code] += frame.f_back is None or frame.f_back.f_code is not frame.f_code

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        yield entered
    finally:
        sys.settrace(before)


def files(entered: Counter[CodeType]) -> set[str]:
    """The files of ours that these functions stand in."""
    names = {code.co_filename for code in entered if code.co_name != "<module>"}
    return {name.removeprefix(f"{ROOT}/") for name in names if name.startswith(OURS)}


def times(entered: Counter[CodeType], function: Callable[..., Any]) -> int:
    return entered[function.__code__]
