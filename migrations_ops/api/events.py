"""`/api/migrations/runs/{run}/events`: a run as it goes, as server-sent events."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psycopg
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from migrations_ops.api.base import Acting, long_one
from migrations_ops.api.errors import refused
from migrations_ops.api.runs import RUN
from migrations_ops.runs import service as run_service
from tenants.api.fields import CHOICE, refusals

LONGEST = 300  # seconds; who still watches then comes again by itself
QUIET = 15  # looks without news, then a sign of life: proxies close what is silent
LAST = OpenApiParameter("Last-Event-ID", OpenApiTypes.STR, OpenApiParameter.HEADER, description="the last one seen")


class Events(Acting):
    """`progress` whenever something has changed, `end` when the run is not running any more; each is the whole run.

    An event's id stands for what it says: with the Last-Event-ID of the last one seen nothing is said twice. 204: it
    was the last of all.
    """

    @extend_schema(parameters=[*CHOICE, RUN, LAST], responses={
        (200, "text/event-stream"): OpenApiTypes.STR, 204: None, **refusals(404),
    })  # fmt: skip
    def get(self, request: Request, run: str) -> HttpResponseBase:
        seen = request.headers.get("last-event-id", "")
        with refused():
            now = run_service.one_run(int(run))
        if now["status"] != "running" and _id(now) == seen:
            return HttpResponse(status=204)
        events = _events(int(run), seen)
        next(events)  # takes its seat: one that is closed before it has begun could not give it back
        stream = StreamingHttpResponse(events, content_type="text/event-stream")
        stream["X-Accel-Buffering"] = "no"  # a proxy that collects answers would show nothing before the end
        return stream


def _id(run: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(run, sort_keys=True).encode()).hexdigest()[:16]


def _events(run_id: int, seen: str) -> Iterator[str]:
    with long_one():
        yield ""
        yield "retry: 2000\n\n"
        with suppress(psycopg.Error):  # a database that restarts: who watches comes again
            yield from _news(run_id, seen)


def _news(run_id: int, seen: str) -> Iterator[str]:
    quiet = 0
    for run in run_service.follow(run_id, LONGEST):
        quiet += 1
        if (now := _id(run)) != seen:
            name = "progress" if run["status"] == "running" else "end"
            yield f"id: {now}\nevent: {name}\ndata: {json.dumps(run)}\n\n"
            seen, quiet = now, 0
        elif quiet >= QUIET:
            yield ": still here\n\n"
            quiet = 0
