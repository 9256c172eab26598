"""A backup, proven: restored into a scratch database and compared with what was counted when it was taken."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from migrations_ops.backup import archive
from migrations_ops.backup.content import contents, snapshot
from migrations_ops.backup.files import Content, Manifest
from migrations_ops.backup.pump import pump
from migrations_ops.backup.take import Say
from migrations_ops.engine.errors import EngineError
from migrations_ops.engine.session import Session
from migrations_ops.engine.sql import shown
from migrations_ops.rehearsal import places
from migrations_ops.rehearsal.copy import Complained, client, major
from migrations_ops.rehearsal.places import Target

# It is about rows: who owns them and who may see them is not asked for, and may name roles that are not there.
OPTIONS = ("--no-owner", "--no-privileges", "--no-tablespaces", "--no-publications", "--no-subscriptions")
FENCE = ("POLICY", "COMMENT - POLICY", "ROW SECURITY")


class NotVerified(EngineError):
    """The backup {file} is written, and could not be restored into a scratch database: {reason}. It is not proven. Let
    the role make databases on this server (ALTER ROLE … CREATEDB), where everything is that it needs, and verify again:
    manage.py backup --verify"""


def verify(source: Session, target: Target, home: Path, file: Path, manifest: Manifest, say: Say) -> list[str]:
    """What differs, a sentence a table; nothing is left of the scratch database. Raises NoPlace, NotVerified."""
    with places.scratch(source, "", target.params, home) as place, closing(place.target.open()) as copy:
        say(f"Restoring it into {place.target.params['dbname']} on the {place.kind} PostgreSQL")
        programs = client(copy, least=major(manifest.client))
        try:
            wanted = [entry for entry in archive.entries(programs, file) if not entry.is_a(*FENCE)]
            with archive.only(wanted) as chosen:
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
