"""How `migrate` runs: once, in VITAL's own schema. Tenants are pooled and have no schema to migrate."""

from django.conf import settings
from django.db import connection
from django_tenants.migration_executors.standard import StandardExecutor


class PooledExecutor(StandardExecutor):  # type: ignore[misc]  # django-tenants has no type hints
    """django-tenants' executor without the loop over tenants, which fails for a tenant that has no schema."""

    def run_migrations(self, tenants: list[str] | None = None) -> None:
        if settings.OWN_SCHEMA not in (tenants or []):
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regnamespace(%s)", [settings.OWN_SCHEMA])
            # CREATE SCHEMA IF NOT EXISTS asks for the privilege even where the schema is there already.
            if cursor.fetchone() == (None,):
                cursor.execute(f"CREATE SCHEMA {connection.ops.quote_name(settings.OWN_SCHEMA)}")
        super().run_migrations([settings.OWN_SCHEMA])


def get_executor(codename: str | None = None) -> type[PooledExecutor]:
    """The only executor there is, whatever `--executor` says."""
    return PooledExecutor
