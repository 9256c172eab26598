"""`manage.py demo`: a sample legacy database, migrated before your eyes, then served. What `make demo` runs."""

import os
import secrets
import subprocess
import sys
from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import CommandError
from rich.console import Console

from migrations_ops.management.server import serving, until_stopped
from tenants.management.documented import Documented
from vital import embedded

ROWS = "1500"
CURLS = (  # what demo mode accepts: the bare header names the tenant
    'curl -H "x-tenant-id: 11111111-1111-1111-1111-111111111111" {base}/api/tools-crud',
    'curl -H "x-tenant-id: f7aa6fd4-0af9-4706-8b31-034f1f7accda" {base}/api/prompts-crud',
    "curl {base}/api/knowledge-domains",
)


class Command(Documented):
    help = "Show the whole migration on sample data in an embedded PostgreSQL, then serve it."
    examples = "examples:\n  make demo\n  DEMO_SERVE=0 make demo    leave after the migration"
    exit_codes = "exit codes: 0 done, or stopped by Ctrl-C; 1 a step failed, as it says; 2 not in demo mode"

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("The demo runs in demo mode only: VITAL_DEMO=1, as `make demo` sets it.", returncode=2)
        self.console = Console(highlight=False, soft_wrap=True)
        self.server = embedded.ensure_running(settings.HOME / "demo")
        self._start_over()
        password, port = secrets.token_urlsafe(9), os.environ.get("PORT", "3000")
        self.environment = os.environ | {
            "DATABASE_URL": self.server.owner_url,
            "VITAL_BACKUP": "0",
            "VITAL_SECRET_KEY": secrets.token_urlsafe(40),
            "DJANGO_SUPERUSER_USERNAME": "admin",
            "DJANGO_SUPERUSER_EMAIL": "admin@localhost",
            "DJANGO_SUPERUSER_PASSWORD": password,
        }
        self._say("A legacy platform with one tenant, filled with sample data")
        self._manage("migrate", "--verbosity", "0")
        self._manage("generate_legacy", "--rows", ROWS)
        self._say("The migration: seven phases, each of which can be undone")
        self._manage("migrate_tenants", "--yes")
        self._say("How it stands")
        self._manage("migrate_tenants", "status")
        self._manage("createsuperuser", "--noinput", "--verbosity", "0")
        if os.environ.get("DEMO_SERVE") != "0":
            self._serve(port, password)

    def _start_over(self) -> None:
        """The demo's database is made anew each time; it is nobody's data."""
        with psycopg.connect(self.server.superuser_url, dbname="postgres", autocommit=True) as connection:
            connection.execute("DROP DATABASE IF EXISTS vital WITH (FORCE)")
            connection.execute("CREATE DATABASE vital OWNER vital_owner")

    def _say(self, title: str) -> None:
        self.console.print(f"\n[bold cyan]{title}[/]")

    def _manage(self, *arguments: str) -> None:
        self.console.print(f"[dim]$ manage.py {' '.join(arguments)}[/]")
        done = subprocess.run([sys.executable, settings.BASE_DIR / "manage.py", *arguments], env=self.environment)
        if done.returncode:
            raise CommandError(f"manage.py {arguments[0]} did not succeed; see above.", returncode=done.returncode)

    def _serve(self, port: str, password: str) -> None:
        base = f"http://localhost:{port}"
        self._say(f"Serving on {base} until Ctrl-C")
        for line in CURLS:
            self.console.print(f"  {line.format(base=base)}")
        self.console.print(f"  admin: {base}/admin/   user: admin   password: {password}")
        if until_stopped(serving(port), self.environment | {"VITAL_LOG_LEVEL": "warning"}):
            raise CommandError(f"The service could not be started on port {port}; see above.", returncode=1)
        self.console.print("\nStopped. The sample database stays until the next `make demo`.")
