"""What tenants are called, of those that are shown."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import psycopg
from django.db import DatabaseError, transaction

from migrations_ops.rules.model import Plan
from vital.db import django_rows, sql

ask = partial(django_rows.ask, sql.load(Path(__file__).parent / "sql"))


def names_of(plan: Plan, tenants: Iterable[str]) -> dict[str, str]:
    """Id → name. Where the service's login may not read the registry, as while isolation is off, an id is its name."""
    ids = list(tenants)
    if not ids:
        return {}
    try:
        with transaction.atomic():
            found = dict(ask("names_of_tenants", {"ids": ids}, registry=sql.relation(plan.registry)))
    except DatabaseError as error:
        if not isinstance(error.__cause__, psycopg.errors.InsufficientPrivilege | psycopg.errors.UndefinedTable):
            raise
        found = {}
    return {tenant: found.get(tenant, tenant) for tenant in ids}
