"""What would give tenants their nearest rows back, each proposal tried before anybody is to believe it.

Settings are tried in the transactions that measure: nobody else meets them. A policy needs a lock on its table, and an
index has to be built: these are tried once they are there, and withdrawn where they do not help.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isqrt
from typing import Any

from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Statement
from migrations_ops.rules.model import Plan
from migrations_ops.vectors import changes
from migrations_ops.vectors.catalogue import Extension, VectorIndex
from migrations_ops.vectors.measure import Asking, Measured, Recall, Say, recall_of
from vital.db import sql
from vital.db.sql import shown

SETTINGS, SIZE, PARTIAL = "settings", "size", "partial"
FEW_TUPLES = 20_000  # what pgvector itself begins with
MOST_TUPLES = 2_147_483_647
# What is prepared would be answered for all tenants by the plan of one.
FOR_EACH = ("plan_cache_mode", "force_custom_plan")
SLOWER = 1.5  # times as long as exact: what an index must not take
Settings = dict[str, str]


@dataclass
class Proposal:
    """`statements` make it; `tried` is what was measured with it, None where it is tried once it is there."""

    kind: str
    about: str
    why: str
    statements: list[Statement]
    tried: float | None = None
    outcome: str = ""
    refused: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "about": self.about,
            "why": self.why,
            "statements": [sql.text_of(change) for one in self.statements for change in one.up],
            "worst_recall_tried": None if self.tried is None else round(self.tried, 4),
            "outcome": self.outcome,
            "refused": self.refused,
        }


def proposals(
    session: Session, plan: Plan, known: Extension, results: Sequence[Measured], wanted: float, asking: Asking, say: Say
) -> list[Proposal]:
    """For the indexes that give a tenant too little, or take longer than an exact answer."""
    found = []
    if best := settings(session, known, results, wanted, asking, say):
        found.append(best)
    for relation in dict.fromkeys(one.index.relation for one in results):
        mine = [one for one in results if one.index.relation == relation]
        statement = changes.sees_size(plan, relation)
        if any(_is_better_exact(one, wanted) for result in mine for one in result.recalls) and not session.value(
            statement.is_applied  # type: ignore[arg-type]  # a query, as it is made
        ):
            why = "small tenants are answered exactly, by the index on the tenant column, and in less time"
            planned = changes.setting(changes.this_database(session), *FOR_EACH)
            found.append(Proposal(SIZE, shown(relation), why, [statement, planned]))
    return found


def _is_better_exact(one: Recall, wanted: float) -> bool:
    return bool(one.plan != "exact" and (one.failed or one.recall < wanted or one.ms > SLOWER * one.exact_ms))


def settings(
    session: Session, known: Extension, results: Sequence[Measured], wanted: float, asking: Asking, say: Say
) -> Proposal | None:
    """One for all indexes, as a database has each setting once: each goes on from what the one before it needs."""
    chosen: Settings = {}
    worst = 1.0
    for result in results:
        if not result.below(wanted):
            continue
        chosen, recall = _tried(session, known, result, chosen, wanted, asking, say)
        worst = min(worst, recall)
    changed = {name: value for name, value in chosen.items() if known.settings.get(name) != value}
    if not changed:
        return None
    database = changes.this_database(session)
    statements = [changes.setting(database, name, value) for name, value in changed.items()]
    why = "a scan of the index goes on until ten rows have passed the policies"
    if not known.goes_on:
        why = f"pgvector {known.version} looks at more rows; from 0.8 on a scan goes on until ten have passed"
    return Proposal(SETTINGS, "the database", why, statements, worst)


def _tried(
    session: Session, known: Extension, result: Measured, chosen: Settings, wanted: float, asking: Asking, say: Say
) -> tuple[Settings, float]:
    """The first settings with which each tenant has enough, else those that give the worst of them most."""
    below = sorted(result.below(wanted), key=lambda one: one.recall)
    best: tuple[Settings, float] = (chosen, 0.0)
    for rung in rungs(known, result.index, chosen):
        say(f"{result.index.name}: tries {', '.join(f'{name} = {value}' for name, value in rung.items())}")
        worst = 1.0
        for one in below:
            again = recall_of(session, result.index, one.tenant, asking, rung)
            worst = min(worst, 0.0 if again.failed else again.recall)
            if worst < wanted and worst <= best[1]:
                break
        if worst > best[1]:
            best = (rung, worst)
        if worst >= wanted:
            break
    return best


def rungs(known: Extension, index: VectorIndex, chosen: Mapping[str, str]) -> Iterator[Settings]:
    """More and more of what a scan may do; never less than what is set, or was chosen for another index."""
    if index.method == "ivfflat":
        lists = max(index.lists, 1)
        steps: list[Settings] = [
            {"ivfflat.probes": str(probes)}
            for probes in sorted({1, isqrt(lists), lists // 10, lists // 4, lists} - {0})
        ]
        first: Settings = {"ivfflat.iterative_scan": "relaxed_order"}
    else:
        every = str(min(max(index.rows * 2, FEW_TUPLES), MOST_TUPLES))
        steps = [
            {},
            {"hnsw.ef_search": "100"},
            {"hnsw.ef_search": "100", "hnsw.max_scan_tuples": str(5 * FEW_TUPLES), "hnsw.scan_mem_multiplier": "4"},
            {"hnsw.ef_search": "200", "hnsw.max_scan_tuples": every, "hnsw.scan_mem_multiplier": "16"},
            {"hnsw.ef_search": "400", "hnsw.max_scan_tuples": every, "hnsw.scan_mem_multiplier": "64"},
        ]
        first = {"hnsw.iterative_scan": "strict_order"}
    for step in steps:
        rung = dict(chosen)
        for name, value in (first | step).items():
            if name in known.settings:
                rung[name] = _more(value, rung.get(name, known.settings[name]))
        if rung:
            yield rung


def _more(value: str, before: str) -> str:
    """Numbers never become smaller; a word is the one wanted, unless somebody has chosen another way to go on."""
    try:
        return value if float(value) > float(before) else before
    except ValueError:
        return value if before == "off" else before
