"""The rehearsals that were held, as `vital.rehearsal` remembers them."""

from typing import Any

from psycopg.types.json import Jsonb

from migrations_ops.engine.session import Session
from migrations_ops.rehearsal.sampling import QUERIES


def note(session: Session, by: str, digest: str, document: dict[str, Any]) -> dict[str, Any]:
    """Write the one row; returns its id and time."""
    facts = {"by": by, "digest": digest, "exact": document["exact"], "forecast": Jsonb(document["forecast"])}
    number, at = session.execute(QUERIES["note_rehearsal"], facts)[0]
    return {"rehearsal": number, "held_at": at.isoformat()}


def last(session: Session, digest: str = "") -> dict[str, Any] | None:
    """The last rehearsal, of this plan where a digest is given; None where there was none."""
    if not session.value(QUERIES["has_rehearsals"]):
        return None
    found = session.execute(QUERIES["last_rehearsal"], {"digest": digest})
    if not found:
        return None
    number, at, by, plan, exact, forecast = found[0]
    return {"id": number, "held_at": at.isoformat(), "held_by": by, "plan": plan, "exact": exact, "forecast": forecast}
