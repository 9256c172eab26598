"""The rows of a table as a run would leave them, as one subquery of one pass over the table.

A parent's tenant after the run comes by a join with the same subquery about the parent's table, and so on upwards: each
of these stands once before the question, under a name, however many tables lead to it.
003 decides first and sees parents as 003 leaves them; 004 tries every rule again on what is still open.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from psycopg.sql import Composable

from migrations_ops.rules.comparisons import condition
from migrations_ops.rules.compile import RuleSql, by_number, no_rule_where
from migrations_ops.rules.model import TENANT_COLUMN, Parent, Plan, Rule, TableSpec
from migrations_ops.rules.paths import path_to_parent
from migrations_ops.rules.plan_keys import PHASES
from vital.db import sql

QUERIES = sql.load(Path(__file__).parent / "sql")
EARLY, LATE = PHASES
NO_TENANT = sql.raw("NULL::uuid")
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

    def __init__(self, plan: Plan, known: dict[str, Known], references: Iterable[Parent] = ()) -> None:
        self.plan, self.known = plan, known
        self.names = {spec.relation: sql.ident(f"vital_rows_{n}") for n, spec in enumerate(plan.tables)}
        self.joined_by: dict[str, set[str]] = {}  # table → the columns by which others refer to its rows
        for parent in (*(parent for spec in plan.tables for parent in followed(spec)), *references):
            self.joined_by.setdefault(parent.table, set()).update(parent.hops[-1].key)

    def rows(self, spec: TableSpec) -> Composable:
        """The table's rows, all columns, with vital_now, vital_rule (a number) and vital_after."""
        return self.after_tables((parent.table for parent in followed(spec)), self._rows(spec))

    def after_tables(self, relations: Iterable[str], statement: Composable) -> Composable:
        """A statement that speaks of the rows of these tables by their `names`, after what leads to their tenants."""
        wanted, found = list(relations), dict[str, TableSpec]()
        while wanted:
            if (relation := wanted.pop()) not in found:
                found[relation] = self.plan.table(relation)
                wanted += (parent.table for parent in followed(found[relation]))
        if not found:
            return statement
        parents_first = [self._named(spec) for spec in self.plan.tables if spec.relation in found]
        return sql.compose(QUERIES["after_tables"], tables=sql.join(parents_first, ",\n"), statement=statement)

    def _named(self, spec: TableSpec) -> Composable:
        """The rows of a table under its name, with no more columns than others ask for."""
        return sql.compose(
            QUERIES["named_rows"],
            name=self.names[spec.relation],
            columns=sql.join(sql.column("t", column) for column in sorted(self.joined_by[spec.relation])),
            rows=self._rows(spec),
        )

    def _rows(self, spec: TableSpec) -> Composable:
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
        first, second = Answered(self.plan, EARLY, changed), Answered(self.plan, LATE, changed)
        first_tenant = by_number(sql.raw("batch.vital_first"), first.tenants(early, ""), "uuid")
        after_first = sql.compose(QUERIES["tenant_after_first"], first_tenant=first_tenant)
        return sql.compose(
            QUERIES["decided"],
            known=known,
            first=first.number(early, ""),
            second=second.number(spec.rules, spec.unmatched),
            early=after_first if early else sql.raw("batch.vital_now"),
            second_tenant=by_number(sql.raw("batch.vital_second"), second.tenants(spec.rules, spec.unmatched), "uuid"),
        )

    def _facts(self, spec: TableSpec) -> Iterator[Composable]:
        """What other tables say about each row."""
        known = self.known[spec.relation]
        now = sql.column("batch", TENANT_COLUMN) if known.has_tenant else NO_TENANT
        yield sql.compose("{now} AS vital_now", now=now)
        yield sql.raw(f"{'person.tenant_id' if known.has_decisions else 'NULL::uuid'} AS vital_person")
        again: Composable = sql.raw("NULL::text")
        if known.changed:
            again = sql.compose(QUERIES["decided_again"], changed=sql.literal(list(known.changed)))
        yield sql.compose("{again} AS vital_again", again=again)
        yield sql.raw(f"{'entry.rule' if known.changed else 'NULL::text'} AS vital_stands_by")
        stood = now
        if not any(rule.reassigns for rule in spec.rules):
            stood = NO_TENANT
        elif known.has_tenant and known.has_baseline:
            stood = sql.raw("stood.tenant_id")
        yield sql.compose("{stood} AS vital_stood", stood=stood)
        if any(rule.own for rule in spec.rules):
            yield sql.compose("{own} AS vital_own", own=RuleSql(self.plan).own_tenant())
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
                yield self._joined_parent(spec, rule, rule.parent)

    def _joined_parent(self, spec: TableSpec, rule: Rule, parent: Parent) -> Composable:
        if parent.is_tree:
            return self._joined_tree(spec, rule, parent)
        if parent.share is None:
            return joined(parent, alias_of(rule), self.names[parent.table])
        tables, links = path_to_parent(parent.hops, "batch", "voter")
        tables[-1] = sql.compose("{rows} AS voter", rows=self.names[parent.table])
        return sql.compose(
            QUERIES["joined_votes"],
            relation=sql.relation(spec.relation),
            keys=sql.join(sql.column("batch", column) for column in spec.table.key),
            voted=sql.join(sql.column("vote", column) for column in spec.table.key),
            counted=sql.join(sql.column("ballot", column) for column in spec.table.key),
            tables=sql.join(tables),
            links=sql.join(links, " AND "),
            share=sql.literal(parent.share),
            alias=sql.ident(alias_of(rule)),
            same=sql.same_values(alias_of(rule), spec.table.key, "batch", spec.table.key),
        )

    def _joined_tree(self, spec: TableSpec, rule: Rule, parent: Parent) -> Composable:
        """Down from every row that has a tenant without the tree to those below that have none."""
        (hop,), alias = parent.hops, alias_of(rule)
        above = replace(spec, rules=tuple(one for one in spec.rules if one.number < rule.number), unmatched="")
        unmatched = self.plan.tenant(spec.unmatched).id if spec.unmatched else None
        refers = [sql.column("t", column) for column in hop.columns]
        return sql.compose(
            QUERIES["joined_tree"],
            rows=self._rows(above),
            columns=sql.join(sql.column("t", column) for column in dict.fromkeys([*hop.key, *hop.columns])),
            keys=sql.join(sql.column("own", column) for column in hop.key),
            child_keys=sql.join(sql.column("child", column) for column in hop.key),
            is_below=sql.same_values("child", hop.columns, "below", hop.key),
            is_root=sql.join([sql.compose("{column} IS NULL", column=column) for column in refers], " OR "),
            unmatched=sql.literal(unmatched),
            alias=sql.ident(alias),
            same=sql.same_values(alias, hop.key, "batch", hop.columns),
        )


class Answered(RuleSql):
    """The rules in one phase, on rows of `batch` that hold the answers: whether each rule matches, and the tenants of
    the rows that they follow."""

    def __init__(self, plan: Plan, phase: str, changed: Sequence[str]) -> None:
        super().__init__(plan)
        self.phase, self.changed = phase, changed

    def parent_tenant(self, rule: Rule) -> Composable:
        return sql.raw(f"batch.vital_{'early' if self.phase == EARLY else 'parent'}_{rule.number}")

    def own_tenant(self) -> Composable:
        return sql.raw("batch.vital_own")

    def matches(self, rule: Rule) -> Composable:
        if rule.parent is None or self.phase == LATE:
            return sql.raw(f"batch.{match_of(rule)}")
        has_tenant = sql.compose("{tenant} IS NOT NULL", tenant=self.parent_tenant(rule))
        if rule.when is None:
            return has_tenant
        return sql.compose("batch.{when} AND {has_tenant}", when=sql.ident(condition_of(rule)), has_tenant=has_tenant)

    def number(self, rules: Sequence[Rule], unmatched: str) -> Composable:
        """The number of the rule that decides about a row in this phase."""
        is_open = self._is_open()
        now = sql.column("batch", TENANT_IN[self.phase])
        moves = sql.compose("{open} OR batch.vital_stood = {now}", open=is_open, now=now)
        return self.first_match(
            rules,
            lambda rule: moves if rule.reassigns else is_open,
            otherwise=no_rule_where(is_open if unmatched else None),
        )

    def _is_open(self) -> Composable:
        """Whether any rule may decide about the row."""
        before = sql.column("batch", TENANT_IN[self.phase])
        if self.phase not in self.changed:
            return sql.compose("{before} IS NULL", before=before)
        # A row that 003 has just moved is 003's: 004 no longer decides it again.
        again = sql.compose(QUERIES["still_decided_by"], phase=sql.literal(self.phase), before=before)
        return sql.compose("{before} IS NULL OR {again}", before=before, again=again)


def followed(spec: TableSpec) -> Iterator[Parent]:
    """What the table's rows follow in other tables."""
    yield from (rule.parent for rule in spec.rules if rule.parent and not rule.parent.is_tree)


def joined(parent: Parent, alias: str, rows: Composable) -> Composable:
    """The row that a row of `batch` refers to, as one of the named `rows`, with the tables on the way."""
    tables, (first, *further) = path_to_parent(parent.hops, "batch", alias)
    tables[-1] = sql.compose("{rows} AS {alias}", rows=rows, alias=sql.ident(alias))
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
            yield sql.compose("{holds} AS {name}", holds=holds, name=sql.ident(condition_of(rule)))


def _of_parent(rule: Rule) -> Composable:
    """The tenant of the parent that the rule looks at, after 003 and after all, and so whether the rule matches."""
    alias, number = alias_of(rule), rule.number
    tenants = f"{alias}.vital_after AS vital_parent_{number}, {alias}.vital_early AS vital_early_{number}"
    holds = f"batch.{condition_of(rule)} AND " if rule.when else ""
    return sql.raw(f"{tenants}, {holds}{alias}.vital_after IS NOT NULL AS {match_of(rule)}")


def condition_of(rule: Rule) -> str:
    """The column that says whether the rule's condition holds: of a parent's rule, that alone is no match."""
    return match_of(rule) if rule.parent is None else f"vital_when_{rule.number}"


def match_of(rule: Rule) -> str:
    """The column that says whether the rule matches, whichever rule decides."""
    return f"vital_match_{rule.number}"
