"""What stands around a table and is not copied with it: grants, row level security, triggers."""

from collections.abc import Iterator
from typing import Any

from psycopg.sql import Composable

from migrations_ops.engine import sql
from migrations_ops.engine.session import Session
from migrations_ops.scaling.catalogue import ask
from migrations_ops.scaling.statements import At, Statement


def carried(session: Session, relation: str) -> Iterator[Statement]:
    """All of it once more, for the table that takes this name. In a transaction."""
    named = sql.literal(relation)
    for role, privileges, grantable in ask(session, "grants_to_carry", named=named):
        yield _grant(relation, role, privileges, grantable)
    for policy in ask(session, "policies_to_carry", named=named):
        yield _policy(relation, *policy)
    ((enabled, forced),) = ask(session, "security_to_carry", named=named)
    for switch, on in (("ENABLE", enabled), ("FORCE", forced)):
        if on:
            yield _of(f"ALTER TABLE {{relation}} {switch} ROW LEVEL SECURITY", relation)
    for before, after in ask(session, "triggers_to_carry", named=named):
        parts = {"before": sql.verbatim(before), "after": sql.verbatim(after)}
        yield _of("{before} ON {relation} {after}", relation, **parts)


def _grant(relation: str, role: str, privileges: list[str], grantable: bool) -> Statement:
    further = sql.raw(" WITH GRANT OPTION" if grantable else "")
    words = sql.raw(", ".join(privileges))
    return _of(
        "GRANT {words} ON {relation} TO {role}{further}", relation, words=words, role=_role(role), further=further
    )


def _policy(
    relation: str, name: str, permissive: bool, command: str, roles: list[str], using: str | None, check: str | None
) -> Statement:
    text = "CREATE POLICY {name} ON {relation} AS {kind} FOR {command} TO {roles}{using}{check}"
    parts: dict[str, Any] = {
        "name": sql.ident(name),
        "kind": sql.raw("PERMISSIVE" if permissive else "RESTRICTIVE"),
        "command": sql.raw(command),
        "roles": sql.join([_role(role) for role in roles]),
        "using": sql.verbatim(f" USING ({using})" if using else ""),
        "check": sql.verbatim(f" WITH CHECK ({check})" if check else ""),
    }
    return _of(text, relation, **parts)


def _role(name: str) -> Composable:
    """PUBLIC has no name of its own."""
    return sql.ident(name) if name else sql.raw("PUBLIC")


def _of(text: str, relation: str, **parts: Composable) -> Statement:
    def of(at: At) -> Composable:
        return sql.compose(text, relation=at(relation), **parts)

    return Statement(of)
