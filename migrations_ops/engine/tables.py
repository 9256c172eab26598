"""Whether a table that steps are about is still there: others may drop one."""

from collections.abc import Iterable

from migrations_ops.engine.session import Session


def are_there(session: Session, *relations: str) -> bool:
    """Whether there are tables of all these names."""
    return bool(session.named("are_there", {"relations": list(relations)})[0][0])


def has_columns(session: Session, relation: str, names: Iterable[str]) -> bool:
    """Whether the table is there with these columns."""
    return set(names) <= {column.name for column in session.columns(relation)}
