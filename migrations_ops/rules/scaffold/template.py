"""The starting plan as text: what the catalogue says in the plan's language, and beside it what a person must know."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from migrations_ops.engine.session import Session
from migrations_ops.rules.scaffold import common_tables, foreign_key_paths, introspection, tenants
from migrations_ops.rules.scaffold.foreign_key_paths import Edge, Ownership
from migrations_ops.rules.scaffold.introspection import TENANT_COLUMN, Catalogue, Table
from migrations_ops.rules.scaffold.tenants import Cast, Tenant
from tenants.isolation import reachability
from vital.db import sql

RULE_NAME = 200  # signs that the ledger keeps of it
ABOUT = {
    "registry": (
        "VITAL makes this table of tenants. One that is there needs the columns that docs/reference/plan.md lists.",
    ),
    "force_owner": (
        "The tables' owner is not bound by row level security: it sees every row either way, and COPY … FROM, pg_dump",
        "and REFRESH MATERIALIZED VIEW go on. With true (FORCE ROW LEVEL SECURITY) PostgreSQL refuses it COPY … FROM.",
    ),
}
BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Draft:
    """A starting plan as text. `private` are tables without a rule and `left_out` those without an entry, with the
    reasons; `reached` counts what everybody reaches; `from_table`: whether the tenants are taken from the root,
    whatever rows it has."""

    text: str
    tables: int
    tenants: int
    private: dict[str, str]
    left_out: dict[str, str]
    from_table: bool
    root: str
    reached: int
    owned_already: dict[str, str]  # table → the table that its tenant column refers to


def draft(session: Session, schemas: Sequence[str], root: str) -> Draft:
    """A plan for this database. Raises NoRoot, UnknownRoot."""
    found, owned = foreign_key_paths.find(introspection.read(session, schemas), root)
    owned_already = _owned_already(found, owned)
    root_table = found.tables[owned.root]
    has_ids = [root_table.columns[column] for column in root_table.key] == ["uuid"]
    is_adopted = has_ids and owned.root in owned_already.values()
    cast = tenants.cast(session, root_table, is_adopted=is_adopted)
    without = common_tables.chosen(session, found, owned)
    planned = [*owned.ways, *without.private, *without.common]
    left_out = found.left_out | _not_planned(found, owned.root, planned, without.refused)
    in_schemas = sorted({sql.names(name)[0] for name in planned} | set(schemas))
    reached = reachability.public_by_default(session, in_schemas, planned)
    parts = [
        _head(found, owned, cast),
        *(_tenant(tenant) for tenant in cast.listed),
        *(_table(found, owned, cast, found.tables[relation]) for relation in owned.ways),
        *(_private(found, owned, found.tables[relation], why) for relation, why in without.private.items()),
        *_common(without.common),
        _circles(found),
        _left_out(left_out),
        _reachable(reached),
    ]
    text = "\n".join(part for part in parts if part)
    tables = len(owned.ways) + len(without.private)
    return Draft(
        text,
        tables,
        cast.rows + 1,
        without.private,
        left_out,
        cast.of_table,
        owned.root,
        len(reached),
        {table: parent for table, parent in owned_already.items() if not (is_adopted and parent == owned.root)},
    )


def _reachable(found: Sequence[tuple[str, str]]) -> str:
    """What everybody reaches is offered, and not allowed: that needs a reason."""
    if not found:
        return ""
    lines = ["EDIT: tenants will reach these past their policies, for everybody does. Revoke that, or allow it here:"]
    for name, how in found:
        lines += ["", how, "[[reachable]]", f"name = {json.dumps(name)}", 'reason = ""']
    return _comment(lines)


def _not_planned(found: Catalogue, root: str, planned: Sequence[str], refused: Mapping[str, str]) -> dict[str, str]:
    """Table → why it is not in the plan, for those that lead nowhere. One left out takes along what leads over it."""
    nowhere = [name for name in found.tables if name not in planned]
    cut: dict[str, str] = {}
    added = True
    while added:
        added = False
        for name in nowhere:
            gone = [r.parent for r in found.tables[name].references if r.parent in found.left_out or r.parent in cut]
            if gone and name not in cut:
                cut[name], added = gone[0], True
    remedy = "name it with a rule, or as common if every tenant may read it"
    reasons: dict[str, str] = {}
    for name in nowhere:
        if name in cut:
            why = f"it refers to {cut[name]}, which is left out, and no other foreign key leads from it to {root}"
        else:
            why = f"no foreign key leads from it to {root}"
        reasons[name] = "; ".join([f"{why}: {remedy}", *([refused[name]] if name in refused else [])])
    return reasons


def _owned_already(found: Catalogue, owned: Ownership) -> dict[str, str]:
    """Tables whose tenant column is there already and refers to a table of the database's own."""
    return {
        reference.child: reference.parent
        for relation in owned.ways
        for reference in found.tables[relation].references
        if reference.own == (TENANT_COLUMN,)
    }


def _head(found: Catalogue, owned: Ownership, cast: Cast) -> str:
    others = ", ".join(f"{name} ({count})" for name, count in list(owned.others.items())[:5]) or "none"
    lines = [
        f"A starting plan for the database {found.database}, made by init-plan from its catalogue. It loads as it is;",
        "look at each EDIT. What the words mean: docs/reference/plan.md.",
        "",
        f"Each row of {owned.root} becomes a tenant, and {len(owned.ways) - 1} tables lead there over foreign keys.",
        f"EDIT: if that is another table, run init-plan again with --root. Others lead to: {others}",
    ]
    platform = cast.listed[0].slug
    facts = {"version": 1, "name": "multi_tenant_migration", "platform": platform, "registry": "vital.registry"}
    facts["force_owner"] = False
    return _comment(lines) + "\n" + "".join(
        _comment(ABOUT.get(key, ())) + f"{key} = {_value(value)}\n" for key, value in facts.items()
    ) + (_source(owned.root, cast) if cast.of_table else "")  # fmt: skip


def _source(root: str, cast: Cast) -> str:
    about = [
        f"The tenants: each of the {cast.rows:,} rows, and each that is added later. `active` says which are let in:",
        'a column, or { sql = "closed_on IS NULL" }.',
    ]
    return "\n" + _comment(about) + f"[tenants]\nfrom = {_value(root)}\nname = {_value(cast.name)}\n"


def _tenant(tenant: Tenant) -> str:
    why = "EDIT: its name and domain."
    if not tenant.key:
        why = "The Platform owns what all tenants share: none of the rows yet. EDIT: its name and domain."
    facts = {"id": tenant.id, "slug": tenant.slug, "name": tenant.name, "domain": f"{tenant.slug}.example.com"}
    return _comment([why]) + _entry("tenant", facts)


def _table(found: Catalogue, owned: Ownership, cast: Cast, table: Table) -> str:
    ways, is_root = owned.ways[table.relation], table.relation == owned.root
    tree = None if is_root or any(edge.needed for edge in ways) else foreign_key_paths.tree_of(table)
    follows = [*ways, *([tree] if tree else [])]
    used = table.key if is_root else dict.fromkeys(column for edge in follows for column in edge.columns)
    facts: dict[str, object] = {"name": table.relation}
    facts |= {} if table.key == ("id",) else {"key": list(table.key)}
    facts |= {"critical": True} if owned.always(table.relation) else {}
    facts |= {"visibility": "private", "columns": {column: table.columns[column] for column in used}}
    scoped, notes = _unique(table, ways, is_root)
    facts |= {"rescope": [list(key) for key in scoped]} if scoped else {}
    about = [*_about(found, owned, cast, table), *notes]
    rules = list(_of_root(table, cast)) if is_root else [_by_parent(found, table, edge) for edge in follows]
    return _comment(about) + _entry("table", facts) + "".join("\n" + _entry("table.rule", rule) for rule in rules)


def _private(found: Catalogue, owned: Ownership, table: Table, why: str) -> str:
    """A table about people that leads nowhere: its rows are of nobody until a person decides, and its keys stay."""
    about = [
        f"EDIT: no foreign key says whose the rows of {table.name} are, and {why}.",
        "No tenant reads a row until its owner is decided. Give the table rules if there are some. Make it",
        "[[common]] only if every tenant may read every row of it.",
    ]
    facts: dict[str, object] = {"name": table.relation}
    facts |= {} if table.key == ("id",) else {"key": list(table.key)}
    entry = _entry("table", facts | {"visibility": "private", "person_decides": True})
    return _comment(about) + entry + _votes(found, owned, table)


def _votes(found: Catalogue, owned: Ownership, table: Table) -> str:
    """Rules by those who refer to a table, to choose from."""
    links = [link for relation in owned.ways for link in found.tables[relation].references]
    text = ""
    for link in (link for link in links if link.parent == table.relation):
        column, key = (names[0] if len(names) == 1 else list(names) for names in (link.key, link.own))
        votes = {"column": column, "table": link.child, "key": key, "at_least": 1}
        name = f"{table.name} of one tenant by {found.tables[link.child].name}"[:RULE_NAME]
        text += "\n" + _entry("table.rule", {"name": name, "phase": "004_tenant_data", "votes": votes})
    if not text:
        return ""
    return _comment(
        ["EDIT: this gives a row to the tenant that all who refer to it are of; others stay open.", *text.splitlines()]
    )


def _about(found: Catalogue, owned: Ownership, cast: Cast, table: Table) -> Iterator[str]:
    steps = [f"{found.tables[edge.child].name}.{', '.join(edge.columns)}" for edge in owned.path(table.relation)]
    if steps:
        yield " -> ".join([*steps, found.tables[owned.root].name])
    elif cast.of_table:
        yield f"{table.name}: each row is a tenant's own, also one that is added later."
    else:
        yield f"{table.name}: each row is a tenant's own. A row that is added later needs its tenant and rule here."
    if not owned.always(table.relation):
        yield "EDIT: not every row leads there. The others have no tenant until they are decided, or `unmatched` does."
    if len(table.key) > 1:
        yield f"Its key has several columns: {', '.join(table.key)}."
    theirs = {reference.parent for reference in table.references if reference.own == (TENANT_COLUMN,)}
    if theirs - ({owned.root} if cast.of_table else set()):
        yield f"EDIT: it has a {TENANT_COLUMN} of other tenants than the plan's: 000 refuses it with what to do."
    if any(reference.parent == table.relation for reference in table.references):
        yield "It refers to itself: such a reference must stay in its tenant, which 005 checks."


def _unique(table: Table, ways: Sequence[Edge], is_root: bool) -> tuple[list[tuple[str, ...]], list[str]]:
    """The unique keys to re-scope, and words about them. A key with a parent's column is as good as one per tenant."""
    scoped: list[tuple[str, ...]] = []
    notes: list[str] = []
    following = {column for reference in table.references for column in reference.own}
    following |= {column for edge in ways for column in edge.columns}
    for key in table.unique:
        if is_root or following.intersection(key.columns):
            continue
        named = ", ".join(key.columns) or "an expression"
        if key.stays:
            notes.append(f"({named}) stays unique across tenants: {key.stays}.")
        elif key.columns not in scoped:
            scoped.append(key.columns)
            notes.append(
                f"EDIT: ({named}) becomes unique per tenant. Code that says ON CONFLICT ({named}) must name tenant_id."
            )
    return scoped, notes


def _of_root(root: Table, cast: Cast) -> Iterator[dict[str, object]]:
    if cast.of_table:
        yield {"name": f"each row of {root.name} is its own"[:RULE_NAME], "phase": "004_tenant_data", "own": True}
    for tenant in cast.listed:
        if tenant.key:
            equal = [{"column": c, "equals": value} for c, value in zip(root.key, tenant.key, strict=True)]
            when = equal[0] if len(equal) == 1 else {"all": equal}
            yield {"name": f"{tenant.slug} is its own", "phase": "004_tenant_data", "when": when, "tenant": tenant.slug}


def _by_parent(found: Catalogue, table: Table, edge: Edge) -> dict[str, object]:
    column, key = (names[0] if len(names) == 1 else list(names) for names in (edge.columns, edge.key))
    parent = {"column": column, "table": edge.parent, "key": key}
    what = "the row above" if edge.parent == table.relation else found.tables[edge.parent].name
    name = f"{table.name} follow {what} by {', '.join(edge.columns)}"
    return {"name": name[:RULE_NAME], "phase": "004_tenant_data", "parent": parent}


def _common(relations: Sequence[str]) -> Iterator[str]:
    for relation in relations:
        yield _comment(
            [f"EDIT: every tenant may read {relation}, and none writes it. Take it out if that is wrong."]
        ) + _entry("common", {"name": relation})


def _circles(found: Catalogue) -> str:
    circles = [" -> ".join(circle) for circle in foreign_key_paths.cycles(found)]
    return (
        _comment(["Tables that refer to each other in a circle (a rule follows one way only):", *circles])
        if circles
        else ""
    )


def _left_out(reasons: dict[str, str]) -> str:
    lines = [f"{relation}: {why}." for relation, why in sorted(reasons.items())]
    return _comment(["Left out; once isolation is on, no tenant may read these:", *lines]) if lines else ""


def _comment(lines: Sequence[str] | Iterator[str]) -> str:
    return "".join(f"# {_one_line(line)}".rstrip() + "\n" for line in lines)


def _one_line(text: str) -> str:
    """Names may hold line breaks, and a comment must not end before its time."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _entry(kind: str, facts: Mapping[str, object]) -> str:
    return f"[[{kind}]]\n" + "".join(f"{key} = {_value(value)}\n" for key, value in facts.items())


def _value(value: object) -> str:
    """A value as TOML writes it in one line."""
    if isinstance(value, dict):
        pairs = (f"{key if BARE.fullmatch(key) else _value(key)} = {_value(item)}" for key, item in value.items())
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, list):
        return f"[{', '.join(_value(item) for item in value)}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
