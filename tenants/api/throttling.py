"""How many requests a tenant may send in a minute: counted in Redis where there is one, else in each process."""

import hashlib
import logging
import time

from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError

from tenants.errors import TooMany
from tenants.identity import Caller, TenantInfo

MINUTE = 60
log = logging.getLogger("vital.api")


def check(tenant: TenantInfo | None, caller: Caller) -> None:
    """Count this request. Raises TooMany past the tenant's `limits.max_requests_per_minute`, or the service's limit.

    Without its counter the service goes on: a limit that cannot be counted is no reason to refuse everybody.
    """
    own = tenant.limit("max_requests_per_minute") if tenant else -1
    most = own if own >= 0 else settings.RATE_LIMIT
    now = int(time.time())
    whose = tenant.id if tenant else f"{caller.kind}:{caller.name}"  # without a tenant nobody pays for the others
    key = f"vital:requests:{hashlib.sha256(whose.encode()).hexdigest()[:32]}:{now // MINUTE}"
    try:
        cache.add(key, 0, timeout=2 * MINUTE)
        count = cache.incr(key)
    except (RedisError, ValueError) as error:
        log.warning("requests are not being counted: %s", error)
        return
    if count > most:
        raise TooMany(MINUTE - now % MINUTE)
