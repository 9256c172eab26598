"""Any schema: tables that lead to a root in odd ways, with what other people's databases have on them."""

from dataclasses import dataclass

from hypothesis import strategies as st

from tests.support.databases import Scratch, rows

NAMES = ["orders", "Order Items", "user", "select", "größe", 'with "quotes"', "a.b", "per%cent", "x" * 60]
KEYS = {
    "integer": ("id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY", ["id int"]),
    "bigint": ("id bigint PRIMARY KEY", ["id bigint"]),
    "uuid": ("id uuid PRIMARY KEY DEFAULT gen_random_uuid()", ["id uuid"]),
    "text": ("id text PRIMARY KEY", ["id text"]),
    "of two columns": ("id int NOT NULL, part text NOT NULL, PRIMARY KEY (id, part)", ["id int", "part text"]),
}
# What stands on a table, by the name of its object: {t} is the table, {n} its number.
ON_IT = {
    "check": ["ALTER TABLE {t} ADD CONSTRAINT check_{n} CHECK (amount >= 0)"],
    "check that is not valid": [
        "ALTER TABLE {t} ADD CONSTRAINT late_{n} CHECK (amount < 1) NOT VALID",
    ],
    "unique name": ["ALTER TABLE {t} ADD CONSTRAINT named_{n} UNIQUE (name)"],
    "partial index": ["CREATE UNIQUE INDEX partly_{n} ON {t} (name) WHERE amount > 0"],
    "generated column": ["ALTER TABLE {t} ADD twice int GENERATED ALWAYS AS (amount * 2) STORED"],
    "moving date": [
        "ALTER TABLE {t} ADD updated_at timestamptz DEFAULT '2020-01-01'",
        "CREATE FUNCTION touch_{n}() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN NEW.updated_at := clock_timestamp(); RETURN NEW; END $$",
        "CREATE TRIGGER touched_{n} BEFORE UPDATE ON {t} FOR EACH ROW EXECUTE FUNCTION touch_{n}()",
    ],
    "log of changes": [
        "CREATE TABLE log_{n} (at timestamptz DEFAULT clock_timestamp(), what text)",
        "CREATE FUNCTION noted_{n}() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO log_{n} (what) VALUES (TG_OP); RETURN NULL; END $$",
        "CREATE TRIGGER noted_{n} AFTER UPDATE ON {t} FOR EACH ROW EXECUTE FUNCTION noted_{n}()",
    ],
    "trigger that forbids": [
        "CREATE FUNCTION never_{n}() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'rows stay as they are'; END $$",
        "CREATE TRIGGER never_{n} BEFORE UPDATE ON {t} FOR EACH ROW EXECUTE FUNCTION never_{n}()",
    ],
    "policy": ["ALTER TABLE {t} ENABLE ROW LEVEL SECURITY", "CREATE POLICY all_{n} ON {t} USING (true)"],
    "narrowing policy": [
        "ALTER TABLE {t} ENABLE ROW LEVEL SECURITY", "CREATE POLICY all_{n} ON {t} USING (true)",
        "CREATE POLICY narrow_{n} ON {t} AS RESTRICTIVE USING (amount < 100)",
    ],
    "rule": ["CREATE RULE still_{n} AS ON UPDATE TO {t} DO INSTEAD NOTHING"],
    "view": ["CREATE VIEW seen_{n} AS SELECT id, name FROM {t}"],
    "domain": ["CREATE DOMAIN short_{n} AS text CHECK (length(VALUE) < 9)", "ALTER TABLE {t} ADD code short_{n}"],
    "enum": ["CREATE TYPE mood_{n} AS ENUM ('good', 'bad')", "ALTER TABLE {t} ADD mood mood_{n} DEFAULT 'good'"],
    "heir": [
        "CREATE TABLE heir_{n} (PRIMARY KEY (id)) INHERITS ({t})",
        "INSERT INTO heir_{n} SELECT * FROM ONLY {t} LIMIT 1",
    ],
    "heir whose rows refer to nothing": [
        "CREATE TABLE stray_{n} (PRIMARY KEY (id)) INHERITS ({t})",
        "INSERT INTO stray_{n} SELECT * FROM ONLY {t} LIMIT 1",
        "DO $$ DECLARE own text; kind text; BEGIN FOR own, kind IN SELECT attname, atttypid::regtype FROM pg_attribute"
        " WHERE attrelid = 'stray_{n}'::regclass AND attname ~ '^up[0-9]' LOOP"
        " EXECUTE format('UPDATE stray_{n} SET %I = %L', own, CASE kind WHEN 'uuid' THEN gen_random_uuid()::text"
        " ELSE '99' END); END LOOP; END $$",
    ],
    "unique text that may be missing": [
        "ALTER TABLE {t} ADD nickname text CONSTRAINT nick_{n} UNIQUE",
    ],
    "tenant_id of its own": ["ALTER TABLE {t} ADD tenant_id text"],
}  # fmt: skip

ON_TABLES = (
    "check",
    "late",
    "named",
    "partly",
    "touched",
    "noted",
    "never",
    "all",
    "narrow",
    "still",
    "heir",
    "stray",
    "nick",
)


@dataclass
class Schema:
    """Statements that make it, the table whose rows are the tenants, and the names of what stands on its tables."""

    root: str
    statements: list[str]
    objects: list[str]

    def is_named_in(self, words: str) -> bool:
        """Whether they name a table of it, or something that stands on one."""
        return any(name in words for name in self.objects)

    def __repr__(self) -> str:
        return ";\n".join(self.statements) + ";"


@dataclass
class Made:
    """A table that later ones may refer to, with its rows' keys as SQL."""

    name: str
    key: str
    keys: list[str]


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(key: str, number: int) -> str:
    """The key of a row, as SQL."""
    value = {"uuid": f"'00000000-0000-4000-8000-{number:012}'", "text": f"'row {number}'"}.get(key, str(number))
    return f"{value}, 'p'" if key == "of two columns" else value


@st.composite
def schemas(draw: st.DrawFn) -> Schema:
    """A root of two rows, and up to four tables that lead to it, to each other, or nowhere."""
    key = draw(st.sampled_from(["integer", "bigint", "uuid", "text"]))
    root = Made("stores", key, [literal(key, number) for number in (1, 2)])
    names = draw(st.permutations(["stores", "Store", "store of"]))
    root.name = names[0]
    statements = [f"CREATE TABLE {quoted(root.name)} ({KEYS[key][0]}, name text NOT NULL)"]
    for number, one in enumerate(root.keys):
        statements.append(f"INSERT INTO {quoted(root.name)} OVERRIDING SYSTEM VALUE VALUES ({one}, 'Store {number}')")
    made, objects = [root], [root.name]
    for number, name in enumerate(draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))):
        statements += _table(draw, name, number, made, objects)
    return Schema(root.name, statements, objects)


def _table(draw: st.DrawFn, name: str, number: int, made: list[Made], objects: list[str]) -> list[str]:
    key = draw(st.sampled_from(list(KEYS)))
    parents = draw(st.lists(st.sampled_from(made), min_size=number == 0, max_size=2, unique_by=lambda one: one.name))
    may_be_empty = [draw(st.booleans()) for _ in parents]
    columns, values = [KEYS[key][0]], []
    for place, (parent, empty) in enumerate(zip(parents, may_be_empty, strict=True)):
        kinds = [column.split() for column in KEYS[parent.key][1]]
        mine = [f"up{place}_{column}" for column, _ in kinds]
        needed = "" if empty else " NOT NULL"
        columns += [f"{column} {kind}{needed}" for column, (_, kind) in zip(mine, kinds, strict=True)]
        action = draw(st.sampled_from(["", " ON DELETE CASCADE", " DEFERRABLE INITIALLY DEFERRED"]))
        columns.append(f"FOREIGN KEY ({', '.join(mine)}) REFERENCES {quoted(parent.name)}{action}")
    tree = key != "of two columns" and draw(st.booleans())
    columns += [f"next_up {KEYS[key][1][0].split()[1]} REFERENCES {quoted(name)}"] if tree else []
    columns += ["name text", "amount int DEFAULT 1", "data jsonb DEFAULT '{}'"]
    count = draw(st.integers(0, 4))
    if any(not parent.keys and not empty for parent, empty in zip(parents, may_be_empty, strict=True)):
        count = 0  # there is nothing to refer to
    keys = [literal(key, one) for one in range(1, count + 1)]
    for one, own in enumerate(keys):
        row = [own]
        for parent, empty in zip(parents, may_be_empty, strict=True):
            nothing = ", ".join(["NULL"] * len(KEYS[parent.key][1]))
            row.append(draw(st.sampled_from([*parent.keys, *([nothing] if empty else [])])))
        row += [draw(st.sampled_from([*keys[:one], "NULL"]))] if tree else []
        values.append(f"({', '.join(row)}, 'name {one}', {draw(st.integers(0, 3))})")
    standing = draw(st.lists(st.sampled_from(list(ON_IT)), max_size=3, unique=True))
    if {"policy", "narrowing policy"} <= set(standing):
        standing.remove("policy")  # it would be made twice
    statements = [f"CREATE TABLE {quoted(name)} ({', '.join(columns)})"]
    statements += [f"INSERT INTO {quoted(name)} OVERRIDING SYSTEM VALUE VALUES {one}" for one in values]
    statements += [part.format(t=quoted(name), n=number) for kind in standing for part in ON_IT[kind]]
    made.append(Made(name, key, keys))
    objects += [name, *(f"{kind}_{number}" for kind in ON_TABLES)]
    return statements


def build(scratch: Scratch, schema: Schema) -> None:
    """Make it, as the database's owner: one transaction of all would still owe its deferred checks to a table."""
    for statement in schema.statements:
        rows(scratch.owner_url, statement)
