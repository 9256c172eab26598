"""Roles of others that reach tables past isolation: a service puts them on for each request, as PostgREST does."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from psycopg.sql import Composable

from tenants.inventory import BoundRole
from tenants.isolation.queries import query
from vital.db import sql

Ask = Callable[[Composable], list[tuple[Any, ...]]]
NAMED = 3  # tables


@dataclass(frozen=True)
class Unbound:
    """A role, the tables that it reaches, and whether it may change rows of some."""

    role: str
    tables: tuple[str, ...]
    writes: bool

    @property
    def seen(self) -> str:
        """What it does, as a part of a sentence."""
        more = len(self.tables) - NAMED
        tables = ", ".join(sql.shown(name) for name in self.tables[:NAMED]) + (f" and {more} more" if more > 0 else "")
        return f"{self.role} {'reads and writes' if self.writes else 'reads'} {tables}"

    @property
    def fix(self) -> str:
        """What to write into the plan."""
        return f'Bind it: [[bind]] role = "{self.role}". Or accept it: [[unbound]] role = "{self.role}", with a reason.'

    def document(self) -> dict[str, Any]:
        return {**asdict(self), "tables": list(self.tables), "seen": self.seen, "fix": self.fix}


def reaching(ask: Ask, tables: Sequence[str], bound: Iterable[BoundRole], accepted: Sequence[str]) -> list[Unbound]:
    """Those that reach some of these tables, are not bound there and not accepted. Only reads the catalogue."""
    pairs = [(one.role, relation) for one in bound for relation in one.tables]
    parts = {
        "tables": sql.literal(list(tables)),
        "roles": sql.literal([role for role, _ in pairs]),
        "relations": sql.literal([relation for _, relation in pairs]),
        "accepted": sql.literal(list(accepted)),
    }
    return [Unbound(role, tuple(names), writes) for role, names, writes in ask(query("unbound_roles", **parts))]
