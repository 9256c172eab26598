"""Watching a migrated platform, look by look. Nothing here writes to the database."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from migrations_ops.engine.errors import EngineError
from migrations_ops.monitor import look as eyes
from migrations_ops.monitor import words
from migrations_ops.monitor.look import Look as Look
from migrations_ops.monitor.tally import Tally as Tally
from migrations_ops.rules.model import Plan
from migrations_ops.services.database import current_plan, open_session
from vital import private_files


def watch(seconds: float, every: float, url: str, key: str) -> Iterator[Tally]:
    """A tally after each look, for so long; one look at least. A database that is away is seen, not raised."""
    plan, tally = current_plan(), Tally()
    until = time.monotonic() + seconds
    while True:
        started = time.monotonic()
        look = look_once(plan)
        if url:
            eyes.at_service(look, url.rstrip("/"), key)
        tally.add(look)
        yield tally
        now = time.monotonic()
        if now + every > until:
            return
        time.sleep(max(0.0, every - (now - started)))


def look_once(plan: Plan | None = None) -> Look:
    """The database as it is now; in `down` why it was not reached."""
    try:
        with open_session(read_only=True) as session:
            return eyes.at_database(session, plan or current_plan())
    except (psycopg.OperationalError, psycopg.InterfaceError, EngineError) as problem:
        return Look(down=(str(problem).strip().splitlines() or ["no word"])[0])


def write_report(tally: Tally, file: Path, *, partial: bool) -> None:
    """As text, or as JSON where the name ends so; whole or not at all. Raises OSError."""
    report = tally.document(partial=partial)
    text = json.dumps(report, indent=2, ensure_ascii=False) if file.suffix == ".json" else words.markdown(report)
    private_files.write(file, text)
