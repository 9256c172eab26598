"""What Prometheus is told. Labels are bounded: routes are patterns, tenants are the registry's."""

from collections.abc import Iterable
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from django.utils.module_loading import import_string
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from tenants import availability
from tenants.identity import TenantRequest
from tenants.queries import load_queries
from vital.env import env_text

REQUESTS = Counter("vital_requests", "Requests answered", ["method", "route", "status", "tenant"])
SECONDS = Histogram(
    "vital_request_seconds", "From the first byte in to the answer", ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15),
)  # fmt: skip
REMEMBERED = Counter("vital_remembered_answers", "Answers that were, or were not, remembered", ["outcome"])
# Anybody can invent methods, and labels with them.
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
QUERIES = load_queries(Path(__file__).parent / "sql")


def observe(request: TenantRequest, status: int, route: str, seconds: float) -> None:
    tenant = request.acting_tenant.slug if request.acting_tenant else ""
    method = request.method if request.method in METHODS else "other"
    REQUESTS.labels(method, route, status, tenant).inc()
    SECONDS.labels(route).observe(seconds)
    if request.remembered is not None:
        REMEMBERED.labels("hit" if request.remembered else "miss").inc()


def exposition() -> HttpResponse:
    """The figures of every worker of the service, where they share a folder; of this one, elsewhere."""
    return HttpResponse(generate_latest(_registry()) + generate_latest(_pool()), content_type=CONTENT_TYPE_LATEST)


def _registry() -> CollectorRegistry:
    if not env_text("PROMETHEUS_MULTIPROC_DIR"):
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def _pool() -> CollectorRegistry:
    """What the database says: the connections of every worker, asked as the login, who sees its own; the platform."""
    registry = CollectorRegistry()
    registry.register(Connections())
    registry.register(Isolation())
    registry.register(import_string(settings.METRICS_OF_PLATFORM)())
    return registry


class Isolation(Collector):
    """As the service itself sees it: where it is dangerous, requests are answered with 503."""

    def collect(self) -> Iterable[Metric]:
        differences = GaugeMetricFamily(
            "vital_isolation_differences", "Things that are not as the plan wants them", labels=["severity"]
        )
        stands = availability.standing()
        differences.add_metric(["dangerous"], len(stands.dangerous))
        differences.add_metric(["warning"], len(stands.differences) - len(stands.dangerous))
        yield differences


class Connections(Collector):
    """Asked anew each time: a Gauge would leave its figure in the folder that workers share, and be told twice."""

    def collect(self) -> Iterable[Metric]:
        connections = GaugeMetricFamily("vital_database_connections", "Of the service's login", labels=["state"])
        with connection.cursor() as cursor:
            cursor.execute(QUERIES["own_connections"])
            for state, count in cursor.fetchall():
                connections.add_metric([state], count)
        yield connections
