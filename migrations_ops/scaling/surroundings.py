"""What stands around a table and is not copied with it: grants, row level security, triggers."""

from collections.abc import Iterator

from psycopg.sql import Composable

from migrations_ops.engine import sql
from migrations_ops.engine.session import Session
from migrations_ops.scaling.catalogue import QUERIES, ask
from migrations_ops.scaling.statements import Statement, statement


def carried(session: Session, relation: str) -> Iterator[Statement]:
    """All of it once more, for the table that takes this name. In a transaction."""
    named = sql.literal(relation)
    for role, privileges, grantable in ask(session, "grants_to_carry", named=named):
        further = sql.raw(QUERIES["to_pass_on"] if grantable else "")
        words = sql.raw(", ".join(privileges))
        yield statement("grant_again", relation, privileges=words, role=_role(role), further=further)
    for policy in ask(session, "policies_to_carry", named=named):
        yield _policy(relation, *policy)
    ((enabled, forced),) = ask(session, "security_to_carry", named=named)
    if enabled:
        yield statement("switch_policies_on", relation)
    if forced:
        yield statement("switch_policies_on_for_the_owner", relation)
    for before, after in ask(session, "triggers_to_carry", named=named):
        yield statement("make_trigger_again", relation, before=sql.verbatim(before), after=sql.verbatim(after))


def _policy(
    relation: str, name: str, permissive: bool, command: str, roles: list[str], using: str | None, check: str | None
) -> Statement:
    return statement(
        "make_policy_again",
        relation,
        policy=sql.ident(name),
        kind=sql.raw("PERMISSIVE" if permissive else "RESTRICTIVE"),
        command=sql.raw(command),
        roles=sql.join([_role(role) for role in roles]),
        using=_part("policy_shows", using),
        check=_part("policy_takes", check),
    )


def _part(name: str, expression: str | None) -> Composable:
    return sql.compose(QUERIES[name], expression=sql.verbatim(expression)) if expression else sql.raw("")


def _role(name: str) -> Composable:
    """PUBLIC has no name of its own."""
    return sql.ident(name) if name else sql.raw("PUBLIC")
