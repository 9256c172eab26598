"""What VITAL's two roles and the service's logins may do by themselves."""

from collections.abc import Iterable, Iterator
from typing import Any

from tenants.isolation import wanted
from tenants.isolation.difference import LOGINS, ROLES, Difference
from vital.db.roles import OPERATOR_ROLE, TENANT_ROLE
from vital.db.roles import ROLES as OURS

Row = dict[str, Any]
HARMLESS = ("CREATEDB",)  # opens no row
# Settings by which a session would be another role or tenant, or pass triggers or policies by; with what does no harm.
SETTINGS = {"session_replication_role": "origin", "row_security": "on", "role": "none"}


def roles(rows: Iterable[Row], *, whole: bool = True) -> Iterator[Difference]:
    """Of the two roles without login. `whole`: both have to be there."""
    found = {row["name"]: row for row in rows}
    for name in OURS:
        row = found.get(name)
        if row is not None:
            yield from _attributes(ROLES, f"role {name}", name, row["attributes"], own=True)
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
            statement = "fix_inherited_membership" if row["by_membership"] else "fix_inheritance"
            words = {"role": name} | ({"granted": role} if row["by_membership"] else {})
            fix = wanted.fix(statement, **words)
            expected, found = "it inherits nothing", f"it inherits what {role} may"
            yield Difference(LOGINS, "", what, expected, found, True, fix, own=False)
        for other in row["beyond"]:
            fix = wanted.fix("fix_membership", granted=other["through"], role=name)
            found = f"it may put on {other['role']}, {other['kind']}"
            expected = "it may put on vital_tenant and vital_operator alone"
            yield Difference(LOGINS, "", what, expected, found, True, fix, own=False)
