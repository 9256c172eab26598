"""The admin as an app: its pages are imported with the addresses, so that a command does not wait for them."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.contrib.admin import apps, checks
from django.core.checks import CheckMessage, Tags, register


def every_page(app_configs: Any, **options: Any) -> Sequence[CheckMessage]:
    """Django's check of the admin, which sees only the pages that are imported."""
    AdminConfig.discover()
    found: Sequence[CheckMessage] = checks.check_admin_app(app_configs, **options)
    return found


class AdminConfig(apps.SimpleAdminConfig):
    """Django's admin with VITAL's site, which is made when it is first used."""

    default_site = "vital.control_room.ControlRoom"

    def ready(self) -> None:
        register(checks.check_dependencies, Tags.admin)
        register(every_page, Tags.admin)

    @staticmethod
    def discover() -> None:
        """Import the module `admin` of every app, which registers its pages."""
        from django.contrib import admin

        admin.autodiscover()


class UnfoldConfig(AppConfig):
    """Its templates, styles and tags; its own configuration makes the site at once."""

    name = "unfold"
