"""Event triggers that forbid what VITAL has to do: it is tried on a table of its own, in a transaction that is taken
back."""

from collections.abc import Iterator

import psycopg
from psycopg.sql import Composable

from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Check, Severity
from migrations_ops.phases.queries import query
from migrations_ops.rules.model import TENANT_COLUMN
from vital.db import sql
from vital.errors import Problem

NAME = "vital_try_of_000"
# One of each kind of statement, by the kind's name; in this order, as each needs those before.
STATEMENTS = (
    *("try_create_table", "try_alter_table", "try_create_index", "try_create_function", "try_create_trigger"),
    *("try_create_policy", "try_grant", "try_comment", "try_drop_policy", "try_drop_trigger", "try_drop_function"),
    *("try_drop_index", "try_drop_table"),
)
MISSING = (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedObject, psycopg.errors.UndefinedFunction)
Found = list[
    tuple[str, list[str], bool, str]
]  # name, kinds of statement, whether it raises an error, how to turn it off


def checks(schemas: list[str]) -> Iterator[Check]:
    """What is refused, and what may be refused by the name of a table, which nobody but the trigger knows."""

    def refused(session: Session) -> Iterator[Problem]:
        if found := _event_triggers(session):
            for schema in schemas:
                yield from _refused(session, schema, found)

    def raising(session: Session) -> Iterator[Problem]:
        for name, tags, raises, off in _event_triggers(session):
            wanted = [_tag(statement) for statement in STATEMENTS if _tag(statement) in tags or not tags]
            if raises and wanted:
                what = f"the event trigger {name} fires for {', '.join(wanted)} and may refuse it"
                yield Problem("", "", f"{what}: a run stops there, and continues once it is off. {_remedy([off])}")

    yield Check("event triggers that forbid a change of the schema", refused)
    yield Check("event triggers that may refuse a change of the schema", raising, Severity.WARN)


def _event_triggers(session: Session) -> Found:
    return [(name, tags, raises, off) for name, tags, raises, off in session.execute(query("event_triggers"))]


def _refused(session: Session, schema: str, found: Found) -> Iterator[Problem]:
    """One of each kind of statement in this schema, all taken back."""
    parts: dict[str, Composable] = {
        "table": sql.ident(schema, NAME),
        "function": sql.ident(schema, NAME),
        "index": sql.ident(schema, f"{NAME}_idx"),
        "name": sql.ident(f"{NAME}_idx"),
        "tenant": sql.ident(TENANT_COLUMN),
    }
    said: list[Problem] = []
    with session.work(as_operator=False):
        for statement in STATEMENTS:
            try:
                with session.connection.transaction():
                    session.execute(query(statement, **parts))
            except (psycopg.errors.ReadOnlySqlTransaction, psycopg.errors.InvalidSchemaName):
                break  # whoever only looks may not try, and before VITAL's first command it has no schema
            except MISSING:
                continue  # what it needs was refused before
            except psycopg.Error as error:
                tag = _tag(statement)
                firing = [off for _, tags, _, off in found if tag in tags or not tags]
                what = f"{tag} is refused in the schema {schema}: {error.diag.message_primary}"
                said.append(Problem("", "", f"{what}. {_remedy(firing)}"))
        raise psycopg.Rollback
    yield from said


def _tag(statement: str) -> str:
    """The kind of a statement as event triggers know it."""
    return statement.removeprefix("try_").replace("_", " ").upper()


def _remedy(off: list[str]) -> str:
    """What to do, by whom."""
    if not off:
        return "See what forbids it"
    return f"As a superuser, for the time of the run: {'; '.join(off)}; and ENABLE afterwards"
