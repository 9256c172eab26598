"""What one tenant tries against another in one table: statements, and what their answers mean.

An answer counts for what it was tried for alone. Where a statement is to be refused, the same one must be taken when it
aims at nobody else (its control): else the refusal says nothing of isolation.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from psycopg.sql import Composable

from tenants.isolation.fixtures import Made, NotPlantable, Planted, Planter, Reference
from tenants.isolation.queries import QUERIES, query
from tenants.isolation.report import HELD, LEAK, NOT_TRIED
from tenants.isolation.targets import AS_TENANT, NOBODY, Actor, Guise, Target
from vital.db import sql

REFUSED = "42501"  # insufficient_privilege: what grants and policies answer
BROKEN_REFERENCE = "23503"
CHANGED_MEANWHILE, LOCKED, CONSTRAINTS = "40001", "55P03", "23"
GUARD = "vital.guard_refer"  # in the context of what the triggers that guard references raise
SHARED = "shared by the Platform, readable"
REPLACED = "a trigger writes something else, so that the row stays in its tenant"


@dataclass(frozen=True)
class Move:
    """A statement as somebody of a tenant. `point` selects the row that its cursor is on, as the operator. With `look`
    the statement returns the key of a row, of which the operator then asks this; what it counts is what was touched."""

    tenant: str
    statement: str
    point: str = ""
    guise: Guise = AS_TENANT
    look: str = ""

    def listed(self) -> list[str]:
        """As `try_each` takes it."""
        guise = self.guise
        return [self.statement, self.point, guise.role, guise.setting, guise.value(self.tenant), self.look]


@dataclass(frozen=True)
class Try:
    """An attack on a victim. `control`: the same where it harms nobody. `by_reference`: what refuses it is the guard of
    references, so that it must have passed all constraints; `new_row`: triggers may refuse it before the policies do.
    `made`: what makes each of the rows that it is about."""

    victim: Actor
    verb: str
    move: Move
    control: Move | None = None
    by_reference: bool = False
    new_row: bool = False
    allowed: bool = False
    made: tuple[tuple[Made, ...], ...] = ()

    @property
    def writes_a_row(self) -> bool:
        """Whether it is about the row that it writes, not one that it reaches."""
        return self.new_row or self.by_reference


@dataclass(frozen=True)
class Answer:
    """What a move came to, after it was taken back."""

    touched: int = 0
    sqlstate: str = ""
    message: str = ""
    constraint: str = ""
    context: str = ""

    @property
    def taken(self) -> bool:
        return not self.sqlstate and self.touched > 0

    def is_refusal_of(self, statement: str) -> bool:
        """Whether the statement itself was refused, and not what a trigger did beside."""
        within, _, _ = self.context.partition(statement)
        return self.sqlstate == REFUSED and "\n" not in within


@dataclass(frozen=True)
class Verdict:
    outcome: str
    detail: str = ""


def judge(one: Try, answer: Answer, control: Answer | None, left: Answer | None = None) -> Verdict:
    """Held where nothing was touched, or the database refused for the right reason. Constraints and rows that others
    have changed come after the policies: who is refused by those was let through. Any other refusal proves nothing.
    `left`: what the row that was written is in the end, which triggers have a say in."""
    if one.allowed and answer.taken:
        return Verdict(HELD, SHARED)
    if left is not None and not left.sqlstate and not left.touched:
        return Verdict(HELD, REPLACED)
    if answer.taken:
        return Verdict(LEAK)
    if control is not None and not control.taken:
        why = control.message or "it touches no row"
        return Verdict(NOT_TRIED, f"the same is not refused where it is harmless: {why}")
    if not answer.sqlstate or answer.is_refusal_of(one.move.statement):
        return Verdict(HELD)
    if one.by_reference:
        held = answer.sqlstate == BROKEN_REFERENCE
        return Verdict(HELD) if held else _unclear(answer)
    late = answer.constraint or GUARD in answer.context or not one.new_row
    if (answer.sqlstate[:2] == CONSTRAINTS and late) or answer.sqlstate == CHANGED_MEANWHILE:
        return Verdict(LEAK, f"the policies let it through; refused only because {answer.message}")
    return _unclear(answer)


def _unclear(answer: Answer) -> Verdict:
    """Refused by what comes before isolation: it may hold or not."""
    return Verdict(NOT_TRIED, f"refused for another reason: {answer.message}")


def script(move: Move, made: Sequence[str] = ()) -> str:
    """The move as anybody can repeat it, after the statements that make the rows that it is about."""
    lines = ["BEGIN;"]
    if made or move.point:
        lines += [QUERIES["repeat_as_operator"] + ";", *made]
    if move.point:
        lines += [QUERIES["repeat_cursor"].replace("{query}", move.point) + ";"]
    parts = {"role": sql.ident(move.guise.role), "setting": sql.literal(move.guise.setting)}
    value = sql.literal(move.guise.value(move.tenant))
    lines += [sql.text_of(query("repeat_in_guise", value=value, **parts))]
    return "\n".join([*lines, move.statement + ";", "ROLLBACK;"])


class Weapons:
    """The statements against one table, composed once: a slot in them stands for each key and tenant. The attacker
    comes in the `guise`; a control is a tenant's."""

    def __init__(self, planter: Planter, target: Target, guise: Guise = AS_TENANT) -> None:
        self.planter, self.target, self.guise = planter, target, guise
        self.controlled: set[str] = set()  # verbs whose control was taken

    def against(self, attacker: Actor, victim: Actor, platform: str, *, each_alone: bool = False) -> Iterator[Try]:
        """Every attack that there is a row for. `each_alone`: only those that try a single policy or guard, which the
        others are combinations of."""
        theirs = self.planter.planted.get((self.target.relation, victim.id))
        if theirs is None:
            return
        mine = self.planter.planted.get((self.target.relation, attacker.id))
        shared = victim.id in self.guise.readable(NOBODY, platform, shared=self.target.shared)
        yield self._by_key("select by key", "read_row", attacker, victim, theirs, allowed=shared)
        if not self.target.writable:
            return
        if not each_alone or theirs.existed:
            yield self._by_key("select for update", "lock_row", attacker, victim, theirs)
            yield self._by_key("update by key", "update_row", attacker, victim, theirs)
            yield self._by_key("delete by key", "delete_row", attacker, victim, theirs)
        if theirs.existed:
            return
        yield from self._unseen(attacker, victim, theirs)
        yield from self._forged(attacker, victim, theirs)
        if mine is None or mine.existed:
            return
        yield self._given_away(attacker, victim, theirs, mine)
        if not each_alone:
            yield from self._on_conflict(attacker, victim, theirs, mine)
        if victim.id != platform:
            for reference in self.references:
                yield from self._referring(attacker, victim, mine, reference, each_alone=each_alone)

    def impossible(self, attacker: Actor, victim: Actor, platform: str) -> Iterator[tuple[str, str]]:
        """(verb, why) of what there is no row for."""
        relation, writable = self.target.relation, self.target.writable
        theirs = self.planter.planted.get((relation, victim.id))
        mine = self.planter.planted.get((relation, attacker.id))
        if theirs is None and (writable or victim.planted):
            refusal = self.planter.refusals.get((relation, victim.id), "no row is there")
            yield "everything by key", f"none could be planted: {refusal}"
        if theirs is None or not writable:
            return
        for one in self._to_tenants:
            if one.of_partitions:
                yield f"refer to {one.parent} by {', '.join(one.own)}", "only some partitions have this foreign key"
        if theirs.spare is None:
            yield "insert in its name", f"no second row could be planted: {theirs.no_spare}"
        if theirs.existed:
            yield "write of a row unseen", f"only rows that exist could be tried: {theirs.no_spare}"
        if attacker.id and (mine is None or mine.existed or mine.spare is None):
            why = mine.no_spare if mine else self.planter.refusals.get((relation, attacker.id), "no row is there")
            yield "insert on conflict and references", f"the attacker has no row of its own: {why}"

    def watched(self, attacker: Actor, one: Try, platform: str) -> Move:
        """The same, and whether the row that it wrote is another's in the end, or refers to another's. Only for what
        was taken: a row that is returned must pass the policy for reading, too."""
        returned = query("returned_key", key=sql.key_text("t", self.target.key))
        look = self._look.replace(_slot("owner"), sql.quoted(attacker.id) if attacker.id else "NULL")
        look = look.replace(_slot("platform"), sql.quoted(platform))
        return replace(one.move, statement=one.move.statement + sql.text_of(returned), look=look)

    # --- the attacks ---

    def _by_key(
        self, verb: str, name: str, attacker: Actor, victim: Actor, theirs: Planted, *, allowed: bool = False
    ) -> Try:
        """The victim may do the same: so the statement does reach the row."""
        statement = self._text(name, key=sql.quoted(theirs.key))
        control = Move(victim.id, statement) if name == "read_row" and verb not in self.controlled else None
        move = self._move(attacker, statement)
        return Try(victim, verb, move, control, allowed=allowed, made=(theirs.made,))

    def _unseen(self, attacker: Actor, victim: Actor, theirs: Planted) -> Iterator[Try]:
        """Write rows without reading them, so that the policy for reading cannot stand in for that for writing."""
        point = self._text("point_at_row", key=sql.quoted(theirs.key))
        # Nobody has no id to write; the policy for the new row refuses it then, after that for the old one.
        taking = self._text("write_row", owner=sql.quoted(attacker.id or victim.id))
        yield Try(victim, "update of a row unseen", self._move(attacker, taking, point), made=(theirs.made,))
        deleting = self._move(attacker, self._text("delete_pointed"), point)
        yield Try(victim, "delete of a row unseen", deleting, made=(theirs.made,))

    def _forged(self, attacker: Actor, victim: Actor, theirs: Planted) -> Iterator[Try]:
        """A new row in the victim's name, which the victim itself may write."""
        if theirs.spare is None:
            return
        statement, verb = self.planter.insertion(self.target.relation, theirs.spare), "insert in its name"
        control = None if verb in self.controlled else Move(victim.id, statement)
        yield Try(victim, verb, self._move(attacker, statement), control, new_row=True, made=(theirs.spare_made,))

    def _given_away(self, attacker: Actor, victim: Actor, theirs: Planted, mine: Planted) -> Try:
        point, verb = self._text("point_at_row", key=sql.quoted(mine.key)), "update that gives a row away"
        giving, keeping = (self._text("write_row", owner=sql.quoted(owner.id)) for owner in (victim, attacker))
        control = None if verb in self.controlled else Move(attacker.id, keeping, point)
        made = theirs.made, mine.made
        return Try(victim, verb, self._move(attacker, giving, point), control, new_row=True, made=made)

    def _on_conflict(self, attacker: Actor, victim: Actor, theirs: Planted, mine: Planted) -> Iterator[Try]:
        """An own row under the victim's key, which turns into an UPDATE of the victim's."""
        key, recipe = frozenset(self.target.key), self.planter.recipe(self.target.relation)
        if mine.spare is None or (key, True) not in recipe.unique:
            return
        if self.target.tenant in key or not key <= recipe.columns.keys():  # what is generated cannot be given
            return
        statements = [self._overwriting(mine.spare, row) for row in (theirs, mine)]
        moves = self._move(attacker, statements[0]), Move(attacker.id, statements[1])
        made = theirs.made, mine.made, mine.spare_made
        yield Try(victim, "insert on conflict", *moves, new_row=True, made=made)

    def _overwriting(self, values: dict[str, str], row: Planted) -> str:
        taken = values | {name: row.texts[name] for name in self.target.key}
        key = sql.join(sql.ident(name) for name in self.target.key)
        parts = {"key": key, "tenant": sql.ident(self.target.tenant)}
        return sql.text_of(self.planter.insert(self.target.relation, [taken], "overwrite_row", **parts))

    def _referring(
        self, attacker: Actor, victim: Actor, mine: Planted, reference: Reference, *, each_alone: bool
    ) -> Iterator[Try]:
        """An own row that refers to the victim's: allowed to the Platform's rows only. The control refers to an own."""
        parent, by = self.planter.tables[reference.parent], ", ".join(reference.own)
        verbs = [f"{verb} that refers to it by {by}" for verb in ("insert", "update")]
        if each_alone and mine.spare is not None:
            del verbs[1]
        needed = [verb for verb in verbs if verb not in self.controlled]
        try:
            mothers = [
                self._parent(parent, actor, reference) for actor in ((victim, attacker) if needed else (victim,))
            ]
        except NotPlantable:
            return
        given = [
            {own: mother.texts[of] for own, of in zip(reference.own, reference.key, strict=True)} for mother in mothers
        ]
        made = *(mother.made for mother in mothers), mine.made, mine.spare_made
        empty = self.planter.recipe(self.target.relation).empty_with(reference)
        for verb in verbs:
            compose = self._inserting if verb.startswith("insert") else self._assigning
            texts = compose(mine, given, empty)
            if texts:
                control = Move(attacker.id, texts[1]) if verb in needed else None
                yield Try(victim, verb, self._move(attacker, texts[0]), control, by_reference=True, made=made)

    def _assigning(self, mine: Planted, given: list[dict[str, str]], empty: set[str]) -> list[str]:
        columns = self.planter.recipe(self.target.relation).columns
        emptied = [sql.compose("{name} = NULL", name=sql.ident(name)) for name in sorted(empty)]
        assignments = [
            sql.join(
                [
                    sql.compose("{name} = {value}", name=sql.ident(name), value=columns[name].typed(value))
                    for name, value in values.items()
                    if name != self.target.tenant
                ]
                + emptied
            )
            for values in given
        ]
        key = sql.quoted(mine.key)
        return [self._text("refer_to_row", key=key, assignments=sql.text_of(one)) for one in assignments]

    def _inserting(self, mine: Planted, given: list[dict[str, str]], empty: set[str]) -> list[str]:
        if mine.spare is None:
            return []
        own = {self.target.tenant: mine.spare[self.target.tenant]}
        spare = {name: value for name, value in mine.spare.items() if name not in empty}
        return [self.planter.insertion(self.target.relation, spare | one | own) for one in given]

    def _parent(self, parent: Target, actor: Actor, reference: Reference) -> Planted:
        """The row to refer to; where only one may refer to it, another one that nobody refers to yet."""
        if self.planter.must_be_fresh(self.planter.recipe(self.target.relation), reference):
            return self.planter.kept_free(parent, actor)
        found = self.planter.planted.get((parent.relation, actor.id))
        if found is None:
            raise NotPlantable(self.planter.refusals.get((parent.relation, actor.id), "no row is there"))
        return found

    @cached_property
    def references(self) -> list[Reference]:
        """The references to tables of tenants, but that of the tenant itself and those that are part of a wider one.
        Whether what some partitions alone have binds a row is not known beforehand: it is named as not tried."""
        found = [one for one in self._to_tenants if not one.of_partitions]
        return [one for one in found if not any(set(one.own) < set(other.own) for other in found)]

    @property
    def _to_tenants(self) -> list[Reference]:
        return [
            one
            for one in self.planter.recipe(self.target.relation).references
            if one.parent in self.planter.tables
            and self.planter.tables[one.parent].writable
            and set(one.own) != {self.target.tenant}
        ]

    # --- composing ---

    def _move(self, attacker: Actor, statement: str, point: str = "") -> Move:
        return Move(attacker.id, statement, point, self.guise)

    def _text(self, name: str, /, **slots: str) -> str:
        if name not in self._composed:
            key = sql.raw(_slot("key"))
            parts: dict[str, Composable] = {
                "relation": sql.relation(self.target.relation),
                "tenant": sql.ident(self.target.tenant),
                "row": self.planter.row_is(self.target, key),
                "owner": sql.compose("{id}::uuid", id=sql.raw(_slot("owner"))),
                "assignments": sql.raw(_slot("assignments")),
            }
            self._composed[name] = sql.text_of(query(name, **parts))
        text = self._composed[name]
        for slot, value in slots.items():
            text = text.replace(_slot(slot), value)
        return text

    @cached_property
    def _look(self) -> str:
        slots: dict[str, Composable] = {name: sql.raw(_slot(name)) for name in ("owner", "platform")}
        elsewhere: list[Composable] = [sql.raw("false")]
        for one in self.references:
            parent, same = self.planter.tables[one.parent], sql.same_values("p", one.key, "t", one.own)
            parts = {"parent": sql.relation(parent.relation), "tenant": sql.ident(parent.tenant), "same": same}
            elsewhere.append(query("refers_to_others", **parts, **slots))
        return sql.text_of(
            query(
                "row_left",
                relation=sql.relation(self.target.relation),
                tenant=sql.ident(self.target.tenant),
                row=self.planter.row_is(self.target, sql.raw("$1")),
                refers_to_others=sql.join(elsewhere, " OR "),
                **slots,
            )
        )

    @cached_property
    def _composed(self) -> dict[str, str]:
        return {}


def _slot(name: str) -> str:
    """What no identifier and no statement of ours contains."""
    return f"\x01{name}\x01"


def together(*several: tuple[Made, ...]) -> tuple[Made, ...]:
    """Each row once, in the order in which they are needed."""
    return tuple(dict.fromkeys(one for made in several for one in made))
