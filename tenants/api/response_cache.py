"""Answers remembered for half a second (VITAL_RESPONSE_MEMORY_MS), by tenant and address; and their ETags."""

import hashlib
from collections.abc import Callable, Hashable

from django.conf import settings
from django.http import HttpResponse
from django.utils.http import parse_etags

from tenants.identity import TenantRequest
from tenants.ttl_cache import Memory

MOST_BYTES = 2_000_000
Body = tuple[bytes, str]  # the JSON, and its ETag

_remembered: Memory[Body] = Memory(512, seconds=settings.RESPONSE_MEMORY_MS / 1000)


def recall(request: TenantRequest, key: Hashable, make: Callable[[], HttpResponse]) -> HttpResponse:
    """The answer remembered under this key, or a fresh one, which is remembered where it is a success.

    The key holds the tenant and whether every tenant is shown: an answer can never be another tenant's.
    """
    found = _remembered.get(key)
    request.remembered = found is not None
    if found is None:
        fresh = make()
        if fresh.status_code != 200:
            return fresh
        found = (fresh.content, _tag(fresh, key))
        if len(found[0]) <= MOST_BYTES:
            _remembered.put(key, found)
    return _answer(request, found)


def tagged(request: TenantRequest, key: Hashable, fresh: HttpResponse) -> HttpResponse:
    """An answer that is not remembered, with its ETag, or 304 where the client has it already."""
    if fresh.status_code != 200:
        return fresh
    fresh["ETag"] = _tag(fresh, key)
    return HttpResponse(status=304, headers={"ETag": fresh["ETag"]}) if _has(request, fresh["ETag"]) else fresh


def _tag(fresh: HttpResponse, key: Hashable) -> str:
    """The answer's own tag where its view has given it one."""
    return fresh.get("ETag") or etag_of(key, fresh.content)


def _has(request: TenantRequest, etag: str) -> bool:
    return lists(request.headers.get("if-none-match", ""), etag)


def lists(header: str, etag: str) -> bool:
    """Whether a header that lists tags means this one; a proxy may have made it a weak one."""
    return header.strip() == "*" or etag in (tag.removeprefix("W/") for tag in parse_etags(header))


def forget() -> None:
    """After a write of this process; what others write shows when the half second is over."""
    _remembered.forget()


def etag_of(key: Hashable, content: bytes) -> str:
    """A tag that no other tenant's answer has, even where both are empty."""
    digest = hashlib.sha256(repr(key).encode())
    digest.update(content)
    return f'"{digest.hexdigest()[:32]}"'


def _answer(request: TenantRequest, body: Body) -> HttpResponse:
    content, etag = body
    if _has(request, etag):
        return HttpResponse(status=304, headers={"ETag": etag})
    length = str(len(content))
    return HttpResponse(content, content_type="application/json", headers={"ETag": etag, "Content-Length": length})
