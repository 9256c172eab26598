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
        held = query("grants_before", held_by_roles=self.now)
        self.before = query("grants_before_in_order", before=held, items=self._items)
        self.by_others = query("grants_of_others", held_by_roles=self.now, statement=sql.literal(statement))

    def as_before(self, saved_state: SavedState) -> tuple[Composable, ...]:
        """In the order in which everybody's grants stood, too: whoever has lost all of its own gets them back at the
        end."""
        held, order = (sql.literal(json.dumps(saved_state.get(part, []))) for part in ("held", "order"))
        return (
            query("grants_as_before", held_by_roles=self.now, before=held, roles=self._roles),
            query("grants_in_order", items=self._items, before=order),
        )
