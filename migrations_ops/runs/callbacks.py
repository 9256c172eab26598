"""What happens around a run: hooks, the backup before the first change, and maintenance until it is completed."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings

from migrations_ops.engine.events import Listener
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Baseline, Check, Phase
from migrations_ops.models import Run
from migrations_ops.phase_state import has_begun
from migrations_ops.runs import hooks
from tenants import audit, maintenance
from vital.db.own_schema import me
from vital.errors import EngineError, Stopped

Document = dict[str, Any]
FRESH = timedelta(hours=24)
STAYS_ON = """Maintenance stays on, so that nothing is written into what is half done: resume the run, or \
./manage.py maintenance off"""
NO_BACKUP = "No backup is taken, as VITAL_BACKUP=0 or --no-backup says: keep one of your own, or rely on undo"


class NoBackupTaken(EngineError):
    """There is no backup, so nothing was changed: {reason} Correct this and run again, or without one: --no-backup"""


class RunCallbacks:
    """Of one run. `lifecycle` is around all of it; `begin`, `before` and `after` are called inside."""

    def __init__(self, session: Session, run_id: int, kind: str, listener: Listener) -> None:
        self.session, self.run_id, self.listener = session, run_id, listener
        facts = {"run": str(run_id), "kind": kind, "database": session.named("who")[0][0], "by": me()}
        self.hooks = hooks.Hooks(settings.HOOKS, hooks.load(settings.HOOKS), facts)
        self.maintained = maintenance.state(session).get("run") == run_id

    @contextmanager
    def lifecycle(self) -> Iterator[None]:
        """Hooks are called however it ends; maintenance ends where the run is completed."""
        try:
            yield
        except EngineError as error:
            self._broken_off(error)
            raise
        status = str(self.session.named("status_of_run", {"id": self.run_id})[0][0])
        if status == Run.Status.COMPLETED:
            maintenance.switch_off(self.session, me(), f"run {self.run_id} is completed", self.run_id)
        elif self.maintained:
            self.listener.said(STAYS_ON)
        self._fire("after run", f"Run {self.run_id} itself is {status}.", status=status)

    def begin(self) -> None:
        """Before the first phase. Raises HookFailed."""
        if self.maintained:
            self.listener.said("Maintenance is on: the API reads and does not write, until the run is completed")
            time.sleep(maintenance.SETTLES)
        self._fire("before run", "Nothing was changed by this run.")

    def before(self, phase: Phase) -> None:
        """Raises HookFailed, and NoBackupTaken where the phase would be the first that changes anything."""
        self._fire("before phase", f"{phase.key} was not started.", phase.key)
        if changes(phase) and not has_begun(self.session):
            self._back_up()

    def after(self, phase: Phase, status: str) -> None:
        """Raises HookFailed."""
        so = f"{phase.key} is {status.replace('_', ' ')}, and what comes after it was not started."
        self._fire("after phase", so, phase.key, status=status)

    def _fire(self, when: str, so: str, phase: str = "", **facts: str) -> None:
        for name in self.hooks.fire(when, so, phase, **facts):
            self.listener.said(f"hook {name}, {when}")

    def _broken_off(self, error: EngineError) -> None:
        """A hook that fails now must not hide why the run did."""
        what = error.facts.get("what") if isinstance(error, Stopped) else ""
        status = {"pause": Run.Status.PAUSED, "cancel": Run.Status.CANCELLED}.get(str(what), Run.Status.FAILED)
        if self.maintained:
            self.listener.said(STAYS_ON)
        try:
            self._fire("after run", "", status=str(status), error=str(error))
        except hooks.HookFailed as failed:
            self.listener.said(str(failed))

    def _back_up(self) -> None:
        if not settings.BACKUP:
            self.listener.said(NO_BACKUP)
            return
        if fresh := _fresh(audit.last_backup_from_before(self.session)):
            self.listener.said(f"The backup of {fresh['at']} is fresh enough: {fresh['file']}")
            return
        from migrations_ops.backup.pg_dump import NoClient
        from migrations_ops.backup.service import back_up

        try:
            document = back_up(None, self.listener.said)
        except NoClient as error:
            self.listener.said(f"No backup is taken: {error}")
        except EngineError as error:
            raise NoBackupTaken(reason=error) from error
        else:
            for words in _of_backup(document):
                self.listener.said(words)


def _of_backup(document: Document) -> Iterator[str]:
    """No more than is known: nobody has tried to restore it."""
    yield f"Backed up; a restore was not tried (backup --verify does): ./manage.py restore {document['file']} --replace"
    if document["left"]:
        yield f"Not in the backup, and left to who owns them: the schemas {', '.join(document['left'])}"
    if document["refusal"]:
        yield f"It could not be put back here: {document['refusal']}"


def changes(phase: Phase) -> bool:
    return any(not isinstance(step, Check | Baseline) for step in phase.steps)


def _fresh(found: tuple[datetime, Document] | None) -> Document | None:
    """`at` and `file` of a backup of the last day, if its file is there as it was."""
    if found is None:
        return None
    at, facts = found
    file = Path(facts["file"])
    if datetime.now(UTC) - at > FRESH or not file.is_file() or file.stat().st_size != facts["bytes"]:
        return None
    return {"at": f"{at:%Y-%m-%d %H:%M}", "file": file}
