"""The opaque cursor of keyset paging: the key of the last row shown."""

import base64
import binascii
import json
from typing import Any

from rest_framework.request import Request

from tenants import bounds
from tenants.errors import Refusal
from tenants.identity import tenant_id as canonical_uuid


def is_wanted(request: Request) -> bool:
    """Whether the client pages by key; an empty cursor asks for the first page."""
    return "cursor" in request.GET


def cursor_of(key: bytes) -> str:
    """The cursor behind the row with this key, a JSON list of what the rows are ordered by."""
    return base64.urlsafe_b64encode(key).rstrip(b"=").decode()


def after(cursor: str) -> dict[str, Any]:
    """The key that a cursor holds, as parameters. Raises Refusal for what no answer of ours has held."""
    if not cursor:
        return {}
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        name, row = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, UnicodeError, ValueError, TypeError, RecursionError) as error:
        raise Refusal("The cursor is not one that this service has given.") from error
    key = canonical_uuid(row) if isinstance(row, str) else None
    if not isinstance(name, str) or not bounds.is_text(name) or key is None:
        raise Refusal("The cursor is not one that this service has given.")
    return {"after_name": name, "after_id": key}
