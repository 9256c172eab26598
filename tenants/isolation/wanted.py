"""What must stand so that tenants are kept apart: policies, triggers, functions, grants, as the plan wants them.

One definition: 006 makes things from it, and the comparison holds the catalogue against it.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache

from psycopg.sql import Composable

from tenants.inventory import TENANT_COLUMN, Routine
from tenants.isolation.queries import QUERIES, query
from vital.db import session_settings, sql
from vital.db.cluster import DISTRIBUTED
from vital.db.roles import OPERATOR_ROLE, TENANT_ROLE

PUBLIC = "PUBLIC"
OTHERS = "vital_others"
EVERYTHING = frozenset(("SELECT", "INSERT", "UPDATE", "DELETE"))
READING = frozenset(("SELECT",))
COMMANDS = {"r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE", "*": "ALL"}
# What a role without login is not. Whoever puts on one of the first kind is bound by no policy, or may become anybody.
ATTRIBUTES = ("LOGIN", "SUPERUSER", "BYPASSRLS", "CREATEROLE", "CREATEDB", "REPLICATION")
# Roles of the server's own that read, write, or run programs, whatever the policies say.
POWERS = (
    "pg_read_all_data",
    "pg_write_all_data",
    "pg_execute_server_program",
    "pg_read_server_files",
    "pg_write_server_files",
    "pg_create_subscription",
    "pg_maintain",
)
# The server's own functions by which a policy knows a tenant: (what each is in C, how it is defined).
SERVER_FUNCTIONS = {
    "pg_catalog.current_setting(text,boolean)": (
        "show_config_by_name_missing_ok",
        "current_setting(text, boolean) RETURNS text STABLE",
    ),
    "pg_catalog.uuid_eq(uuid,uuid)": ("uuid_eq", "uuid_eq(uuid, uuid) RETURNS boolean IMMUTABLE LEAKPROOF"),
}

OF_ONE_SERVER = ("own_rows", "own_or_shared_rows")  # the expressions of policies
QUESTION = re.compile(r"WHEN .* THEN '(?:[^']|'')+'")  # of a guard about one foreign key


@dataclass(frozen=True)
class Policy:
    """A policy: `command` as pg_policy has it; the expressions as PostgreSQL prints them."""

    name: str
    command: str
    roles: tuple[str, ...]
    using: str | None = None
    check: str | None = None
    permissive: bool = True

    @property
    def in_words(self) -> str:
        """As it would be written."""
        parts = [f"{'PERMISSIVE' if self.permissive else 'RESTRICTIVE'} FOR {COMMANDS[self.command]}"]
        parts.append(f"TO {', '.join(self.roles)}")
        parts += [f"USING {self.using}"] if self.using is not None else []
        parts += [f"CHECK {self.check}"] if self.check is not None else []
        return " ".join(parts)


def policies(
    *, shared: bool, platform: str, column: str, others: Collection[str] = (PUBLIC,), on_cluster: bool = False
) -> tuple[Policy, ...]:
    """Of one table. `others` are those who see what they saw before: everybody, or the owner; or nobody where the owner
    is not bound.

    `on_cluster`: in the form that Citus gives to every node. It takes no subquery, and makes each policy permissive
    there; so those for tenants are that from the start, and no other policy may apply to vital_tenant.
    """
    own_rows, all_rows = ("own_rows_on_cluster", "own_or_shared_rows_on_cluster") if on_cluster else OF_ONE_SERVER
    own = expression(own_rows, column=sql.raw(column))
    visible = own
    if shared:
        visible = expression(all_rows, column=sql.raw(column), platform=sql.literal(platform))
    tenant = (TENANT_ROLE,)
    return (
        *((Policy(OTHERS, "*", tuple(sorted(others)), "true", "true"),) if others else ()),
        Policy("vital_operator", "*", (OPERATOR_ROLE,), "true", "true"),
        *(() if on_cluster else (Policy("vital_tenant", "*", tenant, "true", "true"),)),
        Policy("vital_tenant_select", "r", tenant, visible, None, permissive=on_cluster),
        Policy("vital_tenant_insert", "a", tenant, None, own, permissive=on_cluster),
        Policy("vital_tenant_update", "w", tenant, own, own, permissive=on_cluster),
        Policy("vital_tenant_delete", "d", tenant, own, None, permissive=on_cluster),
    )


def people_of(relation: str) -> Composable:
    """A query of the roles that see a table's rows beside VITAL's own, where no policy can be for everybody."""
    return query("people_of_table", table=sql.compose("to_regclass({name})", name=sql.literal(relation)))


def creation(policy: Policy, relation: str) -> Composable:
    """The statement that makes the policy. Not of one for the owner, whose name only the database knows."""

    def clause(name: str, text: str | None) -> Composable:
        return sql.raw("") if text is None else sql.compose(QUERIES[name], expression=sql.verbatim(text))

    return sql.compose(
        QUERIES["create_policy"],
        policy=sql.ident(policy.name),
        relation=sql.relation(relation),
        kind=sql.raw("PERMISSIVE" if policy.permissive else "RESTRICTIVE"),
        command=sql.raw(COMMANDS[policy.command]),
        roles=sql.join(sql.raw(role) if role == PUBLIC else sql.ident(role) for role in policy.roles),
        using=clause("using_clause", policy.using),
        check=clause("check_clause", policy.check),
    )


SETTINGS_OF_GUARDS = (f"search_path={session_settings.search_path('pg_catalog')}", "row_security=on")


@cache
def guard_functions() -> tuple[Routine, ...]:
    """The functions behind the guards of references that are the same for every table."""
    slow_way = "regclass, jsonb, jsonb, uuid"
    return (
        guard_function("guard_reference", f"\n{QUERIES['guard_reference_body']}\n", slow_way),
        guard_function("guard_referenced", f"\n{QUERIES['guard_referenced_body']}\n"),
        guard_function("guard_referenced_row", f"\n{QUERIES['guard_referenced_row_body']}\n"),
    )


def guard_function(name: str, body: str, arguments: str = "") -> Routine:
    """A function behind the guards of references."""
    return Routine(name, body, SETTINGS_OF_GUARDS, arguments=arguments)


@dataclass(frozen=True)
class Guards:
    """What keeps the references of `children` to `tables` in their tenant, as questions of the catalogue: triggers on
    both sides of each foreign key, those of partitions too, the functions that are a table's own, and triggers that are
    none of these. `placement`: as a cluster's Form has it."""

    tables: list[str]
    children: list[str]
    platform: str
    placement: Mapping[str, str] = field(default_factory=dict)

    @property
    def triggers(self) -> Composable:
        moves = sql.literal(QUERIES["moves_between_tenants"])
        return query("reference_guards", keys=self._keys, platform=sql.literal(self.platform), moves=moves)

    @property
    def functions(self) -> Composable:
        bodies = {"rows_body": "guard_referring_rows_body", "row_body": "guard_referring_row_body"}
        bodies["placed_row_body"] = "guard_placed_row_body"
        parts = {name: sql.literal(QUERIES[body]) for name, body in bodies.items()}
        return query("reference_functions", keys=self._keys, platform=sql.literal(self.platform), **parts)

    @property
    def others(self) -> Composable:
        return query("other_guards", **self._among, members=self._members, guards=self.triggers)

    @property
    def all_of_ours(self) -> Composable:
        """The triggers of ours that are there, wanted or not."""
        return query("other_guards", **self._among, members=self._members, guards=query("no_guards"))

    @property
    def _keys(self) -> Composable:
        named = {"on_child": query("guard_of_reference"), "on_parent": query("guard_of_referenced")}
        whens = {"rows_of_key": "guard_referring_rows_of_key", "row_of_key": "guard_referring_row_of_key"}
        whens["placed_row_of_key"] = "guard_placed_row_of_key"
        parts = {name: sql.literal(QUERIES[when]) for name, when in whens.items()}
        parts["placed"] = sql.literal(list(self.placement))
        parts["distributed"] = sql.literal([name for name, how in self.placement.items() if how == DISTRIBUTED])
        platform = sql.literal(self.platform)
        return query("reference_keys", platform=platform, members=self._members, **named, **parts, **self._among)

    @property
    def _members(self) -> Composable:
        return query("with_partitions", **self._among)

    @property
    def _among(self) -> dict[str, Composable]:
        return {"tables": sql.literal(self.tables), "children": sql.literal(self.children)}


def asks_more(found: str, body: str) -> bool:
    """Whether the found body of a guard is this one with more of its questions, as it is after a foreign key has been
    dropped: it refuses more, not less."""
    wanted = iter(line.strip() for line in body.strip().splitlines())
    expected = next(wanted, None)
    for line in (line.strip() for line in found.strip().splitlines()):
        if line == expected:
            expected = next(wanted, None)
        elif not QUESTION.fullmatch(line) or line.count(" THEN ") > 1:
            return False
    return expected is None


def writer_condition() -> str:
    """When the trigger for rows without a tenant fires."""
    return QUERIES["unassigned_and_not_ours"]


# --- what VITAL notes that it has changed, by the statement's name ---


def closing(relation: str) -> str:
    return f"row level security of {relation}"


def narrowing(relation: str) -> str:
    return f"policies of others on {relation} leave tenants alone"


def granting(relation: str) -> str:
    return f"grants on {relation}"


def guarding(relation: str) -> str:
    return f"references of {relation} stay in their tenant"


def writing(relation: str) -> str:
    return f"rows written to {_short(relation)} without a tenant get theirs"


def requiring(relation: str) -> str:
    return f"{_short(relation)}: the tenant is NOT NULL"


def rescoping(relation: str, key: tuple[str, ...]) -> str:
    return f"{_short(relation)}: ({', '.join(key)}) is unique per tenant"


def adding(relation: str, column: str) -> str:
    return f"{_short(relation)} has the column {column}"


GUARDS = "references may be guarded"


def tenant_key_name(relation: str, *, adopts: bool) -> str:
    """What the foreign key to the tenants is called. A column that is adopted may have one of the usual name."""
    return sql.fitting(f"{_short(relation)}_{TENANT_COLUMN}_{'registry_' if adopts else ''}fkey")


def fix(name: str, **words: str) -> str:
    """A statement for somebody to run; the words are names as the database, or the plan, spells them."""
    parts = {word: sql.verbatim(text) for word, text in words.items()}
    return sql.text_of(sql.compose(QUERIES[name], **parts))


def hidden_rows(relation: str, condition: str) -> str:
    """A query of the rows that a RESTRICTIVE policy with this condition hides from who asks."""
    return fix("rows_hidden_by_policy", relation=relation, condition=condition)


def quoted(name: str) -> str:
    """A name as SQL reads it, with quotes where it needs some."""
    return name if re.fullmatch("[a-z_][a-z0-9_]*", name) else sql.spelled(name)


def expression(name: str, **parts: Composable) -> str:
    """An expression as text."""
    return sql.text_of(sql.compose(QUERIES[name], **parts))


def _short(relation: str) -> str:
    return sql.names(relation)[1]


POLICY_NAMES = tuple(policy.name for policy in policies(shared=False, platform="", column=TENANT_COLUMN))
