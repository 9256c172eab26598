"""Probes for load balancers; they say status words only."""

from django.http import HttpRequest, JsonResponse


def live(request: HttpRequest) -> JsonResponse:
    """The process answers; nothing is said of the database."""
    return JsonResponse({"status": "live"})
