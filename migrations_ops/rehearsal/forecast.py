"""From what the copy has cost to what the whole database will cost, and afterwards from forecast to fact.

What reads or writes a table's rows is multiplied by the rows there are for each one sampled; a change of the schema
costs what it costs. A sample lies in memory, so that the forecast of a database that does not is too short.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from migrations_ops.engine.steps import Assign, Baseline, Check, Phase, Statement, Step
from migrations_ops.rehearsal.measurements import StepCost
from migrations_ops.rehearsal.sampling import Sampled

# What any step costs however many rows there are; only what is above it is multiplied.
FIXED_SECONDS, FIXED_WAL = 0.02, 16_384
OURS = "vital."

Document = dict[str, Any]


class Forecast:
    """The whole database's costs by phase and table, out of the copy's."""

    def __init__(self, phases: Sequence[Phase], sampled: dict[str, Sampled], planned: Iterable[str]) -> None:
        self.sampled = sampled
        self.growing = {
            (phase.key, step.name): type(step) for phase in phases for step in phase.steps if grows(phase, step)
        }
        known = [sampled[relation] for relation in planned if relation in sampled]
        rows = sum(table.rows for table in known)
        self.overall = max(sum(table.real for table in known) / rows, 1.0) if rows else 1.0

    def factor(self, relation: str) -> float:
        """How many rows there are for each one in the copy; over all tables where the table is not known."""
        return self.sampled[relation].factor if relation in self.sampled else self.overall

    def cost(self, step: StepCost) -> Document:
        """What the step will cost."""
        kind = self.growing.get((step.phase, step.step))
        factor = self.factor(step.relation) if kind else 1.0
        # What a check has read is no WAL of its own: it was others who wrote meanwhile.
        return {
            "rows": round(step.rows * factor),
            "seconds": _grown(step.seconds, FIXED_SECONDS, factor),
            "wal_bytes": round(_grown(step.wal_bytes, FIXED_WAL, 1.0 if kind is Check else factor)),
            "longest_lock": step.longest_lock,
        }

    def phases(self, steps: Sequence[StepCost], took: dict[str, float]) -> list[Document]:
        """Each phase with its tables. What a phase took besides its steps stays as it is."""
        documents = []
        for phase, seconds in took.items():
            mine = [step for step in steps if step.phase == phase]
            costs = [(step.relation, self.cost(step)) for step in mine]
            total = _sum(cost for _, cost in costs)
            total["seconds"] = round(total["seconds"] + max(seconds - sum(step.seconds for step in mine), 0.0), 3)
            relations = sorted({relation for relation, _ in costs if relation})
            tables = {name: _sum(cost for relation, cost in costs if relation == name) for name in relations}
            documents.append({"phase": phase, **total, "tables": tables})
        return documents

    def disk(self, before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
        """Table → bytes by which it will grow; VITAL's own memory grows with all rows."""
        growth = {relation: size - before.get(relation, 0) for relation, size in after.items()}
        return {relation: round(max(size, 0) * self._of_size(relation)) for relation, size in growth.items()}

    def _of_size(self, relation: str) -> float:
        if relation in self.sampled:
            return self.sampled[relation].factor
        return self.overall if relation in {OURS + "ledger", OURS + "baseline_row"} else 1.0


def grows(phase: Phase, step: Step) -> bool:
    """Whether the step's costs grow with its table: of checks those of 005, which read every row."""
    if isinstance(step, Check):
        return phase.reads_only
    return isinstance(step, Assign | Baseline) or (isinstance(step, Statement) and step.online)


def totals(phases: Sequence[Document], disk: dict[str, int], most_wal: int, free: int | None) -> Document:
    """The whole run. Besides what stays, the disk must hold the WAL that the server keeps."""
    total = _sum(phases)
    total["disk_bytes"] = sum(disk.values())
    total["peak_bytes"] = total["disk_bytes"] + min(total["wal_bytes"], most_wal)
    return total | {"free_bytes": free}


def _grown(measured: float, fixed: float, factor: float) -> float:
    return float(round(min(measured, fixed) + max(measured - fixed, 0) * factor, 3))


def _sum(costs: Iterable[Document]) -> Document:
    listed = list(costs)
    return {
        "rows": sum(cost["rows"] for cost in listed),
        "seconds": round(sum(cost["seconds"] for cost in listed), 3),
        "wal_bytes": sum(cost["wal_bytes"] for cost in listed),
        "longest_lock": max((cost["longest_lock"] for cost in listed), default=0.0),
    }


MEASURES = ("seconds", "wal_bytes", "longest_lock")


def compared(forecast: Document, states: Sequence[Document], sizes: dict[str, int]) -> Document:
    """Forecast beside fact, for each phase and for all of them; of tables in the forecast the growth as well."""
    expected = {phase["phase"]: phase for phase in forecast["phases"]}
    phases = [
        {
            "phase": state["phase"],
            "forecast": {name: expected[state["phase"]][name] for name in MEASURES},
            "fact": {name: (state["metrics"] or {}).get(name, 0) for name in MEASURES},
        }
        for state in states
        if state["phase"] in expected
    ]
    facts = [phase["fact"] for phase in phases]
    grown = {
        table: sizes[table] - known["bytes_before"] for table, known in forecast["tables"].items() if table in sizes
    }
    fact = {
        "seconds": round(sum(fact["seconds"] for fact in facts), 3),
        "wal_bytes": sum(fact["wal_bytes"] for fact in facts),
        "longest_lock": max((fact["longest_lock"] for fact in facts), default=0),
        "disk_bytes": sum(grown.values()),
    }
    total = {name: forecast["total"][name] for name in fact}
    return {"phases": phases, "total": {"forecast": total, "fact": fact}}
