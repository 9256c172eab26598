"""What the catalogue says of foreign keys and columns."""

from collections.abc import Iterable
from dataclasses import dataclass

from vital.db import sql
from vital.db.session import QUERIES, Session


@dataclass(frozen=True)
class ForeignKey:
    """Columns `own` of the table `child` refer to the columns `key` of the table `parent`, in the same order."""

    child: str
    own: tuple[str, ...]
    parent: str
    key: tuple[str, ...]


def foreign_keys_between(session: Session, relations: Iterable[str]) -> list[ForeignKey]:
    """The foreign keys from one of these tables to another of them, or to itself."""
    question = sql.compose(QUERIES["foreign_keys_between"].replace("%", "%%"), tables=sql.literal(list(relations)))
    return [ForeignKey(child, tuple(own), parent, tuple(key)) for child, own, parent, key in session.execute(question)]


def has_column(session: Session, relation: str, name: str) -> bool:
    """Whether the table has a column of this name."""
    return any(column.name == name for column in session.columns(relation))
