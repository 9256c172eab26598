"""Whether a table that steps are about is still there, and still the same: others may drop, rename or replace one."""

from collections.abc import Iterable

from migrations_ops.engine.session import Session
from vital.db.sql import shown
from vital.errors import EngineError, Problem


class TableMoved(EngineError):
    """{sentence} What was done so far stays."""


def are_there(session: Session, *relations: str) -> bool:
    """Whether there are tables of all these names."""
    return bool(session.named("are_there", {"relations": list(relations)})[0][0])


def has_columns(session: Session, relation: str, names: Iterable[str]) -> bool:
    """Whether the table is there with these columns."""
    return set(names) <= {column.name for column in session.columns(relation)}


def moved(session: Session) -> list[Problem]:
    """Tables that others renamed or moved since VITAL worked on them: what it made goes with a table, not a name."""
    return [Problem(found[0], "", _sentence(*found)) for found in session.named("moved_tables")]


def refuse_moved(session: Session, *relations: str) -> None:
    """Raise TableMoved where one of these, which are not there or not the same, is called otherwise by now."""
    for problem in moved(session):
        if problem.relation in relations:
            raise TableMoved(sentence=f"{problem.message}.")


def _sentence(before: str, now: str, is_replaced: bool) -> str:
    what = f"{shown(before)} is called {shown(now)} now"
    if is_replaced:
        return f"{what}, and another table has its name: give both their names back or drop one, then undo"
    return f"{what}: rename it back, then undo"
