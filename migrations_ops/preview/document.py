"""A preview as a document: table by rule by tenant, and what a person should look at before a run."""

from collections.abc import Iterable
from typing import Any

from migrations_ops.preview.groups import Group
from migrations_ops.preview.inputs import Asking
from migrations_ops.preview.samples import Samples
from migrations_ops.rules.compile import BY_PERSON, NO_RULE, PERSON, UNMATCHED
from migrations_ops.rules.model import TableSpec
from vital.db.sql import shown

Document = dict[str, Any]
Counts = dict[str, int]


class Words:
    """How tenants and rules are called: tenants of the plan by its slug, others by their own, else by their id."""

    def __init__(self, asking: Asking, registered: dict[str, str]) -> None:
        planned = {tenant.id: tenant.slug for tenant in asking.plan.tenants}
        used = set(planned.values())
        others = {id: slug for id, slug in registered.items() if slug and slug not in used}
        self.slugs = others | planned

    def tenant(self, identifier: str | None) -> str | None:
        return self.slugs.get(identifier, identifier) if identifier else None

    def rule(self, spec: TableSpec, number: int | None) -> str | None:
        if number is None:
            return None
        named = {rule.number: rule.name for rule in spec.rules}
        return named.get(number) or {PERSON: BY_PERSON, NO_RULE: UNMATCHED}[number]


def of_table(spec: TableSpec, groups: list[Group], words: Words, samples: Samples, added: Counts, gap: str) -> Document:
    """What will become of a table's rows. `gap`: which new ones will have no tenant."""
    of_rules = samples.of_rules(words.tenant)
    moved = [group for group in groups if group.after != group.now]
    return {
        "rows": _sum(groups),
        "tenants": _by(groups, lambda group: words.tenant(group.after)),
        "unassigned": _sum(group for group in groups if group.after is None),
        "rules": {rule.name: 0 for rule in spec.rules} | _by(moved, lambda group: words.rule(spec, group.rule)),
        "matrix": _matrix(spec, moved, words),
        "stay": _by((g for g in groups if g.after == g.now), lambda group: words.tenant(group.now)),
        "moves": _moves(spec, moved, words),
        "matches": {rule.name: _sum(g for g in groups if rule.number in g.matches) for rule in spec.rules},
        "overlaps": _overlaps(spec, moved, words),
        "references": _references(groups, words),
        "samples": {str(words.rule(spec, number)): rows for number, rows in of_rules.items()},
        "unknown": samples.of_unassigned(),
        "added": {words.tenant(tenant): rows for tenant, rows in added.items()},
        "critical": spec.critical,
        "new_rows": gap,
    }


def _sum(groups: Iterable[Group]) -> int:
    return sum(group.rows for group in groups)


def _by(groups: Iterable[Group], name: Any) -> Counts:
    """Rows by name, most first; what has no name is left out."""
    counts: Counts = {}
    for group in groups:
        if called := name(group):
            counts[called] = counts.get(called, 0) + group.rows
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _matrix(spec: TableSpec, moved: list[Group], words: Words) -> dict[str, Counts]:
    """Rule → tenant → rows that it will put there."""
    by_rule: dict[str, list[Group]] = {rule.name: [] for rule in spec.rules}
    for group in moved:
        by_rule.setdefault(str(words.rule(spec, group.rule)), []).append(group)
    return {rule: _by(groups, lambda group: words.tenant(group.after)) for rule, groups in by_rule.items()}


def _moves(spec: TableSpec, moved: list[Group], words: Words) -> list[Document]:
    """Rows that will leave a tenant that they have."""
    counts: dict[tuple[str | None, ...], int] = {}
    for group in moved:
        if group.now is not None:
            place = (words.tenant(group.now), words.tenant(group.after), words.rule(spec, group.rule))
            counts[place] = counts.get(place, 0) + group.rows
    return [{"from": a, "to": b, "rule": rule, "rows": rows} for (a, b, rule), rows in counts.items()]


def _overlaps(spec: TableSpec, moved: list[Group], words: Words) -> list[Document]:
    """Rows that more than one rule matches: which one wins, over which others. Most rows first.

    They `differ` where another would have given the row to another tenant; a table's last rule is for the rest, and its
    losing is no surprise.
    """
    counts: dict[tuple[int, tuple[int, ...]], int] = {}
    last = spec.rules[-1].number if spec.rules else None
    tenants = {rule.number: rule.tenant for rule in spec.rules}
    for group in moved:
        others = tuple(number for number in group.matches if number != group.rule)
        if group.rule and group.rule in group.matches and others:
            counts[group.rule, others] = counts.get((group.rule, others), 0) + group.rows
    most_first = sorted(counts.items(), key=lambda item: -item[1])
    return [
        {
            "wins": words.rule(spec, wins),
            "also": [words.rule(spec, number) for number in others],
            "differ": any(tenants[number] != tenants[wins] for number in others if number != last),
            "rows": rows,
        }
        for (wins, others), rows in most_first
    ]


def _references(groups: list[Group], words: Words) -> list[Document]:
    """Rows that will refer to a row of another customer."""
    counts: dict[tuple[str, str, str | None, str | None], int] = {}
    for group in groups:
        for reference, tenant in group.across.items():
            place = (
                ", ".join(reference.hops[0].columns),
                shown(reference.table),
                words.tenant(group.after),
                words.tenant(tenant),
            )
            counts[place] = counts.get(place, 0) + group.rows
    names = ("column", "to", "tenant", "tenant_of_other", "rows")
    return [dict(zip(names, (*place, rows), strict=True)) for place, rows in counts.items()]


def totals(tables: dict[str, Document]) -> Document:
    """All tables together."""
    tenants: Counts = {}
    for table in tables.values():
        for tenant, rows in table["tenants"].items():
            tenants[tenant] = tenants.get(tenant, 0) + rows
    return {
        "tenants": dict(sorted(tenants.items(), key=lambda item: (-item[1], item[0]))),
        **{name: sum(table[name] for table in tables.values()) for name in ("rows", "unassigned")},
        "changes": sum(sum(table["rules"].values()) for table in tables.values()),
        "idle": [
            {"table": name, "rule": rule, "matches": table["matches"][rule]}
            for name, table in tables.items()
            for rule, rows in table["rules"].items()
            if not rows and rule in table["matches"]
        ],
    }
