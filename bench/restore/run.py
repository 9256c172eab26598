"""`.venv/bin/python -m bench.restore.run`: one tenant set back to a backup, beside pg_restore and a script of psql's.

DATABASE_URL is a superuser's on a scratch server; without it the embedded PostgreSQL is used. Databases and role are
dropped at the end.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.backfill import database
from bench.backfill.contestants import psql
from bench.backfill.database import Bench
from bench.backfill.run import embedded, machine, positive, say
from bench.restore.database import NAMES, Content, Damaged, content, damaged
from tests.support.databases import Scratch

ROWS = [30_000, 120_000]  # in the archive
TIME_RATIO, MEMORY_RATIO, GROWTH = 1.5, 1.2, 1.1  # at most
WHY = ("--yes", "--reason", "bench", "--json")
RESTORE, BY_HAND = "VITAL, tenants restore", "by hand, all"
# Each table's rows come out of the scratch database into a file; the script brings them in by their keys.
TAKE = r"\copy (SELECT * FROM {table} WHERE tenant_id = '{tenant}') TO '{file}'"
BRING = r"""
CREATE TEMPORARY TABLE of_{table} (LIKE {table});
\copy of_{table} FROM '{file}'
ALTER TABLE of_{table} ADD PRIMARY KEY (id);
ANALYZE of_{table};
INSERT INTO {table} AS t SELECT * FROM of_{table}
ON CONFLICT (id) DO UPDATE SET {assignments} WHERE t IS DISTINCT FROM EXCLUDED;
"""
DELETE = (
    "DELETE FROM {table} WHERE tenant_id = '{tenant}' AND NOT EXISTS (SELECT FROM of_{table} AS o"
    " WHERE o.id = {table}.id);\n"
)
COLUMNS = {
    "orders": ("store_id", "number", "note", "made", "tenant_id"),
    "lines": ("order_id", "text", "facts", "total", "tenant_id"),
}


@dataclass(frozen=True)
class Took:
    """Seconds of a command with its start-up, the most memory of a process of it in MB, and what it printed."""

    seconds: float
    memory: float
    output: str = ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=positive, nargs="+", default=ROWS, help="of five tenants, in the archive")
    options = parser.parse_args()
    server = os.environ.pop("DATABASE_URL", "") or embedded()
    # A terminated run drops its databases as an interrupted one does; in the background SIGINT would be ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    print(machine(), flush=True)
    found = {}
    with database.on(server) as bench:
        for count in sorted(set(options.rows)):
            with damaged(bench, count) as given:
                found[count], written = vital(bench, given)
                found[count] |= by_hand(bench, given)
            show(count, written, found[count])
    show_ratios(found)


def vital(bench: Bench, given: Damaged) -> tuple[dict[str, Took], int]:
    """What the command takes to show, to restore, and to undo; and how many rows it has written."""
    shown = "tenants", "restore", given.tenant, "--from", str(given.backup), "--delete-added"
    with copied(bench, given) as copy:
        damage = content(copy)
        say("VITAL")
        found = {"VITAL, the comparison": timed(manage_py(*shown, "--json"), copy)}
        found[RESTORE] = timed(manage_py(*shown, *WHY), copy)
        refuse_other(copy, given.before)
        done = json.loads(found[RESTORE].output[found[RESTORE].output.index("{") :])
        found["VITAL, its undo"] = timed(manage_py("tenants", "undo-restore", str(done["run"]), *WHY), copy)
        refuse_other(copy, damage)
    return found, sum(sum(of_table.values()) for of_table in done["rows"].values())


def by_hand(bench: Bench, given: Damaged) -> dict[str, Took]:
    """The whole archive into a scratch database; the tenant's rows of it into files, and by a script to their place."""
    aside = bench.create()
    restore = [pg_restore(given.backup), "--no-owner", "--no-privileges", "--dbname", aside.admin_url]
    try:
        with copied(bench, given) as copy, tempfile.TemporaryDirectory(prefix="vital-bench-") as folder:
            say("by hand")
            first = timed([*restore, str(given.backup)], aside)
            files = {table: f"{folder}/{table}.copy" for table in NAMES}
            take = "\n".join(TAKE.format(table=table, tenant=given.tenant, file=file) for table, file in files.items())
            second = timed(script(folder, take, aside.admin_url), aside)
            third = timed(script(folder, bring(files, given.tenant), copy.admin_url), copy)
            refuse_other(copy, given.before)
    finally:
        bench.drop(aside)
    parts = {"by hand, pg_restore": first, "by hand, psql": Took(second.seconds + third.seconds, third.memory)}
    return parts | {BY_HAND: Took(sum(part.seconds for part in parts.values()), first.memory)}


def pg_restore(backup: Path) -> str:
    """The first that can read the archive. Raises RuntimeError where none can."""
    from vital.db.embedded import client_bin_dir

    for folder in (Path(psql()).parent, Path(client_bin_dir())):
        program = str(folder / "pg_restore")
        if subprocess.run([program, "--list", str(backup)], capture_output=True, check=False).returncode == 0:
            return program
    raise RuntimeError(f"no pg_restore here can read {backup}")


def bring(files: dict[str, str], tenant: str) -> str:
    """The script, in one transaction: what others refer to first, and deleted last."""
    text = "BEGIN;\n"
    for table, file in files.items():
        assignments = ", ".join(f"{name} = EXCLUDED.{name}" for name in COLUMNS[table])
        text += BRING.format(table=table, file=file, assignments=assignments)
    return text + "".join(DELETE.format(table=table, tenant=tenant) for table in reversed(NAMES)) + "COMMIT;\n"


def script(folder: str, text: str, url: str) -> list[str]:
    file = Path(folder) / "script.sql"
    file.write_text(text, encoding="utf-8")
    return [psql(), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(file), url]


def manage_py(*words: str) -> list[str]:
    return [sys.executable, str(database.ROOT / "manage.py"), *words]


@contextmanager
def copied(bench: Bench, given: Damaged) -> Iterator[Scratch]:
    copy = bench.create(given.template)
    try:
        yield copy
    finally:
        bench.drop(copy)


def timed(command: list[str], scratch: Scratch) -> Took:
    """Raises RuntimeError where it fails. Its memory is that of its biggest process: pg_restore's is a small one."""
    with tempfile.TemporaryDirectory(prefix="vital-bench-") as folder, Path(folder, "said").open("w+") as said:
        began = time.monotonic()
        environment = database.environment(scratch.owner_url, folder)
        process = subprocess.Popen(command, cwd=folder, env=environment, text=True, stdout=said, stderr=said)
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        seconds = time.monotonic() - began
        said.seek(0)
        output = said.read()
    if code := os.waitstatus_to_exitcode(status):
        raise RuntimeError(f"{' '.join(command)} ended with {code}: {output[-1000:]}")
    return Took(seconds, usage.ru_maxrss / 1000, output)


def refuse_other(copy: Scratch, wanted: Content) -> None:
    """Raises RuntimeError where the rows are other ones."""
    if (found := content(copy)) != wanted:
        raise RuntimeError(f"the rows of {copy.name} are {found} instead of {wanted}")


def show(count: int, written: int, found: dict[str, Took]) -> None:
    print(
        f"\n| {count:,} rows in the archive, {written:,} to write | seconds | rows of the archive/s | rows written/s"
        " | memory MB |\n|---|---:|---:|---:|---:|"
    )
    for name, took in found.items():
        rates = f"{count / took.seconds:,.0f} | {written / took.seconds:,.0f}"
        print(f"| {name} | {took.seconds:.1f} | {rates} | {took.memory:,.0f} |", flush=True)


def show_ratios(found: dict[int, dict[str, Took]]) -> None:
    print("\n| | found | wanted | |\n|---|---:|---:|---|")
    for count, of_size in found.items():
        line(f"{count:,} rows: {RESTORE} / {BY_HAND}", of_size[RESTORE].seconds / of_size[BY_HAND].seconds, TIME_RATIO)
        undo = of_size["VITAL, its undo"].seconds / of_size[RESTORE].seconds
        line(f"{count:,} rows: its undo / the restore", undo, 1)
    if len(found) > 1:
        (small, first), *_, (big, last) = found.items()
        for name in (RESTORE, "VITAL, its undo"):
            line(
                f"{big / small:g} times the rows: memory, {name}", last[name].memory / first[name].memory, MEMORY_RATIO
            )
            grown = last[name].seconds / first[name].seconds
            line(f"{big / small:g} times the rows: time, {name}", grown, GROWTH * big / small)


def line(what: str, found: float, wanted: float) -> None:
    print(f"| {what} | {found:.2f} | ≤ {wanted:g} | {'holds' if found <= wanted else 'MISSED'} |", flush=True)


if __name__ == "__main__":
    main()
