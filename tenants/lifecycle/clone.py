"""A tenant once more, under another name: every row with a key of its own, compared with the first, or nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import psycopg
from psycopg.sql import Composable

from tenants.inventory import TENANT_COLUMN, Inventory
from tenants.lifecycle import export, import_, key_mapping, registry, rows
from tenants.lifecycle.archive import Table
from tenants.lifecycle.export import PlatformIsNoTenant, Say
from tenants.lifecycle.key_mapping import Renewal
from tenants.lifecycle.queries import QUERIES, as_login, ask
from tenants.lifecycle.registry import New, Record
from vital.db import cluster, sql
from vital.db.introspection import Column, foreign_keys_between
from vital.db.session import Session
from vital.db.sql import shown
from vital.errors import EngineError, UnknownTable


class NotToClone(EngineError):
    """{slug} cannot be cloned: {why}. Nothing was changed."""


def clone(
    session: Session, inventory: Inventory, slug: str, wanted: New, who: str, reason: str, say: Say, *,
    without: Sequence[str] = (), dry_run: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Make a tenant with the settings and a copy of every row of this one, in one transaction; `without` names tables
    that are left out.

    Raises NoSuchTenant, PlatformIsNoTenant, UnknownTable, NotToAdd, NotToClone, ReasonRequired.
    """
    source = registry.find(session, inventory, slug)
    if source.id == inventory.platform_id:
        raise PlatformIsNoTenant(name=source.slug)
    made = registry.new(session, inventory, replace(wanted, like=source.slug))
    facts: dict[str, Any] = {"tenant": made.id, "slug": made.slug, "of": source.id}
    try:
        with (
            session.one_moment(),
            registry.changing(session, who, "clone tenant", reason, facts, dry_run=dry_run),
        ):
            registry.enter(session, inventory, made)
            copy = _Copy(session, inventory, source, made, without)
            for table in copy.tables:
                copy.put(table, say)
            done = {"rows": sum(table.rows for table in copy.tables), "emptied": copy.emptied}
            done["across"] = copy.across(source)
            copy.refuse_across()
            facts |= done
    except psycopg.errors.NotNullViolation as error:
        short, column = error.diag.table_name, error.diag.column_name
        raise NotToClone(slug=slug, why=f"{short} may not be without {column}; leave them out too: {short}") from error
    except (psycopg.IntegrityError, psycopg.DataError) as error:
        raise NotToClone(slug=slug, why=import_.database_message(error)) from error
    except psycopg.errors.SerializationFailure as error:
        raise NotToClone(slug=slug, why="another session writes its rows just now; run it again") from error
    return facts | {"dry_run": dry_run}


class _Copy:
    """What is to be copied, and how each table's columns come about. Inside a change."""

    def __init__(
        self, session: Session, inventory: Inventory, source: Record, made: Record, without: Sequence[str]
    ) -> None:
        self.session, self.source, self.made, self.platform = session, source, made, inventory.platform_id
        everything = export.tables(session, inventory, source.id)
        names = [table.relation for table in everything]
        self.left_out = _left_out(names, without)
        self.tables = [table for table in everything if table.relation not in self.left_out]
        self.references = foreign_keys_between(session, names)
        known = {(one.child, one.own) for one in self.references}
        self.references += [
            one for one in dict.fromkeys(key_mapping.declared(inventory))
            if one.parent in names and one.child in names and (one.child, one.own) not in known
        ]  # fmt: skip
        self.references = [one for one in self.references if one.child not in self.left_out]
        self.renewals = {
            table.relation: key_mapping.renewal(session, table.relation, self.references) for table in self.tables
        }
        self._numbers = {
            (table.relation, column): self._numbered(table.relation, column, sequence)
            for table in self.tables
            for column, sequence in self.renewals[table.relation].numbered.items()
        }

    @property
    def emptied(self) -> dict[str, list[str]]:
        """Table → columns in which the copies have nothing: only one row may have the value, or it refers to a row
        that is left out."""
        found = {table.relation: list(self.renewals[table.relation].emptied) for table in self.tables if table.rows}
        for one in (one for one in self.references if one.parent in self.left_out and one.child in found):
            found[one.child] += [name for name in one.own if name != TENANT_COLUMN]
        return {shown(relation): columns for relation, columns in found.items() if columns}

    def put(self, table: Table, say: Say) -> None:
        """Copy the table's rows. Raises NotToClone where the copies are not what they should be."""
        if not table.rows:
            return
        renewal = self.renewals[table.relation]
        if renewal.stuck:
            key = ", ".join(renewal.stuck)
            why = (
                f"two {shown(table.relation)} may not have the same {key}, which can be neither made anew nor left out"
            )
            raise NotToClone(slug=self.source.slug, why=why)
        say(f"{shown(table.relation)}: {table.rows:,} rows")
        columns = [column for column in self.session.columns(table.relation) if not column.is_generated]
        written = [column.name for column in columns]
        values, joins = self._values(table, renewal)
        self._copy(table.relation, columns, [values.get(name, sql.column("t", name)) for name in written], joins)
        same = [name for name in written if name not in values]
        before, after = (self._content(table, same, tenant) for tenant in (self.source, self.made))
        if before != after:
            why = f"the copies of its {shown(table.relation)} are not what they should be; a trigger changes rows"
            raise NotToClone(slug=self.source.slug, why=why)

    def _copy(self, relation: str, columns: list[Column], values: list[Composable], joins: list[Composable]) -> None:
        """By one statement; where rows lie on several servers, by way of this process: see `rows`."""
        parts = {"relation": sql.relation(relation), "joins": sql.join(joins, " "), **_of(self.source)}
        if not cluster.form_of(self.session.execute, [relation]).is_placed(relation):
            copied = sql.compose(QUERIES["copied_rows"], values=sql.join(values), **parts)
            names = sql.join(sql.ident(column.name) for column in columns)
            ask(self.session, "copy_rows", relation=sql.relation(relation), columns=names, copied=copied)
            return
        found = self.session.stream(sql.compose(QUERIES["copied_rows"], values=rows.texts(values), **parts))
        for batch in [list(found)] if import_.refers_to_itself(self.session, relation) else rows.batches(found):
            rows.put(self.session, relation, columns, batch)

    def refuse_across(self) -> None:
        """Raise NotToClone where a copy refers to a row of the first one's or of a third tenant's."""
        if found := self.across(self.made):
            where, count = next(iter(found.items()))
            why = f"{count:,} copies in {where} would refer to rows of others; leave them out: --without"
            raise NotToClone(slug=self.source.slug, why=why)

    def across(self, tenant: Record) -> dict[str, int]:
        """Where rows of the tenant refer to rows of another one that is not the Platform: how many."""
        found = dict[str, int]()
        for one in self.references:
            same = sql.same_values("c", one.own, "t", one.key)
            tables = {"child": sql.relation(one.child), "parent": sql.relation(one.parent)}
            parts = {"same": same, "platform": sql.literal(self.platform)}
            by_tenant = dict(ask(self.session, "refer_across", None, **tables, **parts, **_of(tenant)))
            if by_tenant:
                found[f"{shown(one.child)} ({', '.join(one.own)})"] = sum(by_tenant.values())
        return found

    def _values(self, table: Table, renewal: Renewal) -> tuple[dict[str, Composable], list[Composable]]:
        """Column → its value in a copy, for each that changes; and the joins that these need."""
        values: dict[str, Composable] = {name: sql.raw("NULL") for name in renewal.emptied}
        joins = list[Composable]()
        for name in renewal.hashed:
            values[name] = key_mapping.hashed(sql.column("t", name), self.made.id)
        for name in renewal.numbered:
            values[name] = self._new(joins, (table.relation, name), sql.column("t", name))
        for one in (one for one in self.references if one.child == table.relation):
            alias = f"r{len(joins)}"
            same = sql.same_values(alias, one.key, "t", one.own)
            own_row = sql.compose(
                "{a} = {id}::uuid", a=sql.column(alias, TENANT_COLUMN), id=sql.literal(self.source.id)
            )
            joins.append(
                sql.compose(
                    "LEFT JOIN {parent} AS {alias} ON {same}",
                    parent=sql.relation(one.parent), alias=sql.ident(alias), same=sql.join([same, own_row], " AND "),
                )
            )  # fmt: skip
            for own, key in one.pairs:
                if one.parent in self.left_out and own not in values:
                    kept = {"there": sql.column(alias, key), "old": sql.column("t", own)}
                    values[own] = sql.compose("CASE WHEN {there} IS NULL THEN {old} END", **kept)
                comes_from = key_mapping.origin((one.parent, key), self.renewals, self.references)
                if comes_from and own not in values:
                    values[own] = sql.compose(
                        "CASE WHEN {there} IS NULL THEN {old} ELSE {new} END",
                        there=sql.column(alias, key), old=sql.column("t", own),
                        new=self._new(joins, comes_from, sql.column("t", own)),
                    )  # fmt: skip
        self._leave_others_alone(table, values, joins)
        return values | {TENANT_COLUMN: sql.compose("{id}::uuid", id=sql.literal(self.made.id))}, joins

    def _leave_others_alone(self, table: Table, values: dict[str, Composable], joins: list[Composable]) -> None:
        """Where a row refers to a third tenant's, or to one without a tenant, its copy has nothing."""
        may_be_empty = {column.name for column in self.session.columns(table.relation) if not column.not_null}
        for one in (one for one in self.references if one.child == table.relation):
            alias, owner = f"o{len(joins)}", sql.column(f"o{len(joins)}", TENANT_COLUMN)
            linked = [sql.same_values(alias, one.key, "t", one.own)]
            for tenant in (self.source.id, self.platform):
                linked.append(sql.compose("{o} IS DISTINCT FROM {id}::uuid", o=owner, id=sql.literal(tenant)))
            joins.append(
                sql.compose(
                    "LEFT JOIN {parent} AS {alias} ON {same}",
                    parent=sql.relation(one.parent), alias=sql.ident(alias), same=sql.join(linked, " AND "),
                )
            )  # fmt: skip
            for own in (own for own in one.own if own in may_be_empty and own != TENANT_COLUMN):
                parts = {"there": sql.column(alias, one.key[0]), "value": values.get(own, sql.column("t", own))}
                values[own] = sql.compose("CASE WHEN {there} IS NULL THEN {value} END", **parts)

    def _new(self, joins: list[Composable], column: key_mapping.Column, old: Composable) -> Composable:
        if column not in self._numbers:
            return key_mapping.hashed(old, self.made.id)
        alias = f"n{len(joins)}"
        olds, news = (sql.literal(numbers) for numbers in self._numbers[column])
        joins.append(
            sql.compose(
                "LEFT JOIN unnest({olds}::bigint[], {news}::bigint[]) AS {alias} (old, new) ON {same} = {old}",
                olds=olds, news=news, alias=sql.ident(alias), same=sql.column(alias, "old"), old=old,
            )
        )  # fmt: skip
        return sql.column(alias, "new")

    def _numbered(self, relation: str, column: str, sequence: str) -> tuple[list[int], list[int]]:
        """The numbers of the tenant's rows, and as many new ones, which nobody else is given."""
        ((old,),) = ask(self.session, "numbers_of_tenant", relation=sql.relation(relation),
                        column=sql.column("t", column), **_of(self.source))  # fmt: skip
        with as_login(self.session):
            return old, key_mapping.next_numbers(self.session, sequence, len(old))

    def _content(self, table: Table, names: Iterable[str], tenant: Record) -> tuple[Any, ...]:
        wanted = {*names}
        columns = [column for column in self.session.columns(table.relation) if column.name in wanted]
        asked = sql.compose(
            QUERIES["content_of_tenant"],
            relation=sql.relation(table.relation),
            hash=sql.row_hash("t", columns),
            **_of(tenant),
        )
        return self.session.execute(asked)[0]


def _left_out(relations: list[str], names: Sequence[str]) -> set[str]:
    """The tables of these names. Raises UnknownTable."""
    known = {shown(relation): relation for relation in relations} | {relation: relation for relation in relations}
    for name in names:
        if name not in known:
            raise UnknownTable(name=name, known=", ".join(shown(relation) for relation in relations))
    return {known[name] for name in names}


def _of(tenant: Record) -> dict[str, Composable]:
    return {"tenant": sql.ident(TENANT_COLUMN), "id": sql.literal(tenant.id)}
