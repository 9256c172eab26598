"""What the demo tells: a platform with one tenant, its migration, and the service over what has become of it."""

import os
import secrets
from typing import TextIO

import psycopg
from django.conf import settings
from django.core.management.base import CommandError
from rich.console import Console

from migrations_ops.management.demo.narrator import Narrator, log_file
from migrations_ops.management.demo.server import serving, until_stopped
from vital.db import embedded

ROWS = "1500"
CURLS = (  # what demo mode accepts: the bare header names the tenant; the domains are a short list, and have no limit
    'curl -H "x-tenant-id: 11111111-1111-1111-1111-111111111111" "{base}/api/tools-crud?limit=3"',
    'curl -H "x-tenant-id: f7aa6fd4-0af9-4706-8b31-034f1f7accda" "{base}/api/prompts-crud?limit=3"',
    "curl {base}/api/knowledge-domains",
)
TOTAL, EVERYTHING = r"^(table|total) ", "^"


class Story:
    """`lock` is handed on to the service: the next demo must not begin while it lives."""

    def __init__(self, console: Console, log: TextIO, lock: TextIO) -> None:
        self.console, self.log, self.lock = console, log, lock
        self.password = secrets.token_urlsafe(9)

    def tell(self, port: str) -> None:
        server = embedded.ensure_running(settings.HOME / "demo")
        _start_over(server)
        environment = self._environment(server)
        run = Narrator(self.console, self.log, environment).run
        self._say("A legacy platform with one tenant, filled with sample data")
        run("migrate", "--verbosity", "0")
        run("createsuperuser", "--noinput", "--verbosity", "0")
        run("generate_legacy", "--rows", ROWS, shows=TOTAL)
        self._say("The migration: seven phases, each of which can be undone")
        run("migrate_tenants", "--yes", *_logs(), shows=EVERYTHING)
        self._say("How it stands")
        run("migrate_tenants", "status", shows=EVERYTHING)
        self.console.print(
            f"[dim]Everything that was printed: {log_file()}; each phase has a log of its own beside it.[/]"
        )
        if port:
            self._serve(port, environment)

    def _environment(self, server: embedded.Server) -> dict[str, str]:
        return os.environ | {
            "DATABASE_URL": server.owner_url,
            "VITAL_BACKUP": "0",
            "VITAL_SECRET_KEY": secrets.token_urlsafe(40),
            "DJANGO_SUPERUSER_USERNAME": "admin",
            "DJANGO_SUPERUSER_EMAIL": "admin@localhost",
            "DJANGO_SUPERUSER_PASSWORD": self.password,
        }

    def _say(self, title: str) -> None:
        self.console.print(f"\n[bold cyan]{title}[/]")

    def _serve(self, port: str, environment: dict[str, str]) -> None:
        base = f"http://localhost:{port}"
        self._say(f"Serving on {base} until Ctrl-C")
        for line in CURLS:
            self.console.print(f"  {line.format(base=base)}")
        self.console.print(f"  admin: {base}/admin/   user: admin   password: {self.password}")
        if until_stopped(serving(port), environment | {"VITAL_LOG_LEVEL": "warning"}, self.lock):
            raise CommandError(f"The service could not be started on port {port}; see above.", returncode=1)
        self.console.print("\nStopped. The sample database stays until the next `make demo`.")


def _logs() -> list[str]:
    """A run's logs are where it is called, unless it is told otherwise."""
    return [] if str(settings.LOG_DIR) == "logs" else ["--log-dir", str(settings.LOG_DIR)]


def _start_over(server: embedded.Server) -> None:
    """The demo's database is made anew each time; it is nobody's data."""
    with psycopg.connect(server.superuser_url, dbname="postgres", autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS vital WITH (FORCE)")
        connection.execute("CREATE DATABASE vital OWNER vital_owner")
