"""A backup, proven: restored into a scratch database and compared with what was counted when it was taken."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from migrations_ops.backup import scratch_database, toc
from migrations_ops.backup.dump import Say
from migrations_ops.backup.manifest import Content, Manifest
from migrations_ops.backup.pg_dump import Complained, client, major
from migrations_ops.backup.pipe import pump
from migrations_ops.backup.scratch_database import Target
from migrations_ops.backup.table_contents import contents, snapshot
from migrations_ops.engine.session import Session
from vital.db.sql import shown
from vital.errors import EngineError

# It is about rows: who owns them and who may see them is not asked for, and may name roles that are not there.
OPTIONS = ("--no-owner", "--no-privileges", "--no-tablespaces", "--no-publications", "--no-subscriptions")
ROW_LEVEL_SECURITY = ("POLICY", "COMMENT - POLICY", "ROW SECURITY")


class NotVerified(EngineError):
    """The backup {file} is written, and could not be restored into a scratch database: {reason}. It is not proven. Let
    the role make databases on this server (ALTER ROLE … CREATEDB), where everything is that it needs, and verify again:
    ./manage.py backup --verify"""


def verify(source: Session, target: Target, home: Path, file: Path, manifest: Manifest, say: Say) -> list[str]:
    """What differs, a sentence a table; nothing is left of the scratch database. Raises NoPlace, NotVerified."""
    with scratch_database.scratch(source, "", target.params, home) as place, closing(place.target.open()) as copy:
        say(f"Restoring it into {place.target.params['dbname']} on the {place.kind} PostgreSQL")
        programs = client(copy, least=major(manifest.client))
        try:
            wanted = [entry for entry in toc.entries(programs, file) if not entry.is_a(*ROW_LEVEL_SECURITY)]
            with toc.only(wanted) as chosen:
                pump(programs, file, place.target, (*OPTIONS, chosen), lambda total: None, before="", after="")
        except Complained as complaint:
            raise NotVerified(file=file, reason=complaint) from complaint
        with snapshot(copy):
            found, _ = contents(copy)
    return list(differences(manifest.tables, found))


def differences(wanted: dict[str, Content], found: dict[str, Content]) -> Iterator[str]:
    """What a restored database has otherwise than its backup, a sentence a table."""
    for relation in sorted(wanted.keys() | found.keys()):
        one, other = wanted.get(relation), found.get(relation)
        if one == other:
            continue
        if one is None or other is None:
            yield f"{shown(relation)} is {'not in the backup' if one is None else 'missing'}"
        elif one.rows != other.rows:
            yield f"{shown(relation)} has {other.rows:,} rows instead of {one.rows:,}"
        else:
            yield f"{shown(relation)} has other content"
