"""The grants on tables, columns, sequences and schemas, against those that the plan wants."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from tenants.inventory import OWN_SCHEMA, Inventory
from tenants.isolation import bound, wanted
from tenants.isolation.difference import BOUND_RIGHTS, GRANTS, LOGINS, SCHEMAS, Difference
from tenants.isolation.wanted import EVERYTHING, PUBLIC, READING
from vital.db import sql
from vital.db.roles import OPERATOR_ROLE, TENANT_ROLE
from vital.db.roles import ROLES as OURS

Row = dict[str, Any]
USAGE = frozenset(("USAGE",))
NOTHING: frozenset[str] = frozenset()


class Rights:
    """`tables` are rows of the tables whose grants are looked at, `found` every grant on them, their columns and
    sequences, on schemas and on VITAL's own tables. `theirs` are the bound roles with their tables. `whole`: what is
    missing on schemas counts as well."""

    def __init__(
        self,
        inventory: Inventory,
        tables: Sequence[Row],
        found: Sequence[Row],
        schemas: Sequence[str],
        theirs: Collection[tuple[str, str]] = (),
        *,
        whole: bool,
    ) -> None:
        self._theirs, self._bound = theirs, {one.role: one for one in inventory.bound}
        self.inventory, self.tables, self.schemas, self.whole = inventory, tables, schemas, whole
        self._closed = {*(table.relation for table in inventory.tables), inventory.registry}
        self._held: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
        for row in found:
            self._held[row["kind"], row["name"], row["role"]].append(row)
        self._looked_at = {row["root"] for row in tables}
        self._found = found

    def differences(self) -> Iterator[Difference]:
        for row in self.tables:
            yield from self._missing("TABLE", row["root"], row["name"], self._of_table(row))
            for sequence in row["sequences"] if row["is_root"] and self._has_sequences(row["root"]) else ():
                yield from self._missing("SEQUENCE", row["root"], sequence, dict.fromkeys(OURS, USAGE))
        for schema in self.schemas if self.whole else ():
            yield from self._missing("SCHEMA", "", schema, dict.fromkeys(OURS, USAGE), SCHEMAS)
        allowed = self._allowed()
        for held in self._found:
            if (role := sql.names(held["role"])[0]) in self._bound:
                yield from self._of_bound_role(held, role)
            elif not held["root"] or held["root"] in self._looked_at:
                yield from self._beyond(held, allowed)

    def _has_sequences(self, relation: str) -> bool:
        return relation in self._closed or relation in self.inventory.common

    def _of_table(self, row: Row) -> dict[str, frozenset[str]]:
        """What the two roles may do with a table; its partitions are for VITAL's own work alone."""
        root = row["root"]
        tenants = EVERYTHING if any(table.relation == root for table in self.inventory.tables) else READING
        if root in self._closed or root in self.inventory.common:
            if row["is_root"]:
                return {TENANT_ROLE: tenants, OPERATOR_ROLE: EVERYTHING}
            return {OPERATOR_ROLE: EVERYTHING} if row["is_partition"] else {}
        return {OPERATOR_ROLE: READING} if row["is_root"] else {}

    def _allowed(self) -> dict[tuple[str, str], dict[str, frozenset[str]]]:
        """By kind and name."""
        found: dict[tuple[str, str], dict[str, frozenset[str]]] = {}
        for row in self.tables:
            found["TABLE", row["name"]] = self._of_table(row)
            for sequence in row["sequences"]:
                found["SEQUENCE", sequence] = dict.fromkeys(OURS, USAGE)
        return found

    def _missing(
        self, kind: str, root: str, name: str, expected: dict[str, frozenset[str]], part: str = GRANTS
    ) -> Iterator[Difference]:
        for role, privileges in expected.items():
            held = {row["privilege"] for row in self._held[kind, name, role] if not row["part"]}
            if kind == "SCHEMA":  # where everybody has it, a run grants nothing
                held |= {row["privilege"] for row in self._held[kind, name, PUBLIC]}
            if lacking := sorted(privileges - held):
                what = f"rights of {role} on {kind.lower()} {name}"
                yield Difference(part, root, what, ", ".join(sorted(privileges)), f"no {', '.join(lacking)}", False)

    def _beyond(self, held: Row, allowed: dict[tuple[str, str], dict[str, frozenset[str]]]) -> Iterator[Difference]:
        kind, name, role, privilege = held["kind"], held["name"], held["role"], held["privilege"]
        if kind == "SCHEMA":
            yield from self._beyond_on_schema(held)
            return
        expected = allowed.get((kind, name), {}).get(role, NOTHING)
        if not held["part"] and privilege in expected and not held["passed_on"]:
            return
        if held["part"] and role == OPERATOR_ROLE and privilege in allowed.get((kind, name), {}).get(role, NOTHING):
            return  # of a column, where it has the same on the table
        on = name if kind == "TABLE" else f"SEQUENCE {name}"
        own = role in OURS
        part = GRANTS if own else LOGINS
        column = f" ({held['part']})" if held["part"] else ""
        found = f"{privilege}{column}" + (" with grant option" if held["passed_on"] else "")
        what = f"rights of {role} on {kind.lower()} {name}"
        # VITAL's own tables, and what the tables' owner has not granted, a run leaves to whoever did.
        repaired = own and held["root"] and held["by_owner"]
        fix = "" if repaired else self._revoking(held, on, column)
        yield Difference(
            part, held["root"], what, ", ".join(sorted(expected)) or "none", found, self._opens(held), fix, own=own
        )

    def _of_bound_role(self, held: Row, role: str) -> Iterator[Difference]:
        """What it has beside policies: TRUNCATE and the like, and anything on a partition or a table of VITAL's."""
        root, privilege = held["root"], held["privilege"]
        if held["kind"] != "TABLE" or (root and (role, root) not in self._theirs):
            return
        allowed = bound.rights(self._bound[role], root) if root and held["name"] == root else NOTHING
        if privilege not in allowed:
            column = f" ({held['part']})" if held["part"] else ""
            what, expected = f"rights of {role} on table {held['name']}", ", ".join(sorted(allowed)) or "none"
            fix = "" if root and held["by_owner"] else self._revoking(held, held["name"], column)
            yield Difference(BOUND_RIGHTS, root, what, expected, f"{privilege}{column}", True, fix, role=role)

    def _opens(self, held: Row) -> bool:
        """Numbers of a sequence are no rows; what is common to all tenants may be read by everybody."""
        reads_common = held["root"] in self.inventory.common and held["privilege"] == "SELECT"
        return held["kind"] == "TABLE" and not (reads_common and not held["passed_on"])

    def _beyond_on_schema(self, held: Row) -> Iterator[Difference]:
        """CREATE in a schema that is searched lets functions and tables pose as others."""
        name, role, privilege = held["name"], held["role"], held["privilege"]
        # Tenants see VITAL's own schema only where the registry of tenants stands in it.
        shut_out = role == TENANT_ROLE and name == OWN_SCHEMA and name not in self.schemas
        if privilege == "USAGE" and not (shut_out or held["passed_on"]):
            return
        found = privilege + (" with grant option" if held["passed_on"] else "")
        dangerous = privilege == "CREATE" and role != PUBLIC
        fix = self._revoking(held, f"SCHEMA {name}", "")
        expected = "none" if shut_out else "USAGE" if role in OURS else "no more than USAGE"
        part = SCHEMAS if role in OURS else LOGINS
        yield Difference(part, "", f"rights of {role} on schema {name}", expected, found, dangerous, fix, own=False)

    def _revoking(self, held: Row, on: str, column: str) -> str:
        words = {"privilege": held["privilege"] + column, "on": on, "role": held["role"]}
        return wanted.fix("fix_grant", **words)
