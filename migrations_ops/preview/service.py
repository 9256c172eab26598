"""The door to previews: what a run would do. Writes nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from migrations_ops.phase_state import open_session
from migrations_ops.rules.current import chosen, current_plan
from migrations_ops.rules.load import load
from vital.db.timeout import statement_deadline


def preview(against: Path | None, waiting: Callable[[str], None], patience: float | None = None) -> dict[str, Any]:
    """What a run would do now, and what another plan would change of that; see `predict`. Writes nothing.

    Raises TookTooLong after `patience` seconds, where they are given.
    """
    from migrations_ops.preview import compare, predict
    from migrations_ops.preview.inputs import refuse_what_does_not_fit

    plan, other = current_plan(), load(against) if against else None
    with open_session() as session, statement_deadline(session, patience):
        session.read_as_operator()
        refuse_what_does_not_fit(session, plan)
        if other is not None:
            refuse_what_does_not_fit(session, other, "The other plan")
    with open_session(read_only=True) as session, statement_deadline(session, patience):
        document = predict.preview(session, plan, waiting) | {"plan_file": chosen(session).in_words}
        if other is not None:
            document["against"] = compare.against(session, plan, other, waiting) | {"plan_file": str(against)}
        return document
