"""The rows that decisions are about, as they are in the database now."""

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg.sql import Composable

from migrations_ops.engine.session import Session
from migrations_ops.review.queries import QUERIES, ask, same_row
from migrations_ops.rules.model import TENANT_COLUMN, TableSpec
from vital.db import sql

Asked = tuple[int, str, str | None]  # a number, the key as somebody wrote it, the tenant that is wanted


@dataclass(frozen=True)
class Weighed:
    """One row. `key` is spelled as VITAL spells it; `standing` is (tenant, reason, by, at) of the decision so far;
    `again`: it was made in this very transaction; `taken`: the tenant has a row with the same unique key."""

    key: str
    tenant: str | None
    standing: tuple[str, str, str, str] | None
    again: bool
    taken: bool

    def says(self, tenant: str, reason: str) -> bool:
        """Whether this is what was decided already."""
        return self.standing is not None and self.standing[:2] == (tenant, reason)


def weigh(session: Session, spec: TableSpec, asked: Sequence[Asked], *, has_column: bool) -> dict[int, Weighed]:
    """The rows that are there, by the number they were asked with.

    A key that is none in the column's type is no row. The server does not say which one it was, so the half that holds
    it is asked again until it is alone.
    """
    try:
        with session.connection.transaction():
            return _weigh(session, spec, asked, has_column)
    except psycopg.DataError:
        if len(asked) == 1:
            return {}
        half = len(asked) // 2
        return weigh(session, spec, asked[:half], has_column=has_column) | weigh(
            session, spec, asked[half:], has_column=has_column
        )


def _weigh(session: Session, spec: TableSpec, asked: Sequence[Asked], has_column: bool) -> dict[int, Weighed]:
    lines, keys, tenants = (list(column) for column in zip(*asked, strict=True))
    tenant = sql.column("t", TENANT_COLUMN)
    rows = ask(
        session,
        "weigh",
        {"lines": lines, "keys": keys, "tenants": tenants, "relation": spec.relation},
        relation=sql.relation(spec.relation),
        key=sql.key_text("t", spec.table.key),
        now=tenant + sql.raw("::text") if has_column else sql.raw("NULL::text"),
        taken=_taken(spec) if has_column else sql.raw("false"),
        same_row=same_row(session, spec, sql.column("given", "vital_key")),
    )
    return {
        line: Weighed(key, now, (owner, reason, by, at) if owner else None, again, taken)
        for line, key, now, owner, reason, by, at, again, taken in rows
    }


def _taken(spec: TableSpec) -> Composable:
    """Whether a key that is unique in each tenant stands in the way."""
    questions = [
        sql.compose(
            QUERIES["key_is_taken"],
            relation=sql.relation(spec.relation),
            tenant=sql.ident(TENANT_COLUMN),
            theirs=sql.join(sql.column("other", name) for name in key),
            ours=sql.join(sql.column("t", name) for name in key),
            their_key=sql.key_text("other", spec.table.key),
            key=sql.key_text("t", spec.table.key),
        )
        for key in spec.rescope
    ]
    return sql.join(questions, " OR ") if questions else sql.raw("false")
