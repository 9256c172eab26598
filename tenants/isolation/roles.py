"""What VITAL's roles, the tables' owner and the service's logins may do by themselves."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from tenants.isolation import wanted
from tenants.isolation.difference import LOGINS, ROLES, Difference
from vital.db.roles import OPERATOR_ROLE, PROVER_ROLE, TENANT_ROLE
from vital.db.roles import ROLES as OURS

Row = dict[str, Any]
HARMLESS = ("CREATEDB",)  # opens no row
# Settings by which a session would be another role, or pass triggers by; with what does no harm. Not row_security: each
# transaction sets it, and off it refuses what policies would filter.
SETTINGS = {"session_replication_role": "origin", "role": "none"}


def roles(
    rows: Iterable[Row], bound: Collection[str] = (), *, whole: bool = True, on_cluster: bool = False
) -> Iterator[Difference]:
    """Of the roles without login; through one of them the owner may become the `bound` ones. `whole`: both that tenants
    and operators work as have to be there. `on_cluster`: nodes log in to each other as them."""
    found = {row["name"]: row for row in rows}
    if PROVER_ROLE in found:
        yield from _prover(found[PROVER_ROLE], bound)
    for name in OURS:
        row = found.get(name)
        if row is not None:
            attributes = row["attributes"] | ({"LOGIN": False} if on_cluster else {})
            yield from _attributes(ROLES, f"role {name}", name, attributes, own=True)
            yield from _memberships(row)
        elif whole:
            yield Difference(ROLES, "", f"role {name}", "it is there", "it is missing", False)


def _attributes(part: str, what: str, name: str, attributes: dict[str, bool], *, own: bool) -> Iterator[Difference]:
    for attribute in wanted.ATTRIBUTES:
        if attributes.get(attribute):
            fix = wanted.fix("fix_attribute", role=name, attribute=f"NO{attribute}")
            yield Difference(part, "", what, f"NO{attribute}", attribute, attribute not in HARMLESS, fix, own=own)


def _memberships(row: Row) -> Iterator[Difference]:
    """Before 16, where membership always inherits, vital_tenant may be reached through vital_operator."""
    allowed = {TENANT_ROLE} if row["name"] == OPERATOR_ROLE and row["may_pass_tenants_on"] else set()
    for other in sorted({*row["member_of"]} - allowed):
        fix = wanted.fix("fix_membership", granted=other, role=row["name"])
        yield Difference(ROLES, "", f"role {row['name']}", "a member of nothing", f"a member of {other}", True, fix)


def _prover(row: Row, bound: Collection[str]) -> Iterator[Difference]:
    """Where it passed on what vital_tenant may, the policies for tenants would bind the owner and blind its guards."""
    what = f"role {PROVER_ROLE}"
    yield from _attributes(ROLES, what, PROVER_ROLE, row["attributes"], own=True)
    for other in sorted({*row["member_of"]} - {TENANT_ROLE, *map(wanted.quoted, bound)}):
        fix = wanted.fix("fix_membership", granted=other, role=PROVER_ROLE)
        yield Difference(ROLES, "", what, f"a member of {TENANT_ROLE} alone", f"a member of {other}", True, fix)
    if TENANT_ROLE not in row["member_of"]:
        fix = wanted.fix("fix_missing_membership", granted=TENANT_ROLE, role=PROVER_ROLE)
        yield Difference(ROLES, "", what, f"a member of {TENANT_ROLE}", "it is none", False, fix)
    if TENANT_ROLE in row["inherits_from"]:
        fix = _no_inheritance(PROVER_ROLE, TENANT_ROLE, by_membership=row["by_membership"])
        found = f"it passes on what {TENANT_ROLE} may"
        yield Difference(ROLES, "", what, "NOINHERIT", found, True, fix)


def provers(rows: Iterable[Row]) -> Iterator[Difference]:
    """Of those who may become vital_tenant through the role that is for the owner.

    A warning: the owner of a database that was dropped stays one, and must not stop the other databases of the server.
    """
    for row in rows:
        fix = wanted.fix("fix_membership", granted=PROVER_ROLE, role=row["name"])
        expected, found = (
            "the tables' owner alone is a member",
            f"{row['name']} is a member, and may become {TENANT_ROLE}",
        )
        yield Difference(ROLES, "", f"role {PROVER_ROLE}", expected, found, False, fix, own=False)


def bound_owners(rows: Iterable[Row]) -> Iterator[Difference]:
    """Of owners of tables who have the rights of vital_tenant, or of a role of others that is bound as it is."""
    for row in rows:
        fix = wanted.fix("fix_membership", granted=row["through"], role=row["name"])
        if row["through"] == row["role"]:
            fix = _no_inheritance(row["name"], row["role"], by_membership=row["by_membership"], leave=True)
        found = f"it inherits what {row['role']} may, so the guards of references see one tenant's rows"
        expected = f"it inherits nothing of {row['role']}"
        yield Difference(ROLES, "", f"owner {row['name']} of the tables", expected, found, True, fix)


def _no_inheritance(role: str, granted: str, *, by_membership: bool, leave: bool = False) -> str:
    """The statement after which the role has the rights of `granted` no more. `leave`: before 16 it leaves it,
    for it is somebody's who needs what else it inherits."""
    if by_membership:
        return wanted.fix("fix_inherited_membership", granted=granted, role=role)
    return (
        wanted.fix("fix_membership", granted=granted, role=role) if leave else wanted.fix("fix_inheritance", role=role)
    )


def settings(rows: Iterable[Row]) -> Iterator[Difference]:
    """Of the database, the roles and the logins."""
    for row in rows:
        name, whom = str(row["setting"]), str(row["whom"])
        chosen = (name in SETTINGS and row["value"] != SETTINGS[name]) or name.startswith("vital.")
        if chosen or row["role"] in OURS:
            fix = wanted.fix("fix_setting", whom=whom, setting=name)
            what, found = f"settings of {whom}", f"{name} = {row['value']}"
            part = ROLES if row["role"] in OURS else LOGINS
            yield Difference(part, "", what, f"no {name}", found, chosen, fix, own=row["role"] in OURS)


def logins(rows: Iterable[Row]) -> Iterator[Difference]:
    """Of those that a service may have: members of the two roles, who are nobody until a transaction puts one on."""
    for row in rows:
        name, what = str(row["name"]), f"login {row['name']}"
        yield from _attributes(LOGINS, what, name, row["attributes"], own=False)
        for role in row["inherits"]:
            fix = _no_inheritance(name, role, by_membership=row["by_membership"])
            expected, found = "it inherits nothing", f"it inherits what {role} may"
            yield Difference(LOGINS, "", what, expected, found, True, fix, own=False)
        for other in row["beyond"]:
            fix = wanted.fix("fix_membership", granted=other["through"], role=name)
            found = f"it may put on {other['role']}, {other['kind']}"
            expected = "it may put on vital_tenant and vital_operator alone"
            yield Difference(LOGINS, "", what, expected, found, True, fix, own=False)
