"""What refers to what around the tables of a restore: which rows a key binds, and who may look where it leads from.

A partition may have a key that its table has not: it binds the rows of that partition. A table outside of the plan may
refer to rows of it, and VITAL's roles may not read that table: the login looks there, as far as it may.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

from psycopg.sql import Composable

from migrations_ops.engine.session import Session
from migrations_ops.tenant_restore.tables import TRUE, OfPartitions, Staged, ask, part
from vital.db import introspection, sql
from vital.db.introspection import FOREIGN_KEYS, ForeignKey
from vital.db.sql import shown

REFUSING = ("NO ACTION", "RESTRICT")
LOOKED_AT = 5_000  # rows at once


def of_tables(session: Session, names: list[str]) -> list[ForeignKey]:
    """The keys of these tables, as far as they are known to bind: of others the server says what they refuse."""
    return [*filter(None, (_bound(session, one) for one in introspection.foreign_keys(session, names)))]


def to_tables(session: Session, names: list[str]) -> list[ForeignKey]:
    """The keys that lead to these tables, each once."""
    found = [one for one in introspection.foreign_keys(session, parents=names) if not one.is_inherited]
    return [_leading(session, one) if one.of_partitions else one for one in found]


def _bound(session: Session, key: ForeignKey) -> ForeignKey | None:
    if not key.of_partitions:
        return key
    rows = [row for (row,) in ask(session, "partitions_with_key", _named(key), foreign_keys=FOREIGN_KEYS)]
    return OfPartitions(**_facts(key), rows=tuple(rows)) if rows else None


def _leading(session: Session, key: ForeignKey) -> ForeignKey:
    found = [table for (table,) in ask(session, "tables_that_a_key_leads_to", _named(key), foreign_keys=FOREIGN_KEYS)]
    return OfPartitions(**_facts(key), parents=tuple(found))


def _facts(key: ForeignKey) -> dict[str, Any]:
    return {one.name: getattr(key, one.name) for one in fields(ForeignKey)}


def _named(key: ForeignKey) -> dict[str, Any]:
    return {"child": key.child, "parent": key.parent, "own": list(key.own), "key": list(key.key)}


def leads_to(reference: ForeignKey, alias: str) -> Composable:
    """Whether the key may lead to the row at all."""
    if not isinstance(reference, OfPartitions) or not reference.parents:
        return TRUE
    return part("lies_in_tables", row=sql.ident(alias), tables=sql.literal(list(reference.parents)))


@contextmanager
def _as_login(session: Session) -> Iterator[None]:
    """In a transaction. Where something fails in it the transaction is over, and the role with it."""
    ((role, _),) = ask(session, "work_as", {"role": "none"})
    yield
    ask(session, "work_as", {"role": role})


class Hidden:
    """Keys of tables that VITAL's roles may not read, and that lead to one table of a restore.

    What a key without ON DELETE refuses the server refuses, so that a row which is overlooked here is not lost.
    """

    def __init__(self, session: Session, table: Staged, readable: Iterable[str]) -> None:
        self.session, self.table = session, table
        known = set(readable)
        self.keys = [one for one in table.referring if one.child not in known]

    def leave_referred(self, numbers: list[int] | None = None) -> None:
        """Say of rows that are to be deleted, or of these of them, which table refers to them. In a transaction."""
        for key in self.keys:
            after, around = 0, self.table.parts
            parts = {name: around[name] for name in ("differences", "relation")}
            parts |= {"same_row": self.table.row_of_difference(), "value": sql.key_text("t", key.key)}
            while True:
                facts: dict[str, Any] = {
                    "after": after,
                    "rows": LOOKED_AT,
                    "numbers": None if numbers is None else list(numbers),
                }
                given = ask(self.session, "values_to_be_deleted", facts, may_be_led_to=leads_to(key, "t"), **parts)
                if not given:
                    break
                after = given[-1][0]
                for reason, which in self._said(key, given).items():
                    facts = {"numbers": which, "reason": reason}
                    ask(self.session, "leave_out", facts, differences=self.table.differences)

    def referred(self, keys: list[str]) -> set[str]:
        """Which of these rows are referred to, or may be. In a transaction."""
        found = set[str]()
        for key in self.keys:
            given = ask(
                self.session, "values_of_restored", {"keys": keys}, relation=sql.relation(self.table.relation),
                same_row=sql.key_equals("t", self.table.key, sql.column("given", "vital_key")),
                value=sql.key_text("t", key.key), may_be_led_to=leads_to(key, "t"),
            )  # fmt: skip
            found.update(one for which in self._said(key, given).values() for one in which)
        return found

    def _said(self, key: ForeignKey, given: Sequence[tuple[Any, ...]]) -> dict[str, list[Any]]:
        """Why rows cannot go → which. `given` are they, each with the value that is referred to."""
        counted = self._counted(key, list({value for _, value in given if value is not None}))
        said: dict[str, list[Any]] = {}
        for which, value in given:
            if counted is None:
                said.setdefault(_unknown(key), []).append(which)
            elif rows := counted.get(value):
                one, many = still_refers(key)
                said.setdefault(one if rows == 1 else f"{rows}{many}", []).append(which)
        return said

    def _counted(self, key: ForeignKey, values: list[str]) -> dict[str, int] | None:
        """Value → how many rows refer to it; None where nobody can tell and the server would not refuse."""
        with _as_login(self.session):
            if not ask(self.session, "rows_are_shown", {"relation": key.child})[0][0]:
                return {} if key.on_delete in REFUSING and not key.is_deferrable else None
            same = sql.key_equals("c", tuple(zip(key.own, key.kinds, strict=True)), sql.column("given", "value"))
            child = sql.relation(key.child)
            return dict(ask(self.session, "rows_that_refer", {"values": values}, child=child, same_value=same))


def still_refers(key: ForeignKey) -> tuple[str, str]:
    """What is said where one row refers, and where several do, after their number."""
    name = f" ({key.name})" if key.name else ""
    what = f"of {shown(key.child)} {{}} to it by {', '.join(key.own)}{name}"
    then = f"{what}: delete {{}} or let {{}} refer elsewhere, then restore again"
    return "1 row " + then.format("refers", "it", "it"), " rows " + then.format("refer", "them", "them")


def _unknown(key: ForeignKey) -> str:
    """What is said where rows may refer that would go or change with the row."""
    table = shown(key.child)
    return (
        f"{table} may refer to it by {', '.join(key.own)} ({key.name}, ON DELETE {key.on_delete}), and this login may"
        f" not see all rows of {table}: let it, then restore again"
    )
