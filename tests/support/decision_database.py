"""A small database for tests of decisions: people whom no rule matches, letters that follow them, parts with rules."""

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from migrations_ops.engine import backfill, checks, ledger
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Assign, Check
from migrations_ops.engine.tracking import PhaseRecord
from migrations_ops.phases import tenant_data
from migrations_ops.review import apply, withdraw
from migrations_ops.review import findings as listing
from migrations_ops.review.decide import Decision, Source, record
from migrations_ops.rules.load import load
from migrations_ops.rules.model import Plan
from migrations_ops.rules.plan_keys import PHASES
from tests.support import databases
from tests.support.command_results import Manage
from tests.support.databases import Scratch
from tests.support.engine_watch import only_for_autovacuum, quiet
from vital.db import sql

ONE, TWO = "aaaaaaaa-0000-4000-8000-000000000001", "aaaaaaaa-0000-4000-8000-000000000002"
SLUGS = {ONE: "one", TWO: "two"}
TABLES = """
CREATE TABLE public.folk (id bigint PRIMARY KEY, name text, tenant_id uuid, UNIQUE (tenant_id, name));
CREATE TABLE public.letters (id bigint PRIMARY KEY, folk bigint REFERENCES public.folk, tenant_id uuid);
CREATE TABLE public.parts (code text, part bigint, tenant_id uuid, PRIMARY KEY (code, part)) PARTITION BY HASH (code);
CREATE TABLE public.parts_0 PARTITION OF public.parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE public.parts_1 PARTITION OF public.parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO public.tenants (id, name, slug, domain) VALUES
    ('aaaaaaaa-0000-4000-8000-000000000001', 'One', 'one', 'one.test'),
    ('aaaaaaaa-0000-4000-8000-000000000002', 'Two', 'two', 'two.test')
"""
PLAN = """
version = 1
platform = "one"
registry = "public.tenants"
tenant = [
    { id = "aaaaaaaa-0000-4000-8000-000000000001", slug = "one", name = "One", domain = "one.test" },
    { id = "aaaaaaaa-0000-4000-8000-000000000002", slug = "two", name = "Two", domain = "two.test" },
]

[[table]]
name = "public.folk"
visibility = "private"
person_decides = true
columns = { name = "text" }
rescope = [["name"]]

[[table]]
name = "public.letters"
visibility = "private"
columns = { folk = "bigint" }
[[table.rule]]
name = "a letter is its writer's"
phase = "004_tenant_data"
parent = { column = "folk", table = "public.folk" }

[[table]]
name = "public.parts"
key = ["code", "part"]
critical = true
visibility = "shared"
columns = { code = "text" }
[[table.rule]]
name = "known parts"
phase = "004_tenant_data"
when = { column = "code", in = ["known", 'a "quoted", 100% one'] }
tenant = "one"
"""
MEMORY = ("ledger", "override", "redecision", "finding", "share", "step_run", "phase_run", "run")


@dataclass
class DecisionDatabase:
    """One session at work, as the tables' owner; `who` decides."""

    session: Session
    plan: Plan
    scratch: Scratch

    def another(self) -> Session:
        return open_session(self.scratch)

    def forget(self) -> None:
        """Removes the rows and everything VITAL remembers, but for the audit, which nobody can change."""
        for memory in MEMORY:
            self.session.execute(sql.compose("DELETE FROM {t}", t=sql.ident("vital", memory)))
        self.session.execute("TRUNCATE public.folk, public.letters, public.parts")
        for table in ("folk", "parts"):
            self.session.execute(f"ALTER TABLE public.{table} ALTER tenant_id DROP NOT NULL")

    def fill(self, folk: int) -> None:
        """So many people with one letter each, and three parts, of which a rule matches two."""
        for statement in (
            "INSERT INTO public.folk SELECT n, 'name ' || n FROM generate_series(1, %(folk)s) AS n",
            "INSERT INTO public.letters SELECT n, n FROM generate_series(1, %(folk)s) AS n",
            """INSERT INTO public.parts VALUES ('known', 1), ('a "quoted", 100%% one', 2), ('unknown', 3)""",
        ):
            self.session.execute(statement, {"folk": folk})

    def run(self) -> int:
        """004, as far as it decides rows and looks for findings; the number of rows changed."""
        facts: dict[str, object] = dict.fromkeys(("digest", "plan", "scope"), "")
        facts |= {"kind": "run", "phases": [], "by": "the runner", "reason": "", "in_background": False}
        run = int(self.session.named("open_run", facts)[0][0])
        phase, changed = PhaseRecord(self.session, run, PHASES[-1]), 0
        for step in tenant_data.phase(self.plan).steps:
            record = phase.step(step.name, "")
            if isinstance(step, Assign):
                record = phase.step(step.name, step.table.relation)
                backfill.run(self.session, step, record, quiet(self.session))
                changed += record.rows_changed
            if isinstance(step, Check):
                record = phase.step(step.name, step.relation)
                found = checks.ask(self.session, step)
                checks.keep(self.session, step, record, found.problems)
                record.close(checks.outcome_of(step, found))
        phase.close("completed")
        self.session.execute("UPDATE vital.run SET status = 'completed' WHERE id = %(run)s", {"run": run})
        return changed

    def undo(self) -> list[tuple[str, str]]:
        """004's rows; the conflicts."""
        touched = {spec.relation: ledger.Touched(spec.table, ("tenant_id",)) for spec in self.plan.tables}
        undone = ledger.undo_phase(self.session, PHASES[-1], touched, quiet(self.session))
        self.session.named("roll_back_phase", {"phase": PHASES[-1]})
        return undone.conflicts

    def decide(self, *decisions: Decision, who: str = "ada", seen: str = "", dry_run: bool = False) -> dict[str, Any]:
        """What the door does, in this session."""
        return self.decide_all(lambda: decisions, who=who, seen=seen, dry_run=dry_run)

    def decide_all(self, source: Source, who: str = "ada", seen: str = "", dry_run: bool = False) -> dict[str, Any]:
        recorded = record(self.session, self.plan, source, who, seen=seen, dry_run=dry_run, waiting=only_for_autovacuum)
        document = recorded.document()
        if dry_run:
            return document
        return document | apply.decided(
            self.session, self.plan, recorded.relations(), recorded.moment, who, only_for_autovacuum
        )

    def findings(self, **wanted: str) -> listing.Findings:
        return listing.Findings(self.session, self.plan, [tenant_data.phase(self.plan)], listing.Wanted(**wanted))

    def tenants(self, table: str = "folk", key: str = "id::text") -> dict[str, str | None]:
        """Key → the tenant's slug."""
        rows = self.session.execute(f"SELECT {key}, tenant_id::text FROM public.{table} ORDER BY 1")
        return {name: SLUGS.get(tenant) if tenant else None for name, tenant in rows}

    def standing(self, relation: str) -> list[tuple[Any, ...]]:
        """(key, rule, tenant before, tenant after, who) of each standing entry of the ledger, oldest first."""
        return self.session.execute(
            "SELECT key, rule, before ->> 'tenant_id', after ->> 'tenant_id', r.started_by FROM vital.ledger AS l"
            " CROSS JOIN LATERAL unnest(l.keys) AS key JOIN vital.run AS r ON r.id = l.run_id"
            " WHERE l.relation = %(relation)s AND undone_at IS NULL ORDER BY l.id, key",
            {"relation": relation},
        )

    def audited(self, after: int) -> list[tuple[Any, ...]]:
        return self.session.execute(
            "SELECT who, action, reason, facts FROM vital.audit WHERE id > %(after)s ORDER BY id", {"after": after}
        )

    def last_audited(self) -> int:
        return int(self.session.value("SELECT COALESCE(max(id), 0) FROM vital.audit"))


def open_session(scratch: Scratch) -> Session:
    return Session.open(dict(conninfo_to_dict(scratch.owner_url)), "decisions")


@contextmanager
def created(server_url: str, manage: Manage, folder: Path) -> Iterator[DecisionDatabase]:
    """The tables, two tenants and the plan, in a database of its own that has VITAL's tables."""
    scratch = databases.create_empty(server_url)
    try:
        done = manage(scratch, "migrate", "--verbosity", "0")
        assert done.returncode == 0, done.stderr
        file = folder / "plan.toml"
        file.write_text(PLAN, encoding="utf-8")
        with closing(open_session(scratch)) as session:
            for statement in TABLES.split(";"):
                session.execute(sql.verbatim(statement))
            yield DecisionDatabase(session, load(file), scratch)
    finally:
        databases.drop(scratch)


def said(table: str, keys: Iterable[object], tenant: str, reason: str = "they said so") -> list[Decision]:
    """The same decision about each of these rows, as lines of a file."""
    return [Decision(line, table, str(key), tenant, reason) for line, key in enumerate(keys, start=2)]


def memory(database: DecisionDatabase) -> list[object]:
    """Everything that a refused decision must leave alone."""
    tables = ("override", "audit", "ledger", "redecision")
    kept = [database.session.execute(f"SELECT * FROM vital.{name} ORDER BY id") for name in tables]
    return [*kept, database.tenants(), database.tenants("parts", "code")]


def take_back(database: DecisionDatabase, table: str, key: str, reason: str = "mistaken") -> dict[str, object]:
    """Withdraw the decision about the row, as bob."""
    return withdraw.withdraw(database.session, database.plan, table, key, "bob", reason, only_for_autovacuum)
