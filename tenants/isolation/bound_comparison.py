"""Of roles of others that the plan binds: what of them is not as it should be."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from psycopg.sql import Composable

from tenants.inventory import BoundRole
from tenants.isolation import bound, wanted
from tenants.isolation.difference import BOUND_WRITERS, ROLES, Difference
from vital.db import sql

Row = dict[str, Any]
Writing = Sequence[tuple[BoundRole, str]]  # a role, and a table that it writes to


def roles(rows: Iterable[Row]) -> Iterator[Difference]:
    """Attributes by which a role passes every policy."""
    for row in rows:
        for attribute, has in row["attributes"].items():
            if has:
                fix = wanted.fix("fix_attribute", role=wanted.quoted(row["name"]), attribute=f"NO{attribute}")
                what = f"role {row['name']}, which the plan binds"
                yield Difference(ROLES, "", what, f"NO{attribute}", attribute, True, fix, role=row["name"])


def triggers(writing: Writing) -> dict[str, Composable]:
    """The question's parts: which trigger of which table has to call what, and when."""
    lists = {
        "relations": [relation for _, relation in writing],
        "roles": [one.role for one, _ in writing],
        "triggers": [bound.writer(one) for one, _ in writing],
        "functions": [bound.writer_function(one).signature for one, _ in writing],
        "conditions": [bound.writer_condition(one) for one, _ in writing],
    }
    return {name: sql.literal(values) for name, values in lists.items()}


def writers(writing: Writing, rows: Iterable[Row]) -> Iterator[Difference]:
    """Triggers that are missing or altered. Without them a row that a caller writes is refused."""
    found = {(row["role"], row["root"]): row for row in rows}
    for one, relation in writing:
        row, what = found.get((one.role, relation)), f"trigger {bound.writer(one)} of {relation}"
        if row is None or not (row["same"] and row["fires"]):
            seen = "it is missing" if row is None else "it is another" if not row["same"] else "it is switched off"
            expected = f"one that gives rows of {one.role} the caller's tenant"
            yield Difference(BOUND_WRITERS, relation, what, expected, seen, False, role=one.role)
