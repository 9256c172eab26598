"""Whatever rows are written in whatever way, a reference to another tenant refuses the whole statement, and nothing
else does: neither an old one, nor one to the Platform's, nor the first decision about a row."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import isolated
from tests.support.databases import Scratch
from tests.support.isolated import NORTH, PLATFORM, SOUTH

TENANTS = (PLATFORM, NORTH, SOUTH, None)  # the row of parents with this number belongs to it
SPELLED = {"int": "{}", "bigint": "{}", "numeric": "{}.00", "text": "'it''s {}'", "varchar(9)": "'it''s {}'"}
SPELLED["uuid"] = "'00000000-0000-4000-8000-00000000000{}'"


@dataclass(frozen=True)
class Shape:
    """The columns of a reference (name, type, type of the parent's), and what else is said of key and table.

    A partitioned table has the partition `part`, and that `leaf`; `keyed` are those with a key of their own.
    """

    columns: tuple[tuple[str, str, str], ...]
    key: str = ""
    table: str = ""
    itself: bool = False
    keyed: tuple[str, ...] = ("children",)

    @property
    def ddl(self) -> list[str]:
        own = ", ".join(f"{name} {kind}" for name, kind, _ in self.columns)
        of_parent = ", ".join(f"k{place} {kind}" for place, (*_, kind) in enumerate(self.columns))
        names, keys = ", ".join(name for name, *_ in self.columns), ", ".join(f"k{n}" for n in range(len(self.columns)))
        parent = "children" if self.itself else "parents"
        tenant = "tenant_id uuid REFERENCES {s}.tenants"
        refers = f"FOREIGN KEY ({names}) REFERENCES {{s}}.{parent} ({keys}) {self.key}"
        children = f"{{s}}.children (id int PRIMARY KEY, {tenant}, {own}"
        if self.itself:
            return [f"CREATE TABLE {children}, {of_parent}, UNIQUE ({keys}), {refers}) {self.table}"]
        found = [
            f"CREATE TABLE {{s}}.parents ({of_parent}, {tenant}, PRIMARY KEY ({keys}))",
            f"CREATE TABLE {children}) {self.table}",
        ]
        if self.table:
            found.append("CREATE TABLE {s}.part PARTITION OF {s}.children DEFAULT PARTITION BY LIST (id)")
            found.append("CREATE TABLE {s}.leaf PARTITION OF {s}.part DEFAULT")
        return found + [f"ALTER TABLE {{s}}.{table} ADD {refers}" for table in self.keyed]

    def reference(self, parent: int | None, half: bool) -> list[str]:
        """Each column of it as SQL; of a wide one `half` may be unknown."""
        kinds = [kind for _, kind, _ in self.columns]
        values = ["NULL" if parent is None else f"{SPELLED[kind].format(parent)}" for kind in kinds]
        return ["NULL", *values[1:]] if half and len(values) > 1 and "FULL" not in self.key else values


SHAPES = {
    "a uuid": Shape((("parent", "uuid", "uuid"),)),
    "an odd name": Shape((('"Par ent''s %"', "int", "int"),)),
    "another type": Shape((("parent", "int", "bigint"),)),
    "text of some length": Shape((("parent", "varchar(9)", "text"),)),
    "composite": Shape((("a", "int", "int"), ("b", "text", "text"))),
    "composite, MATCH FULL": Shape((("a", "numeric", "numeric"), ("b", "uuid", "uuid")), key="MATCH FULL"),
    "deferrable": Shape((("parent", "int", "int"),), key="DEFERRABLE INITIALLY DEFERRED"),
    "itself": Shape((("parent", "int", "int"),), itself=True),
    "partitioned": Shape((("a", "int", "int"), ("b", "text", "text")), table="PARTITION BY LIST (id)"),
    "of a partition alone": Shape((("a", "int", "int"),), table="PARTITION BY LIST (id)", keyed=("part",)),
    "of each level": Shape((("a", "int", "int"),), table="PARTITION BY LIST (id)", keyed=("leaf", "part", "children")),
}  # fmt: skip
REFERENCES = st.tuples(st.sampled_from(range(4)), st.sampled_from([*range(4), None]), st.booleans())
INSERTS = {
    "VALUES": "INSERT INTO {t} ({c}) VALUES {v}",
    "SELECT": "INSERT INTO {t} ({c}) SELECT * FROM (VALUES {v}) AS given",
    "ON CONFLICT": "INSERT INTO {t} ({c}) VALUES {v} ON CONFLICT (id) DO UPDATE SET tenant_id = EXCLUDED.tenant_id",
    "WITH": "WITH first AS (INSERT INTO {t} ({c}) VALUES {v} RETURNING id) INSERT INTO {t} (id) SELECT -id FROM first",
    "MERGE": "MERGE INTO {t} AS t USING (VALUES {v}) AS given ({c}) ON t.id = given.id"
    " WHEN NOT MATCHED THEN INSERT ({c}) VALUES ({of_given})",
}
UPDATES = {
    "UPDATE": "UPDATE {t} AS t SET {set_given} FROM (VALUES {v}) AS given ({c}) WHERE t.id = given.id",
    "ON CONFLICT": "INSERT INTO {t} ({c}) VALUES {v} ON CONFLICT (id) DO UPDATE SET {set_excluded}",
    "MERGE": "MERGE INTO {t} AS t USING (VALUES {v}) AS given ({c}) ON t.id = given.id"
    " WHEN MATCHED THEN UPDATE SET {set_given}",
}


@pytest.fixture(scope="module")
def scratch(server_url: str) -> Iterator[Scratch]:
    with isolated.database(server_url) as found:
        yield found


class Children:
    """The table that refers, in a session of its owner's."""

    def __init__(self, shape: Shape, connection: psycopg.Connection, schema: str) -> None:
        self.shape, self.connection, self.schema = shape, connection, schema
        names = [name for name, *_ in shape.columns]
        self.columns = ["id", "tenant_id", *names]

    def plant_parents(self) -> None:
        for number, tenant in enumerate(TENANTS):
            keys = [SPELLED[kind].format(number) for *_, kind in self.shape.columns]
            names = ", ".join(f"k{place}" for place in range(len(keys)))
            own, one = ("id, ", f"{-100 - number}, ") if self.shape.itself else ("", "")
            table = "children" if self.shape.itself else "parents"
            self.do(
                f"INSERT INTO {{s}}.{table} ({own}tenant_id, {names}) VALUES ({one}{_uuid(tenant)}, {', '.join(keys)})"
            )

    def write(self, way: str, rows: Sequence[tuple[int, int | None, bool]]) -> None:
        kinds = ["int", "uuid", *(kind for _, kind, _ in self.shape.columns)]
        listed = []
        for number, (tenant, parent, half) in enumerate(rows, start=1):
            values = [str(number), _uuid(TENANTS[tenant]), *self.shape.reference(parent, half)]
            typed = (f"{value}::{kind}" for value, kind in zip(values, kinds, strict=True))
            listed.append(f"({', '.join(typed)})")
        parts = {"t": "{s}.children", "c": ", ".join(self.columns), "v": ", ".join(listed)}
        parts["of_given"] = ", ".join(f"given.{name}" for name in self.columns)
        for source in ("given", "excluded"):
            parts[f"set_{source}"] = ", ".join(f"{name} = {source}.{name}" for name in self.columns[1:])
        self.do(way.format(**parts))

    def do(self, statement: str) -> None:
        self.connection.execute(statement.replace("{s}", self.schema).encode())


def _uuid(tenant: str | None) -> str:
    return f"'{tenant}'" if tenant else "NULL"


@contextmanager
def children(scratch: Scratch, shape: Shape) -> Iterator[Children]:
    tables = ["children"] if shape.itself else ["parents", "children"]
    with (
        isolated.session_of(scratch) as session,
        isolated.isolated(session, *shape.ddl, tables=tables) as inventory,
        psycopg.connect(scratch.owner_url) as connection,
    ):
        found = Children(shape, connection, inventory.registry.partition(".")[0])
        found.plant_parents()
        connection.commit()
        yield found
        connection.rollback()


def crosses(shape: Shape, tenant: int, parent: int | None, half: bool) -> bool:
    """Whether it is a reference into another customer's rows."""
    whole = "NULL" not in shape.reference(parent, half)
    return bool(whole and TENANTS[tenant] and parent and TENANTS[parent] and parent != tenant)


def outcome(table: Children, way: str, rows: Sequence[tuple[int, int | None, bool]]) -> bool:
    """Whether the statement is refused; if so, by the guard, and for all of its rows."""
    refusal = None
    try:
        with table.connection.transaction(force_rollback=True):
            table.write(way, rows)
    except psycopg.errors.ForeignKeyViolation as error:
        refusal = error.diag
    if refusal is None:
        return False
    parent = "children" if table.shape.itself else "parents"
    child = "leaf" if table.shape.table else "children"
    message = f'insert or update on table "{child}" refers to a row that is not present in table "{parent}"'
    assert refusal.message_primary == message
    assert "vital.guard_refer" in (refusal.context or "")
    return True


def ways(scratch: Scratch, known: dict[str, str]) -> list[str]:
    with psycopg.connect(scratch.owner_url) as connection:
        return [way for way in known if way != "MERGE" or connection.info.server_version >= 150000]


@pytest.mark.parametrize("shape", SHAPES)
def test_new_rows(scratch: Scratch, shape: str) -> None:
    with children(scratch, SHAPES[shape]) as table:

        @settings(max_examples=40, deadline=None)
        @given(way=st.sampled_from(ways(scratch, INSERTS)), rows=st.lists(REFERENCES, min_size=1, max_size=4))
        def check(way: str, rows: list[tuple[int, int | None, bool]]) -> None:
            wrong = any(crosses(table.shape, *row) for row in rows)
            assert outcome(table, INSERTS[way], rows) == wrong

        check()


@pytest.mark.parametrize("shape", SHAPES)
def test_changed_rows(scratch: Scratch, shape: str) -> None:
    with children(scratch, SHAPES[shape]) as table:

        @settings(max_examples=40, deadline=None)
        @given(
            way=st.sampled_from(ways(scratch, UPDATES)),
            rows=st.lists(st.tuples(REFERENCES, REFERENCES), min_size=1, max_size=3),
        )
        def check(way: str, rows: list[tuple[tuple[int, int | None, bool], tuple[int, int | None, bool]]]) -> None:
            table.do("SET LOCAL ROLE vital_operator")
            table.write(INSERTS["VALUES"], [old for old, _ in rows])
            table.do("RESET ROLE")
            wrong = any(is_new(table.shape, old, new) and crosses(table.shape, *new) for old, new in rows)
            assert outcome(table, UPDATES[way], [new for _, new in rows]) == wrong
            table.connection.rollback()

        check()


def is_new(shape: Shape, old: tuple[int, int | None, bool], new: tuple[int, int | None, bool]) -> bool:
    """Whether it was not the row's reference before: the first tenant of a row changes nothing about that."""
    moved = TENANTS[old[0]] is not None and old[0] != new[0]
    return moved or shape.reference(*old[1:]) != shape.reference(*new[1:])
