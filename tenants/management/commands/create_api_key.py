"""Make an API key; the key, alone on stdout, is shown this once."""

from typing import Any

from django.core.management.base import CommandParser

from tenants.auth import api_keys
from tenants.management import lookup
from tenants.management.access_command import AccessCommand
from tenants.models import ApiKey
from vital.db.own_schema import me


class Command(AccessCommand):
    help = "Make an API key for a program and print it, once; only its hash is stored."
    examples = """
examples:
  ./manage.py create_api_key --tenant pharma --scope read --name reports
  ./manage.py create_api_key --tenant digital-health --scope write --name importer --days 90
"""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--tenant", action="append", required=True, metavar="SLUG", help="may be given several times"
        )
        parser.add_argument("--scope", required=True, choices=ApiKey.Scope.values)
        parser.add_argument("--name", required=True, help="what it is for")
        parser.add_argument("--days", type=int, metavar="N", help="it ends after so many days (default: it does not)")

    def change(self, options: dict[str, Any]) -> dict[str, Any]:
        tenants = [record.pk for record in lookup.tenants(options["tenant"])]
        _, key = api_keys.make(
            options["name"][:100], tenants, options["scope"], lookup.expiry(options["days"]), who=me()
        )
        return {"key": key}
