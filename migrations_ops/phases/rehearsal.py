"""The rehearsal of the fence: be every tenant once, as the restricted role, and compare what is shown with what is
owned. Everything happens in one transaction that is rolled back."""

from collections.abc import Callable, Iterator

import psycopg

from migrations_ops.engine import sql
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Problem
from migrations_ops.phases import organisation
from migrations_ops.phases.queries import query
from migrations_ops.rules.model import TENANT_COLUMN, Plan


class _RollBack(Exception):
    """Ends the rehearsal's transaction."""


def probe(plan: Plan) -> Callable[[Session], Iterator[Problem]]:
    """The question whether the fence holds, for a Check."""

    def rehearse(session: Session) -> Iterator[Problem]:
        found: list[Problem] = []
        try:
            with session.connection.transaction():
                session.execute(query("wait_briefly"))
                found += Rehearsal(session, plan).problems()
                raise _RollBack
        except _RollBack:
            pass
        except psycopg.errors.InsufficientPrivilege as error:
            message = f"the rehearsal as vital_tenant was refused: {error.diag.message_primary}"
            found.append(Problem("", "", message))
        yield from found

    return rehearse


class Rehearsal:
    """What each tenant owns is read first, as the operator; then each tenant is tried against it."""

    def __init__(self, session: Session, plan: Plan) -> None:
        self.session, self.plan = session, plan
        self.tables = {spec.relation: (TENANT_COLUMN, spec.shared) for spec in plan.tables}
        self.tables |= dict.fromkeys(organisation.own_tables(plan), (TENANT_COLUMN, True))
        self.tables[plan.registry] = ("id", False)

    def problems(self) -> Iterator[Problem]:
        session = self.session
        session.execute(query("become_tenant_for_now"))
        session.execute(query("be_operator"))
        owned = {relation: dict(self._counts("rows_per_tenant", relation)) for relation in self.tables}
        tenants = session.execute(query("every_tenant", relation=sql.relation(self.plan.registry)))
        session.execute(query("be_nobody"))
        yield from self._reads("", "nobody", owned)
        for tenant, name in tenants:
            session.execute(query("be_tenant", tenant=sql.literal(tenant)))
            yield from self._reads(tenant, name, owned)
            yield from self._writes(tenant, name, owned)

    def _counts(self, name: str, relation: str) -> list[tuple[str, int]]:
        column = sql.ident(self.tables[relation][0])
        rows = self.session.execute(query(name, relation=sql.relation(relation), column=column))
        return [(owner, count) for owner, count in rows]

    def _reads(self, tenant: str, name: str, owned: dict[str, dict[str, int]]) -> Iterator[Problem]:
        for relation, (_, shared) in self.tables.items():
            allowed = {tenant, self.plan.platform_id} if shared else {tenant}
            expected = {owner: count for owner, count in owned[relation].items() if owner in allowed}
            shown = dict(self._counts("visible_rows", relation))
            if shown != expected:
                yield Problem(relation, "", f"{name} is shown {_words(shown)} instead of {_words(expected)}")

    def _writes(self, tenant: str, name: str, owned: dict[str, dict[str, int]]) -> Iterator[Problem]:
        for relation, (column, _) in self.tables.items():
            for owner in owned[relation]:
                if owner in (tenant, None) or relation == self.plan.registry:
                    continue
                parts = {"relation": sql.relation(relation), "column": sql.ident(column), "owner": sql.literal(owner)}
                for attempt in ("touch_rows_of", "delete_rows_of"):
                    written = self.session.value(query(attempt, **parts))
                    if written:
                        yield Problem(relation, "", f"{name} could write {written:,} rows of {owner} ({attempt})")


def _words(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} rows of {owner}" for owner, count in sorted(counts.items(), key=str)) or "no rows"
