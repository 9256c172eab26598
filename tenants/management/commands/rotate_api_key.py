"""Put a new API key in another's place; the new one, alone on stdout, is shown this once."""

from typing import Any

from django.core.management.base import CommandParser

from tenants.auth import api_keys
from tenants.management import lookup
from tenants.management.access_command import AccessCommand, Refused
from vital.db.own_schema import me


class Command(AccessCommand):
    help = "Make a new API key like this one and print it; the old one stays valid for a while."
    examples = """
examples:
  ./manage.py rotate_api_key vital_Ab3dE1                     the old one ends after an hour
  ./manage.py rotate_api_key vital_Ab3dE1 --keep-minutes 0    the old one ends at once
"""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("key", help="how the key begins")
        parser.add_argument(
            "--keep-minutes", type=int, default=60, metavar="N", help="how long the old one stays valid"
        )

    def change(self, options: dict[str, Any]) -> dict[str, Any]:
        if options["keep_minutes"] < 0:
            raise Refused("--keep-minutes must be at least 0.")
        record = lookup.key(options["key"])
        if record.revoked_at:
            raise Refused(f"{record} is revoked: make a new one with create_api_key.")
        _, key = api_keys.rotate(record, options["keep_minutes"], who=me())
        return {"key": key}
