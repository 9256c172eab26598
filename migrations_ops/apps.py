from django.apps import AppConfig


class MigrationsOpsConfig(AppConfig):
    name = "migrations_ops"
    verbose_name = "Migration"

    def ready(self) -> None:
        from migrations_ops import checks  # noqa: F401  # registers itself
