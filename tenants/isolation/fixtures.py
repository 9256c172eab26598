"""Rows to attack: one in every table for every tenant that is asked for, made from what the catalogue says a row needs.

All of it happens in the caller's transaction. Where no row can be made, one that is there stands in. What rows refer to
is made once for all of them: a table costs about as many statements as it has tables to lean on.
"""

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

import psycopg
from psycopg.rows import dict_row
from psycopg.sql import Composable

from tenants.isolation.fixture_values import Column, described
from tenants.isolation.queries import QUERIES, of_table
from tenants.isolation.targets import MARK, Actor, Target
from vital.db import introspection, sql
from vital.db.session import RETRYABLE, Session

ATTEMPTS = 12
OPERATOR, ONESELF = "be_operator", "be_oneself"
SUPPRESSED = "a trigger keeps the row from being written"
COLLIDES = (psycopg.errors.UniqueViolation, psycopg.errors.ExclusionViolation)
Values = dict[str, str]


class NotPlantable(Exception):
    """A row could not be made; the message says why."""


class Refused(NotPlantable):
    """The database itself refused every value."""


@dataclass(frozen=True)
class Reference:
    """A foreign key: columns `own` of the table refer to the columns `key` of `parent`; of some partitions alone or of
    every row."""

    name: str
    own: tuple[str, ...]
    parent: str
    key: tuple[str, ...]
    of_partitions: bool = False


@dataclass(frozen=True, eq=False)
class Made:
    """A row that was inserted, and by whom: what a script needs to make it again."""

    relation: str
    values: Values
    by: str = OPERATOR


# Its values, what makes the rows that it refers to, and the row as it stands: its key, its columns as texts.
Inserted = tuple[Values, tuple[Made, ...], tuple[str, Values]]


@dataclass(frozen=True)
class Planted:
    """A row that stands in the table, its columns as texts, and the statements that make it. `spare` are the values of
    another one like it that an INSERT would take, where a row of the table is attacked; without one, `no_spare` says
    why. Of a row that was there before, nothing is known."""

    key: str
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
    `alternatives` has them, the one that is used first. Or it may want that two do not lead to one row: `apart` are
    those that lead to another one. `collides`: what it has by default does not tell its rows from each other."""

    columns: dict[str, Column]
    references: list[Reference]
    unique: list[tuple[frozenset[str], bool]]
    wanted: Values = field(default_factory=dict)
    shapes: Values = field(default_factory=dict)
    alternatives: dict[str, list[Reference]] = field(default_factory=dict)
    apart: set[Reference] = field(default_factory=set)
    collides: bool = False

    def is_used(self, reference: Reference) -> bool:
        """Whether a row has to refer to something by it."""
        needed = any(self.columns[name].needed for name in reference.own if name in self.columns)
        return needed or any(one[0] == reference for one in self.alternatives.values())

    def empty_with(self, reference: Reference) -> set[str]:
        """The columns that are empty where a row refers to something by this one."""
        others = [one[0] for one in self.alternatives.values() if reference in one]
        return {name for other in others for name in other.own} - set(reference.own)


class Planter:
    """Plants as vital_operator. What lies outside the plan (auth.users), and rows whose triggers vital_operator may not
    run, as the role that logged in."""

    def __init__(self, session: Session, tables: Iterable[Target]) -> None:
        self.session = session
        self.recipes: dict[str, Recipe] = {}
        self.tables = {target.relation: target for target in tables}
        self.planted: dict[tuple[str, str], Planted] = {}
        self.refusals: dict[tuple[str, str], str] = {}
        self._unused: dict[tuple[str, str], Planted] = {}
        self._free: dict[tuple[str, str], Planted] = {}
        self._given_up: dict[tuple[str, str, bool], str] = {}
        self._denied: dict[str, str] = {}  # table → why vital_operator may not plant there
        self._elsewhere_made: dict[tuple[str, tuple[str, ...]], tuple[Values, tuple[Made, ...]]] = {}
        self._at_work: set[str] = set()
        self._making: list[str] = []
        self._insertions: dict[tuple[str, tuple[str, ...]], str] = {}
        self._reading: dict[tuple[str, tuple[str, ...]], tuple[dict[str, Composable], list[str]]] = {}
        self.typed_keys = {
            target.relation: session.typed_key(target.relation, target.key) for target in self.tables.values()
        }

    def forget(self) -> None:
        """The transaction is over, and its rows are gone."""
        self.planted.clear()
        self.refusals.clear()
        self._unused.clear()
        self._free.clear()
        self._elsewhere_made.clear()

    def recipe(self, relation: str) -> Recipe:
        """Raises NotPlantable where the table is in a schema that this role may not even look into."""
        if relation not in self.recipes:
            columns = self._columns(relation)
            if not columns:
                raise NotPlantable(f"{relation} is closed to this login")
            found = introspection.foreign_keys(self.session, [relation])
            references = [
                Reference(one.name, one.own, self._as_planned(one.parent), one.key, one.of_partitions)
                for one in sorted(found, key=lambda one: (-len(one.own), one.name))
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
        """What attacks on these tenants need: a row of each, one in every table that it may refer to, and the values of
        a spare one. Where no row can be made, one that is there; without one, `refusals` says why."""
        self._stand(target, actors)
        if target.relation in self.recipes:
            for parent in self._parents(self.recipe(target.relation), used=False):
                self._stand(parent, actors)
            self._find_spares(target, actors)

    def plant_one(self, target: Target, actor: Actor, given: Values | None = None) -> Planted:
        """A row of this tenant with these values. Raises NotPlantable."""
        planted = self.planted[target.relation, actor.id] = self._one(target, actor, given)
        return planted

    def fresh(self, target: Target, actor: Actor) -> Planted:
        """One more row of the tenant, to which nothing refers. Raises NotPlantable."""
        if target.relation in self._making:
            raise NotPlantable(f"a new row of {target.relation} needs another new one")
        self._making.append(target.relation)
        try:
            return self._one(target, actor)
        finally:
            self._making.pop()

    def kept_free(self, target: Target, actor: Actor) -> Planted:
        """One for attacks, each of which is taken back, so that nothing ever refers to it. Raises NotPlantable."""
        if (target.relation, actor.id) not in self._free:
            self._free[target.relation, actor.id] = self.fresh(target, actor)
        return self._free[target.relation, actor.id]

    def _stand(self, target: Target, actors: Sequence[Actor]) -> None:
        """A row of each in this table, and before it what it must refer to; in one statement where that can be."""
        missing = [
            actor
            for actor in actors
            if (target.relation, actor.id) not in self.planted
            and (target.relation, actor.id) not in self.refusals
            and (target.writable or actor.planted)
        ]
        if not missing or target.relation in self._at_work:  # a circle of references: whoever comes first does without
            return
        self._at_work.add(target.relation)
        try:
            for parent in self._parents(self.recipe(target.relation), used=True):
                self._stand(parent, missing)
            if len(missing) == 1 or not self._all_at_once(target, missing):
                for actor in missing:
                    self._one_or_existing(target, actor)
        except NotPlantable as refusal:  # not even its columns are known
            self.refusals |= {(target.relation, actor.id): str(refusal) for actor in missing}
        finally:
            self._at_work.discard(target.relation)

    def _parents(self, recipe: Recipe, *, used: bool) -> Iterator[Target]:
        """The tables of tenants that a row may refer to; `used`: only those that it will, and that of the tenants."""
        for reference in recipe.references:
            parent = self.tables.get(reference.parent)
            if parent and (not used or not parent.writable or recipe.is_used(reference)):
                yield parent

    def _given(self, target: Target, actor: Actor, given: Values | None = None) -> Values:
        values = {target.tenant: actor.id} | (given or {})
        if not target.writable:  # the registry: the tenant's own record
            columns = self.recipe(target.relation).columns
            values |= {name: f"{MARK}-{uuid4().hex[:8]}" for name in ("name", "slug") if name in columns}
        return values

    def _all_at_once(self, target: Target, actors: Sequence[Actor]) -> bool:
        """Whether one statement could plant the rows of all."""
        rows = self._together(target, actors, keep=True)
        for actor, made in zip(actors, rows, strict=bool(rows)):
            self.planted[target.relation, actor.id] = self._as_planted(target, made)
        return bool(rows)

    def _together(self, target: Target, actors: Sequence[Actor], *, keep: bool) -> list[Inserted]:
        """Rows of these tenants by one statement, or none. Where they are not to be kept, what they refer to is."""
        before = dict(self.planted), dict(self._elsewhere_made), dict(self._unused)
        try:
            with self.session.connection.transaction():
                self._renew(target, actors)
                new = [self._values(target.relation, self._given(target, actor), actor) for actor in actors]
                with self.session.connection.transaction(force_rollback=not keep):
                    rows = self._insert(target.relation, [values for values, _ in new], target.key)
                if len(rows) < len(new):  # a trigger has suppressed some: one by one it is seen which
                    raise NotPlantable(SUPPRESSED)
        except RETRYABLE:
            raise
        except (psycopg.Error, NotPlantable):
            if self.session.connection.closed:
                raise
            self.planted, self._elsewhere_made, self._unused = before
            return []
        return [(*made, row) for made, row in zip(new, rows, strict=True)]

    def _renew(self, target: Target, actors: Sequence[Actor]) -> None:
        """New rows of all of them where another row of this table would need one each to refer to."""
        recipe = self.recipe(target.relation)
        are_first = any((target.relation, actor.id) not in self.planted for actor in actors)
        for reference in filter(recipe.is_used, recipe.apart if are_first else recipe.references):
            parent = self.tables.get(reference.parent)
            if parent and parent.writable and parent is not target and self.must_be_fresh(recipe, reference):
                rows = self._together(parent, actors, keep=True)
                for actor, made in zip(actors, rows, strict=bool(rows)):
                    self._unused[parent.relation, actor.id] = self._as_planted(parent, made)

    def _find_spares(self, target: Target, actors: Sequence[Actor]) -> None:
        """The values of a second row for who has none yet."""
        found = [(actor, self.planted.get((target.relation, actor.id))) for actor in actors]
        wanting = {actor: row for actor, row in found if row and not (row.existed or row.spare or row.no_spare)}
        if not wanting or not target.writable:
            return
        rows = self._together(target, list(wanting), keep=False)
        for actor, (values, made, _) in zip(wanting, rows, strict=bool(rows)):
            self.planted[target.relation, actor.id] = replace(wanting[actor], spare=values, spare_made=made)
        if not rows:
            for actor, row in wanting.items():
                self.planted[target.relation, actor.id] = self._with_spare(target, actor, row)

    def _with_spare(self, target: Target, actor: Actor, row: Planted) -> Planted:
        try:
            values, made, _ = self._unless_given_up(target, actor, keep=False)
        except NotPlantable as refusal:
            return replace(row, no_spare=str(refusal))
        return replace(row, spare=values, spare_made=made)

    def _one_or_existing(self, target: Target, actor: Actor) -> None:
        try:
            planted = self._as_planted(target, self._unless_given_up(target, actor, keep=True))
        except NotPlantable as refusal:
            existing = self._existing_row(target, actor)
            if existing is None:
                self.refusals[target.relation, actor.id] = str(refusal)
                return
            planted = Planted(*existing, values={}, no_spare=str(refusal))
        self.planted[target.relation, actor.id] = planted

    def _unless_given_up(self, target: Target, actor: Actor, *, keep: bool) -> Inserted:
        """What no value was taken for in an earlier transaction is not tried again. Raises NotPlantable."""
        what = target.relation, actor.id, keep
        if what in self._given_up:
            raise NotPlantable(self._given_up[what])
        given = self._given(target, actor)
        try:
            return self._insert_until_taken(target.relation, given, actor, target.key, keep=keep)
        except Refused as refusal:
            self._given_up[what] = str(refusal)
            raise

    def _one(self, target: Target, actor: Actor, given: Values | None = None) -> Planted:
        fixed = self._given(target, actor, given)
        return self._as_planted(target, self._insert_until_taken(target.relation, fixed, actor, target.key))

    def _as_planted(self, target: Target, inserted: Inserted) -> Planted:
        """With what makes the row again under the same key, after what it refers to."""
        values, made, (key, texts) = inserted
        same = values | self._given_again(target.relation, target.key, texts)
        by = ONESELF if target.relation in self._denied else OPERATOR
        return Planted(key, texts, values, (*made, Made(target.relation, same, by)))

    def _existing_row(self, target: Target, actor: Actor) -> tuple[str, Values] | None:
        parts = self._read_back(target.relation, target.key)[0] | {
            "tenant": sql.ident(target.tenant),
            "owner": sql.literal(actor.id),
        }
        found = self._sampled(of_table("existing_row", target.relation, **parts))
        return (found[0][0], found[0][1]) if found else None

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
        return sql.row(row.values(), (columns[name].kind for name in row))

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

    def _values(self, relation: str, given: Values, actor: Actor, attempt: int = 0) -> tuple[Values, tuple[Made, ...]]:
        """A value for each column that needs one: given, referred to, or invented; and what makes the rows that are
        referred to."""
        recipe, values = self.recipe(relation), dict(given)
        made: dict[Made, None] = {}
        key = self.tables[relation].key if relation in self.tables else ()
        for reference in recipe.references:
            open_ = [name for name in reference.own if name not in values]
            if open_ and recipe.is_used(reference):
                found, statements = self._referred_to(recipe, relation, reference, values, actor)
                values |= found | {name: value for name, value in values.items() if name in given}
                made |= dict.fromkeys(statements)
        for parent in {reference.parent for reference in recipe.references} & self.tables.keys():
            if not self.tables[parent].writable and (parent, actor.id) in self.planted:
                made = dict.fromkeys(self.planted[parent, actor.id].made) | made
        for column in recipe.columns.values():
            if column.name in values:
                continue
            distinguishes = column.unique and column.roomy and recipe.collides
            # A sequence would not forget what it has given to rows that are rolled back.
            if column.needed or column.drawn or distinguishes or (column.name in key and column.base == "uuid"):
                shape = recipe.shapes.get(column.name)
                values[column.name] = column.like(shape) if shape and attempt % 3 != 2 else column.invented(attempt)
        return values | {name: value for name, value in recipe.wanted.items() if name not in given}, tuple(made)

    def must_be_fresh(self, recipe: Recipe, reference: Reference) -> bool:
        """Whether rows of the table differ only by what this reference refers to. Of several references that make up a
        key, one is enough."""
        if reference in recipe.apart:
            return True
        referring = {name for one in recipe.references for name in one.own}
        for key, _ in recipe.unique:
            own = [recipe.columns[name] for name in key if name in recipe.columns and name not in referring]
            if any((one.needed or one.drawn or not one.labels) and one.roomy for one in own):
                continue
            if next(self._distinguishing(recipe, key, reference), None) == reference:
                return True
        return False

    def _distinguishing(self, recipe: Recipe, key: frozenset[str], asked: Reference) -> Iterator[Reference]:
        """The references by which the key of one row may differ from another's: those to tables of tenants first, for
        rows of these are made for all tenants at once."""
        parents = {one: self.tables.get(one.parent) for one in recipe.references}
        tenant = {name for one, parent in parents.items() if parent and not parent.writable for name in one.own}
        found = [one for one in parents if key & set(one.own) - tenant and (one == asked or recipe.is_used(one))]
        yield from sorted(found, key=lambda one: parents[one] is None)

    def _referred_to(
        self, recipe: Recipe, relation: str, reference: Reference, values: Values, actor: Actor
    ) -> tuple[Values, tuple[Made, ...]]:
        """The key of a row that the columns may refer to: this tenant's, a new one, or one that is there."""
        parent = self.tables.get(reference.parent)
        must_be_fresh = self.must_be_fresh(recipe, reference)
        if parent is None:
            return self._elsewhere(recipe, relation, reference, actor, must_be_fresh=must_be_fresh)
        if not parent.writable:  # the registry
            return dict.fromkeys(reference.own, actor.id), ()
        if relation in self.tables:  # a CHECK may have wanted this reference only just now
            self._stand(parent, [actor])
        row = self.planted.get((parent.relation, actor.id))
        if reference not in recipe.apart:  # the first row has them all to itself
            must_be_fresh = must_be_fresh and (relation, actor.id) in self.planted
        if reference.parent == relation and (row is None or must_be_fresh):
            return self._itself(recipe, reference), ()
        if row is None:
            why = self.refusals.get((parent.relation, actor.id), "it refers back to this one")
            raise NotPlantable(f"it needs a row of {parent.relation}, and none could be planted there: {why}")
        if must_be_fresh:
            row = self._unused.pop((parent.relation, actor.id), None) or self.fresh(parent, actor)
        return {own: row.texts[of] for own, of in zip(reference.own, reference.key, strict=True)}, row.made

    def _itself(self, recipe: Recipe, reference: Reference) -> Values:
        """A first row that must refer to one of its own table refers to itself."""
        values: Values = {}
        for own, of in zip(reference.own, reference.key, strict=True):
            values[own] = values[of] = values.get(of) or recipe.columns[of].invented()
        return values

    def _elsewhere(
        self, recipe: Recipe, relation: str, reference: Reference, actor: Actor, *, must_be_fresh: bool
    ) -> tuple[Values, tuple[Made, ...]]:
        """A row of a table that is not of the plan: a new one for all who may share it, else one that is there. It is
        never attacked."""
        if reference.parent == relation:
            return self._itself(recipe, reference), ()
        known = reference.parent, reference.key
        if must_be_fresh or known not in self._elsewhere_made:
            try:
                self._elsewhere_made[known] = self._made_elsewhere(reference, actor)
            except NotPlantable as refusal:
                return self._existing(reference, refusal, must_be_fresh=must_be_fresh), ()
        texts, made = self._elsewhere_made[known]
        return {own: texts[key] for own, key in zip(reference.own, reference.key, strict=True)}, made

    def _made_elsewhere(self, reference: Reference, actor: Actor) -> tuple[Values, tuple[Made, ...]]:
        """A new row there, by the login itself. Raises NotPlantable."""
        if reference.parent in self._making:
            raise NotPlantable(f"{reference.parent} refers back to itself")
        self._making.append(reference.parent)
        self.session.execute(QUERIES[ONESELF])
        try:
            given = self._key_to_refer_to(self.recipe(reference.parent), reference.key)
            values, made, (_, texts) = self._insert_until_taken(reference.parent, given, actor, reference.key)
            same = values | self._given_again(reference.parent, reference.key, texts)
            return texts, (*made, Made(reference.parent, same, ONESELF))
        finally:  # back to whoever plants the row that refers to it
            self._making.pop()
            self._be_whoever_plants()

    def _be_whoever_plants(self) -> None:
        is_elsewhere = any(one not in self.tables for one in self._making)
        self.session.execute(QUERIES[ONESELF if is_elsewhere else OPERATOR])

    def _key_to_refer_to(self, recipe: Recipe, key: Sequence[str]) -> Values:
        """Values for what would not have one by itself: a unique key may be NULL, and then nothing can refer to it."""
        referring = {name for reference in recipe.references for name in reference.own}
        own = [recipe.columns[name] for name in key if name in recipe.columns]
        return {
            column.name: column.invented()
            for column in own
            if column.base == "uuid" or not (column.needed or column.drawn or column.name in referring)
        }

    def _existing(self, reference: Reference, refusal: NotPlantable, *, must_be_fresh: bool) -> Values:
        """The key of a row that is there already."""
        if not must_be_fresh:
            columns = sql.join(sql.column("t", name) + sql.raw("::text") for name in reference.key)
            found = self._sampled(of_table("existing_key", reference.parent, columns=columns))
            if found:
                return dict(zip(reference.own, found[0], strict=True))
        names = ", ".join(reference.own)
        raise NotPlantable(f"{names} refers to {reference.parent}, where no row could be made: {refusal}")

    # --- writing them ---

    def _insert(self, relation: str, rows: Sequence[Values], key: Sequence[str]) -> list[tuple[str, Values]]:
        if relation not in self._denied:
            return self._written(relation, rows, key)
        self.session.execute(QUERIES[ONESELF])
        planted = self._written(relation, rows, key)
        self._be_whoever_plants()
        return planted

    def _written(self, relation: str, rows: Sequence[Values], key: Sequence[str]) -> list[tuple[str, Values]]:
        """The rows as they stand, in this order, but for those that triggers have taken away or given another key. They
        are read after they were written, as Citus returns columns of a new row and nothing that is made of them."""
        parts, kinds = self._read_back(relation, key)
        keys = self.session.texts(self.insert(relation, rows, "plant_rows", columns_of_key=parts["columns_of_key"]))
        if not keys:
            return []
        wanted = ", ".join(sql.row(map(str, one), kinds) for one in keys)
        read = self.session.texts(of_table("planted_rows", relation, **parts, keys=sql.verbatim(wanted)))
        found = {one[: len(kinds)]: (str(one[-2]), json.loads(str(one[-1]))) for one in read}
        return [found[one] for one in keys if one in found]

    def _read_back(self, relation: str, key: Sequence[str]) -> tuple[dict[str, Composable], list[str]]:
        """A row's key as columns and as one text, and all its columns as texts; and the types of the key's columns."""
        known = relation, tuple(key)
        if known not in self._reading:
            kinds = {column.name: column.kind for column in self.session.columns(relation)}
            pairs = ((sql.literal(name), sql.column("t", name) + sql.raw("::text")) for name in kinds)
            parts: dict[str, Composable] = {
                "columns_of_key": sql.join(sql.column("t", name) for name in key),
                "key": sql.key_text("t", tuple(key)),
                "texts": sql.join(itertools.chain.from_iterable(pairs)),
            }
            parts = {name: sql.verbatim(sql.text_of(part)) for name, part in parts.items()}
            self._reading[known] = parts, [kinds[name] for name in key]
        return self._reading[known]

    def _given_again(self, relation: str, key: Sequence[str], texts: Values) -> Values:
        """What an INSERT of the same row gives for its key; a generated column is given nothing."""
        return {name: texts[name] for name in key if name in self.recipe(relation).columns}

    def _insert_until_taken(
        self, relation: str, given: Values, actor: Actor, key: Sequence[str], *, keep: bool = True
    ) -> Inserted:
        """Insert a row, with other values for what is taken already or what a CHECK refuses. Where it is not to be
        kept, what it refers to is."""
        refused, checked = "its constraints refuse every value that was tried", Counter[str]()
        for attempt in itertools.count():  # each CHECK may take as many as all that is not one
            if max(attempt - checked.total(), *checked.values(), 0) >= ATTEMPTS:
                break
            values, made = self._values(relation, given, actor, attempt)
            try:
                with self.session.connection.transaction(force_rollback=not keep):
                    (row,) = self._insert(relation, [values], key)
                    return values, made, row
            except psycopg.errors.CheckViolation as error:
                refused = str(error.diag.message_primary)
                constraint = error.diag.constraint_name or ""
                if not self._learn(relation, constraint, checked[constraint], given, actor):
                    raise Refused(refused) from error
                checked[constraint] += 1
            except (psycopg.DataError, *COLLIDES) as error:
                refused = str(error.diag.message_primary)
                self.recipe(relation).collides |= isinstance(error, COLLIDES)
            except RETRYABLE:
                raise
            except psycopg.errors.InsufficientPrivilege as error:
                if relation in self._denied or relation not in self.tables:
                    raise Refused(self._denied.get(relation, str(error.diag.message_primary))) from error
                self._denied[relation] = str(error.diag.message_primary)
            except psycopg.Error as error:
                if self.session.connection.closed:
                    raise
                raise Refused(str(error.diag.message_primary)) from error
            except ValueError as error:  # a trigger has suppressed the row
                raise Refused(SUPPRESSED) from error
        raise Refused(refused)

    def _learn(self, relation: str, constraint: str, attempt: int, given: Values, actor: Actor) -> bool:
        """What a CHECK wants: first the values of a row that passes it, then guesses, one after the other."""
        recipe = self.recipe(relation)
        referring = {name for reference in recipe.references for name in reference.own}
        found = self.session.execute(of_table("columns_of_check", relation, constraint_name=sql.literal(constraint)))
        names = {name for name, _ in found} - given.keys()
        turned = self._turned(recipe, constraint, names, actor) or self._told_apart(recipe, names)
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
                if set(one.own) <= names and not recipe.is_used(one) and self._may_refer(one, actor)
            ]
            if found:
                recipe.alternatives[constraint] = found
            return bool(found)
        first, *others = recipe.alternatives[constraint]
        recipe.alternatives[constraint] = [*others, first]
        return bool(others)

    def _told_apart(self, recipe: Recipe, names: set[str]) -> bool:
        """Whether the CHECK is about several references to one table, that now lead to different rows of it."""
        about = [one for one in recipe.references if set(one.own) & names and recipe.is_used(one)]
        again = {one for place, one in enumerate(about) if one.parent in {other.parent for other in about[:place]}}
        new = again - recipe.apart
        recipe.apart |= new
        return bool(new)

    def _may_refer(self, reference: Reference, actor: Actor) -> bool:
        """Whether the tenant has, or now gets, a row to refer to."""
        if reference.parent not in self.tables:
            return True
        self._stand(self.tables[reference.parent], [actor])
        return (reference.parent, actor.id) in self.planted

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
