"""A restore of one tenant from its beginning to its end, and its undo: shown, agreed to, carried out, written down."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from migrations_ops.engine.session import Session
from migrations_ops.engine.step_context import Watch
from migrations_ops.engine.throttle import Throttle
from migrations_ops.engine.tracking import Heartbeat
from migrations_ops.models import Run
from migrations_ops.phase_state import make_ready, open_with_plan, refuse_distributed
from migrations_ops.phases.inventory import inventory_of
from migrations_ops.rules.model import Plan
from migrations_ops.runs import queries
from migrations_ops.runs.runner import Actor, accounting, check_stop, reopen
from migrations_ops.runs.transitions import move
from migrations_ops.tenant_restore import backup_file, others, undoing
from migrations_ops.tenant_restore.backup_file import BackupFile
from migrations_ops.tenant_restore.comparison import Comparison, Wanted, compare
from migrations_ops.tenant_restore.outcome import by_table, remaining
from migrations_ops.tenant_restore.staging import EVERY, Say, progress
from migrations_ops.tenant_restore.tables import ask
from migrations_ops.tenant_restore.writing import Writing
from tenants import audit
from tenants.lifecycle import registry
from tenants.lifecycle.export import PlatformIsNoTenant
from tenants.lifecycle.registry import Record
from tenants.lifecycle.service import require_tenants
from vital.errors import ConnectionLost, EngineError, Stopped, require_reason

Document = dict[str, Any]
WHAT = "Restoring a tenant"
STEPS = "restore", "undo restore"  # the actions in the audit


class KeysOfOneTable(EngineError):
    """--key names rows of one table: say which, with one --table. Nothing was changed."""

    exit_code = 2


class AnotherIsUnfinished(EngineError):
    """The {kind} {run} is {status}. Nothing was changed. Let it end first, or cancel it: ./manage.py migrate_tenants
    cancel; what it did stays."""


class NoSuchRestore(EngineError):
    """There is no restore {run}. Nothing was changed. The restores that there are: ./manage.py migrate_tenants status,
    or Runs in the admin."""

    exit_code = 2


class RestoreStopped(EngineError):
    """Stopped on request. What restore {run} has put back is kept. The same command continues; to undo it: ./manage.py
    tenants undo-restore {run}"""

    exit_code = 3


class NothingStands(EngineError):
    """Nothing that restore {run} did is left to undo. Nothing was changed."""

    exit_code = 2


@dataclass(frozen=True)
class Request:
    """Which tenant (slug or id), from which backup, and what of it."""

    tenant: str
    file: Path
    wanted: Wanted


def restore(
    request: Request, actor: Actor, say: Say, *, carries_out: bool, show: Callable[[Document], None]
) -> Document:
    """Compare, `show` what there is to do, and carry it out where that is asked.

    `status` is shown, nothing_to_do, restored, or incomplete where rows could not be put back. Raises EngineError.
    """
    if request.wanted.keys and len(request.wanted.tables) != 1:
        raise KeysOfOneTable
    if carries_out:
        require_reason(actor.reason, WHAT)
    with open_with_plan() as (session, plan), session.run_lock() if carries_out else nullcontext():
        require_tenants(session)
        refuse_distributed(session)
        inventory = inventory_of(plan)
        record = registry.find(session, inventory, request.tenant)
        if record.id == inventory.platform_id:
            raise PlatformIsNoTenant(name=record.slug)
        backup = backup_file.opened(session, request.file)
        found = compare(session, inventory, backup, record.id, request.wanted, say)
        document = _compared(found, record, backup, request)
        show(document)
        if not (carries_out and document["to_write"]):
            return document | {"status": "nothing_to_do" if carries_out else "shown"}
        return document | _carried_out(session, plan, found, record, backup.digest, request, actor, say)


def _compared(found: Comparison, record: Record, backup: BackupFile, request: Request) -> Document:
    taken_at = backup.manifest.taken_at if backup.manifest else None
    return {
        "tenant": record.slug,
        "backup": {"file": str(request.file), "sha256": backup.digest, "taken_at": taken_at},
        "delete_added": request.wanted.delete_added,
        "tables": by_table(found),
        "not_compared": found.refused,
        "to_write": remaining(found),
    }


def _carried_out(
    session: Session, plan: Plan, found: Comparison, record: Record, digest: str, request: Request, actor: Actor,
    say: Say,
) -> Document:  # fmt: skip
    reason = actor.reason.strip()
    make_ready(session)
    run = _opened(session, plan, record, _digest(digest, record, request.wanted), Actor(actor.who, reason))
    asked = {"run": run, "tenant": record.id, "backup": digest, **asdict(request.wanted)}
    audit.note(session, actor.who, STEPS[0], reason, asked)
    with _named(session, run), accounting(session, run):
        before = others.contents(found)
        Writing(found, run, _watch(session, run, say, partial(check_stop, session, run))).carry_out()
        after = others.contents(found)
        tables = by_table(found)
        result: Document = {"run": run, "tables": tables, "others": others.compared(before, after)}
        others.refuse_written(after, run)
        left = any(table["not_restored"] or table["written_since"] for table in tables)
        result |= {"status": "incomplete" if left else "restored", "rows": _rows(session, run)}
        audit.note(
            session, actor.who, f"{STEPS[0]} done", reason, {"run": run, "tenant": record.id, "rows": result["rows"]}
        )
    return result


def _rows(session: Session, run: int) -> Document:
    """Table → kind → how many rows the restore has written, earlier goes of it counted in."""
    rows: Document = {}
    with session.work():
        for relation, kind, count in ask(session, "rows_written_by_restore", {"run": run}):
            rows.setdefault(relation, {})[kind] = count
    return rows


def _digest(backup: str, record: Record, wanted: Wanted) -> str:
    """Of what was asked: a restore that was killed goes on where the same is asked again."""
    asked = json.dumps([backup, record.id, asdict(wanted)], sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()


def _opened(session: Session, plan: Plan, record: Record, digest: str, actor: Actor) -> int:
    """The number of a new run, or of the one that the same was asked of and that is not over."""
    if before := queries.unfinished(session):
        if (before.kind, before.digest) != (Run.Kind.RESTORE, digest):
            raise AnotherIsUnfinished(kind=before.kind, run=before.id, status=before.status)
        reopen(session, before.id, before.status, actor)
        return before.id
    facts = {
        "kind": Run.Kind.RESTORE,
        "phases": [],
        "digest": digest,
        "scope": f"tenant:{record.slug}",
        "plan": plan.text,
        "by": actor.who,
        "reason": actor.reason,
        "in_background": False,
    }
    with session.connection.transaction():
        return int(session.named("open_run", facts)[0][0])


@contextmanager
def _named(session: Session, run: int) -> Iterator[None]:
    """What stops a restore is said with how it goes on."""
    try:
        yield
    except Stopped as stop:
        raise RestoreStopped(run=run) from stop
    except psycopg.OperationalError as error:
        if session.connection.closed:
            raise ConnectionLost(message=str(error).strip().split("\n")[0]) from error
        raise


def _watch(session: Session, run: int, say: Say, check: Callable[[], None]) -> Watch:
    """Progress into the run's record, and every few seconds a line of it."""
    heart, begun, said = Heartbeat(session, run), time.monotonic(), [time.monotonic()]

    def batch_done(done: int, total: int, rows: int) -> None:
        heart.beat("rows of the tenant", done, total, rows)
        if time.monotonic() - said[0] > EVERY:
            said[0] = time.monotonic()
            say(progress(done, total, said[0] - begun))

    return Watch(batch_done, lambda why: say(f"waits for {why}") if why else None, check, Throttle(session))


def undo(run: int, actor: Actor, say: Say) -> Document:
    """Rows are as they were before the restore, but those that were changed since. Raises NoSuchRestore, NothingStands,
    ReasonRequired, AnotherIsUnfinished."""
    reason = require_reason(actor.reason, WHAT)
    with open_with_plan() as (session, plan), session.run_lock():
        require_tenants(session)
        refuse_distributed(session)
        with session.work():
            known = ask(session, "rows_of_restore", {"run": run})
        if not known:
            raise NoSuchRestore(run=run)
        status, rows = known[0]
        with _over(session, run, status):
            if not rows:
                raise NothingStands(run=run)
            audit.note(session, actor.who, STEPS[1], reason, {"run": run, "rows": rows})
            watch = _watch(session, run, say, lambda: None)
            undone = undoing.undo(session, inventory_of(plan), run, rows, watch)
    kept = [{"table": table, "key": key} for table, key in undone.kept]
    return {"run": run, "status": "undone", "rows": undone.rows, "kept": kept, "gone": undone.gone}


@contextmanager
def _over(session: Session, run: int, status: str) -> Iterator[None]:
    """A restore that is not over is cancelled by its undo, and no other run may be open."""
    before = queries.unfinished(session)
    if before and before.id != run:
        raise AnotherIsUnfinished(kind=before.kind, run=before.id, status=before.status)
    if status == Run.Status.RUNNING:
        move(session, run, status, Run.Status.PAUSED)
        status = Run.Status.PAUSED
    if status in Run.UNFINISHED:
        move(session, run, status, Run.Status.CANCELLED)
    yield
