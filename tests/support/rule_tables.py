"""Tables of every shape for the tests of rules: how they are made, filled, read and emptied."""

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid5

from psycopg.types.json import Jsonb

from migrations_ops.engine.session import Session
from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM, STRANGER
from vital.db import sql

TENANTS = {"platform": PLATFORM, "health": DIGITAL_HEALTH, "pharma": PHARMA}
MOODS = ("calm", "loud", "It's %s")
COLUMNS = {
    "name": "text", "mood": "text", "tags": "text[]", "facts": "jsonb", "owner": "uuid", "size": "integer",
    "born": "date", "seen": "timestamptz",
}  # fmt: skip
OWNERS = [str(uuid5(UUID(PLATFORM), f"owner {n}")) for n in range(4)]  # of no tenant, the Platform, a customer; unknown
Row = dict[str, Any]


@dataclass(frozen=True)
class Shape:
    """A scratch table: how it is made, how its columns are called, and the key of the n-th row."""

    relation: str
    create: str
    key: tuple[str, ...]
    names: dict[str, str] = field(default_factory=dict)
    into: str = ""

    def called(self, column: str) -> str:
        return self.names.get(column, column)

    def key_of(self, n: int) -> tuple[Any, ...]:
        values = {
            "id": uuid5(UUID(STRANGER), str(n)),
            "number": n,
            "code": f"{NASTY[n % len(NASTY)]}{n}",
            "part": n % 3,
        }
        return tuple(values[column.lower()] for column in self.key)

    def text_of(self, n: int) -> str:
        """The key as the engine notes it."""
        parts = [str(part) for part in self.key_of(n)]
        return parts[0] if len(parts) == 1 else json.dumps(parts, ensure_ascii=False)


NASTY = ["a", "100 %s", "it's", '"q"', "{b}", "back\\slash", "é漢🚑", "", "NULL", "line\nfeed", "[", "$1"]
BODY = (
    "name text, mood mood, tags text[], facts jsonb, owner uuid, size bigint, born date, seen timestamptz,"
    " tenant_id uuid, n int"
)
SPREAD = "WITH (fillfactor = 10)"  # few rows to a page, so that a few rows are several batches
SHAPES = {
    "uuid key": Shape("public.things", f"CREATE TABLE public.things (id uuid PRIMARY KEY, {BODY}) {SPREAD}", ("id",)),
    "text key": Shape("public.coded", f"CREATE TABLE public.coded (code text PRIMARY KEY, {BODY}) {SPREAD}", ("code",)),
    "quoted names, bigint key": Shape(
        '"Other Room"."Odd ""Things"""',
        f"""
        CREATE SCHEMA "Other Room";
        CREATE TABLE "Other Room"."Odd ""Things\""" (
            "Number" bigint PRIMARY KEY, "Na%me" text, "MOOD" mood, "a ""tag" text[], "{{facts}}" jsonb, "owner's" uuid,
            "Größe" bigint, "BORN" date, "se en" timestamptz, tenant_id uuid, n int
        ) {SPREAD}""",
        ("Number",),
        {
            "name": "Na%me",
            "mood": "MOOD",
            "tags": 'a "tag',
            "facts": "{facts}",
            "owner": "owner's",
            "size": "Größe",
            "born": "BORN",
            "seen": "se en",
        },
    ),
    "composite key": Shape(
        "public.parts",
        f'CREATE TABLE public.parts (code text, "Number" bigint, {BODY}, PRIMARY KEY (code, "Number")) {SPREAD}',
        ("code", "Number"),
    ),
    "partitions": Shape(
        "public.split",
        f"""
        CREATE SCHEMA elsewhere;
        CREATE TABLE public.split (part int, id uuid, {BODY}, PRIMARY KEY (part, id)) PARTITION BY LIST (part);
        CREATE TABLE public.split_0 PARTITION OF public.split FOR VALUES IN (0) {SPREAD};
        CREATE TABLE elsewhere."Split 1" PARTITION OF public.split FOR VALUES IN (1) {SPREAD};
        CREATE TABLE public.split_2 PARTITION OF public.split FOR VALUES IN (2) PARTITION BY HASH (id);
        CREATE TABLE public.split_2a PARTITION OF public.split_2 FOR VALUES WITH (MODULUS 2, REMAINDER 0) {SPREAD};
        CREATE TABLE public.split_2b PARTITION OF public.split_2 FOR VALUES WITH (MODULUS 2, REMAINDER 1) {SPREAD}""",
        ("part", "id"),
    ),
    "children": Shape(
        "public.elders",
        f"""
        CREATE TABLE public.elders (id uuid PRIMARY KEY, {BODY}) {SPREAD};
        CREATE TABLE public.children () INHERITS (public.elders)""",
        ("id",),
    ),
    "columns in another order": Shape(
        "public.turned",
        f"""
        CREATE TABLE public.turned (gone text, tenant_id uuid, size bigint, owner uuid, gone_too int, facts jsonb,
            tags text[], mood mood, name text, n int, seen timestamptz, born date, id uuid PRIMARY KEY) {SPREAD};
        ALTER TABLE public.turned DROP COLUMN gone, DROP COLUMN gone_too""",
        ("id",),
    ),
}


def fill(session: Session, shape: Shape, table: list[Row], *, since: bool) -> None:
    """Those of the rows that were there at the baseline, or came since; with what a person decided about them."""
    insert = sql.compose(
        "INSERT INTO {t} ({columns}, {key}) VALUES (%(name)s, %(mood)s::mood, %(tags)s, %(facts)s, %(owner)s, %(size)s,"
        " %(born)s, %(seen)s, %(tenant)s, %(n)s, {values})",
        t=sql.relation(shape.relation),
        columns=sql.join(sql.ident(shape.called(name)) for name in [*COLUMNS, "tenant_id", "n"]),
        key=sql.join(sql.ident(column) for column in shape.key),
        values=sql.join(sql.raw(f"%(key{i})s") for i in range(len(shape.key))),
    )
    for n, row in enumerate(table):
        if row["since"] is since:
            facts = None if row["facts"] is None else Jsonb(row["facts"])
            key = {f"key{i}": part for i, part in enumerate(shape.key_of(n))}
            session.execute(insert, row | {"facts": facts, "n": n} | key)
            if row["decided"]:
                session.execute(
                    "INSERT INTO vital.override (relation, key, tenant_id, reason, decided_by)"
                    " VALUES (%(relation)s, %(key)s, %(tenant)s, '', '')",
                    {"relation": shape.relation, "key": shape.text_of(n), "tenant": row["decided"]},
                )


def move(session: Session, shape: Shape, table: list[Row]) -> None:
    """What applications did with rows that were there at the baseline."""
    update = sql.compose("UPDATE {t} SET tenant_id = %(moved)s WHERE n = %(n)s", t=sql.relation(shape.relation))
    for n, row in enumerate(table):
        if row["moved"]:
            session.execute(update, row | {"n": n})


def forget(session: Session, shape: Shape) -> None:
    """As if nothing had happened yet."""
    session.execute(sql.compose("TRUNCATE {t}", t=sql.relation(shape.relation)))
    for memory in (
        "ledger",
        "baseline",
        "baseline_row",
        "override",
        "redecision",
        "failing_row",
        "share",
        "step_run",
        "phase_run",
    ):
        session.execute(sql.compose("DELETE FROM {t}", t=sql.ident("vital", memory)))


def tenants(session: Session, shape: Shape) -> dict[int, str | None]:
    query = sql.compose("SELECT n, tenant_id::text FROM {t}", t=sql.relation(shape.relation))
    return dict(session.execute(query))


def content(session: Session, shape: Shape) -> dict[int, tuple[str, ...]]:
    """Everything of each row but the tenant, as text."""
    names = [column.name for column in session.columns(shape.relation) if column.name != "tenant_id"]
    whole = sql.join(sql.compose("{c}::text", c=sql.column("t", name)) for name in names)
    found = session.execute(sql.compose("SELECT n, {w} FROM {t} AS t", w=whole, t=sql.relation(shape.relation)))
    return {row[0]: row[1:] for row in found}


RUN = {
    "kind": "run", "phases": [], "digest": "", "plan": "", "by": "the tests", "reason": "", "scope": "",
    "in_background": False,
}  # fmt: skip
