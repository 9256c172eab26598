"""One thing that is not as it should be, and what to do about it."""

from dataclasses import dataclass
from typing import Any

POLICIES, GRANTS, SCHEMAS, REFERENCES = "policies", "grants", "schemas", "references"
FUNCTIONS, WRITERS, KEYS = "functions", "writers", "keys"
ROLES, LOGINS, OTHERS = "roles", "logins", "policies of others"
NODES = "nodes of the cluster"
BOUND_RIGHTS, BOUND_WRITERS, BOUND_FUNCTIONS = "rights of bound roles", "rows of bound roles", "tenants of bound roles"
OF_BOUND_ROLES = (BOUND_RIGHTS, BOUND_WRITERS, BOUND_FUNCTIONS)
PARTS = (POLICIES, GRANTS, SCHEMAS, REFERENCES, FUNCTIONS, WRITERS, KEYS, ROLES, LOGINS, OTHERS, NODES, *OF_BOUND_ROLES)
EARLIER = (WRITERS, KEYS)  # made before 006, so that a run goes back to where they are made


@dataclass(frozen=True)
class Difference:
    """`relation` is the plan's table that it belongs to, or empty. It is `dangerous` where rows may leak, or be changed
    by another tenant. `statement` is what somebody has to run where a run of VITAL's does not repair it. Not our `own`
    are things that VITAL has not made and a run goes on beside: rights of everybody or of a login, policies of others.
    `role` is the role of others that it is about, where the plan binds it.
    """

    part: str
    relation: str
    object: str
    wanted: str
    found: str
    dangerous: bool
    statement: str = ""
    own: bool = True
    role: str = ""

    @property
    def fix(self) -> str:
        """What to run."""
        if self.statement:
            return self.statement
        return "./manage.py migrate_tenants" + ("" if self.part in EARLIER else " --only 006")

    @property
    def seen(self) -> str:
        """What is wrong, as one sentence."""
        return f"{self.object}: {self.found}; wanted: {self.wanted}"

    def document(self) -> dict[str, Any]:
        return {
            "object": self.object,
            "wanted": self.wanted,
            "found": self.found,
            "severity": "dangerous" if self.dangerous else "warning",
            "fix": self.fix,
        }
