"""What of a tenant is otherwise than in a backup: by table and key, with why a row could not be put back."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from psycopg.sql import Composable

from migrations_ops.engine.session import Session
from migrations_ops.tenant_restore import references, staging
from migrations_ops.tenant_restore.backup_file import BackupFile, Layout
from migrations_ops.tenant_restore.staging import CannotCompare, Say
from migrations_ops.tenant_restore.tables import FALSE, TRUE, Staged, ask, is_given, part, refers, unchanged
from tenants.inventory import TENANT_COLUMN, Inventory
from tenants.lifecycle.export import parents_first
from vital.db import introspection, sql
from vital.db.introspection import ForeignKey
from vital.db.sql import shown
from vital.errors import EngineError, UnknownTable

BEFORE = "its rows have no tenant in the backup"
HINT = ", added since: --delete-added"


class BackupFromBefore(EngineError):
    """{file} was taken before rows had a tenant, so that it does not say which rows were this tenant's. Nothing was
    changed. Restore it into a database of its own, run the migration there, back that up, and restore from that
    backup."""

    exit_code = 2


class NothingToCompare(EngineError):
    """No table that was asked for can be compared with {file}: {why}. Nothing was changed."""

    exit_code = 2


@dataclass(frozen=True)
class Wanted:
    """What is to be restored: of these tables (all, where none is named), of one the rows with these keys; whether rows
    that were added since are deleted, and whether rows that were deleted with one come back with it."""

    tables: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    delete_added: bool = False
    with_children: bool = False


@dataclass
class Comparison:
    """The tables that were compared, each after those that it refers to, and why others were not."""

    session: Session
    inventory: Inventory
    tenant: str
    wanted: Wanted
    tables: list[Staged] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    readable: set[str] = field(default_factory=set)
    whole: dict[str, str] = field(default_factory=dict)  # of a partition that a key leads to, the table

    def table(self, relation: str) -> Staged | None:
        """The one that has these rows."""
        whole = self.whole.get(relation, relation)
        return next((table for table in self.tables if table.relation == whole), None)

    def unreferred(self, table: Staged) -> Composable:
        """Predicate on `t`: no other row of a table that may be read refers to it."""
        known = [one for one in table.referring if one.child in self.readable]
        return sql.join([TRUE, *(self._nobody(table, one) for one in known)], " AND ")

    def hidden(self, table: Staged) -> references.Hidden:
        """The keys to this table of tables that may not be read."""
        return references.Hidden(self.session, table, self.readable)

    def _nobody(self, table: Staged, reference: ForeignKey) -> Composable:
        return part("nobody_refers", **self.referring_rows(table, reference))

    def referring_rows(self, table: Staged, reference: ForeignKey) -> dict[str, Composable]:
        """Which rows `c` of the child refer to `t`, for what is to be said of them."""
        itself = table.same_row("c", "t") if reference.child == table.relation else FALSE
        led = [refers(reference, "c", "t"), references.leads_to(reference, "t")]
        return {"child": sql.relation(reference.child), "refers": sql.join(led, " AND "), "is_itself": itself}

    def may_be_referred_to(self, reference: ForeignKey, alias: str) -> Composable:
        """Predicate on the row that is referred to: the tenant's own, the Platform's or of no tenant, where rows have
        an owner. It is what the guards demand of applications, and they do not ask VITAL."""
        if self.whole.get(reference.parent, reference.parent) not in {one.relation for one in self.inventory.tables}:
            return TRUE
        owners = sql.literal([self.tenant, self.inventory.platform_id])
        owner = sql.column(alias, TENANT_COLUMN)
        return sql.compose("COALESCE({owner}::text = ANY({owners}::text[]), true)", owner=owner, owners=owners)


def compare(
    session: Session, inventory: Inventory, backup: BackupFile, tenant: str, wanted: Wanted, say: Say
) -> Comparison:
    """Stage what is needed and note every difference. Raises UnknownTable, BackupFromBefore, NothingToCompare,
    NotABackup, NoTemporaryTables."""
    found = Comparison(session, inventory, tenant, wanted)
    asked, needed = _tables(session, inventory, wanted)
    staging.make_room(session)
    for table, layout in _described(session, inventory, backup, needed, asked, found.refused):
        say(f"{table.name}: reading it from {backup.file.name}")
        try:
            staging.load(session, backup, layout, table, tenant, say)
            _look(found, table)
        except CannotCompare as error:
            found.refused[table.name] = str(error)
            continue
        found.tables.append(table)
    if not any(table.asked for table in found.tables):
        _refuse(backup, found)
    if not any(table.rows for table in found.tables) and _were_unassigned(found):
        raise BackupFromBefore(file=backup.file)
    _connect(found)
    _follow(found)
    judge(found)
    return found


def _tables(session: Session, inventory: Inventory, wanted: Wanted) -> tuple[list[str], list[str]]:
    """(those that are asked for, those with what they need), parents first."""
    known = [one.relation for one in inventory.tables]
    there = introspection.columns_of(session, known)
    known = [name for name in known if TENANT_COLUMN in [column.name for column in there.get(name, ())]]
    asked = []
    for name in wanted.tables:
        relation = sql.relation_named(name)
        if relation not in known:
            raise UnknownTable(name=name, known=", ".join(map(shown, known)))
        asked.append(relation)
    asked = asked or known
    links = introspection.foreign_keys_between(session, known)
    needed = set(_closure(asked, [(one.child, one.parent) for one in links]))
    if wanted.with_children:
        needed |= set(_closure(needed, [(one.parent, one.child) for one in links]))
        needed |= set(_closure(needed, [(one.child, one.parent) for one in links]))
    ordered = parents_first(known, [(one.child, one.parent) for one in links])
    return asked, [name for name in ordered if name in needed]


def _closure(names: Iterable[str], steps: Sequence[tuple[str, str]]) -> Iterator[str]:
    left, seen = list(names), set[str]()
    while left:
        name = left.pop()
        if name not in seen:
            seen.add(name)
            yield name
            left += [to for start, to in steps if start == name]


def _described(
    session: Session, inventory: Inventory, backup: BackupFile, needed: list[str], asked: list[str],
    refused: dict[str, str],
) -> Iterator[tuple[Staged, Layout]]:  # fmt: skip
    """Each table that can be compared, and in `refused` why others cannot."""
    keys = {one.relation: one.key for one in inventory.tables}
    numbers = count(1)
    for relation in needed:
        layout, name = backup.layout(relation), shown(relation)
        if layout is None or layout.lacks_rows:
            refused[name] = "it is not in the backup" if layout is None else "the backup has it without all of its rows"
            continue
        now = session.columns(relation)
        held = [one for one in now if one.name in layout.columns and not one.is_generated]
        names = {one.name for one in held}
        if TENANT_COLUMN not in names:
            refused[name] = BEFORE
        elif missing := [column for column in keys[relation] if column not in names]:
            refused[name] = f"{', '.join(missing)} of its key is not in the backup"
        else:
            typed = session.typed_key(relation, keys[relation])
            table = Staged(relation, typed, next(numbers), now, held, relation in asked)
            table.notes = list(_notes(table, layout))
            yield table, layout


def _notes(table: Staged, layout: Layout) -> Iterator[str]:
    """What of the schema is otherwise by now."""
    now = {column.name: column for column in table.columns}
    for name, kind in layout.columns.items():
        if name not in now:
            yield f"{name} was dropped since: its values are not restored"
        elif now[name].kind.removeprefix("public.") != kind and not now[name].is_generated:
            yield f"{name} was {kind} and is {now[name].kind}"
    for name, column in now.items():
        if name not in layout.columns and not column.is_generated:
            yield f"{name} was added since: rows keep what they have, and rows that come back get its default"


def _refuse(backup: BackupFile, found: Comparison) -> None:
    if BEFORE in found.refused.values():
        raise BackupFromBefore(file=backup.file)
    why = "; ".join(f"{name}: {why}" for name, why in found.refused.items()) or "the tenant has no tables"
    raise NothingToCompare(file=backup.file, why=why)


def _look(found: Comparison, table: Staged) -> None:
    """Note its differences. Raises CannotCompare."""
    session, tenant = found.session, {"tenant": found.tenant}
    table.keys = list(found.wanted.keys) or None
    now, then = table.text("t", table.compared), table.text("s", table.compared)
    with session.work():
        if _may_have_duplicates(session, table):
            key = sql.join([sql.column("t", name) for name in table.key_columns])
            parts = {name: table.parts[name] for name in ("relation", "tenant")}
            if ask(session, "keys_of_several_rows", tenant, key=key, **parts)[0][0]:
                raise CannotCompare("several rows of it have the same key")
        both = table.parts | {"same_row": table.same_row("t", "s")}
        ask(
            session, "compare_backup_with_now", tenant, is_gone=table.lacks("t"), key=table.key_text("s"),
            now=now, then=then, chosen=table.chosen("s"), **both,
        )  # fmt: skip
        ask(
            session, "compare_now_with_backup", tenant | {"deletes": found.wanted.delete_added},
            is_unknown=table.lacks("s"), key=table.key_text("t"), chosen=table.chosen("t"), **both,
        )  # fmt: skip
    with session.work(as_operator=False):
        ask(session, "analyze_temporary", table=table.differences)


def _were_unassigned(found: Comparison) -> bool:
    """Whether rows that are the tenant's had no tenant yet: some platforms had the column before the migration."""
    with found.session.work():
        return any(ask(found.session, "unassigned_then", differences=table.differences)[0][0] for table in found.tables)


def _may_have_duplicates(session: Session, table: Staged) -> bool:
    """A plan may name a key that no index holds, and none is common to a table and those that inherit from it."""
    unique = [key for key in introspection.unique_keys(session, table.relation) if key.tells_rows_apart]
    held = any({*key.columns} <= {*table.key_columns} for key in unique)
    return not held or len(session.leaves(table.relation)) > 1


def _connect(found: Comparison) -> None:
    """What refers to what, as far as a restore has to look."""
    session, names = found.session, [table.relation for table in found.tables]
    registry = sql.names(found.inventory.registry)
    own = [one for one in references.of_tables(session, names) if sql.names(one.parent) != registry]
    to_us = references.to_tables(session, names)
    others = list({one.parent for one in own} | {one.child for one in to_us})
    with session.work():
        found.readable = {name for (name,) in ask(session, "readable_tables", {"relations": others})}
        found.whole = dict(ask(session, "tables_of_partitions", {"relations": [one.parent for one in own]}))
    for table in found.tables:
        held = {column.name for column in table.held}
        ours = [one for one in own if sql.names(one.child) == sql.names(table.relation) and {*one.own} <= held]
        table.references = [one for one in ours if one.parent in found.readable]
        table.referring = [one for one in to_us if sql.names(one.parent) == sql.names(table.relation)]
        table.unique = [
            key for key in introspection.unique_keys(session, table.relation)
            if key.tells_rows_apart and {*key.columns} <= held and {*key.columns} != {*table.key_columns}
        ]  # fmt: skip


def _follow(found: Comparison) -> None:
    """Choose what chosen rows need, and where that is wanted what went with them."""
    while any([*_followed(found)]):
        pass


def _followed(found: Comparison) -> Iterator[bool]:
    for table in found.tables:
        for reference in table.references:
            parent = found.table(reference.parent)
            if parent is None:
                continue
            ours = {"stage": table.stage, "differences": table.differences, "refers": refers(reference, "s", "there")}
            ours |= {"parent_stage": parent.stage, "parent_differences": parent.differences}
            with found.session.work():
                yield bool(ask(found.session, "follow_parents", **ours))
                if found.wanted.with_children:
                    yield bool(ask(found.session, "follow_children", **ours))


def judge(found: Comparison, *, finally_: bool = False) -> None:
    """Say of each row that cannot be put back why; `finally_`: after all was done that could be."""
    while any([*_judged(found, finally_)]):
        pass


def _judged(found: Comparison, finally_: bool) -> Iterator[bool]:
    for table in found.tables:
        with found.session.work():
            found.hidden(table).leave_referred()
        for reference in table.references:
            with found.session.work():
                yield bool(_without_parent(found, table, reference, finally_))
        for key in table.unique:
            columns = ", ".join(name for name in key.columns if name != TENANT_COLUMN)
            facts: dict[str, Any] = {"tenant": found.tenant, "held": f"its {columns} is that of ", "added": HINT}
            facts["movable"] = [] if finally_ else ["changed", "added"]
            parts = table.parts | {"other_key": table.key_text("o"), "same_row": table.same_row("o", "s")}
            same = sql.same_values("o", key.columns, "s", key.columns)
            with found.session.work():
                yield bool(ask(found.session, "key_is_held", facts, same_values=same, **parts))


def _without_parent(found: Comparison, table: Staged, reference: ForeignKey, finally_: bool) -> list[tuple[int]]:
    parent = found.table(reference.parent)
    comes: Composable = FALSE
    if parent is not None and not finally_:
        staged = {"parent_stage": parent.stage, "parent_differences": parent.differences}
        comes = part("parent_comes", comes_by=refers(reference, "s", "there"), **staged)
    what = f"refers by {', '.join(reference.own)} to a row of {shown(reference.parent)} that "
    owner = found.may_be_referred_to(reference, "p")
    return ask(
        found.session, "parent_is_missing",
        {"of_others": f"{what}belongs to another tenant", "gone": f"{what}is gone"},
        parent=sql.relation(reference.parent), refers=refers(reference, "s", "p"), may_be_referred_to=owner,
        is_given=is_given(reference, "s"), same_row=table.same_row("t", "s"),
        refers_now=unchanged(table, reference.own), comes=comes,
        stage=table.stage, differences=table.differences, relation=table.parts["relation"],
    )  # fmt: skip
