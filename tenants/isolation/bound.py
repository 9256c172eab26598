"""What must stand for roles of others that isolation binds: policies, functions that know a caller's tenant, and
triggers that give rows theirs. PostgREST puts such a role on for each request, with the claims of the caller's token.

One definition, as in `wanted`: 006 makes things from it, and the comparison holds the catalogue against it.
"""

import hashlib
import re

from psycopg.sql import Composable

from tenants.inventory import OWN_SCHEMA, BoundRole, Routine
from tenants.isolation.queries import query
from tenants.isolation.wanted import EVERYTHING, READING, Policy, expression
from vital.db import session_settings, sql

POLICIES = "vital_bound_"  # what the names of the policies begin with
CLAIMS = "request.jwt.claims"  # the setting in which PostgREST says whose request it is
NOTHING = "false"
UNQUALIFIED = re.compile(r"(?<![.\w])tenant_of_(?=\w+\(\))")
PLAIN = re.compile("[a-z0-9_]+")
SETTINGS = (f"search_path={session_settings.search_path('pg_catalog')}", "row_security=on")


def policies(bound: BoundRole, *, shared: bool, platform: str, column: str) -> tuple[Policy, ...]:
    """Of one table. RESTRICTIVE, so that the ones that were there go on deciding within the tenant's rows."""
    parts: dict[str, Composable] = {"column": sql.raw(column), "platform": sql.literal(platform)}
    if bound.has_tenant:
        parts["function"] = sql.raw(_named("tenant_of", bound))
    own = expression("caller_rows", **parts) if bound.has_tenant else NOTHING
    visible = own
    if shared and bound.sees != "nothing":
        visible = expression("caller_or_shared_rows" if bound.has_tenant else "shared_rows", **parts)
    rules = (("r", visible, None), ("a", None, own), ("w", own, own), ("d", own, None))
    names = ("select", "insert", "update", "delete")
    return tuple(
        Policy(sql.fitting(f"{_named(POLICIES, bound)}_{name}"), command, (bound.role,), using, check, permissive=False)
        for name, (command, using, check) in zip(names, rules, strict=True)
    )


def qualified(text: str | None) -> str | None:
    """An expression of a policy with its function's schema, which PostgreSQL leaves out where it is searched."""
    return text and UNQUALIFIED.sub(f"{OWN_SCHEMA}.tenant_of_", text)


def rights(bound: BoundRole, relation: str) -> frozenset[str]:
    """What a role may do with a table that it is bound on, where it has the right: nothing that passes policies by."""
    return READING if relation in bound.only_read else EVERYTHING


def tenant_function(bound: BoundRole, registry: str) -> Routine:
    """The function that says whose request it is: an active tenant, or none."""
    claim = {"claim": sql.literal(list(bound.claim)), "registry": sql.relation(registry)}
    if bound.users is None:
        body = query("tenant_by_claim", **claim)
    else:
        users, key = bound.users
        body = query("tenant_by_claim_or_user", users=sql.relation(users), key=sql.ident(key), **claim)
    return Routine(_named("tenant_of", bound), f"\n{sql.text_of(body)}\n", SETTINGS)


def writer_function(bound: BoundRole) -> Routine:
    """The function of the trigger that gives rows the tenant of who writes them."""
    body = query("tenant_of_writer", function=sql.raw(_named("tenant_of", bound)))
    return Routine(_named("bound_writer_of", bound), f"\n{sql.text_of(body)}\n", SETTINGS)


def writer(bound: BoundRole) -> str:
    """What that trigger is called: it fires before the one that goes by the plan's rules."""
    return sql.fitting(_named(POLICIES, bound))


def writer_condition(bound: BoundRole) -> str:
    """When it fires, as PostgreSQL prints it."""
    return expression("unassigned_of_role", role=sql.literal(bound.role))


def writes(bound: BoundRole) -> list[str]:
    """The tables in which its callers may write rows."""
    return [name for name in bound.tables if bound.has_tenant and name not in bound.only_read]


# --- what VITAL notes that it has changed, by the statement's name ---


def knowing(bound: BoundRole) -> str:
    return f"whose requests {bound.role} makes"


def limiting(bound: BoundRole, relation: str) -> str:
    return f"rights of {bound.role} on {relation}"


def giving(bound: BoundRole, relation: str) -> str:
    return f"rows that {bound.role} writes to {relation} get the caller's tenant"


def _named(what: str, bound: BoundRole) -> str:
    """A name of our own for something of this role, which needs no quotes."""
    role = bound.role
    if not PLAIN.fullmatch(role):
        role = f"{re.sub('[^a-z0-9_]', '_', role.lower())}_{hashlib.sha256(bound.role.encode()).hexdigest()[:8]}"
    return sql.fitting(f"{what.rstrip('_')}_{role}")
