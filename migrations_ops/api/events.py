"""`/api/migrations/runs/{run}/events`: a run as it goes, as server-sent events."""

import hashlib
import json
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, suppress
from itertools import chain

import psycopg
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from migrations_ops.api.base import Acting, AllTaken, long_one
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
        looks = run_service.follow(int(run), LONGEST)
        with refused():
            now = next(looks)
        if now["status"] != "running" and _id(now) == seen:
            looks.close()
            return HttpResponse(status=204)
        events = _events(chain([now], looks), looks, seen)
        try:
            next(events)  # takes its place among the long answers: closed before it has begun it could not give it back
        except AllTaken:
            looks.close()
            raise
        stream = StreamingHttpResponse(events, content_type="text/event-stream")
        stream["X-Accel-Buffering"] = "no"  # a proxy that collects answers would show nothing before the end
        return stream


def _id(run: run_service.OneRun) -> str:
    return hashlib.sha256(json.dumps(run, sort_keys=True).encode()).hexdigest()[:16]


def _events(runs: Iterable[run_service.OneRun], looks: Generator[run_service.OneRun], seen: str) -> Iterator[str]:
    """`looks` has the connection, which is closed with the stream."""
    with long_one(), closing(looks):
        yield ""
        yield "retry: 2000\n\n"
        with suppress(psycopg.Error):  # a database that restarts: who watches comes again
            yield from _news(runs, seen)


def _news(runs: Iterable[run_service.OneRun], seen: str) -> Iterator[str]:
    quiet = 0
    for run in runs:
        quiet += 1
        if (now := _id(run)) != seen:
            name = "progress" if run["status"] == "running" else "end"
            yield f"id: {now}\nevent: {name}\ndata: {json.dumps(run)}\n\n"
            seen, quiet = now, 0
        elif quiet >= QUIET:
            yield ": still here\n\n"
            quiet = 0
