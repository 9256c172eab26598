"""Ways past the rows' policies: rights that they do not bind, COPY, a table in front of the table, the login behind."""

from collections.abc import Iterable, Sequence
from contextlib import suppress

import psycopg
from psycopg.sql import Composable

from tenants.isolation.queries import QUERIES, of_table, query
from tenants.isolation.report import EVERYBODY, HELD, LEAK, Attempt, Report
from tenants.isolation.targets import AS_TENANT, Actor, Guise, Target
from vital.db import sql
from vital.db.session import Session

BEYOND = ["TRUNCATE", "TRIGGER", "REFERENCES"]
WRITES = ["INSERT", "UPDATE", "DELETE"]
BY_COLUMN = ("INSERT", "UPDATE", "REFERENCES")
SWITCH = "a statement that sets vital.tenant_id itself"
SWITCH_WHY = "who may run any SQL as vital_tenant may name any tenant: the service lets nobody run SQL"


class Sideways:
    """Tried once for each table as any tenant: no row of a certain tenant is aimed at. The caller takes back what it
    touches."""

    def __init__(self, session: Session, report: Report, guise: Guise = AS_TENANT) -> None:
        self.session, self.report, self.guise = session, report, guise

    def ask(self, targets: Sequence[Target], common: Iterable[str]) -> None:
        """Which rights the role has, and what the login of the service sees by itself."""
        for target in targets:
            self._rights(target, BEYOND if target.writable else BEYOND + WRITES)
        if self.guise is not AS_TENANT:
            return  # what everybody reads is for its grants to say
        for target in targets:
            self._reset(target)
        for relation in common:
            self._rights(Target(relation, "", (), shared=True, writable=False), BEYOND + WRITES)
        self.report.leave_out(SWITCH, SWITCH_WHY)

    def _rights(self, target: Target, privileges: list[str]) -> None:
        """Rights are asked for and not used: a TRUNCATE would close the table to all."""
        by_column = [name for name in privileges if name in BY_COLUMN]
        role, name = {"role": sql.literal(self.guise.role)}, self.guise.role
        parts = {"privileges": sql.literal(privileges)} | role
        has = self.session.execute(of_table("rights_beyond", target.relation, **parts))
        parts = {"privileges": sql.literal(by_column)} | role
        has += self.session.execute(of_table("rights_on_columns", target.relation, **parts))
        for privilege in privileges:
            leaks = (privilege,) in has
            detail = f"{name} has the right; REVOKE {privilege} ON {target.relation} FROM {name}"
            self._note(f"any tenant{self.guise.suffix}", target.name, privilege, detail if leaks else "")

    def _reset(self, target: Target) -> None:
        """RESET ROLE leads back to the login: what that may read by itself is no matter of policies."""
        ((login, reads),) = self.session.execute(of_table("sees_by_itself", target.relation))
        if reads:
            why = f"it leads back to {login}, who reads the tables by its own right; the service's login must not"
            self.report.leave_out("reset role", why)
        else:
            self._note("any tenant", target.name, "reset role and select", "")

    def copy_out(self, target: Target, attacker: Actor, platform: str) -> None:
        """COPY takes a way of its own through row level security."""
        readable = self.guise.readable(attacker, platform, shared=target.shared)
        self._put_on(attacker.id)
        statement = of_table("copy_out", target.relation, tenant=sql.ident(target.tenant))
        with self.session.connection.cursor().copy(sql.text_of(statement).encode()) as copy:
            leaked = {str(owner) for (owner,) in copy.rows()} - readable
        names = ", ".join(sorted(leaked)[:3])
        self.session.execute(QUERIES["be_operator"])
        self._note(attacker.name + self.guise.suffix, target.name, "copy to", f"rows of {names}" if leaked else "")

    def shadow(self, target: Target) -> None:
        """A temporary table of the same name would catch what the next user of a pooled connection writes.

        Everybody may make one, as PostgreSQL has it: what counts is that nothing takes it for the real one.
        """
        self._put_on("")
        schema, table = (sql.ident(name) for name in sql.names(target.relation))
        found: list[tuple[str]] = []
        with (
            suppress(psycopg.errors.InsufficientPrivilege),
            self.session.connection.transaction(force_rollback=True),
        ):
            self.session.execute(of_table("shadow_table", target.relation, table=table))
            self.session.execute(of_table("wait_behind_the_path", target.relation, schema=_text(schema)))
            found = self.session.execute(of_table("shadowed", target.relation, table=_text(table)))
        self.session.execute(QUERIES["be_operator"])
        detail = f"taken for the real one by {', '.join(who for (who,) in found)}" if found else ""
        self._note("any tenant", target.name, "temporary table of its name", detail)

    def _put_on(self, tenant: str) -> None:
        guise = self.guise
        parts = {"role": guise.role, "setting": guise.setting, "value": guise.value(tenant)}
        self.session.execute(query("put_on", **{name: sql.literal(text) for name, text in parts.items()}))

    def _note(self, attacker: str, what: str, verb: str, leak: str) -> None:
        outcome = LEAK if leak else HELD
        self.report.add(Attempt(attacker, EVERYBODY, "table", what, verb, outcome, leak))


def _text(identifier: Composable) -> Composable:
    """An identifier as SQL spells it, as text."""
    return sql.literal(sql.text_of(identifier))
