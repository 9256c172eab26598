"""A plan's rules against the database that they are made for: asked before anything changes, answered in its words."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Probe
from migrations_ops.rules.columns import Column, Columns, columns_of
from migrations_ops.rules.dry_compile import Trying
from migrations_ops.rules.model import Condition, Hop, Parent, Plan, Rule, TableSpec
from migrations_ops.rules.reader import Place
from migrations_ops.rules.toml_positions import position
from migrations_ops.rules.type_check import misfit
from migrations_ops.rules.unreachable import contradiction
from vital.db.introspection import ForeignKey, foreign_keys_between
from vital.errors import Problem, hint


@dataclass(frozen=True)
class Rules:
    """The rules of one table, and what the database says about them."""

    plan: Plan
    spec: TableSpec
    columns: Columns
    trying: Trying
    references: frozenset[ForeignKey] = frozenset()  # the database's own, which need no trial

    def misfits(self) -> Iterator[Problem]:
        """What cannot be carried out, or can never match."""
        for rule in self.spec.rules:
            found = [
                *(self._of_condition(rule.when) if rule.when else ()),
                *(self._of_parent(rule.parent) if rule.parent else ()),
            ]
            yield from (self._problem(rule, *one) for one in found)

    def dead_values(self) -> Iterator[Problem]:
        """Values that no row can have, in rules that may match by others."""
        for rule in self.spec.rules:
            for leaf in rule.when.leaves() if rule.when and not self._never(rule.when) else ():
                for why in self._dead(leaf):
                    yield self._problem(rule, why, leaf.at)

    def _of_condition(self, when: Condition) -> Iterator[tuple[str, Place]]:
        wrong = [(why, leaf.at) for leaf in when.leaves() for why in self._of_leaf(leaf)]
        yield from wrong
        if not wrong and (never := self._never(when)):
            yield never
        elif not wrong and (why := self.trying.condition(self.spec.relation, when)):
            yield why, when.at

    def _of_leaf(self, leaf: Condition) -> Iterator[str]:
        if leaf.kind == "sql":
            yield from filter(None, [self.trying.expression(self.spec.relation, leaf.value)])
        if not leaf.column:
            return
        column = self.columns.of(self.spec.relation).get(leaf.column)
        if column is None:
            yield self.columns.unknown(self.spec.relation, leaf.column)
            return
        wrong_pattern = self.trying.pattern(leaf.value) if leaf.kind == "matches" else ""
        yield from filter(None, [misfit(leaf, column.family, column.shown) or wrong_pattern])

    def _never(self, when: Condition) -> tuple[str, Place] | None:
        return contradiction(when, self._never_leaf)

    def _never_leaf(self, leaf: Condition) -> str:
        """Why a comparison can never hold: every value of it is dead."""
        dead = self._dead(leaf)
        values = (leaf.value,) if leaf.kind == "equals" else leaf.value
        return f"it can never match: {dead[0]}" if dead and len(dead) == len(values) else ""

    def _dead(self, leaf: Condition) -> list[str]:
        """Values of the comparison that the column can never have as its text."""
        column = self.columns.of(self.spec.relation).get(leaf.column)
        if column is None or leaf.json or leaf.kind not in ("equals", "in"):
            return []
        values = (leaf.value,) if leaf.kind == "equals" else leaf.value
        return [why for value in values if (why := self._dead_value(column, value))]

    def _dead_value(self, column: Column, value: str) -> str:
        if column.labels:
            known = f"{column.shown}.{hint(value, column.labels, 'It has')}"
            return "" if value in column.labels else f"{value!r} is no label of {known}"
        if column.family not in ("number", "uuid", "boolean"):
            return ""
        shown = self.trying.shown(value, column.shown)
        if shown is None:
            return f"{value!r} is no {column.shown}."
        return "" if shown == value else f"{column.shown} shows {value!r} as {shown!r}. Write it so."

    def _of_parent(self, parent: Parent) -> Iterator[tuple[str, Place]]:
        before, wrong = self.spec.relation, False
        tables = (before, *(hop.table for hop in parent.hops))
        if all(self._is_reference(*step) for step in zip(tables, parent.hops, strict=False)):
            return
        for hop in parent.hops:
            for relation, names in ((before, hop.columns), (hop.table, hop.key)):
                for name in names:
                    if name not in self.columns.of(relation):
                        yield self.columns.unknown(relation, name), hop.at
                        wrong = True
            if not wrong and parent.share is None and not self.trying.is_unique(hop.table, hop.key):
                keys = ", ".join(hop.key)
                yield f"{hop.table} has no primary or unique key on ({keys}): a row could have two parents.", hop.at
            before = hop.table
        if not wrong and (why := self.trying.links(self.spec.relation, parent.hops)):
            yield why, parent.hops[0].at

    def _is_reference(self, relation: str, hop: Hop) -> bool:
        """Whether the database has this step as a foreign key: then its columns are there, of one type, and unique."""
        plain = not (hop.json or hop.read_as or hop.each)
        return plain and ForeignKey(relation, hop.columns, hop.table, hop.key) in self.references

    def slow_votes(self) -> Iterator[Problem]:
        """Rules for which each row would read a whole table."""
        for rule in self.spec.rules:
            for hop in rule.parent.hops if rule.parent and rule.parent.share is not None else ():
                if index := self.trying.wanted_index(hop.table, hop.key):
                    why = f"no index leads to the rows of {hop.table} that vote, so each row reads all of it: {index}"
                    yield self._problem(rule, why, hop.at)

    def _problem(self, rule: Rule, why: str, at: Place) -> Problem:
        line, _ = position(self.plan.text, at)
        return Problem(self.spec.relation, "", f"rule {rule.number} ({rule.name!r}), line {line} of the plan: {why}")


def misfits(plan: Plan) -> Probe:
    """What a rule asks for and the database does not have, or cannot compare, or can never answer with yes; and the
    same of the values that tenants are made of."""
    of_rules = _asked(plan, Rules.misfits)

    def ask(session: Session) -> Iterator[Problem]:
        yield from of_rules(session)
        yield from _of_source(plan, columns_of(session, plan), Trying(session))

    return ask


def dead_values(plan: Plan) -> Probe:
    """What a rule asks for in vain beside other things."""
    return _asked(plan, Rules.dead_values)


def slow_votes(plan: Plan) -> Probe:
    """Votes that take the time of the table for each row."""
    return _asked(plan, Rules.slow_votes)


def _asked(plan: Plan, question: Callable[[Rules], Iterator[Problem]]) -> Probe:
    def ask(session: Session) -> Iterator[Problem]:
        columns, trying = columns_of(session, plan), Trying(session)
        tables = [*(spec.relation for spec in plan.tables), *plan.passed_through, *plan.common]
        references = frozenset(foreign_keys_between(session, tables))
        for spec in plan.tables:
            yield from question(Rules(plan, spec, columns, trying, references))

    return ask


def _of_source(plan: Plan, columns: Columns, trying: Trying) -> Iterator[Problem]:
    """What [tenants] asks for and the table of the tenants does not have, or is no value of its type."""
    if plan.source is None:
        return
    relation = plan.source.table.relation
    for key, value in plan.source.values.items():
        if value.column and value.column not in columns.of(relation):
            why = columns.unknown(relation, value.column)
        else:
            why = trying.value(relation, value, "boolean" if key == "active" else "text")
        if why:
            line, _ = position(plan.text, value.at)
            yield Problem(relation, "", f"tenants, {key}, line {line} of the plan: {why}")
