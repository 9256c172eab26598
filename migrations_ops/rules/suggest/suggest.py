"""Rules that a person may accept, from the values of the rows that no rule, or only the fall-back rule, decides."""

from collections import Counter
from typing import Any

from migrations_ops.engine.session import Session
from migrations_ops.rules.model import Plan
from migrations_ops.rules.suggest import toml_writer
from migrations_ops.rules.suggest.candidates import drafts
from migrations_ops.rules.suggest.column_stats import Evidence, gather
from migrations_ops.rules.suggest.current_rule import CurrentRules
from migrations_ops.rules.suggest.ranking import Weighed, weigh
from migrations_ops.rules.suggest.rule_groups import Family, families
from vital.db.sql import shown

Document = dict[str, Any]


def suggest(session: Session, plan: Plan, table: str = "", rule: str = "") -> Document:
    """How each table's rows are decided, and the rules proposed for the loose ones, the most useful first.

    `table` narrows it to one table's rules; `rule` names the fall-back rule instead of the one found.
    """
    current = CurrentRules(session, plan)
    tables: list[Document] = []
    found: list[Document] = []
    for family in families(plan, table, rule):
        if not all(current.columns(spec.relation) for spec in family.members):
            continue  # 000 says that the table is missing
        evidence = gather(current, family)
        proposed = drafts(current, plan, family, evidence) if evidence.total.loose else []
        weighed, counts = weigh(current, family, proposed, guarded=evidence.guarded)
        tables.append(_table(family, evidence, counts))
        loose = sum(counts[number] for number in family.loose)
        found += [_suggestion(plan, family, one, loose) for one in weighed]
    found.sort(key=lambda suggestion: -suggestion["score"])
    return {"tables": tables, "suggestions": found}


def _table(family: Family, evidence: Evidence, counts: Counter[int | None]) -> Document:
    fallback = family.fallback
    return {
        "table": shown(family.relation),
        "tables": [shown(spec.relation) for spec in family.members],
        "rows": counts.total(),
        "unmatched": counts[0],
        "fallback": counts[fallback.number] if fallback else 0,
        "fallback_rule": {"number": fallback.number, "name": fallback.name} if fallback else None,
        "sampled": not evidence.whole,
    }


def _suggestion(plan: Plan, family: Family, weighed: Weighed, loose: int) -> Document:
    draft = weighed.draft
    slugs: dict[str | None, str] = {tenant.id: tenant.slug for tenant in plan.tenants}
    return {
        "table": shown(family.relation),
        "tables": [shown(spec.relation) for spec in family.members],
        "kind": draft.kind,
        "place": _place(family, weighed),
        "columns": draft.columns,
        "toml": toml_writer.rule(draft.raw),
        "tenant": draft.tenant or None,
        "rows": weighed.rows,
        "new": weighed.new,
        "of": loose,
        "moves": weighed.changed,
        "moves_from": {slugs.get(tenant, tenant or "none"): rows for tenant, rows in weighed.leaves.items()},
        "agrees": weighed.agrees,
        "conflicts": {slugs.get(tenant, tenant or "none"): rows for tenant, rows in weighed.conflicts.items()},
        "values": [
            {"value": c.value, "rows": c.loose, "confidence": c.confidence, "because": c.because} for c in draft.choices
        ],
        "keys": weighed.keys,
        "confidence": round(weighed.trust, 3),
        "score": round(weighed.new * weighed.trust, 1),
        "reason": _reason(family, weighed),
    }


def _place(family: Family, weighed: Weighed) -> Document:
    """Where the text belongs among the table's rules: instead of one, before one, or behind the last."""
    number, do = weighed.draft.replaces, "replace"
    if not number:
        number, do = (family.fallback.number, "before") if family.fallback else (len(family.rules), "after")
    return {"do": do, "rule": number, "name": family.rules[number - 1].name if number else ""}


def _reason(family: Family, weighed: Weighed) -> str:
    """One sentence."""
    draft = weighed.draft
    if draft.parent is not None:
        return f"The row that {draft.parent.hops[0].columns[0]} refers to has a tenant by a rule of its own."
    first = draft.choices[0]
    others = f", and {len(draft.choices) - 1} more" if len(draft.choices) > 1 else ""
    return f"{first.value!r}: {first.because}{others}."
