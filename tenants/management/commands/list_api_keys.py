"""List the API keys, without the keys themselves."""

import json
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from tenants.management.face import AccessCommand
from tenants.models import ApiKey, TenantRecord


def state(key: ApiKey) -> str:
    if key.revoked_at:
        return "revoked"
    return "expired" if key.expires_at and key.expires_at <= timezone.now() else "good"


class Command(AccessCommand):
    help = "List the API keys: how each begins, its tenants, scope, state and last use."
    examples = """
examples:
  manage.py list_api_keys
  manage.py list_api_keys --json
"""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON document")

    def act(self, options: dict[str, Any]) -> str:
        slugs = {record.pk: record.slug for record in TenantRecord.objects.all()}
        found: list[dict[str, Any]] = [
            {
                "key": key.prefix,
                "name": key.name,
                "scope": key.scope,
                "tenants": [slugs.get(tenant, str(tenant)) for tenant in key.tenants],
                "state": state(key),
                "expires_at": key.expires_at,
                "last_used_at": key.last_used_at,
            }
            for key in ApiKey.objects.all()
        ]
        if options["json"]:
            return json.dumps({"keys": found}, default=str, indent=2)
        lines = [
            f"{key['key']}…  {key['state']:<8} {key['scope']:<8} {', '.join(key['tenants'])}  {key['name']}"
            for key in found
        ]
        return "\n".join(lines) or "There are no API keys yet: manage.py create_api_key makes one."
