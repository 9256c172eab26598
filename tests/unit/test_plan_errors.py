"""A mistake in a plan file is told with the line and column where it stands, and with what would do."""

from pathlib import Path

import pytest

from migrations_ops.rules.load import load
from migrations_ops.rules.reader import PlanError
from migrations_ops.rules.toml_positions import position

PLAN = """\
# A plan with one of everything; the tests change one thing each.
version = 1
platform = "home"
registry = "public.tenants"

[[tenant]]
id = "00000000-0000-0000-0000-000000000001"
slug = "home"
name = "Home"
domain = "home.example"
levels = [{ code = "A", name = "Top", number = 1 }, { code = "B", name = "Next", number = 2 }]

[[tenant]]
id = "22222222-2222-2222-2222-222222222222"
slug = "guest"
name = "Güest"
domain = "guest.example"

[[table]]
name = "public.houses"
visibility = "shared"
columns = { street = "text", tags = "text[]", facts = "jsonb", built = "date", seen = "timestamptz", size = "integer" }

[[table.rule]]
name = "old houses"
phase = "003_platform_data"
when = { all = [
    { column = "street", equals = "Ä" }, { column = "size", less = 9 },
    { any = [{ column = "built", less = 1900-01-01 }, { column = "tags", overlaps = ["old"] }] },
] }
tenant = "home"

[[table.rule]]
name = "the others"
phase = "004_tenant_data"
when = { column = "facts", json = ["a"], matches = "b" }
tenant = "guest"

[[table]]
name = "public.rooms"
visibility = "private"

[[table.rule]]
name = "a room is its house's"
phase = "004_tenant_data"
parent = { path = [{ column = "floor_id", table = "public.floors" }, { column = "house", table = "public.houses" }] }
"""
STREET = '{ column = "street", equals = "Ä" }'
ALWAYS = '[[table.rule]]\nname = "all"\nphase = "004_tenant_data"\nwhen = { always = true }\ntenant = "home"\n\n'

# what is wrong: (what of the plan, by what it is replaced, the text at which the mistake is told, what is said of it)
WRONG: dict[str, tuple[str, str, str, str]] = {
    "a key of the plan": ("registry =", "registri =", "registri", "Did you mean 'registry'?"),
    "a version": ("version = 1", "version = 3", "version", "version must be 1"),
    "a platform": ('platform = "home"', 'platform = "hme"', "platform =", "Did you mean 'home'?"),
    "a registry without schema": ('"public.tenants"', '"tenants"', "registry", "like public.tools"),
    "nothing where something must be": ('platform = "home"\n', "", "# A plan", "platform is missing."),
    "a key of the second tenant": ('slug = "guest"', 'slog = "guest"', "slog", "Did you mean 'slug'?"),
    "a missing key of the second tenant": ('name = "Güest"\n', "", '[[tenant]]\nid = "222', "name is missing."),
    "an id": ('"22222222-', '"2222-', 'id = "2222-', "id must be a UUID"),
    "a slug for the second time": ('slug = "guest"', 'slug = "home"', 'slug = "home"\nname = "Güest"', "two tenants"),
    "a number in an inline table": ("number = 2", 'number = "2"', 'number = "2"', "must be a whole number"),
    "a key in an inline table": ('code = "B"', 'cod = "B"', 'cod = "B"', "Did you mean 'code'?"),
    "a table without schema": ('"public.houses"\nv', '"houses"\nv', 'name = "houses"', "with its schema"),
    "a table twice": ('"public.rooms"', '"public.houses"', 'name = "public.houses"\nvisibility = "p', "two tables"),
    "a visibility": ('"private"', '"privat"', 'visibility = "privat"', "Did you mean 'private'?"),
    "a key of a table": ("columns = {", "colums = {", "colums", "Did you mean 'columns'?"),
    "columns that are a list": ('columns = { street = "text",', 'key = "id" # {', "key =", "must be a list of texts"),
    "a phase": ("003_platform_data", "003_platform_date", 'phase = "003', "Did you mean '003_platform_data'?"),
    "a tenant of a rule": ('tenant = "guest"', 'tenant = "gest"', 'tenant = "gest"', "Did you mean 'guest'?"),
    "a key of a rule": ('tenant = "guest"', 'tenants = "guest"', 'tenants = "guest"', "Did you mean 'tenant'?"),
    "reassigns as a text": ('tenant = "guest"', 'tenant = "guest"\nreassigns = "no"', "reassigns", "true or false"),
    "a rule without tenant": ('tenant = "guest"\n', "", '[[table.rule]]\nname = "the others"', "tenant is missing."),
    "two rules of one name": ('"the others"', '"old houses"', 'name = "old houses"\nphase = "004', "two rules of"),
    "a kind behind another": ("less = 9", "lesss = 9", "lesss", "Did you mean 'less'?"),
    "a column behind an umlaut": ('"size", less', '"siz", less', 'column = "siz"', "Did you mean 'size'?"),
    "a column deep inside": ('"tags", over', '"tag", over', 'column = "tag"', "Did you mean 'tags'?"),
    "a value deep inside": ('overlaps = ["old"]', 'overlaps = "old"', "overlaps", "must be a list of texts"),
    "two kinds": ("less = 9", "less = 9, greater = 1", "greater = 1", "exactly one of"),
    "a number as a text": ("less = 9", 'less = "9"', 'less = "9"', "Write it without quotes, like 5"),
    "no number": ("less = 9", "less = nan", "less = nan", "compares with a number, a date or a time, not nan"),
    "true as a number": ("less = 9", "less = true", "less = true", "compares with a number"),
    "one of two": ("less = 9", "between = [9]", "between", "must be a list of two, like [1, 9]"),
    "the wrong way around": ("less = 9", "between = [9, 1]", "between", "9 comes after 1. Exchange the two."),
    "two sorts": ("less = 9", "between = [1, 1900-01-01]", "between", "two of one sort"),
    "a text between": ("less = 9", 'between = [1, "9"]', '"9"', "Write it without quotes"),
    "a date where texts are": (STREET, '{ column = "street", equals = 1900-01-01 }', "equals", "say between"),
    "a pattern as a list": ('matches = "b"', 'matches = ["b"]', "matches", "matches must be a text"),
    "an empty list": ('overlaps = ["old"]', "overlaps = []", "overlaps", "overlaps is empty."),
    "a list in a list": (STREET, '{ column = "street", in = ["a", ["b"]] }', '["b"]', "in compares with a text"),
    "an order of texts": (STREET, '{ column = "street", less = 5 }', "less = 5", "street is text: less does not"),
    "an array of a text": (STREET, '{ column = "street", overlaps = ["a"] }', 'overlaps = ["a"]', "Say in or"),
    "a moment for a date": ("1900-01-01", "1900-01-01T00:00:00Z", "less = 1900", "without offset, like 2024-01-31"),
    "a date for a moment": ('"built", less', '"seen", less', "less = 1900", "like 2024-01-31T00:00:00Z"),
    "a date as a text": (STREET, '{ column = "built", equals = "a" }', 'equals = "a"', "settings of the session"),
    "json of a text": ('"facts", json', '"street", json', "matches =", "`json` reads a json or jsonb column."),
    "a moment inside JSON": ('matches = "b"', "less = 2024-01-31T00:00:00Z", "less = 2024", "or a day, like 2024"),
    "a subquery": (STREET, '{ sql = "EXISTS (SELECT FROM x)" }', "sql", "no query of its own (at 'SELECT')"),
    "two statements": (STREET, '{ sql = "true; DROP TABLE x" }', "sql", "has no ; no $"),
    "a column of sql": (STREET, '{ sql = "true", column = "size" }', 'column = "size" }, {', "no column or json"),
    "a rule behind always": ('[[table.rule]]\nname = "the', f'{ALWAYS}[[table.rule]]\nname = "the', '[[table.rule]]\nname = "the', "rule 2 ('all') comes first and takes every row"),  # noqa: E501
    "two values at once": (STREET, f'{STREET}, {{ column = "street", equals = "B" }}', '{ column = "street", equals = "B"', "street cannot be two values at once. Say any"),  # noqa: E501
    "a value and NULL": (STREET, f'{STREET}, {{ column = "street", is_null = true }}', '{ column = "street", is', "cannot be NULL and something else"),  # noqa: E501
    "not always": (STREET, "{ not = { always = true } }", "{ not", "not always is never. Take the rule out."),
    "a hop's table": ('"public.houses" }] }', '"public.house" }] }', 'table = "public.house"', "mean 'public.houses'?"),
    "a tree over a path": ('"public.houses" }] }', '"public.rooms" }] }', "path = [{", "without path"),
    "a hop's key": ('table = "public.floors" }', 'tabel = "public.floors" }', "tabel", "mean 'table'?"),
    "keys without partners": ('column = "house"', 'column = ["house", "b"]', "{ column = [", "2 and key 1 columns"),
    "a path and a column": ("parent = { path", 'parent = { column = "a", path', 'column = "a"', "belongs into"),
    "an empty path": ("path = [{ column", "path = [] } # [{ column", "path = []", "path is empty."),
    "a rule that has both": ("parent = {", 'tenant = "home"\nparent = {', 'tenant = "home"\nparent', "says which"),
}  # fmt: skip


def changed(old: str, new: str) -> str:
    assert PLAN.count(old) == 1, f"{old!r} is there {PLAN.count(old)} times"
    return PLAN.replace(old, new)


def refusal(tmp_path: Path, text: str) -> str:
    file = tmp_path / "plan.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(PlanError) as refused:
        load(file)
    return str(refused.value)


def test_the_plan_is_good(tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(PLAN, encoding="utf-8")

    assert len(load(file).tables) == 2


def test_there_are_many() -> None:
    assert len(WRONG) > 40


@pytest.mark.parametrize("wrong", WRONG)
def test_it_is_told_where_it_stands_and_with_a_hint(tmp_path: Path, wrong: str) -> None:
    old, new, where, what = WRONG[wrong]
    text = changed(old, new)
    assert text.count(where) == 1, f"{where!r} is there {text.count(where)} times"
    before = text[: text.index(where)]

    message = refusal(tmp_path, text)

    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    assert f"plan.toml, line {line}, column {column}, does not hold: " in message
    assert what in message
    assert message.endswith((".", "?"))


@pytest.mark.parametrize(
    ("text", "place", "expected"),
    [
        ("a = 1", ("a",), (1, 1)),
        ("a = 1", ("b",), (1, 1)),
        ("", ("a", 0), (1, 1)),
        ("\n\n  a = 1", ("a",), (3, 3)),
        ("a = 1\r\nb = 2", ("b",), (2, 1)),
        ("[[t]]\n[[t]]\na = 1", ("t", 1, "a"), (3, 1)),
        ("[[t]]\n[[t.u]]\n[[t]]\n[[t.u]]\n[[t.u]]\na = 1", ("t", 1, "u", 1, "a"), (6, 1)),
        ("[[t]]\n[[t.u]]\n[[t]]\n[[t.u]]\n[[t.u]]\na = 1", ("t", 1, "u", 1, "z"), (5, 1)),
        ("[a.b]\nc.d = { e = 1 }", ("a", "b", "c", "d", "e"), (2, 9)),
        ("'a.b' = 1\n\"c\\u0064\" = 2", ("cd",), (2, 1)),
        ("a = [\n  1, # one\n  # two\n  [2,\n   3],\n]", ("a", 1, 1), (5, 4)),
        ('a = """\nb = 1\n"""\nb = 2', ("b",), (4, 1)),
        ("é = 'ü', # no\n", ("x",), (1, 1)),
        ('a = "ü漢🚑" \nb = { c = "🚑", d = 1 }', ("b", "d"), (2, 16)),
    ],
)
def test_a_position_is_counted_in_lines_and_letters(
    text: str, place: tuple[str | int, ...], expected: tuple[int, int]
) -> None:
    assert position(text, place) == expected


# --- rules that can never match, and those that only look so ---

OTHERS = 'when = { column = "facts", json = ["a"], matches = "b" }\ntenant = "guest"'


def rules(*rest: str) -> str:
    """The plan with rules for the later phase, instead of its own one."""
    more = "\n\n[[table.rule]]\n".join(
        f'name = "more {n}"\nphase = "004_tenant_data"\n{rule}' for n, rule in enumerate(rest, start=1)
    )
    return changed(f'name = "the others"\nphase = "004_tenant_data"\n{OTHERS}', more)


def home(condition: str) -> str:
    return f'when = {condition}\ntenant = "home"'


LIVING = [
    (home("{ always = true }"), f"{OTHERS}\nreassigns = true"),
    (OTHERS, home("{ always = true }")),
    (home('{ all = [{ column = "street", in = ["a", "b"] }, { column = "street", in = ["b"] }] }'),),
    (home('{ any = [{ column = "street", equals = "a" }, { column = "street", equals = "b" }] }'),),
    (home('{ all = [{ column = "facts", json = ["a"], equals = "a" }, { column = "facts", equals = "b" }] }'),),
    (home('{ all = [{ column = "street", is_null = false }, { column = "street", equals = "b" }] }'),),
]
DEAD = [
    (OTHERS, OTHERS.replace("guest", "home")),
    (f"{OTHERS}\nreassigns = true", OTHERS),
    (home("{ always = true }") + "\nreassigns = true", f"{OTHERS}\nreassigns = true"),
    (home('{ all = [{ column = "street", in = ["a"] }, { all = [{ column = "street", in = ["b"] }] }] }'),),
    (home("{ any = [{ not = { always = true } }, { not = { always = true } }] }"),),
    (home('{ all = [{ column = "size", less = 5 }, { column = "size", is_null = true }] }'),),
]


@pytest.mark.parametrize("living", LIVING)
def test_a_rule_that_may_match_is_let_be(tmp_path: Path, living: tuple[str, ...]) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(rules(*living), encoding="utf-8")

    assert len(load(file).tables[0].rules) == 1 + len(living)


@pytest.mark.parametrize("dead", DEAD)
def test_a_rule_that_can_never_match_is_refused(tmp_path: Path, dead: tuple[str, ...]) -> None:
    assert "it can never match: " in refusal(tmp_path, rules(*dead))
