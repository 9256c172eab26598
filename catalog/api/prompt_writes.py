"""Making, changing and removing prompts."""

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from catalog.api import rows as row
from catalog.api.listing import QUERIES
from catalog.api.prompt_schema import NewPrompt, PromptFields
from catalog.api.rows import IGNORED, PLATFORM, Found
from catalog.api.suites import SUITE
from catalog.models import Prompt
from tenants import api
from tenants.api import FencedView
from tenants.errors import UNIQUE_VIOLATION, Conflict
from tenants.resolution import tenant_id as canonical_uuid

COMPUTED = {"suite", "is_user_created"}
COLUMNS = row.columns_of(Prompt, without={*IGNORED, "metadata"})
SHAPE = QUERIES["prompt_shape"].format(suite=SUITE)
SHOWN = QUERIES["prompt_shown"].format(shape=SHAPE)


def find(view: FencedView, key: str) -> Found:
    return row.find(view, "prompt", key)


def create(view: FencedView) -> str:
    """Make the prompt of the body, whose author is the token's, and return its id."""
    tenant = view.writing_tenant()
    api.may_write(view.caller, tenant, tenant.id, **PLATFORM, admins_only=False)
    given = _plain(view.body(NewPrompt))
    values = {"category": given["domain"]} | row.split(given, COLUMNS, {}) | _author(view)
    try:
        with transaction.atomic():
            return str(Prompt.objects.create(tenant_id=UUID(tenant.id), **values).pk)
    except IntegrityError as error:
        _explain(error, values)
        raise


def update(view: FencedView, key: str) -> str:
    """Change the fields that the body has and return the prompt's id."""
    found = find(view, key)
    api.may_write(view.caller, view.writing_tenant(), found.tenant, **PLATFORM, admins_only=False)
    given = _plain(view.body(PromptFields, partial=True))
    if _author(view):
        given.pop("created_by", None)  # whoever changes a prompt does not become, or make, its author
    prompt = Prompt.objects.get(pk=found.id)
    values = row.split(given, COLUMNS, prompt.metadata)
    try:
        with transaction.atomic():
            if values:
                Prompt.objects.filter(pk=prompt.pk).update(**values)
    except IntegrityError as error:
        _explain(error, values)
        raise
    return found.id


def delete(view: FencedView, key: str) -> str:
    """Remove the prompt and return its name."""
    found = find(view, key)
    api.may_write(view.caller, view.writing_tenant(), found.tenant, **PLATFORM, admins_only=False)
    Prompt.objects.filter(pk=found.id)._raw_delete("default")
    return found.name


def _author(view: FencedView) -> dict[str, UUID]:
    """A token says who writes; only a program's key may name somebody in the body."""
    author = canonical_uuid(view.caller.name) if view.caller.kind == "token" else None
    return {"created_by": UUID(author)} if author else {}


def _plain(given: dict[str, Any]) -> dict[str, Any]:
    """Without what is computed."""
    return {name: value for name, value in given.items() if name not in COMPUTED}


def _explain(error: IntegrityError, values: dict[str, Any]) -> None:
    """Raise Conflict where the name is taken."""
    if getattr(error.__cause__, "sqlstate", "") == UNIQUE_VIOLATION:
        raise Conflict(f"A prompt with the name {values.get('name')!r} exists already.") from error
