"""The door to backups: taken, verified, put back."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings

from migrations_ops.backup import manifest as files
from migrations_ops.backup.dump import take
from migrations_ops.backup.manifest import Content, Manifest
from migrations_ops.backup.restore import Order, Restore, refuse_others
from migrations_ops.backup.scratch_database import Target
from migrations_ops.backup.table_contents import contents, left_to_others, snapshot
from migrations_ops.backup.verify import differences, verify
from migrations_ops.engine.session import Session
from migrations_ops.phase_state import has_begun, open_session
from migrations_ops.phases import pre_validation
from migrations_ops.phases.queries import schemas_of
from migrations_ops.rules.current import current_plan
from migrations_ops.rules.reader import PlanError
from tenants import audit
from vital import private_files
from vital.db.own_schema import connection_params, me
from vital.db.sql import shown
from vital.errors import EngineError

__all__ = ["Order", "about", "back_up", "database_name", "default_file", "has_audit", "restore"]

Say = Callable[[str], None]
Document = dict[str, Any]


def default_file() -> Path:
    return settings.BACKUP_DIR / f"vital_backup_{datetime.now(UTC):%Y%m%d_%H%M%S}.dump"


def back_up(file: Path | None, say: Say, *, proven: bool = False, who: str = "") -> Document:
    """A backup of all that is this role's: its manifest, where it is, why a restore here would be refused (or nothing),
    and with `proven` what differs once it is restored.

    Applications may go on. Raises FileIsThere, RowsHidden, NoClient, NotWritten, NotDumped; NoPlace, Refused,
    NotVerified.
    """
    with open_session() as session:
        file, target, schemas = (
            (file or default_file()).resolve(),
            Target(connection_params()),
            _schemas_of_plan(session),
        )
        manifest = take(session, target, file, who or me(), schemas, say)
        document = {"file": str(file), **asdict(manifest)}
        if has_audit(session):
            migrated = {"migrated": has_begun(session)}
            audit.note(session, who or me(), "backup", "", about(file, manifest) | migrated)
        if proven:
            home = settings.HOME / "rehearsal"
            document["differences"] = verify(session, target, home, file, manifest, schemas, say)
        else:
            document["refusal"] = _refusal(Restore(session, target, file, manifest, Order(replace=True), schemas))
        return document


def _refusal(restore: Restore) -> str:
    """Why it could not be put back over this database, as far as that can be known without trying."""
    try:
        restore.refuse()
    except EngineError as error:
        return str(error)
    return ""


def _schemas_of_plan(session: Session) -> list[str]:
    """None where no plan can be read: a backup needs none."""
    try:
        plan = current_plan(session)
    except (EngineError, PlanError):
        return []
    return schemas_of([*(spec.relation for spec in plan.tables), *plan.common])


def about(file: Path, manifest: Manifest) -> Document:
    """What the audit remembers of a backup."""
    return {"file": str(file), "sha256": manifest.sha256, "bytes": manifest.bytes, "rows": manifest.rows}


def has_audit(session: Session) -> bool:
    return bool(session.named("has_audit")[0][0])


def database_name() -> str:
    """The database that a restore would put the backup into."""
    with open_session() as session:
        return str(session.named("who")[0][0])


def restore(file: Path, order: Order, say: Say, log_dir: Path) -> Document:
    """Put a backup back, then ask what 000 asks and compare every table with what it was then.

    Raises NoBackup, BackupDamaged, NotEmpty, OthersConnected, RolesMissing, OwnersDiffer, NotRestored: each of them
    with the database as it was.
    """
    manifest = files.read(file)
    with open_session() as session, session.run_lock():
        schemas = _schemas_of_plan(session)
        refuse_others(session, left_to_others(session, schemas))
        before = _counted(session, schemas)
        restore = Restore(session, Target(connection_params()), file, manifest, order, schemas)
        restore.carry_out(say)
        now = _counted(session, schemas)
        found = list(differences(restore.tables(), now))
        _remember(session, file, manifest, log_dir)
        return {
            "file": str(file),
            "taken_at": manifest.taken_at,
            "tables": _side_by_side(before, restore.tables(), now),
            "differences": found,
            "checks": pre_validation.outcomes(session, current_plan()),
        }


def _counted(session: Session, schemas: list[str]) -> dict[str, Content]:
    """What the tables hold; nothing where it cannot be read whole: a damaged database is restored all the same."""
    try:
        with snapshot(session):
            return contents(session, left_to_others(session, schemas))[0]
    except (EngineError, psycopg.Error):
        return {}


def _side_by_side(before: dict[str, Content], then: dict[str, Content], now: dict[str, Content]) -> list[Document]:
    def rows(tables: dict[str, Content], relation: str) -> int | None:
        return tables[relation].rows if relation in tables else None

    names = sorted(before.keys() | then.keys() | now.keys())
    columns = {"before": before, "backup": then, "now": now}
    return [{"table": shown(name)} | {key: rows(tables, name) for key, tables in columns.items()} for name in names]


def _remember(session: Session, file: Path, manifest: Manifest, log_dir: Path) -> None:
    """In the audit, where the restored database has one, and in a log that no restore takes back."""
    if has_audit(session):
        audit.note(session, me(), "restore", "", about(file, manifest))
    with private_files.log(log_dir / "restore.log") as log:
        when = datetime.now(UTC).isoformat(timespec="seconds")
        log.write(f"{when} {me()} restored {manifest.database} from {file} (SHA-256 {manifest.sha256})\n")
