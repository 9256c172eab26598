"""What the database says: what is known of each table, and what will become of its rows, each table in one transaction
of its own, so that nobody waits for a preview."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from migrations_ops.engine import checks
from migrations_ops.engine.backfill_sql import Assignment
from migrations_ops.engine.session import Session
from migrations_ops.phases import pre_validation, probes
from migrations_ops.phases.assign_steps import assign
from migrations_ops.preview.groups import Group, group, question
from migrations_ops.preview.predicted_rows import EARLY, LATE, QUERIES, Known, Prediction
from migrations_ops.rules.model import Hop, Parent, Plan, TableSpec
from migrations_ops.rules.plan_keys import PHASES
from migrations_ops.rules.plan_tables import has_tenant_column
from vital.db import retry
from vital.db.introspection import foreign_keys_between
from vital.errors import EngineError

Waiting = Callable[[str], None]
T = TypeVar("T")


class PlanDoesNotFit(EngineError):
    """{which} does not fit this database: {what}. Nothing was changed. Fix the plan, name another one, or another
    database in DATABASE_URL."""

    exit_code = 2


def refuse_what_does_not_fit(session: Session, plan: Plan, which: str = "The plan") -> None:
    """Raise PlanDoesNotFit where a table or column is missing, a rule cannot be asked, or policies would hide rows.

    Not in a read-only session: expressions are tried on a temporary table.
    """
    for check in (*pre_validation.fits(plan), pre_validation.unfiltered(plan), probes.rules_fit(plan)):
        if found := checks.ask(session, check):
            problem = found.problems[0]
            more = f" (and {found.count - 1} more)" if found.count > 1 else ""
            what = f"{problem.relation}: {problem.message.rstrip('.')}{more}"
            raise PlanDoesNotFit(which=which, what=what, problems=found.problems)


class Asking:
    """One plan and one database."""

    def __init__(self, session: Session, plan: Plan, waiting: Waiting) -> None:
        self.session, self.plan, self.waiting = session, plan, waiting
        self.is_set_up = bool(session.named("is_set_up")[0][0])
        self.references = self._references()
        references = [one for of_table in self.references.values() for one in of_table]
        self.prediction = Prediction(plan, {spec.relation: self._known(spec) for spec in plan.tables}, references)

    def _known(self, spec: TableSpec) -> Known:
        there = has_tenant_column(self.session, spec)
        if not self.is_set_up:
            return Known(there)
        baseline, decisions = self.session.execute(QUERIES["what_is_remembered"], {"relation": spec.relation})[0]
        return Known(there, baseline, decisions, tuple(self._changed(spec)) if there else ())

    def _changed(self, spec: TableSpec) -> Iterator[str]:
        """The phases that have decided rows by other rules than the plan's."""
        for phase, rules in ((EARLY, PHASES[:1]), (LATE, PHASES)):
            if phase == EARLY and not any(rule.phase == EARLY for rule in spec.rules):
                continue
            step = assign(self.plan, spec, rules)
            digest = Assignment(self.session, step).digest
            facts = {"relation": spec.relation, "phase": phase, "step": step.name, "digest": digest}
            if self.session.named("decided_by_other_rules", facts)[0][0]:
                yield phase

    def _references(self) -> dict[str, list[Parent]]:
        """Table → the foreign keys from it to tables of the plan, each as a rule would follow it."""
        found: dict[str, list[Parent]] = {}
        for link in foreign_keys_between(self.session, [spec.relation for spec in self.plan.tables]):
            found.setdefault(link.child, []).append(Parent((Hop(link.own, link.parent, link.key),)))
        return found

    def short(self, relations: Sequence[str], work: Callable[[], T], *, whole: bool = False) -> T:
        """Ask in a transaction that never waits for a lock for long. `whole`: of all rows of a table."""

        def transaction() -> T:
            with self.session.work():
                if whole:
                    self.session.execute(QUERIES["whole_table_settings"])
                return work()

        return retry.retried(self.session, tuple(relations), transaction, self.waiting)

    def groups(self, spec: TableSpec) -> list[Group]:
        """All rows of the table by what will become of them."""
        references = self.references.get(spec.relation, [])
        statement = question(self.prediction, spec, references)
        found = self.short([spec.relation], partial(self.session.execute, statement), whole=True)
        return [group(spec, references, row) for row in found]
