"""A backup put back, in one transaction: what is there goes, what was there comes, and every row is counted.

pg_dump knows each kind of thing there is, so it is asked what is there now; pg_restore writes how it is dropped.
Nothing is seen of it by anybody until all of it stands, and a failure leaves the database as it was.
"""

import re
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from migrations_ops.backup import toc
from migrations_ops.backup.dump import Say
from migrations_ops.backup.manifest import Content, Manifest
from migrations_ops.backup.pg_dump import Complained, but, client, first_line, major
from migrations_ops.backup.pipe import Moved, pump, text
from migrations_ops.backup.scratch_database import Target
from migrations_ops.backup.table_contents import QUERIES, left_to_others
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
FUNCTIONS = ("FUNCTION", "PROCEDURE")
MADE = re.compile(r"^(CREATE) (?=FUNCTION |PROCEDURE )", re.MULTILINE)
# In a schema as its things are, and for another role to make.
OF_MANY = ("DEFAULT ACL", "PUBLICATION")
PRIVILEGES = ("ACL", "DEFAULT ACL")
# A grant that another than the owner has made: pg_dump writes it for superusers, who alone may become anybody.
GRANTOR = re.compile(r"^((?:RE)?SET) SESSION AUTHORIZATION\b", re.MULTILINE)
# Materialized views are filled under the policies of their tables, which FORCE does not let an owner switch off.
OPTIONS = ("--enable-row-security",)
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


class HeldByOthers(EngineError):
    """{thing} cannot be replaced: {holder} holds on to it, which is not this role's to drop and make again. Nothing was
    changed. Let its owner drop that, restore, and let it be made again."""


class NotRestored(EngineError):
    """The backup could not be restored: {reason}. The database is as it was: a restore is one transaction. Fix the
    cause, and restore again."""


@dataclass(frozen=True)
class Order:
    """What is asked of a restore: over what is there, without owners and grants, and without these kinds of things."""

    replace: bool = False
    no_owner: bool = False
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Parting:
    """What is dropped, what comes, and the functions between: others' triggers and policies call them, so that they
    stay where they are and become what they were."""

    gone: list[Entry]
    wanted: list[Entry]
    stays: list[str]
    kept: list[int]
    replaced: list[Entry]


class Restore:
    """Of one backup into one database. The session stays beside it and holds the run's lock.

    Schemas that are a provider's, here or where the backup was taken, are neither dropped nor made.
    """

    def __init__(
        self,
        session: Session,
        target: Target,
        file: Path,
        manifest: Manifest,
        order: Order,
        schemas: Collection[str] = (),
    ) -> None:
        self.session, self.target, self.file, self.manifest, self.order = session, target, file, manifest, order
        self.programs = client(session, least=major(manifest.client))
        self._rights: dict[str, bool] = {}
        self.left = sorted(manifest.left.keys() | left_to_others(session, schemas).keys())

    def carry_out(self, say: Say, *, with_rows: bool = True) -> None:
        """Raises EngineError, with the database as it was."""
        refuse_others(self.session, self.left)
        self._make_own_roles()
        with private_files.folder() as folder:
            try:
                parting = self._parting(folder / "now.dump")
                say(f"{len(parting.gone):,} things go, {len(parting.wanted):,} come")
                self._pump(self._before(folder / "now.dump", parting), parting.wanted, say, with_rows=with_rows)
            except Complained as complaint:
                raise NotRestored(reason=complaint) from complaint

    def refuse(self) -> None:
        """Raise what carry_out would refuse, as far as it can be known without a change."""
        with private_files.folder() as folder:
            try:
                self._parting(folder / "now.dump")
            except Complained as complaint:
                raise NotRestored(reason=complaint) from complaint

    def _parting(self, file: Path) -> Parting:
        """Leaves in `file` the schema that is there now."""
        now = self._now(file)
        wanted = [
            one
            for one in self._ours(toc.entries(self.programs, self.file))
            if one.inside or one.owner not in self.manifest.left.values()
        ]
        there = {name for (name,) in self.session.execute(QUERIES["extensions_there"])}
        wanted = [one for one in wanted if not (one.is_a("EXTENSION") and one.words.split()[2] in there)]
        self._refuse_roles(wanted)
        kept = self._held(now)
        names = {one.but_its_owner for one in now if one.identity in kept}
        stays = {one.schema for one in now if one.schema} & {one.schema for one in wanted if one.schema}
        gone = [
            one for one in now if not one.is_a("EXTENSION") and one.schema not in stays and one.identity not in kept
        ]
        return Parting(
            gone=gone,
            wanted=[one for one in wanted if one.schema not in stays and one.but_its_owner not in names],
            stays=sorted(stays),
            kept=[number for _, number in kept],
            replaced=[one for one in wanted if one.but_its_owner in names],
        )

    def _now(self, file: Path) -> list[Entry]:
        """What is there now. Raises NotEmpty unless it is to be replaced."""
        options = ["--format=custom", "--schema-only", *but(self.left), f"--file={file}"]
        try:
            self.programs.run("pg_dump", *options, target=self.target)
        except Complained as complaint:
            raise NotRestored(
                reason=f"what is there now is not all this role's: {first_line(str(complaint))}"
            ) from complaint
        now = self._ours(toc.entries(self.programs, file))
        things = [entry for entry in now if not entry.is_a(*FRAME)]
        if things and not self.order.replace:
            database = self.session.execute(QUERIES["about_the_server"])[0][0]
            raise NotEmpty(database=database, count=f"{len(things):,}", example=things[0].shown)
        return now

    def _ours(self, entries: list[Entry]) -> list[Entry]:
        """But a provider's schemas, and what is in no schema, granted by default or published by a role not ours."""
        return [
            one
            for one in entries
            if one.inside not in self.left
            and not one.is_a(*self.order.skipped)
            and (self._has_rights_of(one.owner) or (one.inside and not one.is_a(*OF_MANY)))
        ]

    def _has_rights_of(self, role: str) -> bool:
        if role not in self._rights:
            self._rights[role] = not role or bool(self.session.value(QUERIES["may_restore_for"], {"role": role}))
        return self._rights[role]

    def _held(self, now: list[Entry]) -> set[tuple[int, int]]:
        """The functions that something of others' leans on. Raises HeldByOthers for anything else."""
        ours = {one.identity: one for one in now}
        found = set()
        for catalogue, number, thing, holder in self.session.execute(QUERIES["leaned_on"], {"left": self.left}):
            entry = ours.get((catalogue, number))
            if entry is None or not entry.is_a(*FUNCTIONS):
                raise HeldByOthers(thing=thing, holder=holder)
            found.add(entry.identity)
        return found

    def _before(self, file: Path, parting: Parting) -> str:
        """The SQL that makes way. Schemas that are on both sides stay where they are."""
        with toc.only(parting.gone) as chosen:
            script = self.programs.run("pg_restore", "--clean", "--if-exists", chosen, "--file=-", str(file))
        drops = BEGINNING.sub("", FIRST_CREATED.split(script, maxsplit=1)[0])
        # pg_dump has no word for a schema `public` that is as the server made it.
        schemas = sql.literal(sorted({*parting.stays, "public"}))
        parts = [text("make_way"), drops, text("forget_grants_of_schemas", schemas=schemas)]
        if not self.order.no_owner:
            parts.append(text("forget_default_privileges", schemas=schemas))
            parts.append(text("forget_grants_of_functions", functions=sql.literal(parting.kept)))
        for function in parting.replaced:
            with toc.only([function]) as chosen:
                made = self.programs.run("pg_restore", *self._options(), chosen, "--file=-", str(self.file))
            parts.append(MADE.sub(r"\1 OR REPLACE ", BEGINNING.sub("", made), count=1))
        return "\n".join(parts)

    def _granted(self, wanted: list[Entry]) -> str:
        """The SQL of who may do what, each grant by who made it: apart from the rows, whose text is not to be read."""
        if self.order.no_owner:
            return ""
        with toc.only(one for one in wanted if one.is_a(*PRIVILEGES)) as chosen:
            script = self.programs.run("pg_restore", chosen, "--file=-", str(self.file))
        return GRANTOR.sub(r"\1 ROLE", BEGINNING.sub("", script))

    def _options(self) -> tuple[str, ...]:
        return (*OPTIONS, "--no-owner", "--no-privileges") if self.order.no_owner else OPTIONS

    def _pump(self, before: str, wanted: list[Entry], say: Say, *, with_rows: bool) -> None:
        tables = self.tables() if with_rows else {}
        options = self._options() if with_rows else (*self._options(), "--schema-only")
        demand = text(
            "demand_rows",
            relations=sql.literal(list(tables)),
            rows=sql.literal([content.rows for content in tables.values()]),
        )
        grantees, privileges = ([pair[at] for pair in self.manifest.privileges] for at in (0, 1))
        grant = text("grant_as_before", grantees=sql.literal(grantees), privileges=sql.literal(privileges))
        after = demand if self.order.no_owner else "\n".join([self._granted(wanted), demand, grant])
        with toc.only(one for one in wanted if not one.is_a(*PRIVILEGES)) as chosen:
            pump(self.programs, self.file, self.target, (*options, chosen), _progress(say), before, after)

    def tables(self) -> dict[str, Content]:
        """What must be there afterwards."""
        return {name: content for name, content in self.manifest.tables.items() if sql.names(name)[0] not in self.left}

    def _refuse_roles(self, wanted: list[Entry]) -> None:
        needed = {role for role, kinds in self.manifest.roles.items() if "r" in kinds or not self.order.no_owner}
        missing = sorted(role for role in needed if not self.session.value(QUERIES["has_role"], {"role": role}))
        if missing:
            raise RolesMissing(roles=", ".join(missing))
        owners = {entry.owner for entry in wanted} | {
            role for role, kinds in self.manifest.roles.items() if "o" in kinds
        }
        foreign = [] if self.order.no_owner else sorted(role for role in owners if not self._has_rights_of(role))
        if foreign:
            raise OwnersDiffer(roles=", ".join(foreign))

    def _make_own_roles(self) -> None:
        """VITAL's own are made where they are missing."""
        needed = {role for role, kinds in self.manifest.roles.items() if "r" in kinds or not self.order.no_owner}
        if needed & set(ROLES):
            self._make(list(policies.roles()))

    def _make(self, roles: Sequence[Statement]) -> None:
        for role in roles:
            try:
                if not ddl.is_there(self.session, role):
                    for change in role.up:
                        self.session.execute(change)
            except psycopg.errors.InsufficientPrivilege as error:
                raise RolesMissing(roles=role.name.removeprefix("the role ")) from error


def refuse_others(session: Session, left: Collection[str]) -> None:
    """Raise OthersConnected with their names; of those who keep the schemas that are left, nobody is asked to go."""
    deadline = time.monotonic() + PATIENCE
    while others := [who for (who,) in session.execute(QUERIES["others_connected"], {"left": list(left)})]:
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
