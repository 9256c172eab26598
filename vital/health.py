"""Probes for load balancers; they say status words only. And the figures, for those who may see them."""

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from kombu import Connection
from kombu.exceptions import OperationalError as BrokerDown
from redis.exceptions import RedisError

from tenants import availability, errors
from tenants.auth import authentication
from tenants.errors import Forbidden, IsolationBroken, MigrationRequired, Refusal, Unauthorized
from tenants.identity import TenantRequest
from tenants.resolution import active_tenants
from tenants.ttl_cache import Memory
from vital import __version__, metrics
from vital.db import scope

_pending: Memory[bool] = Memory(1, seconds=10)


def live(request: HttpRequest) -> JsonResponse:
    """The process answers, with VITAL's version; nothing is said of the database."""
    return JsonResponse({"status": "live", "version": __version__})


def ready(request: HttpRequest) -> JsonResponse:
    """Whether requests can be answered: 200 where everything is, else 503."""
    words = {"database": _database(), "cache": _cache(), "broker": _broker()}
    words["tenants"] = _tenants()  # first: in demo mode it is what makes the service's login
    words["migrations"] = _migrations()
    good = all(word in ("ok", "none") for word in words.values())
    return JsonResponse({"status": "ready" if good else "not ready"} | words, status=200 if good else 503)


def _database() -> str:
    try:
        connection.ensure_connection()
        if not connection.is_usable():
            connection.close()
            return "down"
    except DatabaseError:
        connection.close()
        return "down"
    return "ok"


def _cache() -> str:
    try:
        cache.set("vital:probe", 1, timeout=5)
    except RedisError:
        return "down"
    return "ok"


def _broker() -> str:
    """`none` where background work runs in a local process."""
    if not settings.REDIS_URL:
        return "none"
    try:
        with Connection(settings.CELERY_BROKER_URL, connect_timeout=2) as broker:
            broker.ensure_connection(max_retries=0)
    except (BrokerDown, OSError, RedisError):
        return "down"
    return "ok"


def _migrations() -> str:
    """Whether VITAL's own tables are those of this version."""
    try:
        return "pending" if _pending.recall("pending", _ask_for_pending) else "ok"
    except DatabaseError:
        return "unknown"


def _ask_for_pending() -> bool:
    def look() -> bool:
        executor = MigrationExecutor(connection)
        return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))

    if not availability.has_roles():
        return look()
    with scope.acting_as(scope.operator_scope(read_only=True)):
        return look()


def _tenants() -> str:
    try:
        availability.require_isolation()
        return "ok" if active_tenants() else "none active"
    except IsolationBroken:
        return "not isolated"
    except MigrationRequired:
        return "migration required"
    except DatabaseError:
        return "unknown"


def figures(request: TenantRequest) -> HttpResponse:
    """/metrics, for a super_admin or an API key of the scope `metrics`."""
    try:
        availability.require_migrated()
        caller = authentication.authenticate(request)
        if caller.kind in ("anonymous", "demo"):
            raise Unauthorized
        if not (caller.metrics or caller.is_super_admin):
            raise Forbidden
    except (Refusal, DatabaseError) as refusal:
        return errors.answer_to(refusal)
    return metrics.exposition()
