"""Rows to attack: one in every table for every tenant that is asked for, made from what the catalogue says a row needs.

All of it happens in the caller's transaction. Where no row can be made, one that is there stands in.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import psycopg
from psycopg.rows import dict_row
from psycopg.sql import Composable

from tenants.isolation.fixture_values import Column, described
from tenants.isolation.queries import QUERIES, of_table
from tenants.isolation.targets import MARK, Actor, Target
from vital.db import sql
from vital.db.session import RETRYABLE, Session

ATTEMPTS, DEPTH = 12, 4
OPERATOR, ONESELF = "be_operator", "be_oneself"
SUPPRESSED = "a trigger keeps the row from being written"
COLLIDES = (psycopg.errors.UniqueViolation, psycopg.errors.ExclusionViolation)
Values = dict[str, str]


class NotPlantable(Exception):
    """A row could not be made; the message says why."""


@dataclass(frozen=True)
class Reference:
    """A foreign key: columns `own` of the table refer to the columns `key` of `parent`."""

    name: str
    own: tuple[str, ...]
    parent: str
    key: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Made:
    """A row that was inserted, and by whom: what a script needs to make it again."""

    relation: str
    values: Values
    by: str = OPERATOR


@dataclass(frozen=True)
class Planted:
    """A row that stands in the table, its columns as texts, and the statements that make it. `spare` are the values of
    another one like it that an INSERT would take; without one, `no_spare` says why. Of a row that was there before,
    nothing is known."""

    key: str
    row: dict[str, Any]
    texts: Values
    values: Values
    made: tuple[Made, ...] = ()
    spare: Values | None = None
    spare_made: tuple[Made, ...] = ()
    no_spare: str = ""

    @property
    def existed(self) -> bool:
        return not self.values


@dataclass
class Recipe:
    """What is known of a table: its columns, references and keys; the values that its CHECKs turned out to want; and
    samples of unique columns whose shape they want. A CHECK may want one of several references that may be empty:
    `alternatives` has them, the one that is used first."""

    columns: dict[str, Column]
    references: list[Reference]
    unique: list[tuple[frozenset[str], bool]]
    wanted: Values = field(default_factory=dict)
    shapes: Values = field(default_factory=dict)
    alternatives: dict[str, list[Reference]] = field(default_factory=dict)

    def is_used(self, reference: Reference) -> bool:
        """Whether a row has to refer to something by it."""
        needed = any(self.columns[name].needed for name in reference.own if name in self.columns)
        return needed or any(one[0] == reference for one in self.alternatives.values())

    def empty_with(self, reference: Reference) -> set[str]:
        """The columns that are empty where a row refers to something by this one."""
        others = [one[0] for one in self.alternatives.values() if reference in one]
        return {name for other in others for name in other.own} - set(reference.own)


class Planter:
    """Plants as vital_operator; what lies outside the plan (auth.users) as the role that logged in."""

    def __init__(self, session: Session, tables: Iterable[Target]) -> None:
        self.session = session
        self.recipes: dict[str, Recipe] = {}
        self.tables = {target.relation: target for target in tables}
        self.planted: dict[tuple[str, str], Planted] = {}
        self.refusals: dict[tuple[str, str], str] = {}
        self._at_work: set[str] = set()
        self._insertions: dict[tuple[str, tuple[str, ...]], str] = {}
        self.typed_keys = {
            target.relation: session.typed_key(target.relation, target.key) for target in self.tables.values()
        }

    def forget(self) -> None:
        """The transaction is over, and its rows are gone."""
        self.planted.clear()
        self.refusals.clear()

    def recipe(self, relation: str) -> Recipe:
        """Raises NotPlantable where the table is in a schema that this role may not even look into."""
        if relation not in self.recipes:
            columns = self._columns(relation)
            if not columns:
                raise NotPlantable(f"{relation} is closed to this login")
            references = [
                Reference(name, tuple(own), self._as_planned(parent), tuple(key))
                for name, parent, own, key in self.session.execute(of_table("references_of", relation))
            ]
            unique = [
                (frozenset(names), plain) for names, plain in self.session.execute(of_table("unique_keys_of", relation))
            ]
            self.recipes[relation] = Recipe({column.name: column for column in columns}, references, unique)
        return self.recipes[relation]

    def _columns(self, relation: str) -> list[Column]:
        try:
            with self.session.connection.transaction(), self.session.connection.cursor(row_factory=dict_row) as cursor:
                found = cursor.execute(of_table("columns_to_fill", relation).as_bytes(cursor), {}).fetchall()
        except psycopg.errors.InsufficientPrivilege:
            return []
        types = {str(row["composite"]): self._columns(row["composite"]) for row in found if row["composite"]}
        return [described(row, types) for row in found]

    def _as_planned(self, relation: str) -> str:
        """The plan may spell a table in another way than the catalogue does."""
        return next((name for name in self.tables if sql.names(name) == sql.names(relation)), relation)

    # --- rows of tenants ---

    def plant(self, target: Target, actors: Sequence[Actor]) -> None:
        """A row of each of these tenants, with everything it refers to; all of them in one statement where that can be.
        Where none can be made, a row that is there; without one, `refusals` says why."""
        missing = [
            actor
            for actor in actors
            if (target.relation, actor.id) not in self.planted | self.refusals and (target.writable or actor.planted)
        ]
        if not missing:
            return
        if target.relation in self._at_work:  # a circle of references: whoever comes first does without
            return
        self._at_work.add(target.relation)
        try:
            self._plant_parents(target, missing)
            if len(missing) == 1 or not self._all_at_once(target, missing):
                for actor in missing:
                    self._one_or_existing(target, actor)
        finally:
            self._at_work.discard(target.relation)

    def plant_one(self, target: Target, actor: Actor, given: Values | None = None) -> Planted:
        """A row of this tenant with these values. Raises NotPlantable."""
        self._plant_parents(target, [actor])
        planted = self._one(target, actor, given)
        self.planted[target.relation, actor.id] = planted
        return planted

    def fresh(self, target: Target, actor: Actor) -> Planted:
        """One more row of the tenant, to which nothing refers. Raises NotPlantable."""
        return self._one(target, actor)

    def _plant_parents(self, target: Target, actors: Sequence[Actor]) -> None:
        recipe = self.recipe(target.relation)
        for reference in recipe.references:
            parent = self.tables.get(reference.parent)
            if parent and parent is not target:
                self.plant(parent, actors)

    def _given(self, target: Target, actor: Actor, given: Values | None = None) -> Values:
        values = {target.tenant: actor.id} | (given or {})
        if not target.writable:  # the registry: the tenant's own record
            columns = self.recipe(target.relation).columns
            values |= {name: f"{MARK}-{uuid4().hex[:8]}" for name in ("name", "slug") if name in columns}
        return values

    def _all_at_once(self, target: Target, actors: Sequence[Actor]) -> bool:
        """Whether one statement could plant the rows of all, and another one like it the spare ones."""
        others: list[tuple[Values, tuple[Made, ...]]] = []
        try:
            with self.session.connection.transaction():
                new = [self._values(target.relation, self._given(target, actor), actor) for actor in actors]
                rows = self._insert(target.relation, [values for values, _ in new], target.key)
                if len(rows) < len(new):  # a trigger has suppressed some: one by one it is seen which
                    raise NotPlantable(SUPPRESSED)
                if target.writable:
                    others = [self._values(target.relation, self._given(target, actor), actor) for actor in actors]
                    with self.session.connection.transaction(force_rollback=True):
                        self._insert(target.relation, [values for values, _ in others], target.key)
        except RETRYABLE:
            raise
        except (psycopg.Error, NotPlantable):
            if self.session.connection.closed:
                raise
            return False
        for place, (actor, (values, made), (key, row, texts)) in enumerate(zip(actors, new, rows, strict=True)):
            statements, spare = self._making(target, values, texts, made), others[place] if others else (None, ())
            self.planted[target.relation, actor.id] = Planted(key, row, texts, values, statements, *spare)
        return True

    def _one_or_existing(self, target: Target, actor: Actor) -> None:
        try:
            planted = self._one(target, actor)
        except NotPlantable as refusal:
            existing = self._existing_row(target, actor)
            if existing is None:
                self.refusals[target.relation, actor.id] = str(refusal)
                return
            planted = Planted(*existing, values={}, no_spare=str(refusal))
        self.planted[target.relation, actor.id] = planted

    def _one(self, target: Target, actor: Actor, given: Values | None = None) -> Planted:
        fixed = self._given(target, actor, given)
        values, made, (key, row, texts) = self._insert_until_taken(target.relation, fixed, actor, target.key)
        statements = self._making(target, values, texts, made)
        if not target.writable:
            return Planted(key, row, texts, values, statements)
        try:
            spare = self._insert_until_taken(target.relation, self._given(target, actor), actor, target.key, keep=False)
        except NotPlantable as refusal:
            return Planted(key, row, texts, values, statements, no_spare=str(refusal))
        return Planted(key, row, texts, values, statements, *spare[:2])

    def _making(self, target: Target, values: Values, texts: Values, made: tuple[Made, ...]) -> tuple[Made, ...]:
        """What makes the row again under the same key, with what it refers to."""
        same = values | {name: texts[name] for name in target.key}
        return (*made, Made(target.relation, same))

    def _existing_row(self, target: Target, actor: Actor) -> tuple[str, dict[str, Any], Values] | None:
        parts = self._returned(target.relation, target.key) | {
            "tenant": sql.ident(target.tenant),
            "owner": sql.literal(actor.id),
        }
        found = self._sampled(of_table("existing_row", target.relation, **parts))
        return (found[0][0], found[0][1], found[0][2]) if found else None

    # --- statements ---

    def insert(
        self, relation: str, rows: Sequence[Values], query: str = "forge_row", /, **parts: Composable
    ) -> Composable:
        """A named INSERT of rows that have values for the same columns."""
        names = list(rows[0])
        parts |= {"columns": sql.join(sql.ident(name) for name in names)}
        return of_table(
            query, relation, **parts, rows=sql.verbatim(", ".join(self._row(relation, row) for row in rows))
        )

    def insertion(self, relation: str, row: Values) -> str:
        """The text of a plain INSERT: there are very many of them."""
        names = tuple(row)
        if (relation, names) not in self._insertions:
            columns = sql.join(sql.ident(name) for name in names)
            empty = of_table("forge_row", relation, columns=columns, rows=sql.raw(""))
            self._insertions[relation, names] = sql.text_of(empty)
        return self._insertions[relation, names] + self._row(relation, row)

    def _row(self, relation: str, row: Values) -> str:
        """Its values as the columns' own types."""
        columns = self.recipe(relation).columns
        return "(" + ", ".join(f"{sql.quoted(value)}::{columns[name].kind}" for name, value in row.items()) + ")"

    def remade(self, made: Iterable[Made]) -> list[str]:
        """The statements that make these rows again, as the operator but for what is made by the login itself."""
        lines: list[str] = []
        for one in dict.fromkeys(made):
            statement = self.insertion(one.relation, one.values)
            lines += [QUERIES[one.by], statement, QUERIES[OPERATOR]] if one.by != OPERATOR else [statement]
        return [line + ";" for line in lines]

    def row_is(self, target: Target, key: Composable) -> Composable:
        """Predicate on `t`: this row, by its key so that the key's index serves."""
        return sql.key_equals("t", self.typed_keys[target.relation], key)

    # --- making values ---

    def _values(
        self, relation: str, given: Values, actor: Actor, depth: int = 0, attempt: int = 0
    ) -> tuple[Values, tuple[Made, ...]]:
        """A value for each column that needs one: given, referred to, or invented; and what makes the rows that are
        referred to."""
        recipe, values = self.recipe(relation), dict(given)
        made: list[Made] = []
        key = self.tables[relation].key if relation in self.tables else ()
        for reference in recipe.references:
            open_ = [name for name in reference.own if name not in values]
            if open_ and recipe.is_used(reference):
                found, statements = self._referred_to(recipe, relation, reference, values, actor, depth)
                values |= found | {name: value for name, value in values.items() if name in given}
                made += [one for one in statements if one not in made]
        for parent in {reference.parent for reference in recipe.references} & self.tables.keys():
            if not self.tables[parent].writable and (parent, actor.id) in self.planted:
                made = [one for one in self.planted[parent, actor.id].made if one not in made] + made
        for column in recipe.columns.values():
            if column.name in values:
                continue
            # A sequence would not forget what it has given to rows that are rolled back.
            if column.needed or column.drawn or (column.name in key and column.base == "uuid"):
                shape = recipe.shapes.get(column.name)
                values[column.name] = column.like(shape) if shape and attempt % 3 != 2 else column.invented(attempt)
        return values | {name: value for name, value in recipe.wanted.items() if name not in given}, tuple(made)

    def must_be_fresh(self, recipe: Recipe, reference: Reference) -> bool:
        """Whether a key of the table differs from row to row only by what this reference refers to."""
        referring = {name for one in recipe.references for name in one.own}
        for key, _ in recipe.unique:
            if not key & set(reference.own):
                continue
            columns = [recipe.columns[name] for name in key if name in recipe.columns and name not in referring]
            if not any((one.needed or one.drawn or not one.labels) and one.roomy for one in columns):
                return True
        return False

    def _referred_to(
        self, recipe: Recipe, relation: str, reference: Reference, values: Values, actor: Actor, depth: int
    ) -> tuple[Values, tuple[Made, ...]]:
        """The key of a row that the columns may refer to: this tenant's, a new one, or one that is there."""
        parent = self.tables.get(reference.parent)
        if parent is not None and parent.writable:
            if reference.parent == relation and (reference.parent, actor.id) not in self.planted:
                return self._itself(recipe, reference), ()
            row = self.planted.get((parent.relation, actor.id))
            if row is not None and self.must_be_fresh(recipe, reference):
                row = self._fresh_parent(parent, actor, depth)
            if row is None:
                why = self.refusals.get((parent.relation, actor.id), "it refers back to this one")
                raise NotPlantable(f"it needs a row of {parent.relation}, and none could be planted there: {why}")
            return {own: row.texts[of] for own, of in zip(reference.own, reference.key, strict=True)}, row.made
        if parent is not None:  # the registry
            return dict.fromkeys(reference.own, actor.id), ()
        return self._elsewhere(recipe, reference, actor, depth)

    def _itself(self, recipe: Recipe, reference: Reference) -> Values:
        """A first row that must refer to one of its own table refers to itself."""
        values: Values = {}
        for own, of in zip(reference.own, reference.key, strict=True):
            values[own] = values[of] = values.get(of) or recipe.columns[of].invented()
        return values

    def _fresh_parent(self, parent: Target, actor: Actor, depth: int) -> Planted:
        if depth >= DEPTH:
            raise NotPlantable(f"{parent.relation} needs too many others")
        return self._one(parent, actor)

    def _elsewhere(
        self, recipe: Recipe, reference: Reference, actor: Actor, depth: int
    ) -> tuple[Values, tuple[Made, ...]]:
        """A row of a table that is not of the plan: a new one, else one that is there, which is never attacked."""
        try:
            if depth >= DEPTH:
                raise NotPlantable(f"{reference.parent} needs too many others")
            self.session.execute(QUERIES[ONESELF])
            given = self._key_to_refer_to(self.recipe(reference.parent), reference.key)
            values, made, (_, _, texts) = self._insert_until_taken(
                reference.parent, given, actor, reference.key, depth + 1
            )
            same = values | {key: texts[key] for key in reference.key}
            found = {own: texts[key] for own, key in zip(reference.own, reference.key, strict=True)}
            return found, (*made, Made(reference.parent, same, ONESELF))
        except NotPlantable as refusal:
            return self._existing(recipe, reference, refusal), ()
        finally:  # back to whoever plants the row that refers to it
            self.session.execute(QUERIES[ONESELF if depth else OPERATOR])

    def _key_to_refer_to(self, recipe: Recipe, key: Sequence[str]) -> Values:
        """Values for what would not have one by itself: a unique key may be NULL, and then nothing can refer to it."""
        referring = {name for reference in recipe.references for name in reference.own}
        own = [recipe.columns[name] for name in key if name in recipe.columns]
        return {
            column.name: column.invented()
            for column in own
            if column.base == "uuid" or not (column.needed or column.drawn or column.name in referring)
        }

    def _existing(self, recipe: Recipe, reference: Reference, refusal: NotPlantable) -> Values:
        """The key of a row that is there already."""
        if not self.must_be_fresh(recipe, reference):
            columns = sql.join(sql.column("t", name) + sql.raw("::text") for name in reference.key)
            found = self._sampled(of_table("existing_key", reference.parent, columns=columns))
            if found:
                return dict(zip(reference.own, found[0], strict=True))
        names = ", ".join(reference.own)
        raise NotPlantable(f"{names} refers to {reference.parent}, where no row could be made: {refusal}")

    # --- writing them ---

    def _insert(self, relation: str, rows: Sequence[Values], key: Sequence[str]) -> list[tuple[Any, ...]]:
        return self.session.execute(self.insert(relation, rows, "plant_rows", **self._returned(relation, key)))

    def _returned(self, relation: str, key: Sequence[str]) -> dict[str, Composable]:
        """A row's key and its columns as texts."""
        pairs = [
            part
            for name in self.recipe(relation).columns
            for part in (sql.literal(name), sql.column("t", name) + sql.raw("::text"))
        ]
        return {"key": sql.key_text("t", tuple(key)), "texts": sql.join(pairs)}

    def _insert_until_taken(
        self, relation: str, given: Values, actor: Actor, key: Sequence[str], depth: int = 0, *, keep: bool = True
    ) -> tuple[Values, tuple[Made, ...], tuple[str, dict[str, Any], Values]]:
        """Insert a row, with other values for what is taken already or what a CHECK refuses. Where it is not to be
        kept, what it refers to is."""
        refused, checked = "its constraints refuse every value that was tried", 0
        for attempt in range(ATTEMPTS):
            values, made = self._values(relation, given, actor, depth, attempt)
            try:
                with self.session.connection.transaction(force_rollback=not keep):
                    (row,) = self._insert(relation, [values], key)
                    return values, made, row
            except psycopg.errors.CheckViolation as error:
                refused = str(error.diag.message_primary)
                if not self._learn(relation, error.diag.constraint_name or "", checked, given, actor):
                    raise NotPlantable(refused) from error
                checked += 1
            except (psycopg.DataError, *COLLIDES) as error:
                refused = str(error.diag.message_primary)
            except RETRYABLE:
                raise
            except psycopg.Error as error:
                if self.session.connection.closed:
                    raise
                raise NotPlantable(str(error.diag.message_primary)) from error
            except ValueError as error:  # a trigger has suppressed the row
                raise NotPlantable(SUPPRESSED) from error
        raise NotPlantable(refused)

    def _learn(self, relation: str, constraint: str, attempt: int, given: Values, actor: Actor) -> bool:
        """What a CHECK wants: first the values of a row that passes it, then guesses, one after the other."""
        recipe = self.recipe(relation)
        referring = {name for reference in recipe.references for name in reference.own}
        found = self.session.execute(of_table("columns_of_check", relation, constraint_name=sql.literal(constraint)))
        turned = self._turned(recipe, constraint, {name for name, _ in found} - given.keys(), actor)
        about = {
            name: definition
            for name, definition in found
            if name in recipe.columns and name not in referring and name not in given
        }
        if not about:
            return turned
        if attempt == 0 and self._learn_from_sample(relation, list(about)):
            return True
        for name, definition in about.items():
            column = recipe.columns[name]
            if column.unique and column.roomy:
                recipe.shapes.pop(name, None)
            if not column.unique or attempt >= 3:
                choices = column.guesses(definition)
                recipe.wanted[name] = choices[attempt % len(choices)]
        return True

    def _turned(self, recipe: Recipe, constraint: str, names: set[str], actor: Actor) -> bool:
        """Whether there is another of the references to use that the CHECK is about and that may be empty."""
        if constraint not in recipe.alternatives:
            found = [
                one
                for one in recipe.references
                if set(one.own) <= names
                and not recipe.is_used(one)
                and (one.parent not in self.tables or (one.parent, actor.id) in self.planted)
            ]
            if found:
                recipe.alternatives[constraint] = found
            return bool(found)
        first, *others = recipe.alternatives[constraint]
        recipe.alternatives[constraint] = [*others, first]
        return bool(others)

    def _learn_from_sample(self, relation: str, names: list[str]) -> bool:
        """Of what makes rows unique only the shape is taken."""
        recipe = self.recipe(relation)
        values = sql.join(sql.column("t", name) + sql.raw("::text") for name in names)
        sample = self._sampled(of_table("sample_row", relation, values=values))
        if not sample:
            return False
        for name, value in zip(names, sample[0], strict=True):
            if value is None:
                recipe.wanted.pop(name, None)
            elif recipe.columns[name].unique or recipe.columns[name].drawn:
                recipe.shapes[name] = value
            else:
                recipe.wanted[name] = value
        return True

    def _sampled(self, question: Composable) -> list[tuple[Any, ...]]:
        """The rows, or none where it may not be asked."""
        try:
            with self.session.connection.transaction():
                return self.session.execute(question)
        except psycopg.errors.InsufficientPrivilege:
            return []
