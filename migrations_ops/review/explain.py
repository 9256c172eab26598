"""Why a row is where it is: the rule in words, what it reads in the row, every decision about it. Only reads."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psycopg import errors
from psycopg.types.json import Jsonb

from migrations_ops.engine.session import Session
from migrations_ops.rules import evidence
from migrations_ops.rules.columns_read import called, reads, value
from migrations_ops.rules.compile import RuleSql
from migrations_ops.rules.describe import rule_in_words
from migrations_ops.rules.model import TENANT_COLUMN, Plan, Rule, TableSpec
from migrations_ops.rules.plan_tables import named
from tenants.inventory import every_tenant
from vital.db import sql
from vital.db.sql import shown
from vital.errors import EngineError

QUERIES = sql.load(Path(__file__).parent / "sql")

Document = dict[str, Any]


class UnknownRow(EngineError):
    """{relation} has no row with the key {key}, and the ledger knows none."""

    exit_code = 2


@dataclass(frozen=True)
class Row:
    """A row as it is: its key as the ledger notes it, its tenant, what the rules read in it, which rules match, and how
    it stands with those in which other rows have a say."""

    key: str
    tenant: str | None = None
    exists: bool = False
    values: dict[str, str | None] = field(default_factory=dict)
    matching: tuple[Rule, ...] = ()
    evidence: dict[str, str] = field(default_factory=dict)  # by the name of a rule


def explain(session: Session, plan: Plan, table: str, key: str) -> Document:
    """Why a row is where it is: its tenant, the rule that decided, and every decision about it, newest first."""
    spec = named(plan, table)
    tenants = dict(every_tenant(session, plan.registry))
    row = _row(session, plan, spec, key)
    facts = {"relation": spec.relation, "key": row.key}
    entries = session.named("history_of_row", facts)
    history = [_entry(entry, tenants) for entry in entries]
    of_tenant = [entry for entry in history if entry["kind"] != "reference"]  # there the row's references have changed
    standing: Document = next((entry for entry in of_tenant if not entry["undone_at"]), {})
    decisions = [entry for entry in of_tenant if entry["after"] and not entry["undone_at"]]
    if not row.exists and not history:
        raise UnknownRow(**facts)
    stood = session.named("tenant_at_baseline", facts)
    person = session.named("override_of_row", facts)
    refused = _refused(session, spec, row) if row.exists else None
    return {
        "table": shown(spec.relation),
        "key": row.key,
        "exists": row.exists,
        "tenant": _called(row.tenant, tenants),
        **{name: standing.get(name) for name in ("rule", "phase", "run", "at", "by", "before")},
        **_rules(plan, spec, row, standing.get("rule")),
        "before_migration": _called(stood[0][0], tenants) if stood else None,
        "decided_by_person": dict(zip(("tenant", "reason", "by", "at"), person[0], strict=True)) if person else None,
        "refused": refused,
        "corrections": decisions[:-1][::-1],
        "moved_since": row.exists and _moved_past_vital(entries, row.tenant),
        "history": history,
    }


def _refused(session: Session, spec: TableSpec, row: Row) -> str | None:
    """Why the row has not taken its tenant, where that is so."""
    facts = {"relation": spec.relation, "key": row.key, "before": Jsonb({TENANT_COLUMN: row.tenant})}
    found = session.execute(sql.compose(QUERIES["refusal_of_row"]), facts)
    return str(found[0][0]) if found else None


def _row(session: Session, plan: Plan, spec: TableSpec, key: str) -> Row:
    """The row with this key; what cannot be a key of the table is no row's."""
    read, said = reads(spec.rules), list(evidence.of_row(plan, spec, "batch"))
    statement = sql.compose(
        QUERIES["row_and_rules"],
        key=sql.key_text("batch", spec.table.key),
        tenant=sql.ident(TENANT_COLUMN),
        asked=sql.join(
            [
                sql.raw("NULL"),
                *(value("batch", one) for one in read),
                *map(RuleSql(plan).matches, spec.rules),
                *(sql.compose("({text})", text=text) for _, text in said),
            ]
        ),
        relation=sql.relation(spec.relation),
        same_row=sql.key_equals("batch", session.typed_key(spec.relation, spec.table.key), sql.literal(key)),
    )
    try:
        with session.work():
            found = session.execute(statement)
    except errors.DataError:
        return Row(key)
    if not found:
        return Row(key)
    noted, tenant, _, *answers = found[0]
    values = dict(zip(map(called, read), answers, strict=False))
    asked = len(read) + len(spec.rules)
    matching = tuple(rule for rule, does in zip(spec.rules, answers[len(read) : asked], strict=True) if does)
    texts = {rule.name: text for (rule, _), text in zip(said, answers[asked:], strict=True) if text}
    return Row(noted, tenant, True, values, matching, texts)


def _rules(plan: Plan, spec: TableSpec, row: Row, decided_by: str | None) -> Document:
    """The rule that decided, as the plan has it today, what it reads in the row, and the others that match it."""
    deciding = [rule for rule in spec.rules if rule.name == decided_by]
    return {
        "condition": rule_in_words(deciding[0]) if deciding else None,
        "values": {called(one): row.values.get(called(one)) for one in reads(deciding or spec.rules)},
        "still_matches": deciding[0] in row.matching if deciding else None,
        "also_matching": [
            {"rule": rule.name, "phase": rule.phase, "tenant": rule.tenant or None, "condition": rule_in_words(rule)}
            for rule in row.matching
            if rule not in deciding
        ],
        "evidence": [{"rule": rule, "says": says} for rule, says in row.evidence.items()],
    }


def _moved_past_vital(entries: list[tuple[Any, ...]], tenant: str | None) -> bool:
    """Whether the row's tenant is another than the last entry that stands has left it with; that may be none."""
    left = [
        after[TENANT_COLUMN]
        for *_, after, _, undone_at, _ in entries
        if not undone_at and TENANT_COLUMN in (after or ())
    ]
    return bool(left) and left[0] != tenant


def _called(tenant: str | None, tenants: dict[str, str]) -> Document | None:
    return {"id": tenant, "name": tenants.get(tenant)} if tenant else None


def _entry(entry: tuple[Any, ...], tenants: dict[str, str]) -> Document:
    _, run, phase, kind, rule, before, after, written_at, undone_at, started_by = entry
    was, became = (value.get(TENANT_COLUMN) if isinstance(value, dict) else None for value in (before, after))
    return {
        "run": run,
        "phase": phase,
        "kind": kind,
        "rule": rule,
        "before": _called(was, tenants),
        "after": _called(became, tenants),
        "at": written_at.isoformat(),
        "by": started_by or "the application that wrote the row",
        "undone_at": undone_at.isoformat() if undone_at else None,
    }
