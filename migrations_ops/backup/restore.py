"""A backup put back, in one transaction: what is there goes, what was there comes, and every row is counted.

pg_dump knows each kind of thing there is, so it is asked what is there now; pg_restore writes how it is dropped.
Nothing is seen of it by anybody until all of it stands, and a failure leaves the database as it was.
"""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from migrations_ops.backup import toc
from migrations_ops.backup.dump import Say
from migrations_ops.backup.manifest import Manifest
from migrations_ops.backup.pg_dump import Complained, client, first_line, major
from migrations_ops.backup.pipe import Moved, pump, text
from migrations_ops.backup.scratch_database import Target
from migrations_ops.backup.table_contents import QUERIES
from migrations_ops.backup.toc import Entry
from migrations_ops.engine import ddl
from migrations_ops.engine.session import Session
from migrations_ops.engine.steps import Statement
from migrations_ops.phases import policies
from vital import private_files
from vital.db import sql
from vital.db.roles import ROLES
from vital.errors import EngineError

PATIENCE = 3  # seconds for the session of somebody who has just left to end
STEP = 100_000_000  # bytes between two words about how far it is
# Schemas are ours only as far as nothing else is in them, and an extension is made only where it is missing.
FRAME = ("SCHEMA", "ACL - SCHEMA", "COMMENT - SCHEMA", "EXTENSION", "DEFAULT ACL")
FIRST_CREATED = re.compile(r"^--\n-- Name: ", re.MULTILINE)
# What pg_restore begins with: settings of its own session, some of which an older server does not know.
BEGINNING = re.compile(
    r"^(\\(un)?restrict .*|SET \w+ = .*;|SELECT pg_catalog\.set_config\('search_path'.*;)\n", re.MULTILINE
)


class NotEmpty(EngineError):
    """The database {database} is not empty: it has {count} things, such as {example}. Nothing was changed. To put the
    backup in the place of all of it: --replace"""

    exit_code = 2


class OthersConnected(EngineError):
    """Others are connected to {database}: {who}. Nothing was changed. Stop the service and the applications, close the
    other sessions, and restore again."""


class RolesMissing(EngineError):
    """This server lacks roles that the backup names: {roles}. Nothing was changed. Let a DBA make each (CREATE ROLE …
    NOLOGIN), or leave out owners and grants: --no-owner. (Roles that policies name are needed all the same.)"""

    exit_code = 2


class OwnersDiffer(EngineError):
    """Things in the backup belong to {roles}, and this role may not give them there. Nothing was changed. Restore as
    that role, or let everything belong to this one, with no grants to others: --no-owner"""

    exit_code = 2


class NotRestored(EngineError):
    """The backup could not be restored: {reason}. The database is as it was: a restore is one transaction. Fix the
    cause, and restore again."""


@dataclass(frozen=True)
class Order:
    """What is asked of a restore: over what is there, and without owners and grants."""

    replace: bool = False
    no_owner: bool = False


class Restore:
    """Of one backup into one database. The session stays beside it and holds the run's lock."""

    def __init__(self, session: Session, target: Target, file: Path, manifest: Manifest, order: Order) -> None:
        self.session, self.target, self.file, self.manifest, self.order = session, target, file, manifest, order
        self.programs = client(session, least=major(manifest.client))

    def carry_out(self, say: Say) -> None:
        """Raises EngineError, with the database as it was."""
        refuse_others(self.session)
        self._refuse_roles()
        with private_files.folder() as folder:
            now = self._now(folder / "now.dump")
            try:
                wanted = toc.entries(self.programs, self.file)
                before, chosen = self._before(folder / "now.dump", now, wanted, say)
                self._pump(before, chosen, say)
            except Complained as complaint:
                raise NotRestored(reason=complaint) from complaint

    def _now(self, file: Path) -> list[Entry]:
        """What is there now. Raises NotEmpty unless it is to be replaced."""
        try:
            self.programs.run("pg_dump", "--format=custom", "--schema-only", f"--file={file}", target=self.target)
        except Complained as complaint:
            raise NotRestored(
                reason=f"what is there now is not all this role's: {first_line(str(complaint))}"
            ) from complaint
        now = toc.entries(self.programs, file)
        things = [entry for entry in now if not entry.is_a(*FRAME)]
        if things and not self.order.replace:
            database = self.session.execute(QUERIES["about_the_server"])[0][0]
            raise NotEmpty(database=database, count=f"{len(things):,}", example=things[0].shown)
        return now

    def _before(self, file: Path, now: list[Entry], wanted: list[Entry], say: Say) -> tuple[str, list[Entry]]:
        """(the SQL that makes way, what is then restored). Schemas that are on both sides stay where they are."""
        stay = {entry.schema for entry in now if entry.schema} & {entry.schema for entry in wanted if entry.schema}
        gone = [entry for entry in now if not entry.is_a("EXTENSION") and entry.schema not in stay]
        say(f"{len(gone):,} things go, {len(wanted):,} come")
        with toc.only(gone) as chosen:
            script = self.programs.run("pg_restore", "--clean", "--if-exists", chosen, "--file=-", str(file))
        drops = BEGINNING.sub("", FIRST_CREATED.split(script, maxsplit=1)[0])
        forget = text("forget_grants_of_schemas", schemas=sql.literal(sorted(stay)))
        return "\n".join([text("make_way"), drops, forget]), [entry for entry in wanted if entry.schema not in stay]

    def _pump(self, before: str, wanted: list[Entry], say: Say) -> None:
        tables = self.manifest.tables
        demand = text(
            "demand_rows",
            relations=sql.literal(list(tables)),
            rows=sql.literal([content.rows for content in tables.values()]),
        )
        grantees, privileges = ([pair[at] for pair in self.manifest.privileges] for at in (0, 1))
        grant = text("grant_as_before", grantees=sql.literal(grantees), privileges=sql.literal(privileges))
        options = ("--no-owner", "--no-privileges") if self.order.no_owner else ()
        after = demand if self.order.no_owner else f"{demand}\n{grant}"
        with toc.only(wanted) as chosen:
            pump(self.programs, self.file, self.target, (*options, chosen), _progress(say), before, after)

    def _refuse_roles(self) -> None:
        """VITAL's own roles are made where they are missing."""
        needed = {role for role, kinds in self.manifest.roles.items() if "r" in kinds or not self.order.no_owner}
        if needed & set(ROLES):
            self._make(list(policies.roles()))
        known = {role: self.session.execute(QUERIES["role_of_owner"], {"role": role})[0] for role in needed}
        missing = sorted(role for role, (there, _) in known.items() if not there)
        if missing:
            raise RolesMissing(roles=", ".join(missing))
        owners = {role for role, kinds in self.manifest.roles.items() if "o" in kinds and not self.order.no_owner}
        foreign = sorted(role for role in owners if not known[role][1])
        if foreign:
            raise OwnersDiffer(roles=", ".join(foreign))

    def _make(self, roles: Sequence[Statement]) -> None:
        for role in roles:
            try:
                if not ddl.is_there(self.session, role):
                    for change in role.up:
                        self.session.execute(change)
            except psycopg.errors.InsufficientPrivilege as error:
                raise RolesMissing(roles=role.name.removeprefix("the role ")) from error


def refuse_others(session: Session) -> None:
    """Raise OthersConnected with their names."""
    deadline = time.monotonic() + PATIENCE
    while others := [who for (who,) in session.execute(QUERIES["others_connected"])]:
        if time.monotonic() > deadline:
            database = session.execute(QUERIES["about_the_server"])[0][0]
            raise OthersConnected(database=database, who=", ".join(others[:5]))
        time.sleep(0.1)


def _progress(say: Say) -> Moved:
    steps = 0

    def moved(total: int) -> None:
        nonlocal steps
        if total // STEP > steps:
            steps = total // STEP
            say(f"{total / 1e6:,.0f} MB restored")

    return moved
