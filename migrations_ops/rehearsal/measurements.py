"""What is looked at in the copy between its runs: content, sizes, who owns which rows, what each step cost."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from migrations_ops.engine.session import Session
from migrations_ops.rehearsal.sampling import QUERIES
from migrations_ops.rules.model import TENANT_COLUMN, Plan
from vital.db import sql

Content = dict[str, tuple[int, Decimal]]
Tenants = dict[str, dict[str | None, int]]


@dataclass(frozen=True)
class StepCost:
    """One step of a run: what it changed, how long it took, what was written and held meanwhile."""

    phase: str
    step: str
    relation: str
    rows: int
    seconds: float
    wal_bytes: int
    longest_lock: float


def content(copy: Session) -> Content:
    """Rows and fingerprint of every table, all columns."""
    copy.execute(QUERIES["never_filtered"])
    found: Content = {}
    for relation, _ in copy.execute(QUERIES["tables_of_the_platform"], {"left": []}):
        hashed = sql.row_hash("t", copy.columns(relation))
        statement = sql.compose(QUERIES["content_of_table"], hash=hashed, table=sql.relation(relation))
        rows, fingerprint = copy.execute(statement)[0]
        found[relation] = (rows, fingerprint)
    return found


def sizes(session: Session) -> dict[str, int]:
    """Bytes on disk of every table, indexes included; VITAL's own tables among them."""
    return {relation: int(size) for relation, size in session.execute(QUERIES["sizes_of_tables"])}


def tenants(copy: Session, plan: Plan) -> Tenants:
    """How many rows of each table every tenant has."""
    copy.execute(QUERIES["filtered_again"])
    found: Tenants = {}
    for spec in plan.tables:
        parts = {"tenant": sql.ident(TENANT_COLUMN), "table": sql.relation(spec.relation)}
        with copy.work():
            found[spec.relation] = dict(copy.execute(sql.compose(QUERIES["tenants_of_rows"], **parts)))
    return found


def steps(copy: Session) -> list[StepCost]:
    return [StepCost(*row) for row in copy.execute(QUERIES["steps_of_last_run"])]


def phases(copy: Session) -> dict[str, float]:
    """Phase → seconds, in the order in which they ran."""
    return {phase: seconds or 0.0 for phase, seconds in copy.execute(QUERIES["phases_of_last_run"])}


def findings(copy: Session) -> list[dict[str, str]]:
    """What the failed checks of the last run have found."""
    names = ("check", "table", "key", "message")
    return [dict(zip(names, row, strict=True)) for row in copy.execute(QUERIES["failed_findings"])]


Difference = dict[str, str]


def changed_content(before: Content, after: Content) -> Iterable[Difference]:
    """The tables whose rows an undo has not brought back."""
    for relation in sorted(before.keys() | after.keys()):
        if before.get(relation) == after.get(relation):
            continue
        if relation not in after or relation not in before:
            what = "is gone after the undo" if relation in before else "was not there before the run"
        elif before[relation][0] != after[relation][0]:
            what = f"had {before[relation][0]:,} rows before the run and {after[relation][0]:,} after the undo"
        else:
            what = "has the same number of rows after the undo, but not the same content"
        yield {"table": relation, "message": what}


def changed_schema(before: dict[str, str], after: dict[str, str]) -> Iterable[Difference]:
    """The things of the schema that an undo has not brought back, with the first line that differs."""
    for thing in sorted(before.keys() | after.keys()):
        was, now = before.get(thing), after.get(thing)
        if was == now:
            continue
        if was is None or now is None:
            what = "was not there before the run" if was is None else "is gone after the undo"
        else:
            what = (
                f"was before the run: {_first_difference(was, now)}; is after the undo: {_first_difference(now, was)}"
            )
        yield {"table": thing, "message": what}


def _first_difference(text: str, other: str) -> str:
    lines = set(other.split("\n"))
    return next((line.strip() for line in text.split("\n") if line not in lines), "the same lines in another order")


def changed_tenants(first: Tenants, second: Tenants) -> Iterable[Difference]:
    """Where the second run has put rows that the first one had put elsewhere."""
    for relation in sorted(first.keys() | second.keys()):
        one, two = first.get(relation, {}), second.get(relation, {})
        for tenant in sorted(one.keys() | two.keys(), key=str):
            rows, again = one.get(tenant, 0), two.get(tenant, 0)
            if rows != again:
                what = f"{rows:,} rows of {tenant or 'no tenant'} in the first run, {again:,} in the second"
                yield {"table": relation, "message": what}
