"""List the API keys, without the keys themselves."""

from typing import Any

from django.utils import timezone

from tenants import registry
from tenants.management.access_command import AccessCommand
from tenants.models import ApiKey, TenantRecord


def state(key: ApiKey) -> str:
    if key.revoked_at:
        return "revoked"
    return "expired" if key.expires_at and key.expires_at <= timezone.now() else "good"


class Command(AccessCommand):
    help = "List the API keys: how each begins, its tenants, scope, state and last use."
    examples = """
examples:
  ./manage.py list_api_keys
  ./manage.py list_api_keys --json
"""

    def change(self, options: dict[str, Any]) -> dict[str, Any]:
        registry.bind()
        slugs = {record.pk: record.slug for record in TenantRecord.objects.all()}
        found = [
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
        return {"keys": found}

    def text(self, document: dict[str, Any]) -> str:
        lines = [
            f"{key['key']}…  {key['state']:<8} {key['scope']:<8} {', '.join(key['tenants'])}  {key['name']}"
            for key in document["keys"]
        ]
        return "\n".join(lines) or "There are no API keys yet: ./manage.py create_api_key makes one."
