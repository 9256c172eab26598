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
from migrations_ops.backup.table_contents import contents, snapshot
from migrations_ops.backup.verify import differences, verify
from migrations_ops.engine.session import Session
from migrations_ops.phase_state import has_begun, open_session
from migrations_ops.phases import pre_validation
from migrations_ops.rules.current import current_plan
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
    """A backup of the whole database: its manifest, where it is, and with `proven` what differs once it is restored.

    Applications may go on. Raises FileIsThere, RowsHidden, NoClient, NotWritten, NotDumped; NoPlace, NotVerified.
    """
    with open_session() as session:
        file = (file or default_file()).resolve()
        manifest = take(session, Target(connection_params()), file, who or me(), say)
        document = {"file": str(file), **asdict(manifest)}
        if has_audit(session):
            migrated = {"migrated": has_begun(session)}
            audit.note(session, who or me(), "backup", "", about(file, manifest) | migrated)
        if proven:
            home = settings.HOME / "rehearsal"
            document["differences"] = verify(session, Target(connection_params()), home, file, manifest, say)
        return document


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
        refuse_others(session)
        before = _counted(session)
        Restore(session, Target(connection_params()), file, manifest, order).carry_out(say)
        now = _counted(session)
        found = list(differences(manifest.tables, now))
        _remember(session, file, manifest, log_dir)
        return {
            "file": str(file),
            "taken_at": manifest.taken_at,
            "tables": _side_by_side(before, manifest.tables, now),
            "differences": found,
            "checks": pre_validation.outcomes(session, current_plan()),
        }


def _counted(session: Session) -> dict[str, Content]:
    """What the tables hold; nothing where it cannot be read whole: a damaged database is restored all the same."""
    try:
        with snapshot(session):
            return contents(session)[0]
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
