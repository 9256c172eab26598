"""One row by id or by the name people know, and what a body may change of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from catalog.api.listing import QUERIES
from tenants import api
from tenants.api import NUL, FencedView
from tenants.errors import BadRequestBody, NotFound
from tenants.resolution import tenant_id as canonical_uuid

IGNORED = {"id", "tenant_id", "created_at", "updated_at", "deleted_at", "is_shared", "slug", "unique_id"}
KEPT_APART = {*IGNORED, "metadata"}
PLATFORM = {"platform": settings.PLATFORM_ID}


@dataclass(frozen=True)
class Found:
    """A row that this request can see: its id, its tenant's, and its code or name."""

    id: str
    tenant: str
    name: str


def find(view: FencedView, kind: str, key: str) -> Found:
    """The row. Raises NotFound, alike for rows that are nobody's and rows that are another tenant's."""
    own = view.tenant.id if view.tenant else None
    params = {"id": canonical_uuid(key), "code": key, "own": own}
    found = api.rows(QUERIES[f"{kind}_by_key"], params) if NUL not in key else []
    if not found:
        raise NotFound
    return Found(*found[0])


def key_in_body(view: FencedView) -> str:
    """The key of a change that names its row in the body. Raises BadRequestBody."""
    key = view.json_object().get("id")
    if not isinstance(key, str) or not key:
        raise BadRequestBody("Say which one: the body needs an id.")
    return key


def split(values: Mapping[str, Any], columns: Mapping[str, str], was: Any) -> dict[str, Any]:
    """Column → new value. What has no column is kept in `metadata`; the row's own metadata `was` stays beside it."""
    changed = {columns[name]: value for name, value in values.items() if name in columns}
    extra = {name: value for name, value in values.items() if name not in columns and name not in KEPT_APART}
    if "metadata" in values or extra:
        base = values["metadata"] if isinstance(values.get("metadata"), dict) else was
        changed["metadata"] = {**(base if isinstance(base, dict) else {}), **extra}
    return changed


def columns_of(model: Any, without: Iterable[str]) -> dict[str, str]:
    """Every column of the table under its own name, but these."""
    names = {field.attname for field in model._meta.concrete_fields} - set(without)
    return {name: name for name in names}
