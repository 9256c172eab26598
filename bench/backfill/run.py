"""`.venv/bin/python -m bench.backfill.run`: the backfill of knowledge_base beside hand-written UPDATEs, in one run."""

import argparse
import hashlib
import json
import os
import platform
import signal
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from bench.backfill import database, measure, report
from bench.backfill.contestants import Contestant, contestants, takes_workers
from bench.backfill.database import Bench
from bench.backfill.measure import Figures
from tests.support.databases import Scratch

VARIANTS_UP_TO = 1_000_000  # above, the other ways of psql take hours
BEGAN = time.monotonic()


def main() -> None:
    options = arguments()
    # A terminated run drops its databases as an interrupted one does; in the background SIGINT would be ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    facts = {"when": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), "machine": machine()}
    found: list[Figures] = []
    try:
        with database.on(options.server or embedded()) as bench:
            facts["server"] = measure.one(bench.server_url, "SELECT version()")
            print(f"{facts['when']}, {facts['machine']}\n{facts['server']}", flush=True)
            if not takes_workers():
                say("migrate_tenants has no --workers: VITAL runs with one")
            for chunks in sorted(set(options.chunks)):
                found += one_size(bench, chunks, options)
                print(report.table([one for one in found if one.chunks == chunks], chunks), flush=True)
    except KeyboardInterrupt:
        sys.exit("interrupted; the databases of the run are dropped")
    print(report.ratios(found))
    print(f"\nload at the end: {os.getloadavg()[0]:.1f}")
    if options.out:
        Path(options.out).write_text(json.dumps(facts | {"results": [one.as_json() for one in found]}, indent=2) + "\n")
    sys.exit(any(one.error for one in found))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=positive, nargs="+", default=[1_000_000], help="rows of knowledge_base")
    parser.add_argument("--workers", type=positive, nargs="+", default=[1, 2], help="VITAL's, a contestant each")
    parser.add_argument("--rounds", type=positive, default=1, help="in alternation; the median by seconds counts")
    parser.add_argument(
        "--variants", action=argparse.BooleanOptionalAction, help="the other ways of psql as well (default: up to 1 M)"
    )
    parser.add_argument("--alone", action="store_true", help="VITAL alone: memory and heap at a size that takes long")
    parser.add_argument("--keep", action="store_true", help="do not drop the filled template at the end")
    parser.add_argument("--out", help="write the figures to this file, as JSON")
    parser.add_argument(
        "--server", default=os.environ.pop("DATABASE_URL", ""), help="a superuser's URL (default: DATABASE_URL)"
    )
    return parser.parse_args()


def positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above zero")
    return int(text)


def embedded() -> str:
    from vital.db import embedded

    return embedded.ensure_running(database.ROOT / ".vital" / "bench").superuser_url


def machine() -> str:
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()},"
        f" load {os.getloadavg()[0]:.1f}; two busy processes take {beside_each_other():.2f} times as long as one"
    )


def beside_each_other() -> float:
    """1 where each has a core of its own; 2 where they share one, as the two threads of one core nearly do."""
    with ProcessPoolExecutor(2) as pool:
        alone = min(pool.submit(_busy).result() for _ in range(3))
        both = min(max(one.result() for one in [pool.submit(_busy), pool.submit(_busy)]) for _ in range(3))
    return both / alone


def _busy() -> float:
    """Seconds by the clock for some work that needs nothing but a processor."""
    began, digest = time.perf_counter(), b""
    for _ in range(300_000):
        digest = hashlib.sha256(digest).digest()
    return time.perf_counter() - began


def say(what: str) -> None:
    print(f"[{time.monotonic() - BEGAN:7.1f} s] {what}", file=sys.stderr, flush=True)


def one_size(bench: Bench, chunks: int, options: argparse.Namespace) -> list[Figures]:
    """Every contestant's figures, each from its own copy of the same template."""
    variants = options.variants if options.variants is not None else chunks <= VARIANTS_UP_TO
    taking_part = [
        one
        for one in contestants(options.workers, variants=variants)
        if one.name.startswith("VITAL") or not options.alone
    ]
    turns: dict[str, list[Figures]] = {one.name: [] for one in taking_part}
    with database.template(bench, chunks, say, keep=options.keep) as template:
        untouched = measure.content(template.admin_url)
        for number in range(options.rounds):
            for one in taking_part:
                say(f"{chunks:,} chunks, round {number + 1}: {one.name}")
                turns[one.name].append(turn(bench, template, one, chunks, untouched))
    return same_assignment([middle(figures) for figures in turns.values()])


def turn(bench: Bench, template: Scratch, one: Contestant, chunks: int, untouched: tuple[int, str]) -> Figures:
    """One contestant on a copy of its own, which goes as soon as it has been looked at. A failure is a figure too."""
    figures, copy = Figures(one.name, chunks), None
    try:
        copy = bench.create(template)
        one.prepare(copy)
        with psycopg.connect(copy.admin_url, autocommit=True) as connection:
            connection.execute("CHECKPOINT")
        before = measure.state(copy.admin_url)
        with measure.probed(copy.owner_url, figures):
            one.run(copy, figures)
        measure.look_after(copy.admin_url, before, figures)
        if one.undo is not None:
            one.undo(copy, figures)
        if measure.content(copy.admin_url) != untouched:
            figures.error = "the content of the table is not what it was"
    except Exception as error:
        figures.error = " ".join(f"{type(error).__name__}: {error}".split())
    finally:
        if copy is not None:
            bench.drop(copy)
    say(figures.error or f"{figures.seconds:.1f} s, heap grew to {figures.heap_growth:.2f} times its size")
    return figures


def middle(rounds: list[Figures]) -> Figures:
    """The round whose seconds are the median, of those that did not fail."""
    fine = [one for one in rounds if not one.error]
    if not fine:
        return rounds[-1]
    median: Any = statistics.median_low(one.seconds for one in fine)
    return next(one for one in fine if one.seconds == median)


def same_assignment(found: list[Figures]) -> list[Figures]:
    """All have given every tenant the same number of rows, or they have not done the same work."""
    fine = [one for one in found if not one.error]
    for one in fine[1:]:
        if one.assigned != fine[0].assigned:
            one.error = f"assigned {one.assigned}, but {fine[0].contestant} {fine[0].assigned}"
    if fine and "none" in fine[0].assigned:
        fine[0].error = f"{fine[0].assigned['none']} rows are left without a tenant"
    return found


if __name__ == "__main__":
    main()
