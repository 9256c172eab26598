"""Where a request comes from: the other end of the connection, or what a trusted proxy says of it."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

Address = IPv4Address | IPv6Address
ONE_CUSTOMERS = 64  # bits: who has one address of IPv6 has all that begin alike


def client_of(request: HttpRequest) -> str:
    """The address, as what one client has: of IPv6 the network. `X-Forwarded-For` is read from its end, as long as
    those who have written it are trusted; what clients send themselves stands before that."""
    found = _parsed(request.META.get("REMOTE_ADDR", ""))
    told = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    while found is not None and told and any(found in network for network in settings.TRUSTED_PROXIES):
        before = _parsed(told.pop())
        if before is None:
            break
        found = before
    if isinstance(found, IPv6Address):
        return str(ip_network((found, ONE_CUSTOMERS), strict=False))
    return str(found)


def _parsed(text: str) -> Address | None:
    text = text.strip()
    host = text[1:].partition("]")[0] if text.startswith("[") else text
    host = host.partition(":")[0] if host.count(":") == 1 else host  # some proxies add the port
    try:
        found = ip_address(host)
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found
