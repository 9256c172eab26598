"""What was proposed is built, measured, and kept where it helps."""

from collections.abc import Iterator, Sequence

import psycopg

from migrations_ops.engine.session import Session
from migrations_ops.vectors import changes
from migrations_ops.vectors.measure import Asking, Measured, Say, Tenant, recall_of
from migrations_ops.vectors.proposals import PARTIAL, SIZE, Proposal
from vital.db import sql
from vital.db.sql import shown
from vital.errors import EngineError

LOSS = 0.02  # of recall, which a sample of questions may show by chance
NAMED_ONLY = (
    "kept: it answers statements that name the tenant as a constant (WHERE tenant_id = '{id}'), with recall"
    " {recall:.3f} in {ms:.1f} ms. It does not answer others: policies compare with a setting,"
    " which proves nothing to the planner"
)


class UnknownTenants(EngineError):
    """No tenant with vectors that were measured is called {names}. --partial takes its name or its id, as the report of
    ./manage.py migrate_tenants vectors has them."""

    exit_code = 2


def refuse_unknown(results: Sequence[Measured], names: Sequence[str]) -> None:
    """Raises UnknownTenants."""
    unknown = [name for name in names if not any(_is(one.tenant, name) for two in results for one in two.recalls)]
    if unknown:
        raise UnknownTenants(names=", ".join(unknown))


def _is(tenant: Tenant, name: str) -> bool:
    return name.casefold() in (tenant.id, tenant.name.casefold())


def apply(session: Session, proposal: Proposal, say: Say) -> None:
    """What this login may not do is left to one that may."""
    for statement in proposal.statements:
        try:
            changes.apply(session, statement, say)
        except psycopg.errors.InsufficientPrivilege as error:
            proposal.refused.append(f"{statement.name}: {error.diag.message_primary}")
    proposal.outcome = "refused" if proposal.refused else "built"


def judged(
    session: Session, offered: Sequence[Proposal], before: Sequence[Measured], after: Sequence[Measured], say: Say
) -> bool:
    """Withdraw what has not changed how a tenant is answered, or took from one; returns whether anything was."""
    withdrawn = False
    for one in offered:
        if one.kind == SIZE and one.outcome == "built":
            useless = _useless(one.about, before, after)
            one.outcome = f"withdrawn: {useless}" if useless else "kept"
            if useless:
                for statement in reversed(one.statements):
                    changes.withdraw(session, statement, say)
                withdrawn = True
        elif one.outcome == "built":
            one.outcome = "kept"
    return withdrawn


def _useless(table: str, before: Sequence[Measured], after: Sequence[Measured]) -> str:
    """Why the policy is of no use for this table; empty where it is of some."""
    was = {(two.index.full_name, one.tenant.id): one for two in before for one in two.recalls}
    now = {
        (two.index.full_name, one.tenant.id): one
        for two in after
        if shown(two.index.relation) == table
        for one in two.recalls
    }
    for key, one in now.items():
        if key in was and not was[key].failed and (one.failed or one.recall < was[key].recall - LOSS):
            return f"{one.tenant.name} was given less than before"
    if not any(one.plan == "exact" and was[key].plan != "exact" for key, one in now.items() if key in was):
        return "no tenant is answered in another way"
    return ""


def partial(
    session: Session, results: Sequence[Measured], names: Sequence[str], wanted: float, asking: Asking, say: Say
) -> Iterator[Proposal]:
    """An index of the tenant's own for each index that it has vectors in, kept where something is answered by it."""
    for result in results:
        for tenant in (one.tenant for one in result.recalls if any(_is(one.tenant, name) for name in names)):
            yield _tried(session, result, tenant, wanted, asking, say)


def _tried(session: Session, result: Measured, tenant: Tenant, wanted: float, asking: Asking, say: Say) -> Proposal:
    index = result.index
    statement = changes.for_tenant(index, changes.body_of(session, index), tenant)
    name = sql.names(index.full_name)[1]
    say(f"{name}: builds an index of {tenant.name}'s {tenant.rows:,} vectors")
    one = Proposal(PARTIAL, f"{shown(index.relation)}, {tenant.name}", "an index of its own vectors", [statement])
    changes.apply(session, statement, say)
    plainly = recall_of(session, index, tenant, asking)
    naming = recall_of(session, index, tenant, asking, named=True)
    if plainly.plan not in ("exact", index.name, "") and plainly.recall >= wanted:
        one.tried, one.outcome = plainly.recall, "kept"
    elif naming.plan not in ("exact", index.name, "") and naming.recall >= wanted:
        one.tried = naming.recall
        one.outcome = NAMED_ONLY.format(id=tenant.id, recall=naming.recall, ms=naming.ms)
    else:
        changes.withdraw(session, statement, say)
        one.outcome = "withdrawn: no statement is answered by it"
    return one
