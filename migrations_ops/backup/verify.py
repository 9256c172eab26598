"""A backup, proven: restored into a scratch database by the way a restore takes, and compared with what was counted."""

from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path

from migrations_ops.backup import scratch_database, surroundings
from migrations_ops.backup.dump import Say
from migrations_ops.backup.manifest import Content, Manifest
from migrations_ops.backup.restore import Order, Restore
from migrations_ops.backup.scratch_database import EMBEDDED, Target
from migrations_ops.backup.table_contents import contents, snapshot
from migrations_ops.engine.session import Session
from vital.db.sql import shown
from vital.errors import EngineError

# On a server without the platform's roles nothing can be given to them, and policies may name them.
OF_ROLES = ("POLICY", "COMMENT - POLICY", "ROW SECURITY")


class NotVerified(EngineError):
    """The backup {file} is written, and could not be restored into a scratch database: {reason} It is not proven. Let
    the role make databases on this server (ALTER ROLE … CREATEDB), where everything is that it needs, and verify again:
    ./manage.py backup --verify"""


class Refused(EngineError):
    """The backup {file} is written, and a restore over this database would be refused: {reason} It is not proven."""


def verify(
    source: Session, target: Target, home: Path, file: Path, manifest: Manifest, schemas: Collection[str], say: Say
) -> list[str]:
    """What differs, a sentence a table; nothing is left of the scratch database. Raises NoPlace, Refused, NotVerified.

    The schema alone is restored first: then there is something to be replaced, and held on to by what is a provider's.
    """
    try:
        Restore(source, target, file, manifest, Order(replace=True), schemas).refuse()
    except EngineError as error:
        raise Refused(file=file, reason=error) from error
    with scratch_database.scratch(source, "", target.params, home) as place, closing(place.target.open()) as copy:
        say(f"Restoring it into {place.target.params['dbname']} on the {place.kind} PostgreSQL")
        elsewhere = place.kind == EMBEDDED
        order = Order(replace=True, no_owner=elsewhere, skipped=("EXTENSION", *(OF_ROLES if elsewhere else ())))
        surroundings.make(source, copy, manifest.left)
        restore = Restore(copy, place.target, file, manifest, order, schemas)
        try:
            restore.carry_out(say, with_rows=False)
            surroundings.hold_on(source, copy, manifest.left)
            restore.carry_out(say)
        except EngineError as error:
            raise NotVerified(file=file, reason=error) from error
        with snapshot(copy):
            found, _ = contents(copy, manifest.left)
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
