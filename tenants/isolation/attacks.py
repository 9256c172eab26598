"""The attacks of one tenant on one table. Whatever one of them does is taken back before the next."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import psycopg
from psycopg.sql import Composable

from tenants.isolation.fixtures import QUERIES, Planted, Planter
from tenants.isolation.report import HELD, LEAK, NOT_TRIED, Attempt, Report
from tenants.isolation.targets import Actor, Target
from vital.db import sql
from vital.db.session import Session

REFUSED = "42501"  # insufficient_privilege: what grants and policies answer
BROKEN_REFERENCE = "23503"
CHANGED_MEANWHILE, LOCKED, TAKEN = "40001", "55P03", "23505"
SHARED = "shared by the Platform, readable"


@dataclass
class Answer:
    """What a statement came to, after it was taken back."""

    rows: list[tuple[Any, ...]]
    touched: int
    sqlstate: str
    message: str

    @property
    def owners(self) -> set[str]:
        return {str(row[0]) for row in self.rows}


class Attack:
    """One attacker against one table. `platform` is the tenant whose rows everybody may read in a shared table."""

    def __init__(self, session: Session, planter: Planter, report: Report, platform: str) -> None:
        self.session, self.planter, self.report, self.platform = session, planter, report, platform

    def on(self, target: Target, attacker: Actor, victims: Iterable[Actor]) -> None:
        """Try everything that aims at planted rows."""
        self.target, self.attacker = target, attacker
        self.planted = {
            victim.id: self.planter.planted[target.relation, victim.id]
            for victim in victims
            if (target.relation, victim.id) in self.planter.planted
        }
        self.victims = [victim for victim in victims if victim.id in self.planted]
        if not self.victims:
            return
        # The cursor and the role stand before the savepoint, for going back to it takes back what came after.
        self._point_at_rows()
        self.session.execute(self.statement("be_tenant", tenant=sql.literal(attacker.id)))
        self.session.execute(QUERIES["mark"])
        self._by_key("select by key", "read_rows", readable=target.shared)
        if target.writable:
            self._writes()
        self.session.execute(QUERIES["forget_mark"])
        self.session.execute(QUERIES["close_pointer"])

    def _writes(self) -> None:
        self._by_key("select for update", "lock_rows")
        self._by_key("update by key", "update_rows")
        self._by_key("delete by key", "delete_rows")
        self._unseen()
        mine = self.planter.planted.get((self.target.relation, self.attacker.id))
        for victim in self.victims:
            self._forged(victim, mine)
            if mine:
                self._references(victim, mine)
        if self.attacker.planted:
            self._everything("update without filter", "update_everything")
            self._everything("delete without filter", "delete_everything")

    # --- saying it ---

    def statement(self, name: str, /, **parts: Composable) -> Composable:
        if hasattr(self, "target"):
            parts = {"relation": sql.relation(self.target.relation), "tenant": sql.ident(self.target.tenant)} | parts
        return sql.compose(QUERIES[name].replace("%", "%%"), **parts)

    def note(self, victim: str, verb: str, outcome: str, detail: str = "") -> None:
        who = self.attacker.name
        self.report.attempts.append(Attempt(who, victim, "table", self.target.name, verb, outcome, detail))

    def attempt(self, statement: Composable) -> Answer:
        """Carry it out and take it back. Only a lost connection is no answer."""
        try:
            cursor = self.session.connection.execute(statement.as_bytes(self.session.connection), {})
            answer = Answer(cursor.fetchall() if cursor.description else [], cursor.rowcount, "", "")
        except psycopg.Error as error:
            if self.session.connection.closed:
                raise
            answer = Answer([], 0, error.sqlstate or "", str(error.diag.message_primary))
        if answer.sqlstate or answer.touched:
            self.session.execute(QUERIES["back_to_mark"])
        return answer

    def judge(self, victim: Actor, verb: str, answer: Answer, allowed: tuple[str, ...] = (REFUSED,)) -> None:
        """Held where nothing was touched, or the database refused for the right reason.

        Constraints and rows that others have changed come after the policies: who is refused by those was let through.
        Any other refusal proves nothing.
        """
        if answer.sqlstate in allowed:
            self.note(victim.name, verb, HELD)
        elif answer.sqlstate[:2] == "23" or answer.sqlstate == CHANGED_MEANWHILE:
            self.note(victim.name, verb, LEAK, f"the policies let it through; refused only because {answer.message}")
        elif answer.sqlstate:
            self.unclear(victim, verb, answer)
        else:
            self.note(victim.name, verb, LEAK if answer.touched else HELD)

    def unclear(self, victim: Actor, verb: str, answer: Answer) -> None:
        """Refused by what comes before the fence: it may hold or not."""
        self.note(victim.name, verb, NOT_TRIED, f"refused for another reason: {answer.message}")
        self.report.leave_out(f"{verb} on {self.target.name}", f"refused for another reason: {answer.message}")

    # --- the attacks ---

    def _by_key(self, verb: str, name: str, *, readable: bool = False) -> None:
        """One statement against all victims' rows at once; it answers with those that it reached."""
        rows = self.planter.rows(self.target, [planted.key for planted in self.planted.values()])
        answer = self.attempt(self.statement(name, rows=rows))
        for victim in self.victims:
            if answer.sqlstate:
                self.judge(victim, verb, answer)
            elif readable and victim.id == self.platform:
                self.note(victim.name, verb, HELD, SHARED if victim.id in answer.owners else "")
            else:
                self.note(victim.name, verb, LEAK if victim.id in answer.owners else HELD)

    def _point_at_rows(self) -> None:
        """A cursor of the operator's over the victims' rows and the attacker's own."""
        own = self.planter.planted.get((self.target.relation, self.attacker.id))
        keys = [planted.key for planted in self.planted.values()] + ([own.key] if own else [])
        self.session.execute(QUERIES["be_operator"])
        self.session.execute(self.statement("point_at_rows", rows=self.planter.rows(self.target, keys)))

    def _unseen(self) -> None:
        """Write rows without reading them, so that the policy for reading cannot stand in for that for writing."""
        by_id = {victim.id: victim for victim in self.victims}
        while owner := self.session.value(QUERIES["point_at_next"]):
            if owner == self.attacker.id:
                for victim in self.victims:
                    given = self.attempt(self.statement("write_row", owner=self._id(victim.id)))
                    self.judge(victim, "update that gives a row away", given)
                continue
            # Nobody has no id to write; the policy for the new row refuses it then, after that for the old one.
            taken = self.attempt(self.statement("write_row", owner=self._id(self.attacker.id or owner)))
            self.judge(by_id[owner], "update of a row unseen", taken)
            self.judge(by_id[owner], "delete of a row unseen", self.attempt(self.statement("delete_row")))

    def _forged(self, victim: Actor, mine: Planted | None) -> None:
        """A new row in the victim's name, or one that takes the place of the victim's."""
        theirs, relation = self.planted[victim.id], self.target.relation
        self.judge(victim, "insert in its name", self.attempt(self.planter.insert("forge_row", relation, theirs.spare)))
        if mine is None:
            return
        if set(self.target.key) <= set(theirs.values):
            values = mine.spare | {name: theirs.values[name] for name in self.target.key}
            key = sql.join(sql.ident(name) for name in self.target.key)
            overwritten = self.planter.insert(
                "overwrite_row", relation, values, key=key, tenant=sql.ident(self.target.tenant)
            )
            self.judge(victim, "insert on conflict", self.attempt(overwritten))

    def _references(self, victim: Actor, mine: Planted) -> None:
        """An own row that refers to the victim's: allowed to the Platform's rows only."""
        if victim.id == self.platform:
            return
        for columns in self.planter.references(self.target.relation):
            parent = self.planter.planted.get((columns[0].parent or "", victim.id))
            if columns[0].name == self.target.tenant or parent is None:
                continue
            theirs = {column.name: str(parent.row[column.parent_key or ""]) for column in columns}
            pairs = [(sql.ident(column.name), column.typed(theirs[column.name])) for column in columns]
            assignments = sql.join([sql.compose("{name} = {value}", name=name, value=value) for name, value in pairs])
            rows = self.planter.rows(self.target, [mine.key])
            old = self.statement("refer_to_row", assignments=assignments, rows=rows)
            new = self.planter.insert("forge_row", self.target.relation, mine.spare | theirs)
            for verb, statement in (("update", old), ("insert", new)):
                answer, verb = self.attempt(statement), f"{verb} that refers to it by {', '.join(theirs)}"
                if answer.sqlstate == TAKEN and any(column.unique for column in columns):  # so does the victim's own
                    self.unclear(victim, verb, answer)
                else:
                    self.judge(victim, verb, answer, (REFUSED, BROKEN_REFERENCE))

    def _everything(self, verb: str, name: str) -> None:
        """No filter at all, as a tenant without a row: its own might be refused for those that refer to it."""
        if any(leak.what == self.target.name for leak in self.report.leaks):
            return  # it would write to rows that are not ours, to show what is known already
        newcomer = str(uuid4())
        self.session.execute(self.statement("be_tenant", tenant=sql.literal(newcomer)))
        answer = self.attempt(self.statement(name, owner=self._id(newcomer)))
        if answer.sqlstate == LOCKED:  # it waits for a row that somebody else holds: so it reached it
            answer = Answer([], 1, "", "")
        self.judge(Actor("", "everybody"), verb, answer)

    def _id(self, tenant: str) -> Composable:
        return sql.compose("{id}::uuid", id=sql.literal(tenant))
