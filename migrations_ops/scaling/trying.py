"""The statements carried out on empty copies, in a transaction that is taken back: do they hold together?"""

from typing import Any

import psycopg
from psycopg.sql import Composable

from migrations_ops.engine import sql
from migrations_ops.engine.session import Session
from migrations_ops.scaling.catalogue import Catalogue, ask
from migrations_ops.scaling.statements import Statement, add_key, add_reference

FOLDER = "vital_scale_trial"


def trial(session: Session, found: Catalogue, statements: list[Statement]) -> dict[str, Any]:
    """`tried` and `not_tried` statements, and in `failed` the first that does not hold, with the server's word.

    What only Citus knows is not tried. As the owner of the tables, who may make a schema.
    """
    plain = [one for one in statements if not one.only_citus]
    document: dict[str, Any] = {"tried": 0, "not_tried": len(statements) - len(plain), "failed": None}
    with session.work(as_operator=False):
        try:
            _copies(session, found)
        except psycopg.errors.InsufficientPrivilege as error:
            failed = {"statement": "empty copies of the tables", "why": error.diag.message_primary}
            document |= {"not_tried": len(statements), "failed": failed}
            raise psycopg.Rollback from error
        for one in plain:
            try:
                session.execute(one.of(_in_folder))
            except psycopg.Error as error:
                document["failed"] = {"statement": one.text(), "why": error.diag.message_primary}
                break
            document["tried"] += 1
        raise psycopg.Rollback
    return document


def _copies(session: Session, found: Catalogue) -> None:
    for schema in sorted({sql.names(relation)[0] for relation in found.tables}):
        ask(session, "make_copies_folder", folder=sql.ident(_folder(schema)))
    for table in found.tables.values():
        ask(session, "empty_copy", copy=_in_folder(table.relation), relation=sql.relation(table.relation))
        for key in table.keys:
            session.execute(add_key(key, key.definition).of(_in_folder))
    for one in found.references:
        if {one.child, one.parent} <= found.tables.keys():
            session.execute(add_reference(one, with_tenant=False).of(_in_folder))


def _folder(schema: str) -> str:
    return sql.fitting(f"{FOLDER}_{schema}")


def _in_folder(relation: str) -> Composable:
    schema, name = sql.names(relation)
    return sql.ident(_folder(schema), name)
