"""What can be said of statements without trying them: by their text, the plan and the catalogue alone."""

from collections.abc import Iterator, Sequence

from migrations_ops.impact import facts
from migrations_ops.impact.facts import Facts
from migrations_ops.impact.matching import Match, decided, gives_tenant, rows_of
from migrations_ops.impact.statements import Statement
from migrations_ops.rules.model import Plan
from vital.counts import counted
from vital.db.session import Session
from vital.db.sql import shown
from vital.errors import Problem


def problems(session: Session, plan: Plan, known: Sequence[Statement]) -> Iterator[Problem]:
    """Of these statements, those that will break."""
    with session.work(as_operator=False):
        session.as_applications()
        found = facts.asked(session, plan, known)
    for statement in known:
        for relation, why in dict.fromkeys(_of(statement, plan, found)):
            times = f"sent {counted(statement.calls, 'time')} by {statement.role}"
            yield Problem(relation, "", f"{why}: {statement.shown} ({times})")


def _of(statement: Statement, plan: Plan, found: Facts) -> Iterator[tuple[str, str]]:
    """(table, what is wrong)"""
    specs = {spec.relation: spec for spec in plan.tables}
    for name in statement.reading.truncated:
        if (relation := found.relation(name)) in specs:
            yield relation, "no policy binds TRUNCATE, which takes the rows of every tenant"
    for insertion in statement.reading.insertions:
        spec = specs.get(found.relation(insertion.table))
        if spec is None:
            continue
        for key in spec.rescope:
            by_name = bool(insertion.constraint) and all(part in insertion.constraint for part in key)
            if by_name or {*insertion.conflict_keys} == {*key}:
                yield (
                    spec.relation,
                    f"ON CONFLICT on ({', '.join(key)}), which becomes unique in each tenant, will fail",
                )
        rows = rows_of(insertion, found.columns.get(spec.relation, {}))
        if any(not gives_tenant(row) and decided(spec, row) is Match.NO for row in rows):
            yield spec.relation, f"a new row of {shown(spec.relation)} gets no tenant, as no rule can match it"
