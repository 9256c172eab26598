"""API keys: made and shown once, kept as a hash, looked up by it."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from threading import Lock
from uuid import UUID

from cachetools import TTLCache
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from tenants import audit
from tenants.models import ApiKey

PREFIX = "vital_"
SHOWN = 12  # characters of a key by which people name it
USE_NOTED_EVERY = 60  # seconds

_noted: TTLCache[int, bool] = TTLCache(10_000, USE_NOTED_EVERY)
_noting = Lock()


def digest_of(key: str) -> str:
    """256 random bits need no slow hash: there is nothing to guess."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def make(
    name: str, tenants: Sequence[UUID], scope: str, expires_at: datetime | None = None, *, who: str
) -> tuple[ApiKey, str]:
    """A new key: its record, and the key itself, which nobody can show again."""
    made = _create(name, tenants, scope, expires_at)
    facts = {"key": made[0].prefix, "name": name, "tenants": [str(tenant) for tenant in tenants], "scope": scope}
    audit.record(who, "make API key", "", facts)
    return made


def _create(name: str, tenants: Sequence[UUID], scope: str, expires_at: datetime | None) -> tuple[ApiKey, str]:
    key = PREFIX + secrets.token_urlsafe(32)
    record = ApiKey.objects.create(
        name=name, prefix=key[:SHOWN], digest=digest_of(key), tenants=list(tenants), scope=scope, expires_at=expires_at
    )
    return record, key


def revoke(record: ApiKey, *, who: str) -> None:
    """From now on it opens nothing (within a second: credentials are remembered for half of one)."""
    if ApiKey.objects.filter(pk=record.pk, revoked_at=None).update(revoked_at=Now()):
        audit.record(who, "revoke API key", "", {"key": record.prefix, "name": record.name})


def rotate(record: ApiKey, keep_minutes: int, *, who: str) -> tuple[ApiKey, str]:
    """A new key in place of this one, which ends after so many minutes."""
    successor = _create(record.name, record.tenants, record.scope, record.expires_at)
    end = timezone.now() + timedelta(minutes=keep_minutes)
    if record.expires_at is None or record.expires_at > end:
        ApiKey.objects.filter(pk=record.pk).update(expires_at=end)
    facts = {"key": record.prefix, "name": record.name, "successor": successor[0].prefix, "minutes": keep_minutes}
    audit.record(who, "rotate API key", "", facts)
    return successor


def find(key: str) -> ApiKey | None:
    """The record of a key that is good now."""
    good = Q(expires_at=None) | Q(expires_at__gt=Now())
    return ApiKey.objects.filter(good, digest=digest_of(key), revoked_at=None).first()


def use_is_due(record: ApiKey) -> bool:
    """Whether this use is to be noted: once a minute and process, in a transaction of its own."""
    with _noting:
        due = record.pk not in _noted
        _noted[record.pk] = True
    return due


def note_use(record: ApiKey) -> None:
    ApiKey.objects.filter(pk=record.pk).update(last_used_at=Now())
