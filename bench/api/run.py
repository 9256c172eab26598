"""`.venv/bin/python -m bench.api.run`: VITAL's API beside its peers in one run, as figures and as ratios."""

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from math import isnan
from pathlib import Path

from bench.api import database, limit, statement
from bench.api.contestants import BENCH_PYTHON, Contestant, running
from bench.api.database import Database
from bench.api.load import BadAnswers, Figures, middle

PGBENCH = "pgbench, same SQL"
ROWS = "VITAL, rows remembered"
CURSORS = ["VITAL cold, by cursor", f"{ROWS}, by cursor"]
# A ratio: its name, VITAL's contestant, the peer, what DESIGN.md asks for.
RATIOS = [
    ("cold / FastAPI with the same SQL", "VITAL cold", "FastAPI, same SQL", 1.0),
    ("rows remembered / FastAPI with the same SQL", ROWS, "FastAPI, same SQL", None),
    ("warm / FastAPI with the same SQL", "VITAL warm", "FastAPI, same SQL", 3.0),
    ("cold / plain FastAPI", "VITAL cold", "FastAPI, plain", None),
    ("cold / DRF viewset", "VITAL cold", "DRF viewset", 15.0),
    ("rows remembered / DRF viewset", ROWS, "DRF viewset", None),
    ("cold / pgbench (the limit)", "VITAL cold", PGBENCH, None),
]
Results = dict[tuple[int, int, str], Figures]  # by workers, rows and contestant


def main() -> None:
    options = arguments()
    if not BENCH_PYTHON.exists():
        sys.exit(f"error: {BENCH_PYTHON} is missing; bench/api/README.md says how to make it.")
    print(machine())
    results: Results = {}
    with database.migrated(options.server or embedded()) as made:
        for rows in options.rows:
            database.fill(made.admin_url, rows)
            for workers in options.workers:
                for name, figures in one_size(made, workers, options).items():
                    results[workers, rows, name] = figures
                table(results, workers, rows)
    for workers in options.workers:
        pages_by_key(results, workers, options.rows)
    print(f"\nload at the end: {os.getloadavg()[0]:.1f}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 30_000, 1_000_000], help="the tenant's tools")
    parser.add_argument("--seconds", type=float, default=4, help="of load, per contestant and round")
    parser.add_argument("--rounds", type=int, default=3, help="in alternation; the median counts")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="processes of every server")
    parser.add_argument(
        "--server", default=os.environ.pop("DATABASE_URL", ""), help="a superuser's URL (default: DATABASE_URL)"
    )
    return parser.parse_args()


def embedded() -> str:
    from vital.db import embedded

    return embedded.ensure_running(database.ROOT / ".vital" / "bench").superuser_url


def one_size(made: Database, workers: int, options: argparse.Namespace) -> dict[str, Figures]:
    """Every contestant's figures. They take turns, so that what else this machine does falls on all of them."""
    with tempfile.TemporaryDirectory(prefix="vital-bench-") as name:
        folder = Path(name)
        script = statement.for_pgbench(folder)
        with running(made, statement.for_asyncpg(folder), workers) as contestants:
            alone = same_answers(contestants)
            turns: dict[str, Callable[[float], Figures]] = {
                one.name: lambda seconds, one=one: one.load(options.clients, seconds) for one in contestants
            }
            turns[PGBENCH] = lambda seconds: limit.measure(
                made.admin_url, script, folder, clients=options.clients, seconds=seconds
            )
            # Who needs seconds for one answer gets the time for one per client.
            needs = {name: max(options.seconds, options.clients * alone.get(name, 0.0)) for name in turns}
            for turn in turns.values():
                turn(1)
            rounds = [{name: turn(needs[name]) for name, turn in turns.items()} for _ in range(options.rounds)]
    return {name: middle([figures[name] for figures in rounds]) for name in turns}


def same_answers(contestants: list[Contestant]) -> dict[str, float]:
    """The seconds that each needs for one answer.

    Raises BadAnswers unless all show the same tools in the same order: else their speeds do not compare.
    """
    shown, took = {}, {}
    for one in contestants:
        began = time.perf_counter()
        answer = one.answer()
        took[one.name] = time.perf_counter() - began
        tools = answer.get("tools") or answer["results"]
        shown[one.name] = ([tool["id"] for tool in tools], answer.get("count"))
    ids, count = shown["VITAL cold"]
    for name, (others, other_count) in shown.items():
        if others != ids or len(ids) != 100 or (other_count != count and name not in CURSORS):
            raise BadAnswers(f"{name} shows {len(others)} of {other_count}, VITAL {len(ids)} of {count}")
    return took


def machine() -> str:
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    what = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return f"{when}, {what}, load {os.getloadavg()[0]:.1f}"


def table(results: Results, workers: int, rows: int) -> None:
    """As Markdown, for the README."""
    print(f"\n### {rows:,} rows, {workers} process{'es' if workers > 1 else ''} each\n")
    print("| | p50 ms | p99 ms | requests/s | CPU ms: server | PostgreSQL |\n|---|---:|---:|---:|---:|---:|")
    for (by, size, name), found in results.items():
        if (by, size) == (workers, rows):
            print(f"| {name} | {found.p50:.1f} | {found.p99:.1f} | {found.per_second:,.0f} | {cpu_of(found)} |")
    print("\n| ratio | of requests/s | of processor time a request | wanted |\n|---|---:|---:|---:|")
    for name, ours, theirs, wanted in RATIOS:
        own, peer = results[workers, rows, ours], results[workers, rows, theirs]
        ratio = f"{own.per_second / peer.per_second:.2f}" if peer.per_second else "no answer in time"
        spent = "" if isnan(peer.cpu / own.cpu) else f"{peer.cpu / own.cpu:.2f}"
        print(f"| {name} | {ratio} | {spent} | {f'≥ {wanted:g}' if wanted else ''} |", flush=True)


def cpu_of(found: Figures) -> str:
    return " | ".join("" if isnan(ms) else f"{ms:.1f}" for ms in (found.server_cpu, found.database_cpu))


def pages_by_key(results: Results, workers: int, sizes: list[int]) -> None:
    """How a page by cursor slows down with the tenant's rows."""
    least, most = min(sizes), max(sizes)
    for name in CURSORS if least < most else []:
        ratio = results[workers, most, name].p50 / results[workers, least, name].p50
        sizes_told = f"p50 at {most:,} rows / at {least:,} rows"
        print(f"\n{name}, {workers} process(es): {sizes_told} = {ratio:.2f} (wanted: ≤ 1.5)")


if __name__ == "__main__":
    main()
