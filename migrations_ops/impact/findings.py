"""What breaks or means something else, by kind: with the statement, the table, the reason, and what to change."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from migrations_ops.impact.facts import Facts
from migrations_ops.impact.matching import Match, decided, gives_tenant, rows_of
from migrations_ops.impact.reading import Insertion, read
from migrations_ops.impact.statements import Statement
from migrations_ops.impact.trial import Tried
from migrations_ops.rules.model import TENANT_COLUMN, Plan, TableSpec
from vital.db.roles import TENANT_ROLE
from vital.db.sql import shown

ERROR, WARNING = "error", "warning"
LEAST_COST = 100.0  # of a plan whose cost has grown: below it nobody waits
CLOSING = {
    "view": "As its owner: ALTER VIEW {name} SET (security_invoker = true), from PostgreSQL 15 on.",
    "materialized view": "Give it the tenant as a column, and read it through a view that compares it.",
    "function": "As its owner: ALTER ROUTINE {name} SECURITY INVOKER; or let it compare the tenant.",
}
NO_RIGHT, NO_KEY, NO_OBJECT, BOUND = "42501", "42P10", "42704", "0A000"


@dataclass(frozen=True)
class Finding:
    """`roles` are those for whom it is so: the one that sends the statement today, or vital_tenant, or both."""

    kind: str
    level: str
    statement: Statement
    roles: tuple[str, ...]
    reason: str
    change: str
    tables: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        return ", ".join(self.tables) or "the statement"

    def document(self) -> dict[str, Any]:
        about = {"kind": self.kind, "level": self.level, "tables": list(self.tables), "roles": list(self.roles)}
        return about | {"reason": self.reason, "change": self.change} | self.statement.document()


@dataclass(frozen=True)
class Attempts:
    """One statement's tries by these roles: by whom → what came of it, where there was something to try; `before` is
    today's role before isolation, where that was to be seen. `today` is the role that sends the statement."""

    today: str
    roles: tuple[str, ...]
    after: Mapping[str, Tried]
    before: Tried | None = None


class Judge:
    """Of one plan, one database and its facts."""

    def __init__(self, plan: Plan, facts: Facts, factor: float) -> None:
        self.plan, self.facts, self.factor = plan, facts, factor
        self.specs = {spec.relation: spec for spec in plan.tables}
        self.closed = {plan.registry, *self.specs}

    def findings(self, statement: Statement, attempts: Attempts) -> tuple[list[Finding], str]:
        """Each kind once for a statement and its tables, with everybody for whom it is so; or why nothing can be said
        of the statement."""
        conflicts, now = list(self._conflicts(statement, attempts)), attempts.after.get(attempts.today)
        if not (attempts.after or statement.reading.functions):
            return [], "it is none that can be explained"
        if attempts.before and attempts.before.failed:
            return [], f"it fails without isolation, too: {attempts.before.message}"
        if attempts.before is None and now and now.state not in ("", NO_RIGHT, BOUND) and not conflicts:
            return [], f"it fails, and not by isolation: {now.message}"
        found = [
            *conflicts,
            *self._past_policies(statement, attempts),
            *self._loads(statement, attempts),
            *self._without_tenant(statement, attempts),
            *self._lookups(statement, attempts),
            *self._costs(statement, attempts),
        ]
        explained = {role for one in found for role in one.roles if one.level == ERROR and one.kind != "no-tenant"}
        return _merged([*found, *self._failures(statement, attempts, explained)]), ""

    # --- errors of the server ---

    def _conflicts(self, statement: Statement, attempts: Attempts) -> Iterator[Finding]:
        for insertion in statement.reading.insertions:
            spec = self.specs.get(self.facts.relation(insertion.table))
            key = self._rescoped(spec, insertion) if spec else ()
            for role, one in attempts.after.items() if key else ():
                if spec is None or one.state not in (NO_KEY, NO_OBJECT):
                    continue
                listed = ", ".join(key)
                yield Finding(
                    "on-conflict", ERROR, statement, (role,),
                    f"({listed}) is unique in each tenant, no longer in the whole table: {one.message} ({one.state})",
                    f"Say ON CONFLICT ({TENANT_COLUMN}, {listed}), and give the row's {TENANT_COLUMN}.",
                    (shown(spec.relation),),
                )  # fmt: skip

    @staticmethod
    def _rescoped(spec: TableSpec, insertion: Insertion) -> tuple[str, ...]:
        if insertion.constraint:
            return next((key for key in spec.rescope if all(part in insertion.constraint for part in key)), ())
        return next((key for key in spec.rescope if {*key} == {*insertion.conflict_keys}), ())

    def _failures(self, statement: Statement, attempts: Attempts, explained: set[str]) -> Iterator[Finding]:
        """What the server refuses, where nothing else has said why."""
        tables = self._tables(statement)
        for role, one in attempts.after.items():
            if not one.failed or role in explained:
                continue
            if one.state == NO_RIGHT:
                yield Finding("rights", ERROR, statement, (role,), one.message, self._right_to(role, tables), tables)
            else:
                change = "Change what the message names, and try it on the copy of a rehearsal."
                yield Finding("fails", ERROR, statement, (role,), f"{one.message} ({one.state})", change, tables)

    def _tables(self, statement: Statement) -> tuple[str, ...]:
        return tuple(shown(name) for name in map(self.facts.relation, statement.reading.tables) if name)

    def _right_to(self, role: str, tables: Iterable[str]) -> str:
        if role != TENANT_ROLE:
            return f"Grant it to {role} again, if it is to go on."
        beyond = [name for name in tables if name not in {shown(one) for one in self.closed}]
        if beyond and not {*beyond} <= {shown(name) for name in self.plan.common}:
            listed = ", ".join(beyond)
            may = "as a [[table]], or in `common` if tenants may read it"
            return f"Put {listed} into the plan, {may}; or let operators (vital_operator) send it."
        return "Tenants only read what is the same for all of them: let operators (vital_operator) send it."

    # --- what no EXPLAIN says ---

    def _loads(self, statement: Statement, attempts: Attempts) -> Iterator[Finding]:
        """COPY … FROM and TRUNCATE."""
        copied = tuple(filter(None, [self.facts.relation(statement.reading.copied)]))
        for role, one in attempts.after.items() if copied else ():
            if one.state == BOUND:
                yield Finding(
                    "copy-from", ERROR, statement, (role,),
                    f"row level security binds who loads {shown(copied[0])}: PostgreSQL refuses COPY … FROM under it",
                    "Load into another table and insert its rows from there, or load as a role with BYPASSRLS; the"
                    " tables' owner may go on where the plan says force_owner = false.",
                    (shown(copied[0]),),
                )  # fmt: skip
        emptied = [name for name in map(self.facts.relation, statement.reading.truncated) if name in self.closed]
        for role in attempts.after if emptied else ():
            reason = "no policy binds it, so the rows of every tenant would go, and no tenant has a right to it"
            change = "Say DELETE, which policies bind, with the tenant in its WHERE."
            yield Finding("truncate", ERROR, statement, (role,), reason, change, tuple(map(shown, emptied)))

    def _past_policies(self, statement: Statement, attempts: Attempts) -> Iterator[Finding]:
        for way in self.facts.ways_of(statement) if TENANT_ROLE in attempts.roles else ():
            denied = TENANT_ROLE in attempts.after and attempts.after[TENANT_ROLE].state == NO_RIGHT
            seen = "every tenant's rows" if way.sees_all else "no row at all"
            reads = "is a copy of its own" if way.kind == "materialized view" else f"works as its owner {way.owner}"
            reason = f"the {way.kind} {shown(way.name)} {reads}: whoever asks is shown {seen}"
            change = CLOSING[way.kind].format(name=shown(way.name))
            more = f" ({TENANT_ROLE} has no right to it yet)" if denied else ""
            yield Finding("past-policies", ERROR, statement, (TENANT_ROLE,), reason + more, change, (shown(way.name),))

    # --- what means something else ---

    def _without_tenant(self, statement: Statement, attempts: Attempts) -> Iterator[Finding]:
        for text in statement.samples:
            for insertion in read(text).insertions:
                spec = self.specs.get(self.facts.relation(insertion.table))
                if spec is None:
                    continue
                rows = rows_of(insertion, self.facts.columns.get(spec.relation, {}))
                if any(not gives_tenant(row) and decided(spec, row) is Match.NO for row in rows):
                    yield self._matching_no_rule(statement, spec, attempts)

    def _matching_no_rule(self, statement: Statement, spec: TableSpec, attempts: Attempts) -> Finding:
        table = shown(spec.relation)
        why = "the plan has no rule for the table" if not spec.decides else "no rule of the plan can match it"
        refused = (
            " NOT NULL refuses it" if spec.required else " it has none, no tenant sees it, and it waits for a decision"
        )
        return Finding(
            "no-tenant", ERROR, statement, tuple(attempts.after),
            f"the new row of {table} gives no {TENANT_COLUMN}, and {why}:{refused}",
            f"Give {TENANT_COLUMN} in the INSERT, or write a rule for {table} that matches such rows.",
            (table,),
        )  # fmt: skip

    def _lookups(self, statement: Statement, attempts: Attempts) -> Iterator[Finding]:
        for lookup in statement.reading.lookups:
            spec = self.specs.get(self.facts.relation(lookup.table))
            if spec is None or TENANT_COLUMN in lookup.columns or {*spec.table.key} <= lookup.columns:
                continue
            roles = [role for role in attempts.after if role != TENANT_ROLE or spec.shared]
            for key in (one for one in spec.rescope if {*one} <= lookup.columns):
                listed, table = ", ".join(key), shown(spec.relation)
                if roles:
                    yield Finding(
                        "several-rows", WARNING, statement, tuple(roles),
                        f"({listed}) is unique in each tenant: one value may be that of several rows of {table}",
                        f"Add {TENANT_COLUMN} to the condition, or expect several rows.",
                        (table,),
                    )  # fmt: skip

    def _costs(self, statement: Statement, attempts: Attempts) -> Iterator[Finding]:
        now = attempts.after.get(attempts.today)
        before = attempts.before or now
        if before is None or before.failed:
            return
        tables = self._tables(statement)
        for role, one in attempts.after.items():
            if one.failed or one.cost < LEAST_COST or one.cost <= before.cost * self.factor:
                continue
            times = one.cost / max(before.cost, 0.01)
            yield Finding(
                "slower", WARNING, statement, (role,),
                f"the planner expects {one.cost:,.0f} instead of {before.cost:,.0f}, {times:,.0f} times as much",
                f"Look at its EXPLAIN: an index that begins with {TENANT_COLUMN}, or a condition of an operator that is"
                " leakproof, so that an index may serve it under policies.",
                tables,
            )  # fmt: skip


def _merged(found: Iterable[Finding]) -> list[Finding]:
    """The same of several roles, or of several samples, is one."""
    by_reason: dict[tuple[str, tuple[str, ...]], Finding] = {}
    for one in found:
        key = (one.kind, one.tables)
        if key in by_reason:
            roles = tuple(dict.fromkeys((*by_reason[key].roles, *one.roles)))
            by_reason[key] = replace(by_reason[key], roles=roles)
        else:
            by_reason[key] = one
    return list(by_reason.values())
