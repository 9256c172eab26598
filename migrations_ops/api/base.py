"""What the addresses of runs share: who asks, a body that may be left out, and few long answers at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Any

from django.conf import settings
from django.http import HttpResponse

from tenants.api.views import TenantView, json_answer
from tenants.errors import Refusal

_slots = BoundedSemaphore(settings.LONG_ANSWERS)


class AllTaken(Refusal):
    """As many long answers as this service allows are under way; try again."""

    code = "too_many_long_answers"
    status = 429
    headers = {"Retry-After": "5"}


class Acting(TenantView):
    """For operators. A body may be left out: nothing is needed in it."""

    for_operators = True

    @property
    def who(self) -> str:
        return self.caller.name

    def json_object(self) -> dict[str, Any]:
        return super().json_object() if self.tenant_request.META.get("CONTENT_LENGTH") not in (None, "", "0") else {}


@contextmanager
def long_one() -> Iterator[None]:
    """One of the few answers that keep a thread of the service for long. Raises AllTaken."""
    if not _slots.acquire(blocking=False):
        raise AllTaken
    try:
        yield
    finally:
        _slots.release()


def handed_over(run_id: int | None) -> HttpResponse:
    """202 with the id of the run that a worker was given; 200 where there is nothing to do."""
    if run_id is None:
        return json_answer({"run": None, "status": "nothing_to_do"})
    return json_answer({"run": run_id, "status": "running"}, status=202)
