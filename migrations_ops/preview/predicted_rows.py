"""The rows of a table as a run would leave them, as one subquery of one pass over the table.

A parent's tenant after the run comes by a join with the same subquery about the parent's table, and so on upwards.
003 decides first and sees parents as 003 leaves them; 004 tries every rule again on what is still open.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from psycopg.sql import Composable

from migrations_ops.rules.comparisons import condition
from migrations_ops.rules.compile import way_of
from migrations_ops.rules.model import TENANT_COLUMN, Parent, Plan, Rule, TableSpec
from migrations_ops.rules.plan_keys import PHASES
from vital.db import sql

QUERIES = sql.load(Path(__file__).parent / "sql")
BY_PERSON, BY_NO_RULE = -1, 0  # numbers beside those of the rules
EARLY, LATE = PHASES
NOTHING = sql.raw("NULL::uuid")
TENANT_IN = {EARLY: "vital_now", LATE: "vital_early"}  # where a row stands when the phase comes to it


@dataclass(frozen=True)
class Known:
    """What is known of a table beside the plan: whether it has its tenant column and a baseline, whether persons have
    decided about rows of it, and which phases decided by rules that have changed. What is not there is not joined."""

    has_tenant: bool
    has_baseline: bool = False
    has_decisions: bool = False
    changed: tuple[str, ...] = ()


class Prediction:
    """A plan, asked of a database that stays as it is."""

    def __init__(self, plan: Plan, known: dict[str, Known]) -> None:
        self.plan, self.known = plan, known

    def rows(self, spec: TableSpec) -> Composable:
        """The table's rows, all columns, with vital_now, vital_rule (a number) and vital_after."""
        return self.decided(spec, self.known_rows(spec))

    def known_rows(self, spec: TableSpec) -> Composable:
        """The table's rows with all that the rules need to decide."""
        return sql.compose(
            QUERIES["known_of_rows"],
            relation=sql.relation(spec.relation),
            matches=sql.join(_asked(spec)),
            facts=sql.join(self._facts(spec)),
            joins=sql.join(self._joins(spec), "\n"),
        )

    def decided(self, spec: TableSpec, known: Composable) -> Composable:
        """`known` rows, or groups of them, with what the rules decide."""
        early, changed = [rule for rule in spec.rules if rule.phase == EARLY], self.known[spec.relation].changed
        tenants = {rule.number: self._tenant(rule, "parent") for rule in spec.rules}
        left: list[Composable] = []
        if spec.unmatched:
            tenants[BY_NO_RULE] = sql.literal(self.plan.tenant(spec.unmatched).id)
            left = [sql.compose("WHEN {open} THEN 0", open=_open(LATE, changed))]
        first_tenant = _pick("first", {rule.number: self._tenant(rule, "early") for rule in early})
        after_first = sql.compose(QUERIES["tenant_after_first"], first_tenant=first_tenant)
        return sql.compose(
            QUERIES["decided"],
            known=known,
            first=_case([_arm(rule, EARLY, changed) for rule in early]),
            second=_case([*(_arm(rule, LATE, changed) for rule in spec.rules), *left]),
            early=after_first if early else sql.raw("batch.vital_now"),
            second_tenant=_pick("second", tenants),
        )

    def _facts(self, spec: TableSpec) -> Iterator[Composable]:
        """What other tables say about each row."""
        known = self.known[spec.relation]
        now = sql.column("batch", TENANT_COLUMN) if known.has_tenant else NOTHING
        yield sql.compose("{now} AS vital_now", now=now)
        yield sql.raw(f"{'person.tenant_id' if known.has_decisions else 'NULL::uuid'} AS vital_person")
        again: Composable = sql.raw("NULL::text")
        if known.changed:
            again = sql.compose(QUERIES["decided_again"], changed=sql.literal(list(known.changed)))
        yield sql.compose("{again} AS vital_again", again=again)
        yield sql.raw(f"{'entry.rule' if known.changed else 'NULL::text'} AS vital_stands_by")
        stood = now
        if not any(rule.reassigns for rule in spec.rules):
            stood = NOTHING
        elif known.has_tenant and known.has_baseline:
            stood = sql.raw("stood.tenant_id")
        yield sql.compose("{stood} AS vital_stood", stood=stood)
        for rule in spec.rules:
            if rule.parent is not None:
                yield _of_parent(rule)

    def _joins(self, spec: TableSpec) -> Iterator[Composable]:
        known = self.known[spec.relation]
        parts: dict[str, Composable] = {
            "name": sql.literal(spec.relation),
            "key": sql.key_text("batch", spec.table.key),
        }
        if known.has_decisions:
            yield sql.compose(QUERIES["joined_person"], **parts)
        if known.changed:
            yield sql.compose(QUERIES["joined_last_entry"], **parts)
        if known.has_tenant and known.has_baseline and any(rule.reassigns for rule in spec.rules):
            yield sql.compose(QUERIES["joined_baseline"], **parts)
        for rule in spec.rules:
            if rule.parent is not None:
                yield self._joined_parent(rule, rule.parent)

    def _joined_parent(self, rule: Rule, parent: Parent) -> Composable:
        return joined(parent, alias_of(rule), self.rows(self.plan.table(parent.table)))

    def _tenant(self, rule: Rule, stage: str) -> Composable:
        if rule.parent is not None:
            return sql.raw(f"batch.vital_{stage}_{rule.number}")
        return sql.literal(self.plan.tenant(rule.tenant).id)


def joined(parent: Parent, alias: str, rows: Composable) -> Composable:
    """The row that a row of `batch` refers to, as one of `rows`, with the tables on the way."""
    tables, (first, *further) = way_of(parent.hops, "batch", alias)
    tables[-1] = sql.compose("({rows}) AS {alias}", rows=rows, alias=sql.ident(alias))
    way = tables[0]
    for table, link in zip(tables[1:], further, strict=True):
        way = sql.compose(QUERIES["joined_hop"], way=way, table=table, link=link)
    return sql.compose(QUERIES["joined_parent"], way=way, link=first)


def alias_of(rule: Rule) -> str:
    """What the parent that the rule follows is called in a question."""
    return f"parent_{rule.number}"


def _asked(spec: TableSpec) -> Iterator[Composable]:
    """Where a row lies, and which conditions hold for it."""
    yield sql.raw("batch.tableoid AS vital_leaf, batch.ctid AS vital_place")
    for rule in spec.rules:
        if rule.when is not None:
            holds = condition("batch", rule.when)
            yield sql.compose("{holds} AS {name}", holds=holds, name=sql.ident(match_of(rule)))


def _of_parent(rule: Rule) -> Composable:
    """The tenant of the parent that the rule looks at, after 003 and after all, and so whether the rule matches."""
    alias, number = alias_of(rule), rule.number
    tenants = f"{alias}.vital_after AS vital_parent_{number}, {alias}.vital_early AS vital_early_{number}"
    return sql.raw(f"{tenants}, {alias}.vital_after IS NOT NULL AS {match_of(rule)}")


def match_of(rule: Rule) -> str:
    """The column that says whether the rule matches, decide whoever may."""
    return f"vital_match_{rule.number}"


def _open(phase: str, changed: Sequence[str]) -> Composable:
    """Whether any rule may decide about the row in this phase."""
    if phase not in changed:
        return sql.raw(f"batch.{TENANT_IN[phase]} IS NULL")
    # A row that 003 has just moved is 003's: 004 no longer decides it again.
    again = sql.compose(
        QUERIES["still_decided_by"], phase=sql.literal(phase), before=sql.column("batch", TENANT_IN[phase])
    )
    return sql.compose("({before} IS NULL OR {again})", before=sql.column("batch", TENANT_IN[phase]), again=again)


def _arm(rule: Rule, phase: str, changed: Sequence[str]) -> Composable:
    may = _open(phase, changed)
    if rule.reassigns:
        may = sql.compose("({open} OR batch.vital_stood = {now})", open=may, now=sql.column("batch", TENANT_IN[phase]))
    matches = f"batch.{match_of(rule)}"
    if rule.parent is not None and phase == EARLY:
        matches = f"batch.vital_early_{rule.number} IS NOT NULL"
    return sql.compose(
        "WHEN {may} AND {matches} THEN {n}", may=may, matches=sql.raw(matches), n=sql.literal(rule.number)
    )


def _case(arms: Sequence[Composable]) -> Composable:
    return sql.compose("CASE {arms} END", arms=sql.join(arms, " ")) if arms else sql.raw("NULL::integer")


def _pick(stage: str, tenants: dict[int, Composable]) -> Composable:
    """The tenant that belongs to the number found."""
    if not tenants:
        return NOTHING
    arms = [sql.compose("WHEN {n} THEN {t}::uuid", n=sql.literal(n), t=t) for n, t in tenants.items()]
    return sql.compose("CASE {number} {arms} END", number=sql.raw(f"batch.vital_{stage}"), arms=sql.join(arms, " "))
