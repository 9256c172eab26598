"""A foreign application beside the backfill: `python -m bench.backfill.probe read|write` until its stdin is closed.

Every 10 ms one statement is due. `p99_ms` and the like are of the statements sent. `p99_of_due_ms` also counts
those that fell due while one waited, as a client sees it that does nothing else.
"""

import json
import math
import os
import random
import select
import sys
import time

import psycopg

EVERY = 0.010
STATEMENTS = {
    "read": "SELECT domain, chunk_index FROM public.knowledge_base WHERE id = %s",
    "write": "UPDATE public.knowledge_base SET is_active = is_active WHERE id = %s",
}
SOME_KEYS = "SELECT id FROM public.knowledge_base TABLESAMPLE SYSTEM (%s) LIMIT 20000"
ROWS_ESTIMATED = "SELECT greatest(reltuples, 1) FROM pg_class WHERE oid = 'public.knowledge_base'::regclass"


def main() -> None:
    statement = STATEMENTS[sys.argv[1]]
    with psycopg.connect(os.environ["BENCH_PROBE_URL"], autocommit=True) as connection:
        rows = connection.execute(ROWS_ESTIMATED).fetchone()[0]
        keys = [key for (key,) in connection.execute(SOME_KEYS, [min(100, 40_000 / rows * 100)])]
        random.shuffle(keys)
        connection.execute(statement, keys[:1], prepare=True)
        print("ready", flush=True)
        waits, due = _until_stdin_closes(connection, statement, keys)
    more = {"p99_of_due_ms": figures(due)["p99_ms"], "sent": len(waits)}
    print(json.dumps(figures(waits) | more), flush=True)


def _until_stdin_closes(connection: psycopg.Connection, statement: str, keys: list) -> tuple[list[float], list[float]]:
    """The seconds that each statement took, and those from when each was due."""
    waits: list[float] = []
    waits_of_due: list[float] = []
    due = time.monotonic()
    while not select.select([sys.stdin], [], [], max(0.0, due - time.monotonic()))[0]:
        began = time.monotonic()
        connection.execute(statement, [keys[len(waits) % len(keys)]], prepare=True)
        now = time.monotonic()
        waits.append(now - began)
        while due <= now:
            waits_of_due.append(now - due)
            due += EVERY
    return waits, waits_of_due


def figures(waits: list[float]) -> dict[str, float]:
    ordered = sorted(waits) or [0.0]
    at = {"p50_ms": 0.5, "p99_ms": 0.99, "max_ms": 1.0}
    return {name: round(1000 * ordered[max(0, math.ceil(part * len(ordered)) - 1)], 1) for name, part in at.items()}


if __name__ == "__main__":
    main()
