"""What a body may change of a row, and where what has no column is kept."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import models

IGNORED = {"id", "tenant_id", "created_at", "updated_at", "deleted_at", "is_shared", "slug", "unique_id"}
METADATA = "metadata"


def split(values: Mapping[str, Any], columns: Mapping[str, str], was: Any) -> dict[str, Any]:
    """Column → new value. What has no column joins `metadata`: the body's own, else what the row has (`was`)."""
    changed = {columns[name]: value for name, value in values.items() if name in columns}
    extra = {name: value for name, value in values.items() if name not in {*columns, *IGNORED, METADATA}}
    if METADATA in values or extra:
        base = values[METADATA] if isinstance(values.get(METADATA), dict) else was
        changed[METADATA] = {**(base if isinstance(base, dict) else {}), **extra}
    return changed


def columns_of(model: type[models.Model], without: Iterable[str] = ()) -> dict[str, str]:
    """Every column of the table that a body may name, under its own name, but these."""
    names = {field.attname for field in model._meta.concrete_fields} - {*IGNORED, METADATA, *without}
    return {name: name for name in names}
