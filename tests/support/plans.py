"""Plans for the tests: the shipped one, a small good one, and every mistake that is refused."""

import tomllib
from pathlib import Path
from typing import Any

from migrations_ops.rules.model import Parent
from tests.support.paths import ROOT

SHIPPED = ROOT / "migrations_ops" / "rules" / "vital.toml"


def path_to_parent(parent: Parent) -> str:
    """The foreign keys from a row to the row it follows, in words."""
    return " → ".join(f"{','.join(hop.columns)} → {hop.table}.{','.join(hop.key)}" for hop in parent.hops)


GOOD = """
version = 1
platform = "home"
registry = "public.tenants"

[[tenant]]
id = "00000000-0000-0000-0000-000000000001"
slug = "home"
name = "Home"
domain = "home.example"

[[tenant]]
id = "22222222-2222-2222-2222-222222222222"
slug = "guest"
name = "Guest"
domain = "guest.example"

[[table]]
name = "public.houses"
visibility = "shared"
columns = { street = "text", tags = "text[]", facts = "jsonb", built = "boolean" }

[[table.rule]]
name = "old houses"
phase = "003_platform_data"
when = { column = "street", in = ["a", "b"] }
tenant = "home"

[[table.rule]]
name = "the others"
phase = "004_tenant_data"
when = { always = true }
tenant = "guest"

[[table]]
name = "public.rooms"
visibility = "private"
columns = { house = "uuid" }

[[table.rule]]
name = "a room is its house's"
phase = "004_tenant_data"
parent = { column = "house", table = "public.houses" }
"""
SOURCE = '\n[tenants]\nfrom = "public.houses"\nname = "street"\n'
ALWAYS_GUEST = 'when = { always = true }\ntenant = "guest"'
BIND = '\n[[bind]]\nrole = "web"\n'


def changed(old: str, new: str) -> str:
    """The good plan with one change, at the first place."""
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def when(condition: str) -> str:
    """The good plan with this as the condition of the first rule."""
    return changed('{ column = "street", in = ["a", "b"] }', condition)


HOUSE = 'column = "house", table = "public.houses"'


def parent(follows: str) -> str:
    """The good plan with this as what rooms follow."""
    return changed(HOUSE, follows)


def votes(of: str) -> str:
    """The good plan with rooms for which these vote."""
    return changed('parent = { column = "house", table = "public.houses"', f'votes = {{ column = "house", table = {of}')


HOUSES, RULE, PARENT = "table public.houses", "table public.houses, rule 1", "table public.rooms, rule 1, parent"
WRONG: dict[str, tuple[str, str, str]] = {
    # what is wrong: (the plan, the place, the problem or the hint)
    "an unknown key of the plan": (changed("registry =", "registri ="), "the plan", "Did you mean 'registry'?"),
    "an unknown key of a tenant": (changed("slug =", "slugg ="), "tenant 1", "Did you mean 'slug'?"),
    "an unknown key of a table": (changed("visibility", "visible"), HOUSES, "Did you mean 'visibility'?"),
    "an unknown key of a rule": (changed("tenant = ", "tennant = "), RULE, "Did you mean 'tenant'?"),
    "an unknown key like no other": (changed("columns =", "zzz ="), HOUSES, "Known are: columns, critical, failing"),
    "failing in some way": (changed("visibility =", 'failing = "skip"\nvisibility ='), HOUSES, "One of: stop, find"),
    "a limit that stops": (
        changed("visibility =", "failing_limit = 5\nvisibility ="),
        HOUSES,
        'belongs to failing = "f',
    ),
    "no failing row at all": (
        changed("visibility =", 'failing = "find"\nfailing_limit = 0\nvisibility ='),
        HOUSES,
        "must be 1 or more",
    ),
    "an unknown place": (changed("visibility =", 'placement = "x"\nvisibility ='), HOUSES, "reference"),
    "an unknown key of a condition": (when('{ colum = "street", equals = "a" }'), RULE, "Did you mean 'column'?"),
    "an unknown key of a parent": (changed('house", table', 'house", tabel'), "public.rooms, rule 1", "'table'?"),
    "an owner half bound": (changed("version = 1", "version = 1\nforce_owner = 1"), "the plan", "true or false, not 1"),
    "indexes half kept": (changed("version = 1", "version = 1\nkeep_indexes = 1"), "the plan", "true or false, not 1"),
    "no version": (changed("version = 1", ""), "the plan", "version is missing"),
    "another version": (changed("version = 1", "version = 2"), "the plan", "version must be 1"),
    "no platform": (changed('platform = "home"', ""), "the plan", "platform is missing"),
    "a platform that is no tenant": (changed('"home"', '"hom"'), "the plan", "Did you mean 'home'?"),
    "a registry without schema": (
        changed("public.tenants", "tenants"),
        "the plan",
        "registry: name the table with its schema",
    ),
    "an unknown product": (changed("version = 1", 'version = 1\nproduct = "vitale"'), "product", "mean 'vital'?"),
    "a tenant without slug": (changed('slug = "home"', ""), "tenant 1", "slug is missing"),
    "a tenant with an empty name": (changed('"Home"', '""'), "tenant home", "name must be a text"),
    "an id that is no uuid": (changed("00000000-", "x"), "tenant home", "id must be a UUID, not 'x0000-"),
    "an id that is a number": (changed('"22222222-2222-2222-2222-222222222222"', "2"), "tenant guest", "id must be"),
    "a slug given twice": (changed('"guest"', '"home"'), "two tenants have the same slug", "home"),
    "a domain given twice": (changed("guest.example", "home.example"), "the same domain", "home.example"),
    "an id given twice": (
        changed("22222222-2222-2222-2222-222222222222", "00000000-0000-0000-0000-000000000001"),
        "two tenants have the same id",
        "00000000-0000-0000-0000-000000000001",
    ),
    "an id given twice in other letters": (
        changed("22222222-2222-2222-2222-222222222222", "{00000000000000000000000000000001}"),
        "two tenants have the same id",
        "00000000-0000-0000-0000-000000000001",
    ),
    "features that are no table": (changed('name = "Home"', 'name = "Home"\nfeatures = 3'), "tenant home", "features"),
    "a department without code": (
        changed('name = "Home"', 'name = "Home"\ndepartments = [{ name = "Sales" }]'),
        "tenant home, departments 1",
        "code is missing",
    ),
    "a level without number": (
        changed('name = "Home"', 'name = "Home"\nlevels = [{ code = "A", name = "Top", number = "one" }]'),
        "tenant home, levels 1",
        "number must be a whole number",
    ),
    "one [tenant] instead of [[tenant]]": (GOOD.split("[[tenant]]")[0] + "[tenant]", "the plan", "write [[tenant]]"),
    "no table": (GOOD.split("[[table]]")[0], "the plan", "write [[table]]"),
    "a table without schema": (changed("public.houses", "houses"), "table houses", "like public.tools"),
    "a table given twice": (changed("public.rooms", "public.houses"), "two tables", "public.houses"),
    "two tables of one name": (changed("public.rooms", "other.houses"), "of different schemas", "houses"),
    "a name that SQL would read in small letters": (changed("public.houses", "public.Houses"), "Houses", '"Tools"'),
    "a table without visibility": (changed('visibility = "shared"', ""), HOUSES, "visibility is missing"),
    "an unknown visibility": (changed('"shared"', '"shard"'), HOUSES, "Did you mean 'shared'?"),
    "a key that is not a list": (changed("visibility =", 'key = "id"\nvisibility ='), HOUSES, "key must be a list"),
    "a key of no column": (changed("visibility =", "key = []\nvisibility ="), HOUSES, "key is empty"),
    "a rescoped key that is not a list": (
        changed("visibility =", 'rescope = ["street"]\nvisibility ='),
        HOUSES,
        'like ["a", "b"], not \'street\'',
    ),
    "critical as a text": (changed("visibility =", 'critical = "no"\nvisibility ='), HOUSES, "true or false"),
    "an unknown tenant of the unmatched": (
        changed("visibility =", 'unmatched = "gest"\nvisibility ='),
        HOUSES,
        "Did you mean 'guest'?",
    ),
    "rules as a table that is not there": (
        changed('visibility = "private"', 'visibility = "private"\nrules_as = "public.house"').split(
            '[[table.rule]]\nname = "a room'
        )[0],
        "table public.rooms",
        "Did you mean 'public.houses'?",
    ),
    "rules of its own and of another": (
        changed('visibility = "private"', 'visibility = "private"\nrules_as = "public.houses"'),
        "table public.rooms",
        "one of the two decides",
    ),
    "an unknown phase": (changed("004_tenant_data", "004_tenant_dat"), "rule 2", "Did you mean '004_tenant_data'?"),
    "a rule without phase": (changed('phase = "003_platform_data"', ""), RULE, "phase is missing"),
    "a rule without name": (changed('name = "old houses"', ""), RULE, "name is missing"),
    "a rule's name given twice": (changed('"the others"', '"old houses"'), "two rules of table public.houses", "old"),
    "platform rules after the others": (
        changed("003_platform_data", "004_tenant_data")
        .replace("004_tenant_data", "003_platform_data", 2)
        .replace("003_platform_data", "004_tenant_data", 1),
        HOUSES,
        "those of 003_platform_data come first",
    ),
    "an unknown tenant of a rule": (changed('tenant = "home"', 'tenant = "hom"'), RULE, "Did you mean 'home'?"),
    "neither when nor parent": (
        changed('when = { column = "street", in = ["a", "b"] }', ""),
        RULE,
        "say `when` and the tenant; or `parent` or `votes`",
    ),
    "both parent and votes": (changed("parent = {", "votes = {}\nparent = {"), "rooms, rule 1", "or `parent` or"),
    "a list as a parent": (parent(f"{HOUSE}, each = true"), PARENT, "let them vote"),
    "a value read as no type": (parent(f'{HOUSE}, as = "uid"'), PARENT, "mean 'uuid'?"),
    "two columns at one place of their JSON": (
        parent(HOUSE.replace('"house"', '["house", "house"]') + ', json = ["a"], key = ["a", "b"]'),
        PARENT,
        "read; here are 2",
    ),
    "votes of a half": (votes('"public.houses", at_least = 0.5'), "rule 1, votes", "more than 0.5, and 1 at most"),
    "votes of its own table": (votes('"public.rooms"'), "public.rooms, rule 1, votes", "cannot vote"),
    "votes too early": (
        votes('"public.houses"').replace('s"\nphase = "004_tenant_data"', 's"\nphase = "003_platform_data"'),
        "public.rooms, rule 1",
        "belong to 004_tenant_data",
    ),
    "a tree over a path": (
        parent('path = [{ column = "house", table = "public.floors" }, { column = "room", table = "public.rooms" }]'),
        "public.rooms, rule 1, parent",
        "without path",
    ),
    "a tree before another rule": (
        parent('column = "house", table = "public.rooms"')
        + f'\n[[table.rule]]\nname = "z"\nphase = "004_tenant_data"\n{ALWAYS_GUEST}\n',
        "public.rooms, rule 1",
        "a tree comes last",
    ),
    "a tree beside rules that reassign": (
        changed(
            '"a room is its house\'s"',
            f'"z"\nphase = "004_tenant_data"\nreassigns = true\n{ALWAYS_GUEST}\n\n[[table.rule]]\nname = "a room"',
        ).replace('table = "public.houses" }', 'table = "public.rooms" }'),
        "public.rooms, rule 2",
        "reassigns",
    ),
    "a parent and a tenant": (
        changed("parent = {", 'tenant = "home"\nparent = {'),
        "table public.rooms, rule 1",
        "`parent` says which tenant",
    ),
    "a parent that comes later": (
        changed('"a room is', '"x').replace('table = "public.houses" }', 'table = "public.doors" }'),
        "table public.rooms, rule 1, parent",
        "must be this table, or one that stands before it in the plan",
    ),
    "a parent's column that the plan does not need": (
        changed('column = "house",', 'column = "hous",'),
        "table public.rooms, rule 1, parent",
        "Did you mean 'house'?",
    ),
    "a condition that is a text": (when('"always"'), f"{RULE}, when", "a table of keys and values"),
    "two conditions in one": (
        when('{ column = "street", equals = "a", contains = "b" }'),
        f"{RULE}, when",
        "exactly one of equals, in, contains, starts_with, ends_with, matches, overlaps, less, ",
    ),
    "always and a column": (when('{ always = true, column = "street" }'), f"{RULE}, when", "always has no column"),
    "always and another": (
        when('{ always = true, column = "street", equals = "a" }'),
        f"{RULE}, when",
        "exactly one of",
    ),
    "never": (when("{ always = false }"), f"{RULE}, when", "always is true"),
    "no condition": (when('{ column = "street" }'), f"{RULE}, when", "exactly one of"),
    "all of nothing": (when("{ all = [] }"), f"{RULE}, when", "all is empty"),
    "any of something else": (when('{ any = "x" }'), f"{RULE}, when", "any must be a list"),
    "a mistake deep inside": (
        when('{ all = [{ always = true }, { not = { any = [{ column = "street", equal = "a" }] } }] }'),
        f"{RULE}, when, all 2, not, any 1",
        "Did you mean 'equals'?",
    ),
    "a column that the plan does not need": (
        when('{ column = "streets", equals = "a" }'),
        f"{RULE}, when",
        "must be among the table's columns, not 'streets'. Did you mean 'street'?",
    ),
    "a condition without column": (when('{ equals = "a" }'), f"{RULE}, when", "column is missing"),
    "in as a text": (when('{ column = "street", in = "abc" }'), f"{RULE}, when", "in must be a list"),
    "in nothing": (when('{ column = "street", in = [] }'), f"{RULE}, when", "in must be a list"),
    "in lists": (when('{ column = "street", in = [["a"]] }'), f"{RULE}, when", "in compares with a text, a number"),
    "contains a number": (when('{ column = "street", contains = 5 }'), f"{RULE}, when", "contains must be a list"),
    "contains an empty text": (when('{ column = "street", contains = [""] }'), f"{RULE}, when", "list of texts"),
    "contains the empty text": (when('{ column = "street", contains = "" }'), f"{RULE}, when", "must be a text"),
    "overlaps a text": (when('{ column = "tags", overlaps = "ab" }'), f"{RULE}, when", "overlaps must be a list"),
    "is_null as a text": (when('{ column = "street", is_null = "no" }'), f"{RULE}, when", "must be true or false"),
    "json as a text": (
        when('{ column = "facts", json = "a", equals = "b" }'),
        f"{RULE}, when",
        "json must be a list of texts",
    ),
    "equals a list": (when('{ column = "street", equals = ["a"] }'), f"{RULE}, when", "equals compares with a text"),
    "a common table without schema": (GOOD + '\n[[common]]\nname = "words"\n', "common 1", "not 'words'"),
    "a role bound twice": (GOOD + BIND + BIND, "two [[bind]]", "have the same role: web"),
    "a role of VITAL's bound": (GOOD + BIND.replace("web", "vital_tenant"), "bind 1", "role must be one that others"),
    "everybody bound": (GOOD + BIND.replace("web", "PUBLIC"), "bind 1", "role must be one that others put on"),
    "a role without a name": (GOOD + '\n[[bind]]\nsees = "own"\n', "bind 1", "role is missing"),
    "a role that sees everything": (GOOD + BIND + 'sees = "all"\n', "bind 1", "sees, not 'all'. One of"),
    "a tenant by what people write": (
        GOOD + BIND + 'claim = "user_metadata.tenant_id"\n',
        "bind 1",
        "claim must not be in user_metadata: people write that themselves",
    ),
    "a tenant by what people write, as a list": (
        GOOD + BIND + 'claim = ["claims", "raw_user_meta_data", "tenant"]\n',
        "bind 1",
        "claim must not be in raw_user_meta_data",
    ),
    "a claim with a hole": (GOOD + BIND + 'claim = "app_metadata..tenant"\n', "bind 1", "a part without a name"),
    "a claim as a number": (GOOD + BIND + "claim = 1\n", "bind 1", "claim must be a list of texts"),
    "a claim where all see the same": (
        GOOD + BIND + 'sees = "shared"\nclaim = "tenant_id"\n',
        "bind 1",
        "claim says whose rows a caller sees; with sees = 'shared'",
    ),
    "users where all see the same": (
        GOOD + BIND + 'sees = "nothing"\nusers = { table = "public.rooms" }\n',
        "bind 1",
        "users says whose rows a caller sees",
    ),
    "users of no plan": (
        GOOD + BIND + 'users = { table = "auth.users" }\n',
        "bind 1, users",
        "table must name a table of the plan, not 'auth.users'",
    ),
    "users with a tenant of their own": (
        GOOD + BIND + 'users = { table = "public.rooms", tenant = "home" }\n',
        "bind 1, users",
        "tenant must be the column that the plan keeps",
    ),
    "users without a table": (GOOD + BIND + 'users = { key = "id" }\n', "bind 1, users", "table is missing"),
    "bound on a table of no plan": (GOOD + BIND + 'tables = ["public.yards"]\n', "bind 1", "must name a table of"),
    "bound on no table": (GOOD + BIND + "tables = []\n", "bind 1", "tables is empty"),
    "unbound without a reason": (GOOD + '\n[[unbound]]\nrole = "web"\n', "unbound 1", "reason is missing"),
    "tenants of no table of the plan": (
        GOOD + SOURCE.replace("public.houses", "public.sheds"),
        "tenants",
        "from must name a [[table]] of the plan",
    ),
    "tenants of a table without a rule of its own": (GOOD + SOURCE, "tenants", "needs a rule with `own = true`"),
    "tenants without a name": (
        GOOD.replace('street = "text"', 'id = "uuid", street = "text"').replace(ALWAYS_GUEST, "own = true")
        + SOURCE.replace("name =", "slug ="),
        "tenants",
        "name is missing",
    ),
    "a row's own tenant elsewhere": (
        changed(ALWAYS_GUEST, "own = true"),
        "table public.houses, rule 2",
        "`own` is for the table that [tenants] takes its tenants from, which is not given",
    ),
    "a rule that is no row's own": (
        changed(ALWAYS_GUEST, "own = false") + SOURCE,
        "table public.houses, rule 2",
        "own is true",
    ),
    "a row's own tenant, by a name": (
        changed(ALWAYS_GUEST, f"own = true\n{ALWAYS_GUEST}") + SOURCE,
        "table public.houses, rule 2",
        "say `when` and the tenant; or `parent` or `votes`",
    ),
    "a row's own tenant, named": (
        changed(ALWAYS_GUEST, 'own = true\ntenant = "home"') + SOURCE,
        "table public.houses, rule 2",
        "`own` says which tenant",
    ),
    "a tenant's key without a type": (changed(ALWAYS_GUEST, "own = true") + SOURCE, "tenants", "the type of the key"),
    "a name that asks another table": (
        GOOD.replace('street = "text"', 'id = "uuid", street = "text"').replace(ALWAYS_GUEST, "own = true")
        + SOURCE.replace('"street"', '{ sql = "(SELECT 1)" }'),
        "tenants, name",
        "no query of its own",
    ),
    "bound and unbound": (
        GOOD + BIND + '\n[[unbound]]\nrole = "web"\nreason = "trusted"\n',
        "unbound 1",
        "role 'web' is bound by [[bind]] on every table; one of the two",
    ),
}


def rules_of(table: str) -> list[dict[str, Any]]:
    """The rules of a table in the plan that is shipped, in its order."""
    tables = {item["name"]: item for item in tomllib.loads(SHIPPED.read_text(encoding="utf-8"))["table"]}
    item = tables[f"public.{table}"]
    rules: list[dict[str, Any]] = tables[item["rules_as"]]["rule"] if "rules_as" in item else item.get("rule", [])
    return rules


def changed_plan(folder: Path, *changes: tuple[str, str]) -> Path:
    """A copy of the shipped plan with each text replaced, once."""
    text = SHIPPED.read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in the plan"
        text = text.replace(old, new)
    path = folder / "changed.toml"
    path.write_text(text, encoding="utf-8")
    return path
