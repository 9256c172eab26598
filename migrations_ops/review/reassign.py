"""Rows that change hands by a rule: a file says which, decisions of a person carry it out, and back it goes too."""

import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from migrations_ops.engine.session import Session
from migrations_ops.phases.inventory import inventory_of
from migrations_ops.review import apply
from migrations_ops.review.decide import Decision, record
from migrations_ops.review.queries import ask
from migrations_ops.review.withdraw import withdraw_all
from migrations_ops.rules import comparisons
from migrations_ops.rules.conditions import condition
from migrations_ops.rules.dry_compile import REFUSALS
from migrations_ops.rules.model import TENANT_COLUMN, Condition, Plan, TableSpec
from migrations_ops.rules.plan_tables import by_name
from migrations_ops.rules.reader import Given, Place, PlanError
from migrations_ops.rules.toml_positions import position
from tenants import audit
from tenants.lifecycle.registry import Record, records
from vital.db import sql
from vital.db.sql import shown
from vital.errors import EngineError, require_reason

MOVED = "move rows"


class NoSuchMove(EngineError):
    """There is no move {number} whose rows are still where it put them. Nothing was changed."""

    exit_code = 2


@dataclass(frozen=True)
class Move:
    """Rows of a table that are to be another tenant's: those of `giver`, or of whomever, that the condition matches."""

    spec: TableSpec
    when: Condition
    to: Record
    giver: Record | None
    at: Place


def read(session: Session, plan: Plan, file: Path) -> list[Move]:
    """The moves of this file, in its order. Raises PlanError with the place, also where the server refuses one."""
    try:
        text = file.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PlanError(f"The file {file} cannot be read: {error}.") from error
    known = {name: tenant for tenant in records(session, inventory_of(plan)) for name in (tenant.slug, tenant.id)}
    try:
        given = Given(data, "the file", ("move",))
        moves = [_move(session, plan, known, item, given.at("move", n), n) for n, item in given.tables("move")]
        if not moves:
            raise given.wrong("there is nothing to move: write [[move]] for each table and condition.")
        for move in moves:
            _try(session, move)
        return moves
    except PlanError as error:
        line, column = position(text, error.place)
        raise PlanError(f"The file {file}, line {line}, column {column}, does not hold: {error}") from error


def _move(session: Session, plan: Plan, known: dict[str, Record], item: object, place: Place, number: int) -> Move:
    given = Given(item, f"move {number}", ("table", "when", "to", "from"), place)
    spec = by_name(plan)[given.one_of("table", by_name(plan), "must be a table of the plan")]
    columns = {column.name: column.kind for column in session.columns(spec.relation) if column.name != TENANT_COLUMN}
    when = condition(given.need("when"), f"{given.where}, when", columns, (*place, "when"))
    if any(leaf.kind == "sql" for leaf in when.leaves()):
        raise given.wrong("an SQL expression is for rules, which are asked again; name columns and values.", "when")
    to = known[given.one_of("to", known, "must be a tenant")]
    return Move(spec, when, to, known[given.one_of("from", known)] if "from" in given else None, place)


def _rows(session: Session, move: Move) -> list[tuple[str]]:
    return ask(
        session,
        "rows_to_move",
        {"to": move.to.id, "from": move.giver.id if move.giver else None},
        relation=sql.relation(move.spec.relation),
        tenant=sql.ident(TENANT_COLUMN),
        key=sql.key_text("batch", move.spec.table.key),
        matches=comparisons.condition("batch", move.when),
    )


def _try(session: Session, move: Move) -> None:
    """What the server cannot carry out is said with its place, before anything is written."""
    try:
        with session.work():
            _rows(session, move)
    except REFUSALS as error:
        raise PlanError(f"{error.diag.message_primary}.", (*move.at, "when")) from error


def carry(
    session: Session, plan: Plan, file: Path, who: str, reason: str, waiting: Callable[[str], None], *, seen: str,
    dry_run: bool,
) -> dict[str, Any]:  # fmt: skip
    """Decide that these rows are the others', and carry it out; or only say what it comes to.

    `seen` is the token of what was shown: rows that have come or gone since are not moved unseen. Raises PlanError,
    ReasonRequired, DecidedMeanwhile, NotToDecide.
    """
    reason = require_reason(reason, "Moving rows")
    moves = read(session, plan, file)

    def source() -> Iterator[Decision]:
        for move in moves:
            for (key,) in _rows(session, move):
                yield Decision(0, shown(move.spec.relation), key, move.to.slug, reason)

    recorded = record(session, plan, source, who, seen=seen, dry_run=dry_run, waiting=waiting)
    document = recorded.document()
    if dry_run or not recorded.new:
        return document
    with session.work():
        facts = {"moment": recorded.moment.isoformat(), "moves": document["moves"]}
        audit.note(session, who, MOVED, reason, facts)
        document["number"] = ask(session, "last_move", {"action": MOVED})[0][0]
    return document | apply.decided(session, plan, recorded.relations(), recorded.moment, who, waiting)


def take_back(
    session: Session, plan: Plan, number: int, who: str, reason: str, waiting: Callable[[str], None]
) -> dict[str, Any]:
    """The rows of a move go back to whom they were, batch by batch: killed, it goes on when it is called again.

    A row that somebody has decided about since stays. Raises ReasonRequired, NoSuchMove, and what `withdraw_all` does.
    """
    reason = require_reason(reason, "Moving rows")
    with session.work():
        rows = ask(session, "rows_of_move", {"number": number, "action": MOVED})
    if not rows:
        raise NoSuchMove(number=number)
    moved = 0
    for relation, of_table in groupby(rows, key=itemgetter(0)):
        moved += withdraw_all(session, plan, relation, [key for _, key in of_table], who, reason, waiting)
    return {"number": number, "withdrawn": len(rows), "moved": moved}
