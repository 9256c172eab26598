"""Whom row level security binds from 006 on, and what PostgreSQL refuses to those: COPY … FROM."""

from collections.abc import Iterator

from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Check, Severity
from migrations_ops.phases.inventory import closed_of
from migrations_ops.phases.queries import query
from migrations_ops.phases.triggers import tables_of
from migrations_ops.rules.model import Plan
from vital.db import sql


def refused_loads(plan: Plan) -> Check:
    """Who loads with COPY … FROM today, and cannot any more once 006 is done."""
    parts = {"tables": sql.literal(tables_of(plan)), "force_owner": sql.literal(plan.force_owner)}
    loads = query("loads_that_will_be_refused", **parts)
    return Check("loads that row level security will refuse", loads, Severity.WARN)


def in_words(plan: Plan, session: Session) -> Iterator[str]:
    """A sentence for each owner of the plan's tables: whether it is bound, as the database has it."""
    for (sentence,) in session.execute(query("owners_in_words", tables=sql.literal(closed_of(plan)))):
        yield sentence
