"""Tenants and keys as people name them on the command line."""

from datetime import datetime, timedelta

from django.utils import timezone

from tenants import registry
from tenants.management.access_command import Refused
from tenants.models import ApiKey, TenantRecord


def tenants(slugs: list[str]) -> list[TenantRecord]:
    """The tenants of these slugs, in this order. Raises Refused."""
    registry.bind()
    known = {record.slug: record for record in TenantRecord.objects.all()}
    for slug in slugs:
        if slug not in known:
            raise Refused(f"There is no tenant {slug!r}. There are: {', '.join(sorted(known)) or 'none yet'}.")
    return [known[slug] for slug in dict.fromkeys(slugs)]


def key(prefix: str) -> ApiKey:
    """The key that begins so. Raises Refused."""
    found = list(ApiKey.objects.filter(prefix__startswith=prefix)[:2]) if prefix else []
    if len(found) != 1:
        raise Refused(
            f"{'No key begins' if not found else 'Several keys begin'} with {prefix!r}: list_api_keys shows them."
        )
    return found[0]


def expiry(days: int | None) -> datetime | None:
    if days is not None and days < 1:
        raise Refused("--days must be at least 1.")
    return timezone.now() + timedelta(days=days) if days else None
