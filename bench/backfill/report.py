"""The figures of a run as Markdown, and the ratios beside what DESIGN.md asks for."""

from collections.abc import Iterator
from itertools import pairwise

from bench.backfill.contestants import PSQL, PSQL_GUARDED, vital_name
from bench.backfill.measure import Figures

BIG = 1_000_000  # chunks; below, what a run costs however many rows there are counts for more
HEAD = (
    "| | seconds | with start-up | undo | WAL MB | HOT | heap growth | total growth | dead rows | stamped rows"
    " | reader p50/p99/max ms | writer p50/p99/max ms | memory MB |\n"
    "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
)


def table(found: list[Figures], chunks: int) -> str:
    """One line for each contestant of this size."""
    lines = [f"\n### {chunks:,} chunks\n", HEAD]
    for one in found:
        if one.error:
            lines.append(f"| {one.contestant} | failed: {one.error} |" + " |" * 11)
            continue
        memory = f"{one.memory_mb:.0f}" if one.memory_mb else ""
        undo = f"{one.undo_wall:.1f}" if one.undo_wall else ""
        lines.append(
            f"| {one.contestant} | {one.seconds:.1f} | {one.wall:.1f} | {undo} | {one.wal_mb:,.0f}"
            f" | {one.hot_share:.0%} | {one.heap_growth:.2f}"
            f" | {one.total_growth:.2f} | {one.dead_rows:,} | {one.stamped:,} | {_waits(one.reader)}"
            f" | {_waits(one.writer)} | {memory} |"
        )
    return "\n".join(lines)


def _waits(probe: dict[str, float]) -> str:
    return " / ".join(f"{probe[name]:,.1f}" for name in ("p50_ms", "p99_ms", "max_ms")) if probe else ""


def ratios(found: list[Figures]) -> str:
    """What is wanted, and whether it is so."""
    lines = ["\n| | found | wanted | |", "|---|---:|---:|---|"]
    for what, value, most, form in _ratios([one for one in found if not one.error]):
        lines.append(f"| {what} | {value:{form}} | ≤ {most:g} | {'holds' if value <= most else 'MISSED'} |")
    return "\n".join(lines)


def _ratios(found: list[Figures]) -> Iterator[tuple[str, float, float, str]]:
    sizes = sorted({one.chunks for one in found})
    by = {(one.chunks, one.contestant): one for one in found}
    ours = [one for one in found if one.contestant.startswith("VITAL")]
    for size in sizes:
        for workers, most in ((1, 0.6), (2, 0.4)):
            vital = by.get((size, vital_name(workers)))
            for peer in (PSQL, PSQL_GUARDED):
                if vital and (size, peer) in by:
                    what = f"{size:,} chunks: {{}} of {vital.contestant} / {peer}"
                    wanted = most if size >= BIG else 1.0
                    yield what.format("time"), vital.seconds / by[size, peer].seconds, wanted, ".2f"
                    yield what.format("WAL"), vital.wal_mb / by[size, peer].wal_mb, 0.65, ".2f"
    for one in ours:
        where = f"{one.chunks:,} chunks: {one.contestant}"
        yield f"{where}: heap growth", one.heap_growth, 1.4, ".2f"
        yield f"{where}: undo / run, with start-up", one.undo_wall / one.wall, 1.0, ".2f"
        for who, waits in (("reader", one.reader), ("writer", one.writer)):
            yield f"{where}: {who} p99 ms", waits["p99_ms"], 50, ".1f"
            yield f"{where}: {who} max ms", waits["max_ms"], 500, ".0f"
    for least, most in pairwise(sizes):
        for name in dict.fromkeys(one.contestant for one in ours):
            if (least, name) in by and (most, name) in by:
                small, big = by[least, name], by[most, name]
                times = most / least
                what = f"{name}: {times:g} times the rows, time"
                yield what, big.seconds / small.seconds, times * 1.1, ".2f"
                yield f"{name}: {times:g} times the rows, memory", big.memory_mb / small.memory_mb, 1.2, ".2f"
