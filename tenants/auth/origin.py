"""Whether a browser asks for a page of the service's own: what it sends by itself is no sign that a person meant it."""

import re

from django.conf import settings
from django.http import HttpRequest

from tenants.errors import CrossOriginWrite

READING = ("GET", "HEAD", "OPTIONS")


def refuse_foreign_write(request: HttpRequest) -> None:
    """Raise CrossOriginWrite unless it reads, or a browser says that the page is of this origin or of an allowed one.

    Behind a proxy of the frontend's the host is another one than the page's, but not what Sec-Fetch-Site says: a
    browser's word that no page can change. Without it, as of old browsers, the page's origin must be the one asked.
    """
    if request.method in READING:
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin", "")
    own = site is None and origin.lower() == f"{request.scheme}://{request.get_host()}".lower()
    if not (site == "same-origin" or own or _is_allowed(origin)):
        raise CrossOriginWrite


def _is_allowed(origin: str) -> bool:
    patterns = settings.CORS_ALLOWED_ORIGIN_REGEXES
    return origin in settings.CORS_ALLOWED_ORIGINS or any(re.fullmatch(pattern, origin) for pattern in patterns)
