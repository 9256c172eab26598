"""Which tables without an owner every tenant may read: lists that tenants share, and nothing about people."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from psycopg.sql import Composable

from migrations_ops.engine.session import Session
from migrations_ops.rules.scaffold.foreign_key_paths import Ownership
from migrations_ops.rules.scaffold.introspection import LISTS_HAVE_AT_MOST, QUERIES, Catalogue, Table, is_a_list
from vital.db import sql
from vital.db.introspection import ForeignKey

ROWS_LOOKED_AT = 100_000  # of each table that refers to the list
OF_PEOPLE = re.compile(
    r"(^|_)(users?|accounts?|people|persons?|profiles?|staff|employees?|customers?|clients?|members?|contacts?|patients?"
    r"|identit(y|ies)|sessions?|logins?|credentials?|secrets?|tokens?|passwords?|(api_?)?keys)(_|$)",
    re.I,
)
SECRET = re.compile(
    r"pass_?(word|wd|phrase|code)|(^|_)(pwd|otp|totp|mfa|pin|cvv|salt|hash|digest|jwt|bearer|csrf)(_|$)|secret|token"
    r"|credential|encrypted|recovery|(api|private|access|signing|secret)_?key|session_?(id|key)",
    re.I,
)
PERSONAL = re.compile(
    r"e_?mail|phone|mobile_?(no|nr|number)|user_?name|(^|_)login|(first|last|full|sur|given|family)_?name|birth|(^|_)(iban|bic"
    r"|ssn|dob|passport|tax_?(id|no|number)|card_?(no|number)|ip_?address|street|postal_?code|zip_?code)(_|$)",
    re.I,
)


@dataclass(frozen=True)
class WithoutOwner:
    """Tables that lead nowhere and are referred to: `common` may be read by every tenant, `private` are about people or
    hold secrets, and `refused` are neither; with the reasons."""

    common: list[str]
    private: dict[str, str]
    refused: dict[str, str]


def chosen(session: Session, found: Catalogue, owned: Ownership) -> WithoutOwner:
    """What to do with the tables that those of the plan refer to, and which lead nowhere themselves.

    Only small tables that tables of the plan refer to can be lists. A wrong guess shows every tenant's rows to all, so
    that in doubt a table is left out.
    """
    referring, common, private, refused = list(owned.ways), list[str](), dict[str, str](), dict[str, str]()
    while referring:
        links: dict[str, list[ForeignKey]] = {}
        for reference in (reference for name in referring for reference in found.tables[name].references):
            known = [*owned.ways, *common, *private, *refused]
            if reference.parent in found.tables and reference.parent not in known:
                links.setdefault(reference.parent, []).append(reference)
        referring = []
        for relation in sorted(links):
            if why := _why_private(found.tables[relation]):
                private[relation] = why
            elif why := _why_not(session, owned, found.tables[relation], links[relation]):
                refused[relation] = why
            else:
                referring.append(relation)
        common += referring
    return WithoutOwner(common, private, refused)


def _why_private(table: Table) -> str:
    """What says that the table is about people or holds secrets; empty where nothing does."""
    if OF_PEOPLE.search(table.name):
        return "its name says that it is about people or secrets"
    columns = [column for column in table.columns if SECRET.search(column) or PERSONAL.search(column)]
    return f"its column {columns[0]} is not for everybody to read" if columns else ""


def _why_not(session: Session, owned: Ownership, table: Table, links: list[ForeignKey]) -> str:
    """What speaks against a list that everybody may read; empty where the catalogue and the rows speak for it."""
    if not is_a_list(session, table):
        return f"it has more than {LISTS_HAVE_AT_MOST:,} rows, so that it is not offered as common"
    if any(_refers_to_code(table, link) or _is_shared(session, owned, link) for link in links):
        return ""
    return "none of its rows is used by two tenants, so that it is not offered as common"


def _refers_to_code(table: Table, link: ForeignKey) -> bool:
    """Whether the reference says itself what it means, as a country's code does: rows of tenants do not."""
    return all(table.columns.get(column) == "text" for column in link.key)


def _is_shared(session: Session, owned: Ownership, link: ForeignKey) -> bool:
    """Whether a row is used by two tenants, or by two rows of another list."""
    question = sql.compose(
        QUERIES["is_used_by_several"],
        child=sql.relation(link.child),
        joins=sql.join(list(_joins(owned, link.child)), "\n"),
        reference=sql.join(sql.column("t0", column) for column in link.own),
        owner=_owner(owned, link.child),
        given=sql.join((sql.compose("{c} IS NOT NULL", c=sql.column("t", c)) for c in link.own), " AND "),
    )
    return bool(session.value(question, {"limit": ROWS_LOOKED_AT}))


def _joins(owned: Ownership, child: str) -> Iterator[Composable]:
    """The way to the row that names its owner; the last step names it, and needs no join."""
    if child in owned.ways:
        for number, edge in enumerate(owned.path(child)[:-1], start=1):
            yield sql.compose(
                QUERIES["joined_owner"],
                parent=sql.relation(edge.parent),
                alias=sql.ident(f"t{number}"),
                key=_row(f"t{number}", edge.key),
                own=_row(f"t{number - 1}", edge.columns),
            )


def _owner(owned: Ownership, child: str) -> Composable:
    """What tells the owners of two rows apart; rows of the root and of lists are owners themselves."""
    path = owned.path(child) if child in owned.ways else []
    return _row(f"t{len(path) - 1}", path[-1].columns) if path else sql.raw("t0.vital_row_place")


def _row(alias: str, columns: tuple[str, ...]) -> Composable:
    return sql.compose("({columns})", columns=sql.join(sql.column(alias, column) for column in columns))
