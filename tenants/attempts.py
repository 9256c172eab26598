"""Failed logins, by address and by name: past a number of them the next is refused before it costs a hash."""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock

from django.conf import settings
from django.http import HttpRequest

from tenants.address import client_of
from tenants.counts import SIZE, Counts
from tenants.errors import TooManyFailures, Unauthorized

SECONDS = 300
NAMES = 3  # times as many for a name as for an address: who knows a name must not be able to close it to its owner
OF_API = 10  # times as many with keys and tokens, which nobody guesses: an application sends an old one again and again
AT_ONCE = 2  # who logs in, and who waits for that; further ones would take threads from everybody else

_counts = Counts(settings.SHARED_COUNTS, SECONDS)
_places, _hashing = BoundedSemaphore(AT_ONCE), Lock()


@contextmanager
def password(request: HttpRequest, name: str) -> Iterator[list[bool]]:
    """Around the check of a password, one at a time on this machine. It is counted as failed before it is made, so that
    many at once are many; put True into the list where it has not failed. Raises TooManyFailures."""
    counted = _names(request, unicodedata.normalize("NFKC", name).casefold())
    good: list[bool] = []
    try:
        if any(_counts.add(key) > most * settings.LOGIN_ATTEMPTS for key, most in counted):
            good.append(True)  # not tried, so not failed
            raise TooManyFailures(_counts.left())
        if not _places.acquire(blocking=False):
            good.append(True)
            raise TooManyFailures(1)
        try:
            with _hashing, _counts.alone(SIZE):
                yield good
        finally:
            _places.release()
    finally:
        if any(good):
            for key, _ in counted:
                _counts.add(key, -1)


def is_over(request: HttpRequest) -> bool:
    """Whether so many keys and tokens from this address were bad that another unknown one is not looked for."""
    return _counts.add(f"api {client_of(request)}", 0) >= OF_API * settings.LOGIN_ATTEMPTS


def bad_credential(request: HttpRequest, name: str, refusal: Unauthorized) -> Exception:
    """Count it, and return what to answer: the refusal, or TooManyFailures. A good credential is not refused for it."""
    counts = [_counts.add(f"api {who}") for who in (client_of(request), name) if who]
    if any(count > OF_API * settings.LOGIN_ATTEMPTS for count in counts):
        return TooManyFailures(_counts.left())
    return refusal


def _names(request: HttpRequest, name: str) -> list[tuple[str, int]]:
    """(what is counted, how many times as many it may have)"""
    return [(f"address {client_of(request)}", 1), *([(f"name {name}", NAMES)] if name else [])]
