"""What vital_tenant, bound roles or a login of a service can reach: what the plan does not allow keeps all unproven."""

from dataclasses import dataclass

from tenants.inventory import Inventory
from tenants.isolation import bound
from tenants.isolation.queries import query
from tenants.isolation.targets import targets
from vital.db import sql
from vital.db.session import Session


@dataclass(frozen=True)
class Reached:
    """A relation, function, publication or mark that leads past the policies, and the statement that closes it."""

    kind: str
    name: str
    how: str
    closing: str

    @property
    def offer(self) -> str:
        """What allows it in the plan."""
        return f"[[reachable]] name = {self.name!r}, with a reason".replace("'", '"')

    @property
    def advice(self) -> str:
        """How it is reached, and what to do about it."""
        return f"{self.how}. Close it: {self.closing} Or allow it in the plan: {self.offer}"


def not_allowed(session: Session, inventory: Inventory) -> list[Reached]:
    """What can be reached, and is neither behind isolation, nor common, nor allowed as `[[reachable]]`."""
    relations = [target.relation for target in targets(inventory)]
    known = [bound.tenant_function(one, inventory.registry) for one in inventory.bound]
    lists: dict[str, list[str]] = {
        "tables": relations,
        "common": [*inventory.common],
        "passed_through": [*inventory.passed_through],
        "schemas": sorted({sql.names(table.relation)[0] for table in inventory.tables}),
        "roles": [one.role for one in inventory.bound],
        "functions": [routine.signature for routine in known],
    }
    found = session.execute(query("reached", **{name: sql.literal(values) for name, values in lists.items()}))
    return [Reached(*row) for row in found if row[1] not in inventory.reachable]


def open_to_everybody(session: Session, inventory: Inventory) -> list[Reached]:
    """The tables behind isolation that everybody may use: no plan allows that, and tenants do not gain by it."""
    tables = sql.literal([target.relation for target in targets(inventory)])
    return [Reached(*row) for row in session.execute(query("open_to_everybody", tables=tables))]


def statements_for_others(session: Session, inventory: Inventory) -> list[str]:
    """What takes the tables away from every other role that is not bound; nobody runs it here."""
    tables = sql.literal([target.relation for target in targets(inventory)])
    roles = sql.literal([one.role for one in inventory.bound if {*one.tables} >= {*inventory.closed}])
    return [statement for (statement,) in session.execute(query("taken_back_from_others", tables=tables, bound=roles))]


def statements_for_storage(session: Session, inventory: Inventory) -> list[str]:
    """What keeps files of Supabase's storage in their tenant's folder, for the bound roles; nobody runs it here."""
    lists = {
        "roles": [one.role for one in inventory.bound],
        "sees": [one.sees for one in inventory.bound],
        "functions": [str(bound.tenant_function(one, inventory.registry)) for one in inventory.bound],
    }
    parts = {name: sql.literal(values) for name, values in lists.items()}
    found = session.execute(query("storage_policies", platform=sql.literal(inventory.platform_id), **parts))
    return [statement for (statement,) in found]


def public_by_default(session: Session, schemas: list[str], known: list[str]) -> list[tuple[str, str]]:
    """(name, how) of what everybody reaches in these schemas but the `known` tables, before there are roles."""
    parts = {"schemas": sql.literal(schemas), "known": sql.literal(known)}
    return [(name, how) for name, how in session.execute(query("public_by_default", **parts))]
