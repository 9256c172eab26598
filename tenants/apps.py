from typing import Any

from django.apps import AppConfig
from django.contrib.auth import get_user_model
from django.db.models.signals import post_migrate


def _grant_new_tables(**_: Any) -> None:
    from tenants.auth import db_logins

    db_logins.grant_again()


class TenantsConfig(AppConfig):
    name = "tenants"
    verbose_name = "Tenants"

    def ready(self) -> None:
        staff = get_user_model()._meta  # Django's own "user" is what the platform calls its customers' people
        staff.verbose_name, staff.verbose_name_plural = "member of staff", "staff"
        post_migrate.connect(_grant_new_tables, sender=self)
