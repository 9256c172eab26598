"""What stands in the database, compared exactly with what the plan wants: one comparison for everybody who asks.

A few catalogue queries for all tables at once. Only reads.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from psycopg.sql import Composable

from tenants.inventory import OWN_SCHEMA, TENANT_COLUMN, Inventory, Routine, TenantTable
from tenants.isolation import bound, bound_comparison, nodes, wanted
from tenants.isolation.difference import (
    BOUND_FUNCTIONS,
    BOUND_RIGHTS,
    BOUND_WRITERS,
    FUNCTIONS,
    GRANTS,
    KEYS,
    LOGINS,
    NODES,
    OTHERS,
    PARTS,
    POLICIES,
    REFERENCES,
    ROLES,
    SCHEMAS,
    WRITERS,
    Difference,
)
from tenants.isolation.queries import query
from tenants.isolation.rights import Rights
from tenants.isolation.roles import bound_owners, logins, provers, roles, settings
from tenants.isolation.wanted import OTHERS as POLICY_OF_OTHERS
from tenants.isolation.wanted import PUBLIC, Policy
from vital.db import cluster, sql
from vital.db.roles import ROLES as OURS
from vital.db.roles import TENANT_ROLE
from vital.db.session import Session

Ask = Callable[[Composable], list[tuple[Any, ...]]]
Row = dict[str, Any]
CLOSES = "006_row_level_security"
NEEDED = (FUNCTIONS, REFERENCES, BOUND_FUNCTIONS)  # what nobody is kept apart without
WRITER_KINDS = (7, 23)  # BEFORE INSERT, with or without UPDATE, FOR EACH ROW


@dataclass(frozen=True)
class Standing:
    """How isolation stands. `is_off`: it was never turned on, or was turned off by a command; nothing is wanted then.
    `tables` are those that it holds; dangerous `differences` come first."""

    is_off: bool = False
    tables: int = 0
    differences: tuple[Difference, ...] = ()

    @property
    def dangerous(self) -> tuple[Difference, ...]:
        """Those by which rows may leak, or be changed by another tenant."""
        return tuple(one for one in self.differences if one.dangerous)


def standing(ask: Ask, inventory: Inventory, *, serving: bool = False) -> Standing:
    """Everything that the plan wants, or, where a run has not come to its end, what was done of it so far.

    `serving`: the session's login is the service's.
    """
    if not ask(query("has_records"))[0][0]:
        return Standing(is_off=True)
    records = _records(ask)
    ended = [row["status"] for row in _rows(ask, "last_closings", phase=sql.literal(CLOSES))]
    complete = ended[:1] == ["completed"] or ended == ["started", "completed"]
    closed = [name for name in _closed(inventory) if complete or wanted.closing(name) in records]
    look = Look(ask, inventory, records, closed, complete=complete, serving=serving)
    if not (complete or any(_is_on(row) for row in look.tables() if row["root"] in closed)):
        return Standing(is_off=True)
    found = sorted(look.differences(PARTS), key=lambda one: not one.dangerous)
    return Standing(tables=len(closed), differences=tuple(found))


def is_as_wanted(
    inventory: Callable[[], Inventory], part: str, relation: str = "", *, role: str = ""
) -> Callable[[Session], bool]:
    """Whether a run has nothing to do about this part, of this table or of all, and of this bound role; what it may not
    repair does not count.

    Reading a plan's inventory takes some time, which is spent when it is asked for.
    """

    def ask(session: Session) -> bool:
        return not any(
            one.part == part and not one.statement and relation in ("", one.relation) and role in ("", one.role)
            for one in _at_once(session, inventory(), part, relation)
        )

    return ask


@dataclass
class _Once:
    found: list[Difference] | None = None


_once: ContextVar[_Once | None] = ContextVar("one_look", default=None)


@contextmanager
def one_look() -> Iterator[None]:
    """Within it the catalogue is read once for all parts and tables: nothing changes meanwhile."""
    token = _once.set(_Once())
    try:
        yield
    finally:
        _once.reset(token)


def _at_once(session: Session, inventory: Inventory, part: str, relation: str) -> Iterable[Difference]:
    once = _once.get()
    if once is None:
        only = [relation] if relation else _closed(inventory)
        return Look(session.execute, inventory, _records(session.execute), only, complete=True).differences((part,))
    if once.found is None:
        everything = _everything(inventory)
        look = Look(session.execute, inventory, _records(session.execute), everything, complete=True)
        once.found = list(look.differences(PARTS))
    return once.found


def of_roles(ask: Ask, bound: Collection[str] = ()) -> Iterator[Difference]:
    """Of the two roles alone, as far as they are there; also before anything else is."""
    on_cluster = cluster.form_of(ask).is_cluster
    return roles(_rows(ask, "found_roles"), bound, whole=False, on_cluster=on_cluster)


def of_others(ask: Ask, relations: Collection[str], *, force_owner: bool) -> Iterator[Difference]:
    """RESTRICTIVE policies of others that would hide rows from VITAL or, where it is bound, the owner."""
    for difference, _ in hiding(ask, relations, force_owner=force_owner):
        yield difference


def hiding(ask: Ask, relations: Collection[str], *, force_owner: bool) -> Iterator[tuple[Difference, str]]:
    """The same, each with the condition that a row has to meet to be read; empty where it is for writing alone."""
    parts = {"tables": sql.literal(list(relations)), "policies": sql.literal(list(wanted.POLICY_NAMES))}
    parts |= {"bound": sql.literal(bound.POLICIES), "force_owner": sql.literal(force_owner)}
    for row in _rows(ask, "found_policies_of_others", **parts):
        binds = [PUBLIC] if row["everybody"] else [role for role in row["binds"] if role != "vital_tenant"]
        if binds:
            roles = ", ".join(row["grantees"]) or "…"
            fix = wanted.fix("fix_policy_roles", policy=row["name"], relation=row["root"], roles=roles)
            what = f"RESTRICTIVE FOR {row['command']} TO {', '.join(binds)} ({row['expression']})"
            yield Difference(
                OTHERS, row["root"], f"policy {row['name']} of {row['root']}",
                "policies of others that are RESTRICTIVE name the roles that they are for", what, False, fix, own=False,
            ), row["reads"] or ""  # fmt: skip


class Look:
    """One comparison: what is found is asked at most once."""

    def __init__(
        self,
        ask: Ask,
        inventory: Inventory,
        records: dict[str, Any],
        relations: Collection[str],
        *,
        complete: bool,
        serving: bool = False,
    ) -> None:
        self.ask, self.inventory, self.records = ask, inventory, records
        self.relations, self.complete, self.serving = relations, complete, serving
        every = _everything(inventory)
        self._asked_for = every if complete and set(relations) >= set(_closed(inventory)) else list(relations)
        self._of_plan = {table.relation: table for table in inventory.tables}
        self._roles = sql.literal([one.role for one in inventory.bound])
        self._names: dict[str, Composable] = {"tables": sql.literal(self._asked_for)}
        serves = {"serving": sql.literal(serving), "tables": sql.literal(_closed(inventory))}
        self._logins = {"logins": query("service_logins", **serves)}
        self._tables: list[Row] | None = None
        self.form = cluster.form_of(ask, every)

    def differences(self, parts: Collection[str]) -> Iterator[Difference]:
        if POLICIES in parts:
            yield from self._policies()
        if {GRANTS, SCHEMAS, BOUND_RIGHTS} & {*parts}:
            yield from self._rights()
        if REFERENCES in parts:
            yield from self._references()
        if FUNCTIONS in parts or WRITERS in parts:
            yield from self._functions()
        if WRITERS in parts:
            yield from self._writers()
        if {BOUND_FUNCTIONS, BOUND_WRITERS} & {*parts}:
            yield from self._of_bound_roles()
        if KEYS in parts:
            yield from self._keys()
        if ROLES in parts:
            closed = sql.literal(_closed(self.inventory))
            theirs, on_cluster = [one.role for one in self.inventory.bound], self.form.is_cluster
            yield from roles(_rows(self.ask, "found_roles"), theirs, on_cluster=on_cluster)
            yield from bound_comparison.roles(_rows(self.ask, "found_bound_roles", roles=self._roles))
            yield from provers(_rows(self.ask, "found_provers", tables=closed))
            whose = sql.literal([TENANT_ROLE, *(one.role for one in self.inventory.bound)])
            yield from bound_owners(_rows(self.ask, "found_bound_owners", tables=closed, roles=whose))
        if LOGINS in parts:
            of_plan = {"tables": sql.literal(_closed(self.inventory)), "powers": sql.literal(list(wanted.POWERS))}
            yield from settings(_rows(self.ask, "found_settings", **self._logins))
            yield from logins(_rows(self.ask, "found_logins", **self._logins, **of_plan))
        if NODES in parts:
            yield from nodes.differences(self.ask, self.form)
        if OTHERS in parts:
            yield from of_others(self.ask, self.relations, force_owner=self.inventory.force_owner)

    def tables(self) -> list[Row]:
        """The tables with their partitions and heirs."""
        if self._tables is None:
            parts: dict[str, Composable] = {
                "column": sql.literal(TENANT_COLUMN),
                "registry": sql.literal(self.inventory.registry),
            }
            parts |= {"policies": sql.literal(list(wanted.POLICY_NAMES)), "members": query("members", **self._names)}
            parts["people"] = query("people_of_table", table=sql.raw("c.oid"))
            functions = [bound.tenant_function(one, self.inventory.registry) for one in self.inventory.bound]
            parts |= {"bound": sql.literal(bound.POLICIES), "roles": self._roles}
            parts["functions"] = sql.literal([one.signature for one in functions])
            self._tables = _rows(self.ask, "found_tables", **parts)
        return self._tables

    def _is_wanted(self, record: str) -> bool:
        """In an unfinished migration, what was done of it."""
        return self.complete or record in self.records

    def _roots(self) -> Iterator[tuple[Row, TenantTable | None]]:
        """The tables that are to be closed; the registry is no table of the plan's."""
        for row in self.tables():
            if row["is_root"] and row["root"] in self.relations and row["root"] in _closed(self.inventory):
                yield row, self._of_plan.get(row["root"])

    # --- policies ---

    def _policies(self) -> Iterator[Difference]:
        missing = {*self.relations} & {*_closed(self.inventory)} - {row["root"] for row in self.tables()}
        for name in sorted(missing):
            yield Difference(POLICIES, name, f"table {name}", "a table", "none of this name", True, "")
        for row, table in self._roots():
            if not self._is_wanted(wanted.closing(row["root"])):
                continue
            forced = self._is_forced(row)
            # Citus moves shards as the owner, unbound for the time; who is served is no owner.
            moves = self.serving and self.form.placement.get(row["root"]) == cluster.DISTRIBUTED
            for switch, on in (("ENABLE", row["enabled"]), ("FORCE", row["forced"] or not forced)):
                if not on:
                    expected, dangerous = f"{switch} ROW LEVEL SECURITY", not (moves and switch == "FORCE")
                    yield self._of_table(row, "row level security", expected, "it is off", dangerous)
            if row["forced"] and not forced:
                expected, what = "NO FORCE ROW LEVEL SECURITY, by the plan", "it is forced"
                yield self._of_table(row, "row level security", expected, what, False)
            if row["owner"] in OURS:
                fix = wanted.fix("fix_owner", what=f"TABLE {row['root']}", role=row["usual_owner"])
                what, expected = f"owner of {row['root']}", f"another than VITAL's roles, such as {row['usual_owner']}"
                yield Difference(POLICIES, row["root"], what, expected, row["owner"], True, fix)
            yield from self._of_each_policy(row, table)
            yield from self._heir(row)
            yield from self._default(row, table)

    def _is_forced(self, row: Row) -> bool:
        """Whether the owner is to be bound: by the plan, or by the application before VITAL. Where nothing is noted of
        that, either is right."""
        memo = self.records.get(wanted.closing(row["root"]))
        before = memo["forced"] if isinstance(memo, dict) and "forced" in memo else row["forced"]
        return bool(self.inventory.force_owner or before)

    def _of_each_policy(self, row: Row, table: TenantTable | None) -> Iterator[Difference]:
        memo, shared = self.records.get(wanted.closing(row["root"])), bool(table and table.shared)
        found = {one["name"]: _policy(one) for one in row["policies"]}
        column, platform = TENANT_COLUMN if table else "id", self.inventory.platform_id
        others, on_cluster = self._others(memo, row, found.get(POLICY_OF_OTHERS)), self.form.is_cluster
        rows = {"platform": platform, "column": column}
        expected = [*wanted.policies(shared=shared, others=others, on_cluster=on_cluster, **rows)]
        for one in self.inventory.bound_on(row["root"]):
            if self._is_wanted(bound.limiting(one, row["root"])):
                expected += bound.policies(one, shared=shared, platform=platform, column=column)
        names = {policy.name for policy in expected}
        for name in found if self.complete else ():
            if name not in names:
                yield self._of_table(row, f"policy {name}", "none, by the plan", found[name].in_words, False)
        for policy in expected:
            there = found.get(policy.name)
            if there != policy:
                text = there.in_words if there else "it is missing"
                dangerous = there is not None or not policy.permissive
                yield self._of_table(row, f"policy {policy.name}", policy.in_words, text, dangerous)
        for policy in row["open_policies"] if self.form.is_cluster else ():
            text = f"PERMISSIVE FOR {wanted.COMMANDS[policy['command']]} USING {policy['using']}, for tenants as well"
            yield self._of_table(row, f"policy {policy['name']}", "it does not apply to vital_tenant", text, True)
        yield from self._foreign_parts(row)

    def _others(self, memo: Any, row: Row, found: Policy | None) -> Collection[str]:
        """Who sees what they saw before, by what VITAL noted then; where nothing is noted, either is right. The owner
        alone, where the application had isolation of its own, and nobody where the owner is not bound then."""
        owner = [sql.names(row["owner"])[0]] if self._is_forced(row) else []
        everybody = [sql.names(role)[0] for role in row["people"]] if self.form.is_cluster else [PUBLIC]
        if isinstance(memo, dict) and "enabled" in memo:
            return owner if memo["enabled"] else everybody
        if found is None:
            return everybody if owner else []
        return everybody if set(found.roles) == set(everybody) else owner

    def _foreign_parts(self, row: Row) -> Iterator[Difference]:
        """An operator or a cast that somebody made is printed like the server's own, but is not the same."""
        for policy in row["policies"]:
            for part in policy["built_of"] or ():
                fix = wanted.fix("fix_cast", cast=part["cast"]) if part["cast"] else ""
                what, found = f"policy {policy['name']} of {row['root']}", f"it calls {part['thing']}"
                yield Difference(POLICIES, row["root"], what, "the server's own functions alone", found, True, fix)

    def _heir(self, row: Row) -> Iterator[Difference]:
        """Read through a parent, a table is under the parent's policies, and not under its own."""
        for way in row["heir_of"]:
            fix = wanted.fix("fix_heir", relation=row["name"], parent=way["parent"])
            found = f"it inherits from {way['reached']}, which tenants reach and which has no policies"
            what, expected = f"inheritance of {row['name']}", "tenants reach it by itself alone"
            yield Difference(POLICIES, row["root"], what, expected, found, True, fix)

    def _default(self, row: Row, table: TenantTable | None) -> Iterator[Difference]:
        """What gives rows a tenant in silence; one that was there before VITAL is the application's, and only named."""
        default = (row["column"] or {}).get("default")
        if table is None or default is None:
            return
        if table.made or wanted.adding(row["root"], TENANT_COLUMN) in self.records:
            yield self._of_table(row, f"column {TENANT_COLUMN}", "no default", f"DEFAULT {default}", True)
        elif "current_setting" not in default:
            fix = wanted.fix("fix_default", relation=row["root"], column=TENANT_COLUMN)
            what = f"column {TENANT_COLUMN} of {row['root']}"
            yield Difference(POLICIES, row["root"], what, "no default", f"DEFAULT {default}", False, fix, own=False)

    def _of_table(self, row: Row, thing: str, expected: str, found: str, dangerous: bool) -> Difference:
        return Difference(POLICIES, row["root"], f"{thing} of {row['root']}", expected, found, dangerous)

    # --- rights ---

    def _rights(self) -> Iterator[Difference]:
        schemas = sorted({sql.names(name)[0] for name in self._asked_for})
        parts = {"members": query("members", **self._names), "schemas": sql.literal(schemas), "roles": self._roles}
        found = _rows(self.ask, "found_grants", **parts, **self._logins)
        of_roles = [row for row in self.tables() if self._is_granted(row["root"])]
        theirs = {
            (one.role, relation)
            for one in self.inventory.bound
            for relation in one.limited
            if relation in self._asked_for and self._is_wanted(bound.limiting(one, relation))
        }
        yield from Rights(self.inventory, of_roles, found, schemas, theirs, whole=self.complete).differences()

    def _is_granted(self, relation: str) -> bool:
        return self._is_wanted(wanted.granting(relation))

    # --- references, functions, rows without a tenant ---

    def _references(self) -> Iterator[Difference]:
        among = [table.relation for table in self.inventory.tables]
        if not self.complete:
            among = [name for name in among if name in self.relations]
        children = [name for name in among if name in self.relations and self._is_wanted(wanted.guarding(name))]
        guards = wanted.Guards(among, children, self.inventory.platform_id, self.form.placement)
        for row in _rows(self.ask, "found_guards", guards=guards.triggers) if children else ():
            if not (row["there"] and row["same"] and row["fires"]):
                found = "is missing" if not row["there"] else "is another" if not row["same"] else "is switched off"
                name = f"trigger {row['name']} of {row['relation']}"
                yield Difference(
                    REFERENCES, row["child"], name, "a guard of references that fires", f"it {found}", True
                )
        if children:
            yield from self._own_guards(guards)

    def _own_guards(self, guards: wanted.Guards) -> Iterator[Difference]:
        """The functions behind them, and what is left of foreign keys that are gone."""
        own = [
            (row["child"], wanted.guard_function(row["name"], row["body"]))
            for row in _rows(self.ask, "wanted_functions", functions=guards.functions)
        ]
        names = self._names | {"functions": sql.literal([routine.signature for _, routine in own])}
        found = {row["name"]: row for row in _rows(self.ask, "found_functions", **names)}
        for child, routine in own:
            yield from _routine(REFERENCES, child, routine, found.get(routine.signature))
        for row in _rows(self.ask, "found_other_guards", guards=guards.others):
            name = f"trigger {row['name']} of {row['relation']}"
            yield Difference(REFERENCES, row["child"], name, "none, by the foreign keys", "it is there", False)

    def _functions(self) -> Iterator[Difference]:
        functions: list[tuple[str, str, Routine]] = []
        yield from self._server_functions()
        if self._is_wanted(wanted.GUARDS):
            functions += [(FUNCTIONS, "", routine) for routine in wanted.guard_functions()]
        functions += [(WRITERS, table.relation, routine) for table, routine in self._writing()]
        names = self._names | {"functions": sql.literal([routine.signature for _, _, routine in functions])}
        found = {row["name"]: row for row in _rows(self.ask, "found_functions", **names)}
        for part, relation, routine in functions:
            yield from _routine(part, relation, routine, found.get(routine.signature))

    def _of_bound_roles(self) -> Iterator[Difference]:
        """The functions that know their callers, and the triggers that give rows theirs."""
        registry = self.inventory.registry
        known = [one for one in self.inventory.bound if one.has_tenant and self._is_wanted(bound.knowing(one))]
        writing = [
            (one, relation)
            for one in self.inventory.bound
            for relation in bound.writes(one)
            if relation in self.relations and self._is_wanted(bound.giving(one, relation))
        ]
        functions = [(BOUND_FUNCTIONS, "", one, bound.tenant_function(one, registry)) for one in known]
        functions += [(BOUND_WRITERS, relation, one, bound.writer_function(one)) for one, relation in writing]
        signatures = {"functions": sql.literal([routine.signature for *_, routine in functions])}
        found = {row["name"]: row for row in _rows(self.ask, "found_functions", **self._names, **signatures)}
        for part, relation, one, routine in functions:
            callers = (one.role,) if part == BOUND_FUNCTIONS else ()
            for differs in _routine(part, relation, routine, found.get(routine.signature), callers):
                yield replace(differs, role=one.role)
        rows = _rows(self.ask, "found_bound_writers", **bound_comparison.triggers(writing))
        yield from bound_comparison.writers(writing, rows)

    def _server_functions(self) -> Iterator[Difference]:
        sources = [source for source, _ in wanted.SERVER_FUNCTIONS.values()]
        parts = {"functions": sql.literal(list(wanted.SERVER_FUNCTIONS)), "sources": sql.literal(sources)}
        for row in _rows(self.ask, "found_server_functions", **parts):
            source, definition = wanted.SERVER_FUNCTIONS[f"pg_catalog.{row['name']}"]
            fix = wanted.fix("fix_server_function", definition=definition, source=f"'{source}'")
            what = f"function pg_catalog.{row['name']}"
            yield Difference(FUNCTIONS, "", what, "the server's own", "another one", True, fix)

    def _writing(self) -> Iterator[tuple[TenantTable, Routine]]:
        for table in self.inventory.tables:
            if not table.writer or table.relation not in self.relations or self.form.is_placed(table.relation):
                continue  # Citus refuses a row without a tenant before any trigger
            if self._is_wanted(wanted.writing(table.relation)):
                yield table, table.writer

    def _writers(self) -> Iterator[Difference]:
        found = {row["root"]: row for row in _rows(self.ask, "found_writers", **self._names)}
        for table, routine in self._writing():
            row, what = found.get(table.relation), f"trigger vital_late_writer of {table.relation}"
            expected = f"{routine}, for rows written without a tenant"
            if row is None:
                yield Difference(WRITERS, table.relation, what, expected, "it is missing", False)
            elif not row["fires"]:
                yield Difference(WRITERS, table.relation, what, expected, "it is switched off", False)
            elif (
                row["function"] != routine.name
                or row["schema"] != OWN_SCHEMA
                or row["kind"] not in WRITER_KINDS
                or row["when"] != wanted.writer_condition()
                or row["columns"]
            ):
                text = f"it calls {row['schema']}.{row['function']}() when {row['when'] or 'any row is written'}"
                yield Difference(WRITERS, table.relation, what, expected, text, True)

    # --- keys ---

    def _keys(self) -> Iterator[Difference]:
        for row in self.tables():
            table = self._of_plan.get(row["root"])
            if table and row["root"] in self.relations and self._is_wanted(wanted.closing(row["root"])):
                yield from self._tenant_key(row, table)
                if row["is_root"]:
                    yield from self._not_null(row)
                    yield from self._unique(row, table)

    def _tenant_key(self, row: Row, table: TenantTable) -> Iterator[Difference]:
        if row["kind"] != "r" or not (row["is_root"] or row["is_partition"]):
            return
        named = wanted.tenant_key_name(row["root"], adopts=self.inventory.adopts)
        what, expected = f"foreign key of {row['name']}", f"({TENANT_COLUMN}) to {self.inventory.registry}, validated"
        good = [key for key in row["keys"] if key["enforced"] and key["fires"]]
        if not row["keys"]:
            yield Difference(KEYS, row["root"], what, expected, "it is missing", False)
        elif not good:
            key = row["keys"][0]
            if not key["enforced"]:
                fix = wanted.fix("fix_enforced", relation=row["name"], constraint=key["name"])
                yield Difference(KEYS, row["root"], what, expected, "it is not enforced", False, fix)
            else:
                fix = wanted.fix("fix_triggers", relation=row["name"])
                yield Difference(KEYS, row["root"], what, expected, "its triggers are switched off", False, fix)
        elif not any(key["valid"] for key in good) and any(key["name"].strip('"') == named for key in good):
            yield Difference(KEYS, row["root"], what, expected, "it is not validated", False)

    def _not_null(self, row: Row) -> Iterator[Difference]:
        done = wanted.requiring(row["root"]) in self.records
        if done and row["column"] and not row["column"]["not_null"]:
            what = f"column {TENANT_COLUMN} of {row['root']}"
            yield Difference(KEYS, row["root"], what, "NOT NULL", "it may be NULL", False)

    def _unique(self, row: Row, table: TenantTable) -> Iterator[Difference]:
        for key in table.rescope:
            if not self._is_wanted(wanted.rescoping(row["root"], key)):
                continue
            listed = ", ".join(key)
            per_tenant = sorted((TENANT_COLUMN, *key))
            if not any(one["serves"] and one["columns"] == per_tenant for one in row["unique"]):
                what = f"unique key ({TENANT_COLUMN}, {listed}) of {row['root']}"
                yield Difference(KEYS, row["root"], what, "it is there", "it is missing", False)
            for one in row["unique"]:
                if one["columns"] == sorted(key):
                    what = f"unique key {one['name']} of {row['root']}"
                    yield Difference(KEYS, row["root"], what, f"({listed}) is unique in each tenant", "in all", False)


def _routine(
    part: str, relation: str, routine: Routine, row: Row | None, callers: Collection[str] = ()
) -> Iterator[Difference]:
    what = f"function {routine}"
    if row is None:
        yield Difference(part, relation, what, "it is there", "it is missing", part in NEEDED)
        return
    settings_found = sorted(str(one).lower() for one in row["settings"])
    facts = (
        ("body", routine.body.strip(), str(row["body"]).strip(), "as VITAL makes it", "another one"),
        ("security", True, row["definer"], "SECURITY DEFINER", "SECURITY INVOKER"),
        ("language", "plpgsql", row["language"], "plpgsql", str(row["language"])),
        ("settings", sorted(one.lower() for one in routine.settings), settings_found,
         ", ".join(routine.settings), ", ".join(row["settings"]) or "none"),
    )  # fmt: skip
    for thing, expected, found, words, found_words in facts:
        if expected != found:
            # Rules that are others since have a function of their own, which the next run makes.
            dangerous = thing != "body" or not routine.digest or row["comment"] == routine.digest
            dangerous &= not (thing == "body" and part == REFERENCES and wanted.asks_more(str(found), str(expected)))
            yield Difference(part, relation, f"{thing} of {what}", words, found_words, dangerous)
    if not row["owned_well"]:
        fix = wanted.fix("fix_owner", what=f"FUNCTION {routine}", role=row["wanted_owner"])
        yield Difference(part, relation, f"owner of {what}", row["wanted_owner"], row["owner"], True, fix)
    found, nobody = {sql.names(caller)[0] for caller in row["callers"]}, "nobody but its owner"
    for caller in sorted(found ^ {*callers}):
        expected = ", ".join(callers) or nobody
        seen = caller if caller in found else nobody
        yield Difference(part, relation, f"right to call {what}", expected, seen, False)


def _policy(row: Row) -> Policy:
    """Roles without quotes; which function it is that a policy calls is known by what the policy is built of."""
    using, check = row["using"], row["check"]
    if row["name"].startswith(bound.POLICIES):
        using, check = bound.qualified(using), bound.qualified(check)
    whom = tuple(sorted(sql.names(role)[0] for role in row["roles"]))
    return Policy(row["name"], row["command"], whom, using, check, row["permissive"])


def _is_on(row: Row) -> bool:
    """Whether isolation is on for a table. Turned off by a command, tenants have no right to it; row level security may
    be on, and forced, as the application had it."""
    return bool(row["enabled"] and row["granted_to_tenants"])


def _closed(inventory: Inventory) -> list[str]:
    """The tables that row level security holds."""
    return [*inventory.closed]


def _everything(inventory: Inventory) -> list[str]:
    return list(dict.fromkeys([*_closed(inventory), *inventory.common, *inventory.passed_through]))


def _records(ask: Ask) -> dict[str, Any]:
    return {row["statement"]: row["memo"] for row in _rows(ask, "found_records")}


def _rows(ask: Ask, name: str, /, **parts: Composable) -> list[Row]:
    return [json.loads(text) for (text,) in ask(query(name, **parts))]
