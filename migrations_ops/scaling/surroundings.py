"""What stands around a table and is not copied with it: grants, row level security, triggers, numbers, readers."""

from collections.abc import Iterator
from dataclasses import replace

from psycopg.sql import Composable

from migrations_ops.engine import sql
from migrations_ops.engine.session import Session
from migrations_ops.phases.queries import schemas_of
from migrations_ops.reading import shown
from migrations_ops.scaling.catalogue import QUERIES, Catalogue, ask
from migrations_ops.scaling.statements import At, Statement, named, statement


def carried(session: Session, relation: str) -> Iterator[Statement]:
    """All of it once more, for the table that takes this name. In a transaction."""
    table = sql.literal(relation)
    for role, privileges, grantable in ask(session, "grants_to_carry", named=table):
        further = sql.raw(QUERIES["to_pass_on"] if grantable else "")
        words = sql.verbatim(", ".join(privileges))
        yield statement("grant_again", relation, privileges=words, role=_role(role), further=further)
    for policy in ask(session, "policies_to_carry", named=table):
        yield _policy(relation, *policy)
    ((enabled, forced),) = ask(session, "security_to_carry", named=table)
    if enabled:
        yield statement("switch_policies_on", relation)
    if forced:
        yield statement("switch_policies_on_for_the_owner", relation)
    for before, after, name, state in ask(session, "triggers_to_carry", named=table):
        yield statement("make_trigger_again", relation, before=sql.verbatim(before), after=sql.verbatim(after))
        if state:
            yield statement("set_a_trigger", relation, state=sql.raw(state), trigger=sql.ident(name))


def numbers(session: Session, relation: str) -> Iterator[Statement]:
    """The table that takes this name goes on counting where the one of before has stopped. In a transaction."""
    for column, sequence, is_identity in ask(session, "sequences_to_carry", named=sql.literal(relation)):
        if is_identity:
            yield _goes_on(relation, column, sequence)
        else:
            own = statement("own_a_sequence", relation, sequence=sql.relation(sequence), column=sql.ident(column))
            yield replace(own, untried=True)


def _goes_on(relation: str, column: str, sequence: str) -> Statement:
    def of(at: At) -> Composable:
        parts = {"relation_name": named(at, relation), "column_name": sql.literal(column)}
        return sql.compose(QUERIES["go_on_counting"], sequence=sql.relation(sequence), **parts)

    return Statement(of)


def readers(session: Session, relation: str, found: Catalogue) -> Iterator[Statement]:
    """The views that read the table, once more, so that they read the one that takes its name. In a transaction."""
    parts = {"named": sql.literal(relation), "schemas": sql.literal(list(schemas_of(found.tables)))}
    for view, options, definition in ask(session, "views_to_carry", **parts):
        said = sql.compose(QUERIES["view_options"], options=sql.verbatim(options)) if options else sql.raw("")
        yield statement("read_the_new_table", view, options=said, definition=sql.verbatim(definition))


def bound(session: Session, relation: str, found: Catalogue) -> Iterator[str]:
    """What would stay with the table of before, and has to be made anew by hand. In a transaction."""
    parts = {"named": sql.literal(relation), "schemas": sql.literal(list(schemas_of(found.tables)))}
    for (what,) in ask(session, "bound_to_table", **parts):
        yield (
            f"{what} is bound to {shown(relation)} itself, and would stay with the table of before, silently: make it"
            " anew in the same transaction."
        )


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
