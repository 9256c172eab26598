"""Watching a migrated platform, look by look. Nothing here writes to the database."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from migrations_ops.diagnostics import markdown as words
from migrations_ops.diagnostics import snapshot as snapshot
from migrations_ops.diagnostics.aggregate import Tally
from migrations_ops.diagnostics.snapshot import Snapshot
from migrations_ops.phase_state import open_session
from migrations_ops.rules.current import current_plan, read_named_plan
from migrations_ops.rules.model import Plan
from vital import private_files
from vital.errors import EngineError


def watch(seconds: float, every: float, url: str, key: str) -> Iterator[Tally]:
    """A tally after each look, for so long; one look at least. A database that is away is seen, not raised."""
    plan, tally = read_named_plan(), Tally()
    until = time.monotonic() + seconds
    while True:
        started = time.monotonic()
        look = look_once(plan)
        if url:
            snapshot.at_service(look, url.rstrip("/"), key)
        tally.add(look)
        yield tally
        now = time.monotonic()
        if now + every > until:
            return
        time.sleep(max(0.0, every - (now - started)))


def look_once(plan: Plan | None = None) -> Snapshot:
    """The database as it is now; in `down` why it was not reached."""
    try:
        with open_session(read_only=True) as session:
            return snapshot.at_database(session, plan or current_plan(session))
    except (psycopg.OperationalError, psycopg.InterfaceError, EngineError) as problem:
        return Snapshot(down=(str(problem).strip().splitlines() or ["no word"])[0])


def write_report(tally: Tally, file: Path, *, partial: bool) -> None:
    """As text, or as JSON where the name ends so; whole or not at all. Raises OSError."""
    report = tally.document(partial=partial)
    text = json.dumps(report, indent=2, ensure_ascii=False) if file.suffix == ".json" else words.markdown(report)
    private_files.write(file, text)
