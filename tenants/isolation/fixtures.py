"""Rows to attack: one in every table for every tenant, made from what the catalogue says a row needs.

All of it happens in the caller's transaction, which is rolled back in the end.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from psycopg.sql import Composable

from tenants.isolation.fixture_values import Column
from tenants.isolation.targets import MARK, Actor, Target
from vital.db import sql
from vital.db.session import RETRYABLE, Session

QUERIES = sql.load(Path(__file__).parent / "sql")
ATTEMPTS, DEPTH = 8, 3
Values = dict[str, str]


class NotPlantable(Exception):
    """A row could not be made; the message says why."""


@dataclass(frozen=True)
class Planted:
    """A row that stands in the table, as an INSERT would write another one like it (`spare` has keys not yet taken)."""

    key: str
    row: dict[str, Any]
    values: Values
    spare: Values


@dataclass
class Recipe:
    """What is known of a table: its columns, and the values that its CHECKs turned out to want."""

    columns: dict[str, Column]
    wanted: Values = field(default_factory=dict)


def _of(name: str, relation: str, /, **parts: Composable) -> Composable:
    parts |= {"relation": sql.relation(relation), "name": sql.literal(relation)}
    return sql.compose(QUERIES[name].replace("%", "%%"), **parts)


class Planter:
    """Plants as vital_operator; what lies outside the plan (auth.users) as the role that logged in."""

    def __init__(self, session: Session, tables: Iterable[Target]) -> None:
        self.session = session
        self.recipes: dict[str, Recipe] = {}
        self.tables = {target.relation: target for target in tables}
        self.planted: dict[tuple[str, str], Planted] = {}
        self.typed_keys = {
            target.relation: session.typed_key(target.relation, target.key) for target in self.tables.values()
        }

    def order(self) -> list[Target]:
        """Tables that others need come before those; a circle is broken anywhere."""
        ordered: dict[str, Target] = {}

        def visit(relation: str, path: frozenset[str]) -> None:
            if relation in ordered or relation in path or relation not in self.tables:
                return
            for column in self.recipe(relation).columns.values():
                if column.parent and column.needed:
                    visit(column.parent, path | {relation})
            ordered[relation] = self.tables[relation]

        for relation in self.tables:
            visit(relation, frozenset())
        return list(ordered.values())

    def recipe(self, relation: str) -> Recipe:
        """Raises NotPlantable where the table is in a schema that this role may not even look into."""
        if relation not in self.recipes:
            columns = [Column(*row) for row in self._sampled(_of("columns_to_fill", relation))]
            if not columns:
                raise NotPlantable(f"{relation} is closed to this login")
            columns = [replace(column, parent=self._as_planned(column.parent)) for column in columns]
            self.recipes[relation] = Recipe({column.name: column for column in columns})
        return self.recipes[relation]

    def _as_planned(self, relation: str | None) -> str | None:
        """The plan may spell a table in another way than the catalogue does."""
        return next((name for name in self.tables if relation and sql.names(name) == sql.names(relation)), relation)

    def references(self, relation: str) -> list[list[Column]]:
        """The columns of each foreign key, but of one that shares a column with a wider one."""
        found: dict[str, list[Column]] = {}
        for column in self.recipe(relation).columns.values():
            if column.reference:
                found.setdefault(column.reference, []).append(column)
        return [columns for columns in found.values() if len(columns) == columns[0].width]

    def plant(self, target: Target, actor: Actor, given: Values | None = None) -> Planted:
        """A row of this tenant, with everything it refers to and these values. Raises NotPlantable."""
        given = {target.tenant: actor.id} | (given or {})
        if not target.writable:  # the registry: the tenant's own record
            given |= {column: f"{MARK}-{uuid4().hex[:8]}" for column in ("name", "slug")}
        values = self._values(target.relation, given, actor.id)
        spare = self._values(target.relation, given, actor.id)
        key = sql.key_text("t", target.key)
        ((text, row),) = self._insert(target.relation, values, key, fixed=frozenset(given))
        planted = Planted(text, row, values, spare | self.recipe(target.relation).wanted)
        self.planted[target.relation, actor.id] = planted
        return planted

    def insert(self, name: str, relation: str, values: Values, /, **parts: Composable) -> Composable:
        """A named INSERT of these values."""
        columns = self.recipe(relation).columns
        return _of(
            name,
            relation,
            columns=sql.join(sql.ident(column) for column in values),
            values=sql.join(columns[column].typed(value) for column, value in values.items()),
            **parts,
        )

    def rows(self, target: Target, keys: Iterable[str]) -> Composable:
        """Predicate on `t`: these rows, each by its key so that the key's index serves."""
        typed = self.typed_keys[target.relation]
        return sql.join([sql.key_equals("t", typed, sql.literal(key)) for key in keys], " OR ")

    # --- making values ---

    def _values(self, relation: str, given: Values, tenant: str, depth: int = 0) -> Values:
        """A value for each column that needs one: given, referred to, or invented."""
        recipe, values = self.recipe(relation), dict(given)
        key = self.tables[relation].key if relation in self.tables else ()
        for column in recipe.columns.values():
            # A sequence would not forget what it has given to rows that are rolled back.
            invented = column.drawn or (column.name in key and column.base == "uuid")
            if column.name in values or not (column.needed or invented):
                continue
            values[column.name] = self._referred_to(column, tenant, depth) if column.parent else column.invented()
        return values | {name: value for name, value in recipe.wanted.items() if name not in given}

    def _referred_to(self, column: Column, tenant: str, depth: int) -> str:
        """The key of a row that the column may refer to: this tenant's, a new one, or one that is there."""
        assert column.parent is not None
        assert column.parent_key is not None
        if (column.parent, tenant) in self.planted:
            return str(self.planted[column.parent, tenant].row[column.parent_key])
        if column.parent in self.tables:
            raise NotPlantable(f"it needs a row of {column.parent}, and none could be planted there")
        parent_key = sql.column("t", column.parent_key) + sql.raw("::text")
        try:
            if depth >= DEPTH:
                raise NotPlantable(f"{column.parent} needs too many others")
            self.session.execute(QUERIES["be_oneself"])
            new = {column.parent_key: column.invented()} if column.base == "uuid" else {}
            values = self._values(column.parent, new, tenant, depth + 1)
            ((found, _),) = self._insert(column.parent, values, parent_key)
            return str(found)
        except NotPlantable as refusal:
            return self._existing(column, refusal)
        finally:
            self.session.execute(QUERIES["be_operator"])

    def _existing(self, column: Column, refusal: NotPlantable) -> str:
        """A row that is there already; it is referred to and never attacked."""
        assert column.parent is not None
        assert column.parent_key is not None
        if not column.unique:
            question = _of("existing_key", column.parent, column=sql.ident(column.parent_key))
            found = self._sampled(question)
            if found:
                return str(found[0][0])
        raise NotPlantable(f"{column.name} refers to {column.parent}, where no row could be made: {refusal}")

    # --- writing them ---

    def _insert(
        self, relation: str, values: Values, key: Composable, fixed: frozenset[str] = frozenset()
    ) -> list[tuple[Any, ...]]:
        """Insert the row, with other values for the columns of a CHECK that refuses them."""
        refused = "its constraints refuse every value that was tried"
        for attempt in range(ATTEMPTS):
            try:
                with self.session.connection.transaction():
                    return self.session.execute(self.insert("plant_row", relation, values, key=key))
            except psycopg.errors.CheckViolation as error:
                refused = str(error.diag.message_primary)
                better = self._what_it_wants(relation, error.diag.constraint_name or "", attempt)
                better = {name: value for name, value in better.items() if name not in fixed}
                if not better:
                    raise NotPlantable(refused) from error
                values |= better
                self.recipe(relation).wanted |= better
            except psycopg.DataError as error:
                refused = str(error.diag.message_primary)
            except RETRYABLE:
                raise
            except psycopg.Error as error:
                if self.session.connection.closed:
                    raise
                raise NotPlantable(str(error.diag.message_primary)) from error
        raise NotPlantable(refused)

    def _what_it_wants(self, relation: str, constraint: str, attempt: int) -> Values:
        """Values for the columns of a CHECK: first those of a row that passes it, then guesses, one after the other."""
        columns = self.recipe(relation).columns
        found = self.session.execute(_of("columns_of_check", relation, constraint_name=sql.literal(constraint)))
        about = {name: definition for name, definition in found if name in columns and not columns[name].parent}
        if attempt == 0:
            common = [name for name in about if not columns[name].unique]
            values = sql.join(sql.column("t", name) + sql.raw("::text") for name in common)
            sample = self._sampled(_of("sample_row", relation, values=values)) if common else []
            if sample and None not in sample[0]:
                return dict(zip(common, sample[0], strict=True))
        guesses = {name: columns[name].guesses(definition) for name, definition in about.items()}
        return {name: choices[attempt % len(choices)] for name, choices in guesses.items()}

    def _sampled(self, question: Composable) -> list[tuple[Any, ...]]:
        """The rows, or none where it may not be asked."""
        try:
            with self.session.connection.transaction():
                return self.session.execute(question)
        except psycopg.errors.InsufficientPrivilege:
            return []
