"""Many rows in one request: all of them or none, with a result for each."""

import json
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.http import HttpResponse

from catalog.api.resource import Found, Resource, prefers_minimal
from tenants.api.views import TenantView, json_bytes
from tenants.errors import BadRequestBody, Refusal, body_of, refusal_of

MOST = 500


class ItemsRefused(Refusal):
    """Nothing was stored: {refused} of {all} items were refused. The details have a result for each item, in order."""

    code = "items_refused"
    status = 409


def wanted(view: TenantView) -> list[Any] | None:
    """The items of a body that is a list. Raises BadRequestBody where there are too many."""
    given = view.json_list()
    if given is not None and len(given) > MOST:
        raise BadRequestBody(f"The body has {len(given)} items; a request may have up to {MOST}.")
    return given


def carried_out(
    of: Resource, view: TenantView, items: list[Any], act: Callable[[Any], Found], status: int = 200, show: bool = True
) -> HttpResponse:
    """`act` makes, changes or removes an item's row and returns it; `show`: the row is in the result.

    Raises ItemsRefused where one of them is refused, and what is nobody's fault in the body.
    """
    done: list[Found | None] = []
    results: list[Any] = []
    for item in items:
        try:
            with transaction.atomic():
                done.append(act(item))
            results.append({"status": status})
        except Exception as error:
            refusal = refusal_of(error)
            if refusal.status >= 500:
                raise
            done.append(None)
            results.append({"status": refusal.status} | body_of(refusal))
    if refused := done.count(None):
        raise ItemsRefused(details=results, refused=refused, all=len(items))
    short = not show or prefers_minimal(view)
    said = b", ".join(_result(of, found, status, short) for found in done if found)
    return json_bytes(b'{"success": true, "results": [%b]}' % said)


def _result(of: Resource, found: Found, status: int, short: bool) -> bytes:
    if short:
        return json.dumps({"status": status, "id": found.id}).encode()
    return b'{"status": %d, %b' % (status, of.content(found).encode()[1:])
