"""The door to rules: a starting plan, and rules that are proposed. Only reads."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from migrations_ops.engine.session import Session
from migrations_ops.rules.current import current_plan, name_plan, named_plan
from migrations_ops.rules.plan_tables import named
from migrations_ops.rules.reader import PlanError
from vital.db.own_schema import opened
from vital.db.timeout import statement_deadline

if TYPE_CHECKING:
    from migrations_ops.rules.scaffold.template import Draft

__all__ = ["Draft", "PlanError", "init_plan", "name_plan", "named_plan", "suggest"]


def init_plan(schemas: Sequence[str], root: str) -> "Draft":
    """A starting plan for a database that has none; see `template.draft`. Only reads."""
    from migrations_ops.rules.scaffold import template

    with opened(Session, read_only=True) as session:
        return template.draft(session, schemas, root)


def suggest(table: str, rule: str, patience: float | None = None) -> dict[str, Any]:
    """Rules proposed for rows that none, or only the fall-back rule, decides; see `suggest.suggest`. Only reads.

    Raises TookTooLong after `patience` seconds, where they are given.
    """
    from migrations_ops.rules.suggest import suggest as suggestions

    with opened(Session, read_only=True) as session, statement_deadline(session, patience):
        plan = current_plan(session)
        asked = named(plan, table).relation if table else ""
        return suggestions.suggest(session, plan, asked, rule)
