"""What roles hold of an object, so that an undo gives back exactly that."""

import json
from collections.abc import Sequence

from psycopg.sql import Composable

from migrations_ops.engine.steps import SavedState
from migrations_ops.phases.queries import query
from vital.db import sql
from vital.db.roles import ROLES


class Held:
    """What the roles, VITAL's two or others, hold of an object: noted before a statement changes it, and given back by
    its undo."""

    def __init__(self, statement: str, objects: Composable, roles: Sequence[str] = ROLES) -> None:
        named = sql.literal(list(roles))
        self._roles, self._items = named, query("items_of_grants", held=objects)
        self.now = query("held_by_roles", held=objects, roles=named)
        self.before = query("grants_before", held_by_roles=self.now)
        self.by_others = query("grants_of_others", held_by_roles=self.now, statement=sql.literal(statement))

    def with_order(self) -> Composable:
        """The same as `before`, with the order in which everybody's grants stand: whoever loses all of its own would
        get them back at the end."""
        return query("grants_before_in_order", before=self.before, items=self._items)

    def in_order_again(self, saved_state: SavedState) -> tuple[Composable, ...]:
        """What comes after `as_before`."""
        return (
            query("grants_in_order", items=self._items, before=sql.literal(json.dumps(saved_state.get("order", [])))),
        )

    def as_before(self, saved_state: SavedState) -> tuple[Composable, ...]:
        before = sql.literal(json.dumps(saved_state.get("held", [])))
        return (query("grants_as_before", held_by_roles=self.now, before=before, roles=self._roles),)
