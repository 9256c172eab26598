"""Structured logs: one JSON line an event, never a secret and never a body."""

import logging
import sys
from typing import Any

import structlog
from django.conf import settings

from tenants.identity import TenantRequest

QUIET = ("/health/live", "/health/ready", "/metrics")
_events = structlog.get_logger("vital.requests")


def configure() -> None:
    """For the service only: commands speak to a person."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    level = logging.getLevelNamesMapping().get(settings.LOG_LEVEL.upper(), logging.INFO)
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(ensure_ascii=False, default=str)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(default=str),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)
    logging.getLogger("django.request").setLevel(logging.ERROR)  # a refusal has its line already


def begin(request_id: str) -> None:
    """From here on every line of this thread carries the request's id."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)


def request(request: TenantRequest, status: int, route: str, seconds: float) -> None:
    """One request: who, for which tenant, how it ended. The query string may hold anything and is left out."""
    if request.path_info in QUIET:
        return
    _events.info(
        "request",
        tenant=request.acting_tenant.id if request.acting_tenant else None,
        user=request.caller.name if request.caller else None,
        credential=request.caller.kind if request.caller else None,
        method=request.method,
        route=route,
        status=status,
        ms=round(seconds * 1000, 1),
    )
