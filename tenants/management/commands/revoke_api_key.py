"""End an API key at once."""

from typing import Any

from django.core.management.base import CommandParser

from tenants.auth import api_keys
from tenants.management import lookup
from tenants.management.access_command import AccessCommand
from vital.db.own_schema import me


class Command(AccessCommand):
    help = "End an API key: within a second it opens nothing any more."
    examples = """
example:
  ./manage.py revoke_api_key vital_Ab3dE1   the key that begins so (list_api_keys shows them)
"""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("key", help="how the key begins")

    def change(self, options: dict[str, Any]) -> dict[str, Any]:
        record = lookup.key(options["key"])
        api_keys.revoke(record, who=me())
        return {"revoked": str(record)}

    def text(self, document: dict[str, Any]) -> str:
        return f"{document['revoked']} is revoked."
