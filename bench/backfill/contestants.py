"""Who takes part: the rules of RULES.md for knowledge_base as psql statements, and VITAL's own command."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import psycopg

from bench.backfill import measure
from bench.backfill.database import ROOT, TABLE, environment, manage, plan_file
from bench.backfill.measure import Figures
from tests.support.databases import Scratch

PLATFORM = "00000000-0000-0000-0000-000000000001"
DIGITAL_HEALTH = "11111111-1111-1111-1111-111111111111"
PHARMA = "f7aa6fd4-0af9-4706-8b31-034f1f7accda"
PLATFORM_DOMAINS = (
    "general_medicine healthcare_standards medical_terminology anatomy physiology diagnostics therapeutics"
)
PHARMA_DOMAINS = (
    "regulatory regulatory_affairs clinical_trials clinical_research pharmacovigilance drug_development"
    " pharmaceutical market_access health_economics"
)
DIGITAL_DOMAINS = "digital_health digital_medicine telemedicine remote_monitoring wearables mobile_health"
BATCH_ROWS = 5_000
PHASES = ("003", "004")
PSQL, PSQL_GUARDED = "psql, four UPDATEs", "psql, four UPDATEs, trigger held off"

# As somebody finds the table who has no VITAL: its own trigger fires, and no row written meanwhile gets a tenant.
WITHOUT_VITAL = f"""
DROP TRIGGER IF EXISTS vital_late_writer ON {TABLE};
CREATE OR REPLACE TRIGGER update_knowledge_base_updated_at BEFORE UPDATE ON {TABLE}
    FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();
"""
# VITAL's guard holds for this session: the trigger does not fire, as for VITAL itself.
GUARD_HOLDS = "SET vital.backfill = 'on';\n"

STEP_SECONDS = """
SELECT p.phase, sum(s.seconds), sum(s.rows_changed)
FROM vital.step_run AS s
JOIN vital.phase_run AS p ON p.id = s.phase_run_id
WHERE s.relation = 'public.knowledge_base'
  AND (s.step = 'tenant of knowledge_base' OR s.step LIKE 'knowledge_base % its index on the tenant column%')
  AND p.phase IN ('003_platform_data', '004_tenant_data')
GROUP BY p.phase
ORDER BY p.phase
"""


class ContestantFailed(Exception):
    """A contestant's command ended with an error; the message is what it said."""


@dataclass(frozen=True)
class Contestant:
    """`prepare` runs before anything is measured, `run` is the work; it says what it took in the figures. `undo` comes
    once everything else has been measured."""

    name: str
    run: Callable[[Scratch, Figures], None]
    prepare: Callable[[Scratch], None] = lambda copy: None
    undo: Callable[[Scratch, Figures], None] | None = None


def contestants(workers: list[int], *, variants: bool) -> list[Contestant]:
    """In the order in which they take their turns; `variants` are the other ways of psql."""
    plain = statements()
    found = [Contestant(PSQL, partial(_psql, script=plain), _without_vital)]
    if variants:
        found.append(Contestant(PSQL_GUARDED, partial(_psql, script=GUARD_HOLDS + plain)))
        script = "".join(in_batches(target, condition) for target, condition in assignments())
        found.append(Contestant(f"psql, LIMIT {BATCH_ROWS} in a loop", partial(_psql, script=script), _without_vital))
    if not takes_workers():
        workers = [1]
    return found + [
        Contestant(vital_name(number), partial(_vital, workers=number), undo=_undo) for number in sorted(set(workers))
    ]


def vital_name(workers: int) -> str:
    return f"VITAL, {workers} worker{'s' if workers > 1 else ''}"


# --- psql ---


def assignments() -> list[tuple[str, str]]:
    """(tenant, which rows): the four rules in their order. The first also moves rows that have another tenant."""
    return [
        (PLATFORM, f"domain IN ({_quoted(PLATFORM_DOMAINS)}) AND tenant_id IS DISTINCT FROM '{PLATFORM}'"),
        (PHARMA, f"domain IN ({_quoted(PHARMA_DOMAINS)}) AND tenant_id IS NULL"),
        (DIGITAL_HEALTH, f"domain IN ({_quoted(DIGITAL_DOMAINS)}) AND tenant_id IS NULL"),
        (DIGITAL_HEALTH, "tenant_id IS NULL"),
    ]


def _quoted(words: str) -> str:
    return ", ".join(f"'{word}'" for word in words.split())


def statements() -> str:
    lines = (f"UPDATE {TABLE} SET tenant_id = '{tenant}' WHERE {which};\n" for tenant, which in assignments())
    return "".join(lines)


def in_batches(tenant: str, which: str) -> str:
    """The loop that is often written: the next rows without a tenant, again and again, until there are none."""
    return f"""
DO $$
DECLARE changed bigint;
BEGIN
    LOOP
        UPDATE {TABLE} SET tenant_id = '{tenant}'
        WHERE id IN (SELECT id FROM {TABLE} WHERE {which} LIMIT {BATCH_ROWS});
        GET DIAGNOSTICS changed = ROW_COUNT;
        EXIT WHEN changed = 0;
        COMMIT;
    END LOOP;
END $$;
"""


def _without_vital(copy: Scratch) -> None:
    with psycopg.connect(copy.owner_url, autocommit=True) as connection:
        connection.execute(WITHOUT_VITAL)


def _psql(copy: Scratch, figures: Figures, script: str) -> None:
    with tempfile.TemporaryDirectory(prefix="vital-bench-") as folder:
        file = Path(folder) / "backfill.sql"
        file.write_text(script)
        command = [psql(), "-X", "-v", "ON_ERROR_STOP=1", "-c", r"\timing on", "-f", str(file), copy.owner_url]
        output = _carried_out(command, dict(os.environ), folder, figures)
    figures.seconds = figures.wall
    figures.details["statements_seconds"] = [
        round(float(found) / 1000, 2) for found in re.findall(r"^Time: ([\d.]+) ms", output, re.MULTILINE)
    ]
    figures.memory_mb = 0.0  # psql holds nothing


@cache
def psql() -> str:
    if found := shutil.which("psql"):
        return found
    from vital.db.embedded import client_bin_dir

    return str(Path(client_bin_dir()) / "psql")


# --- VITAL ---


@cache
def takes_workers() -> bool:
    """Whether this VITAL's command has --workers. (Its help asks no database.)"""
    return "--workers" in manage("postgresql://nobody@127.0.0.1/none", "migrate_tenants", "run", "--help")


def _vital(copy: Scratch, figures: Figures, workers: int) -> None:
    with plan_file() as plan, tempfile.TemporaryDirectory(prefix="vital-bench-") as folder:
        for phase in PHASES:
            command = [sys.executable, str(ROOT / "manage.py"), "migrate_tenants", "run", "--only", phase, "--yes"]
            command += ["--plan", str(plan), "--log-dir", folder]
            command += ["--workers", str(workers)] if takes_workers() else []
            before = figures.wall
            _carried_out(command, environment(copy.owner_url, folder), folder, figures)
            figures.details[f"wall_{phase}"] = round(figures.wall - before, 2)
    with psycopg.connect(copy.admin_url, autocommit=True) as connection:
        steps = connection.execute(STEP_SECONDS).fetchall()
        figures.details["ledger_mb"] = round(measure.one(copy.admin_url, LEDGER_SIZE) / 1e6, 1)
    if [phase[:3] for phase, _, _ in steps] != list(PHASES):
        raise ContestantFailed(f"vital.step_run has the steps {steps}, not one of each phase")
    figures.seconds = float(sum(seconds for _, seconds, _ in steps))
    figures.details["steps"] = {phase: {"seconds": float(seconds), "rows": int(rows)} for phase, seconds, rows in steps}


def _undo(copy: Scratch, figures: Figures) -> None:
    """From the start of the command to its end."""
    ours = Figures(figures.contestant, figures.chunks)
    with plan_file() as plan, tempfile.TemporaryDirectory(prefix="vital-bench-") as folder:
        command = [sys.executable, str(ROOT / "manage.py"), "migrate_tenants", "undo", "--phase", PHASES[0], "--yes"]
        command += ["--plan", str(plan), "--log-dir", folder]
        _carried_out(command, environment(copy.owner_url, folder), folder, ours)
    figures.undo_wall = ours.wall


LEDGER_SIZE = "SELECT pg_total_relation_size('vital.ledger')"


def _carried_out(command: list[str], variables: dict[str, str], folder: str, figures: Figures) -> str:
    """Run a command to its end; its seconds and its memory go into the figures. Raises ContestantFailed."""
    began = time.monotonic()
    process = subprocess.Popen(
        command, cwd=folder, env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, start_new_session=True,
    )  # fmt: skip
    try:
        with measure.watched(process) as peak:
            output, _ = process.communicate()
    finally:
        if process.poll() is None:  # interrupted: its workers go with it
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    figures.wall += time.monotonic() - began
    figures.memory_mb = max(figures.memory_mb, peak[0])
    if process.returncode:
        raise ContestantFailed(f"ended with {process.returncode}: {' '.join(output.split())[-600:]}")
    return output
