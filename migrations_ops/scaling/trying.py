"""The statements carried out on empty copies, in a transaction that is taken back: do they hold together?"""

from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg.sql import Composable

from migrations_ops.engine import sql
from migrations_ops.engine.session import Session
from migrations_ops.scaling.catalogue import Catalogue, ask
from migrations_ops.scaling.statements import At, Statement, add_key, add_reference

FOLDER = "vital_scale_trial"


def trial(session: Session, found: Catalogue, statements: list[Statement]) -> dict[str, Any]:
    """`tried` and `not_tried` statements, and in `failed` the first that does not hold, with the server's word.

    What is `untried` is counted. As the owner of the tables, who may make a schema.
    """
    at = _at(found.tables)
    plain = [one for one in statements if not one.untried]
    document: dict[str, Any] = {"tried": 0, "not_tried": len(statements) - len(plain), "failed": None}
    with session.work(as_operator=False):
        try:
            _copies(session, found, at)
        except psycopg.errors.InsufficientPrivilege as error:
            failed = {"statement": "empty copies of the tables", "why": error.diag.message_primary}
            document |= {"not_tried": len(statements), "failed": failed}
            raise psycopg.Rollback from error
        for one in plain:
            try:
                session.execute(one.of(at))
            except psycopg.Error as error:
                document["failed"] = {"statement": one.text(), "why": error.diag.message_primary}
                break
            document["tried"] += 1
        raise psycopg.Rollback
    return document


def _copies(session: Session, found: Catalogue, at: At) -> None:
    for schema in _schemas(found.tables):
        ask(session, "make_copies_folder", folder=sql.ident(_folder(schema)))
    for table in found.tables.values():
        ask(session, "empty_copy", copy=at(table.relation), relation=sql.relation(table.relation))
        for key in table.keys:
            session.execute(add_key(key, key.definition).of(at))
    for one in found.references:
        if {one.child, one.parent} <= found.tables.keys():
            session.execute(add_reference(one, with_tenant=False).of(at))


def _folder(schema: str) -> str:
    return sql.fitting(f"{FOLDER}_{schema}")


def _schemas(relations: Iterable[str]) -> list[str]:
    return sorted({sql.names(relation)[0] for relation in relations})


def _at(relations: Iterable[str]) -> At:
    """Tables of the schemas that are copied are the copies; others, to which they may refer, are themselves."""
    copied = _schemas(relations)

    def at(relation: str) -> Composable:
        schema, name = sql.names(relation)
        return sql.ident(_folder(schema) if schema in copied else schema, name)

    return at
