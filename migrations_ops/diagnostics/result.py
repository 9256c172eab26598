"""One thing that was looked at."""

from dataclasses import dataclass
from typing import Any

OK, WARN, FAIL = "ok", "warn", "fail"


@dataclass(frozen=True)
class Result:
    """What was looked at, how it is (`ok`, `warn`, `fail`), what was seen, and what to do where it is not ok."""

    name: str
    state: str
    seen: str
    fix: str = ""

    def document(self) -> dict[str, Any]:
        return {"name": self.name, "state": self.state, "seen": self.seen, "fix": self.fix}


def good(name: str, seen: str) -> Result:
    return Result(name, OK, seen)


def first_of(names: list[str], most: int = 5) -> str:
    """The first few as a text, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
