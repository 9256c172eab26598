"""Rows of the platform's tables and the rules that put them where they are."""

from functools import partial
from typing import NamedTuple

from migrations_ops.review.queries import QUERIES
from migrations_ops.rules.model import TENANT_COLUMN
from vital.db import django_rows, sql
from vital.errors import EngineError

ask = partial(django_rows.ask, QUERIES)
NEWEST = 2**63 - 1  # beyond every entry of the ledger
MOST_READS = 20  # for one page of a rule's rows


class InLedger(NamedTuple):
    """A row's place in the ledger: its entry, and its number among the entry's keys."""

    entry: int
    number: int
    key: str = ""


class Decided(NamedTuple):
    """The rule that decided about a row, the run it was in (None: on write), and the ledger's entry."""

    rule: str
    run: int | None
    entry: int


def has_tenants(relation: str) -> bool:
    """Whether the table has its tenant column, which 001 adds and its undo takes away."""
    return bool(ask("table_has_column", {"relation": relation, "column": TENANT_COLUMN})[0][0])


def require_tenants(relation: str) -> None:
    """Raise NoTenantsYet where no row of the table can have a tenant."""
    if not has_tenants(relation):
        raise NoTenantsYet(table=sql.shown(relation))


class NoTenantsYet(EngineError):
    """{table} has no column tenant_id in this database, so none of its rows has a tenant. 001_schema_fixes adds it
    where the plan has this table: run ./manage.py migrate_tenants first."""


def last_rules(relation: str, keys: list[str]) -> dict[str, Decided]:
    """What put each of these rows where it is, as far as the ledger knows it.

    Nothing while the ledger has no index by row: every entry would have to be unpacked.
    """
    if not keys or not _is_indexed():
        return {}
    return {key: Decided(*facts) for key, *facts in ask("last_rules", {"relation": relation, "keys": keys})}


def rules_at_work(relation: str) -> list[tuple[str, int]]:
    """The rules that rows of the table were decided by, with how many each; none while rows cannot be asked about."""
    return [(rule, rows) for rule, rows in ask("rules_at_work", {"relation": relation})] if _is_indexed() else []


def rows_of_rule(relation: str, rule: str, place: InLedger | None, rows: int, *, back: bool = False) -> list[InLedger]:
    """The rows beyond a place that this rule was the last to decide about, the newest first; with `back` those before
    it, the nearest first. Fewer than asked for where very many are decided otherwise by now."""
    place, found = place or InLedger(NEWEST, 0), list[InLedger]()
    for _ in range(MOST_READS):
        read = _decided_by(relation, rule, place, rows, back)
        last = last_rules(relation, [row.key for row in read])
        found += [row for row in read if row.key in last and last[row.key].entry == row.entry]
        if len(read) < rows or len(found) >= rows:
            break
        place = read[-1]
    return found[:rows]


def _decided_by(relation: str, rule: str, place: InLedger, rows: int, back: bool) -> list[InLedger]:
    facts = {"relation": relation, "rule": rule, "entry": place.entry, "number": place.number, "rows": rows}
    beyond = sql.raw(QUERIES["newer_in_ledger" if back else "older_in_ledger"])
    return [InLedger(*row) for row in ask("rows_of_rule", facts, beyond=beyond)]


def _is_indexed() -> bool:
    return bool(ask("is_indexed_by_row")[0][0])
