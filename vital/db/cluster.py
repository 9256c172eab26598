"""What the server is: one PostgreSQL, or a cluster of Citus, whose tables lie on several. Everybody else asks here."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psycopg.sql import Composable

from vital.db import sql

QUERIES = sql.load(Path(__file__).parent / "sql")
REFERENCE, DISTRIBUTED = "reference", "distributed"
IS_CLUSTER = QUERIES["is_cluster"]
# What SET LOCAL says goes to the workers; rows are written through the coordinator alone, so nobody needs rights on
# a table that is only referred to; triggers may be made on tables that are placed; and shards are changed one after the
# other, or Citus refuses what else changes in the same transaction. Questions may join tables by other columns than the
# tenant.
SESSION_SETTINGS = {
    "citus.propagate_set_commands": "local",
    "citus.allow_modifications_from_workers_to_replicated_tables": "off",
    "citus.enable_unsafe_triggers": "on",
    "citus.multi_shard_modify_mode": "sequential",
    "citus.enable_repartition_joins": "on",
}

Ask = Callable[[Composable], list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Form:
    """`placement`: table → REFERENCE (a copy on each node) or DISTRIBUTED (each tenant's rows on one node); the rows of
    the others lie on the coordinator alone."""

    is_cluster: bool = False
    placement: Mapping[str, str] = field(default_factory=dict)

    def is_placed(self, relation: str) -> bool:
        return relation in self.placement


PLAIN = Form()


def form_of(ask: Ask, relations: Collection[str] = ()) -> Form:
    """What this server is, and where the rows of these tables lie."""
    if not ask(sql.raw(IS_CLUSTER))[0][0]:
        return PLAIN
    tables = sql.literal(list(relations))
    return Form(True, dict(ask(sql.compose(QUERIES["placed_tables"], tables=tables))))
