"""What the pages of runs share: who may act on runs, how a state looks, and what is refused, in a sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse

from migrations_ops.rules.service import PlanError
from vital.errors import EngineError

SHADES = {
    "running": "info",
    "started": "info",
    "completed": "success",
    "failed": "danger",
    "paused": "warning",
    "cancelled": "warning",
    "rolled_back": "warning",
    "pending": "",
}


def may_act(request: HttpRequest) -> bool:
    """Looking is for staff; whoever may do everything starts, stops and undoes runs, decides about rows and switches
    maintenance."""
    return bool(request.user.is_active and getattr(request.user, "is_superuser", False))


def refuse_who_may_not(request: HttpRequest) -> None:
    if not may_act(request):
        raise PermissionDenied


def frame(model_admin: "admin.ModelAdmin[Any]", request: HttpRequest, title: str, **facts: Any) -> dict[str, Any]:
    """The context of a page that stands in the admin's frame."""
    site = model_admin.admin_site.each_context(request)
    return site | {"title": title, "opts": model_admin.opts, "may_act": may_act(request), **facts}


def to_run(run: int) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:migrations_ops_run_change", args=[run]))


@contextmanager
def refusals_as_messages(request: HttpRequest) -> Iterator[None]:
    """A refusal, or a database that does not answer, becomes a message on the next page."""
    try:
        yield
    except (EngineError, PlanError) as error:
        messages.error(request, str(error))
        for problem in getattr(error, "facts", {}).get("problems", [])[:20]:
            messages.error(request, f"{problem.relation} {problem.key}: {problem.message}")
    except psycopg.Error as error:
        messages.error(request, f"The database says: {' '.join(str(error).split())}")
