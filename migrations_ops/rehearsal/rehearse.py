"""Do, look, undo, compare, do again: the migration on a sampled copy of the platform.

1. The schema goes into a scratch database in two sections, a sample of the rows in between. A provider's schemas are
   made there as far as the platform's tables lean on them.
2. The migration runs there, by the real command. Where it fails, that is the result.
3. Its undo must bring back every table and every thing of the schema.
4. A second run must put the rows where the first one has put them.
5. What the first run has cost is multiplied to what the whole database will cost.

Statements of applications that are at hand are tried before the first run and after it; what gives tenants more of
their nearest rows is tried before the undo.
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from migrations_ops.backup import scratch_database, surroundings
from migrations_ops.backup.pg_dump import Client, Schema, client, described
from migrations_ops.backup.scratch_database import Place, Target
from migrations_ops.backup.table_contents import left_to_others
from migrations_ops.engine import ddl, load_signals
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Phase, Statement
from migrations_ops.impact import service as impacts
from migrations_ops.impact.service import Impact
from migrations_ops.phases import policies
from migrations_ops.phases.queries import schemas_of
from migrations_ops.rehearsal import forecast, measurements
from migrations_ops.rehearsal.commands import Answer, Command
from migrations_ops.rehearsal.sampling import QUERIES, Sampled, Sampler, Say
from migrations_ops.rules.model import Plan
from migrations_ops.vectors import service as vectors
from vital import private_files
from vital.errors import EngineError

Document = dict[str, Any]


class TooLate(EngineError):
    """The migration has begun here already: {reason}. A rehearsal is held before it, since a copy of a half migrated
    database is no forecast. Nothing was changed. Undo first (`./manage.py migrate_tenants undo`), or go without."""

    exit_code = 2


@dataclass(frozen=True)
class Order:
    """What a rehearsal is asked for: how many rows of a table, where, by which command, and where its logs go."""

    rows: int
    where: str
    params: dict[str, Any] = field(repr=False)
    home: Path
    command: tuple[str, ...]
    log_dir: Path


def refuse_where_begun(session: Session, plan: Plan, completed: set[str]) -> None:
    """Raise TooLate where phases are done, or their triggers stand in the tables."""
    if "001_schema_fixes" in completed:
        raise TooLate(reason="001_schema_fixes is completed")
    relations = [spec.relation for spec in plan.tables]
    found = [table for (table,) in session.execute(QUERIES["triggers_of_ours"], {"relations": relations})]
    if found:
        raise TooLate(reason=f"VITAL's triggers stand in {', '.join(sorted(found))}")


@dataclass(frozen=True)
class FirstRun(Answer):
    """What the first run said, and what has become of the statements that applications send; None: none are known."""

    impact: Document | None = None


class Rehearsal:
    """One rehearsal. `hold` returns its document."""

    def __init__(
        self, source: Session, plan: Plan, phases: Sequence[Phase], order: Order, say: Say, impact: Impact | None = None
    ) -> None:
        self.source, self.plan, self.phases, self.order, self.say = source, plan, phases, order, say
        self.impact = impact

    def hold(self) -> Document:
        """Make the copy, rehearse on it, and leave nothing behind. Raises EngineError where there can be no copy."""
        self.source.execute(QUERIES["never_filtered"])
        lacking = [role for role in policies.roles() if not ddl.is_there(self.source, role)]
        kind = ""
        try:
            with scratch_database.scratch(self.source, self.order.where, self.order.params, self.order.home) as place:
                kind = place.kind
                return self._in(place)
        finally:
            if kind == scratch_database.SERVER:
                self._take_back(lacking)

    def _take_back(self, lacking: list[Statement]) -> None:
        """Roles are the whole cluster's: those that only the copy needed go with it."""
        with scratch_database.undisturbed(), closing(Target(self.order.params).open()) as session:
            for role in reversed(lacking):
                for change in role.down({}):
                    session.execute(change)

    def _in(self, place: Place) -> Document:
        self.say(f"The copy is {place.target.params['dbname']} on the {place.kind} PostgreSQL")
        with private_files.folder() as folder, closing(place.target.open()) as copy:
            left = list(left_to_others(self.source, schemas_of([spec.relation for spec in self.plan.tables])))
            surroundings.make(self.source, copy, left)
            there, spared = surroundings.left_out_extensions(self.source, copy, left)
            if spared:
                self.say(f"Without {', '.join(spared)}: extensions that the copy cannot have, and no table leans on")
            schema = Schema(client(self.source), Target(self.order.params), folder, left, [*there, *spared])
            schema.restore("pre-data", place)
            sampled = Sampler(self.source, copy, self.order.rows, self.say, left).take()
            self.say("Indexes, keys, triggers and policies")
            schema.restore("post-data", place)
            copy.execute(QUERIES["analyze_copy"])
            return self._rehearse(place, copy, sampled)

    def _rehearse(self, place: Place, copy: Session, sampled: dict[str, Sampled]) -> Document:
        command, programs = Command(self.order.command, place.target, self.order.log_dir), client(copy)
        content, schema, sizes = measurements.content(copy), described(programs, place.target), measurements.sizes(copy)
        about: Document = {
            "place": place.kind,
            "logs": str(self.order.log_dir),
            "sample": {"limit": self.order.rows, **_counts(self.plan, sampled)},
        }
        tried = self._first_run(command, copy)
        if tried.code:
            return about | _failed("run", tried, copy) | {"forecast": {}}
        about |= {"forecast": self._forecast(copy, sampled, sizes), "impact": tried.impact}
        tenants = measurements.tenants(copy, self.plan)
        about |= {"vectors": self._vectors(command, copy)}
        self.say("Undo")
        undone = command.answer("undo", "undo", self.say)
        if undone.code:
            return about | _failed("undo", undone, copy)
        differences = self._differences(copy, programs, place, content, schema)
        self.say("Second run")
        second = command.answer("run", "again", self.say)
        if second.code:
            return about | _failed("second run", second, copy) | {"differences": differences}
        differences += measurements.changed_tenants(tenants, measurements.tenants(copy, self.plan))
        return about | {"exact": not differences, "differences": differences, "failed": None}

    def _vectors(self, command: Command, copy: Session) -> Document | None:
        """What approximate indexes give tenants on the copy, with what is proposed built there; the undo withdraws it.
        None where there is no such index."""
        if not vectors.can_be_measured(copy, self.plan):
            return None
        self.say("Measuring what approximate indexes give tenants, and trying what gives them more")
        copy.execute(QUERIES["analyze_copy"])  # else the planner knows of no tenants, and reads their rows one by one
        return command.answer("vectors", "vectors", self.say).document

    def _first_run(self, command: Command, copy: Session) -> "FirstRun":
        """With the statements that are at hand tried before and after it."""
        if self.impact:
            self.say("Trying what applications send")
            self.impact.before(copy, impacts.grants_for(self.source, self.impact.roles))
        self.say("First run")
        answer = command.answer("run", "run", self.say)
        if answer.code or not self.impact:
            return FirstRun(answer.code, answer.document)
        self.say("Trying the same with isolation on")
        bound = [one.role for one in self.plan.bound]
        grants = impacts.grants_for(self.source, self.impact.roles, bound)
        copy.execute(QUERIES["analyze_copy"])
        return FirstRun(0, answer.document, self.impact.after(copy, grants, is_copy=True))

    def _differences(
        self, copy: Session, programs: Client, place: Place, content: measurements.Content, schema: dict[str, str]
    ) -> list[measurements.Difference]:
        self.say("Comparing the copy with what it was")
        found = list(measurements.changed_content(content, measurements.content(copy)))
        return [*found, *measurements.changed_schema(schema, described(programs, place.target))]

    def _forecast(self, copy: Session, sampled: dict[str, Sampled], before: dict[str, int]) -> Document:
        planned = [spec.relation for spec in self.plan.tables]
        future = forecast.Forecast(self.phases, sampled, planned)
        disk = future.disk(before, measurements.sizes(copy))
        now = measurements.sizes(self.source)
        phases = future.phases(measurements.steps(copy), measurements.phases(copy))
        tables = {
            relation: {
                "sampled": sampled[relation].rows if relation in sampled else 0,
                "rows": sampled[relation].real if relation in sampled else 0,
                "bytes_before": now.get(relation, 0),
                "disk_bytes": disk[relation],
            }
            for relation in sorted(disk)
            if relation in planned or disk[relation]
        }
        most_wal = int(self.source.value(QUERIES["most_wal_kept"]))
        there = load_signals.disk_of(self.source)
        total = forecast.totals(phases, disk, most_wal, there.free if there else None)
        return {"phases": phases, "tables": tables, "total": total}


class Tryout(Rehearsal):
    """As much of a rehearsal as is needed to try statements: the first run alone."""

    def _rehearse(self, place: Place, copy: Session, sampled: dict[str, Sampled]) -> Document:
        first = self._first_run(Command(self.order.command, place.target, self.order.log_dir), copy)
        about: Document = {"place": place.kind, "logs": str(self.order.log_dir)}
        if first.code:
            return about | _failed("run", first, copy)
        return about | (first.impact or {}) | {"failed": None}


def _counts(plan: Plan, sampled: dict[str, Sampled]) -> Document:
    known = [sampled[spec.relation] for spec in plan.tables if spec.relation in sampled]
    return {"rows": sum(table.rows for table in known), "of": sum(table.real for table in known)}


def _failed(step: str, answer: Answer, copy: Session) -> Document:
    """A command that failed on the copy would have failed on the platform."""
    there = bool(copy.named("is_set_up")[0][0])
    left = answer.document.get("problems") or []
    findings = (measurements.findings(copy) if there else []) + [{"check": "undo", **problem} for problem in left]
    failed = {"in": step, "error": answer.error, "exit_code": answer.code, "findings": findings}
    return {"exact": False, "differences": [], "failed": failed}
