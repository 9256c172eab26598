"""What was filled, for people and for programs."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Filled:
    """The rows that one table got, and how long that took."""

    table: str
    rows: int
    seconds: float


def as_text(filled: Sequence[Filled]) -> str:
    """An aligned table: rows, seconds and rows per second of each table and altogether."""
    lines = [f"{'table':<24}{'rows':>12}{'seconds':>10}{'rows/s':>12}"]
    lines += [
        f"{one.table:<24}{one.rows:>12,}{one.seconds:>10.2f}{one.rows / max(one.seconds, 1e-9):>12,.0f}"
        for one in (*filled, total(filled))
    ]
    return "\n".join(lines)


def document(filled: Sequence[Filled], **more: object) -> dict[str, object]:
    """{"tables": {table: {"rows", "seconds"}}, "rows", "seconds"} and what `more` adds."""
    each = {one.table: {"rows": one.rows, "seconds": round(one.seconds, 3)} for one in filled}
    whole = total(filled)
    return {"tables": each, "rows": whole.rows, "seconds": round(whole.seconds, 3)} | more


def total(filled: Sequence[Filled]) -> Filled:
    return Filled("total", sum(one.rows for one in filled), sum(one.seconds for one in filled))
