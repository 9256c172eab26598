from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


def _grant_new_tables(**_: Any) -> None:
    from tenants.auth import db_logins

    db_logins.grant_again()


class TenantsConfig(AppConfig):
    name = "tenants"
    verbose_name = "Tenants"

    def ready(self) -> None:
        post_migrate.connect(_grant_new_tables, sender=self)
