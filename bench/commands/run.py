"""`.venv/bin/python -m bench.commands.run`: a whole run of a small database, and what a command takes to start.

DATABASE_URL is a superuser's on a scratch server; without it the embedded PostgreSQL is used. Databases and role are
dropped at the end.
"""

import argparse
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench.backfill import database
from bench.backfill.run import embedded, machine

ROUNDS = 5
RUN_SECONDS, STATUS_RATIO = 3.0, 6.0  # at most
SLOWEST = 12
DJANGO_ADMIN = [str(Path(sys.executable).parent / "django-admin"), "version"]
MANAGE = [sys.executable, str(database.ROOT / "manage.py")]
RUN = [*MANAGE, "migrate_tenants", "--yes"]
COMMANDS = {
    "migrate_tenants status --json": [*MANAGE, "migrate_tenants", "status", "--json"],
    "migrate_tenants --help": [*MANAGE, "migrate_tenants", "--help"],
}
PHASES = """
SELECT p.phase, extract(epoch FROM p.completed_at - p.started_at)::float, count(s), sum(s.seconds)
FROM vital.phase_run AS p
JOIN vital.step_run AS s ON s.phase_run_id = p.id
GROUP BY p.id
ORDER BY p.id
"""
STEPS = "SELECT step, seconds FROM vital.step_run ORDER BY seconds DESC LIMIT %s"


@dataclass(frozen=True)
class Took:
    """Seconds by the clock, and of processor time of the command's own processes."""

    clock: float
    cpu: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=1_500, help="of knowledge_base; the other tables grow with it")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of which the median counts")
    options = parser.parse_args()
    server = os.environ.pop("DATABASE_URL", "") or embedded()
    # A terminated run drops its databases as an interrupted one does; in the background SIGINT would be ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    print(machine(), flush=True)
    with database.on(server) as bench:
        template = bench.create()
        try:
            database.manage(template.owner_url, "migrate", "--verbosity", "0")
            database.manage(template.owner_url, "generate_legacy", "--rows", str(options.chunks))
            measure(bench, template, options.rounds)
        finally:
            bench.drop(template)


def measure(bench: database.Bench, template: database.Scratch, rounds: int) -> None:
    """Whole runs, each on a copy of its own; then commands on the last one, beside Django's own, in alternation."""
    took = []
    for number in range(rounds):
        copy = bench.create(template)
        try:
            took.append(timed(RUN, copy.owner_url))
            if number == rounds - 1:
                show_run(copy.owner_url, took)
                show_commands(copy.owner_url, rounds)
        finally:
            bench.drop(copy)


def show_run(url: str, took: list[Took]) -> None:
    with psycopg.connect(url) as connection:
        phases = connection.execute(PHASES).fetchall()
        steps = connection.execute(STEPS, [SLOWEST]).fetchall()
    print("\n| phase of the last run | seconds | steps | seconds in steps |\n|---|---:|---:|---:|")
    for name, seconds, count, within in phases:
        print(f"| {name} | {seconds:.2f} | {count} | {within:.2f} |")
    print("\n| the slowest steps | seconds |\n|---|---:|")
    for name, seconds in steps:
        print(f"| {name} | {seconds:.2f} |")
    clock = statistics.median(one.clock for one in took)
    cpu = statistics.median(one.cpu for one in took)
    print("\n| | seconds | its own processor time | wanted | |\n|---|---:|---:|---|---|")
    verdict = "holds" if clock <= RUN_SECONDS else "MISSED"
    print(f"| a whole run, start-up included | {clock:.2f} | {cpu:.2f} | ≤ {RUN_SECONDS:g} | {verdict} |", flush=True)


def show_commands(url: str, rounds: int) -> None:
    found: dict[str, list[Took]] = {"django-admin version": []} | {name: [] for name in COMMANDS}
    for _ in range(rounds):
        for name, command in ({"django-admin version": DJANGO_ADMIN} | COMMANDS).items():
            found[name].append(timed(command, url))
    print(
        "\n| command | seconds | its processor time | / django-admin version | wanted | |\n|---|---:|---:|---:|---|---|"
    )
    plain = statistics.median(one.cpu for one in found["django-admin version"])
    for name, times in found.items():
        clock, cpu = statistics.median(one.clock for one in times), statistics.median(one.cpu for one in times)
        wanted = " | "
        if "status" in name:
            wanted = f"≤ {STATUS_RATIO:g} | {'holds' if cpu / plain <= STATUS_RATIO else 'MISSED'}"
        print(f"| {name} | {clock:.2f} | {cpu:.2f} | {cpu / plain:.1f} | {wanted} |", flush=True)


def timed(command: list[str], url: str) -> Took:
    """What a command takes; it leaves no logs, backups or bytecode behind. Raises RuntimeError where it fails."""
    with tempfile.TemporaryDirectory(prefix="vital-bench-") as folder:
        environment = database.environment(url, folder) | {"VITAL_BACKUP": "0"}
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
        clock, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[1:])} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return Took(clock, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


if __name__ == "__main__":
    main()
