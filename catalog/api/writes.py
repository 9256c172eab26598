"""Making, changing and removing a row: the same order of refusals for every kind."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import IntegrityError, models, transaction

from catalog.api.fields import METADATA, split
from catalog.api.resource import Resource
from tenants.api.views import TenantView
from tenants.errors import UNIQUE_VIOLATION, Conflict


def create(of: Resource, view: TenantView) -> str:
    """Make the row of the body and return its id. Raises Forbidden, BadRequestBody or Conflict."""
    tenant = view.writing_tenant()
    of.may_write(view, tenant, tenant.id)
    given = of.cleaned(view, view.body(of.new))
    of.check_limit(tenant)
    values = {**split(given, of.columns, {}), "tenant_id": UUID(tenant.id)}
    made = _stored(of, given, lambda: of.model._default_manager.create(**of.defaults(view, given) | values))
    return str(made.pk)


def change(of: Resource, view: TenantView, key: str) -> str:
    """Change the fields that the body has and return the row's id. Raises NotFound, and what `create` does."""
    found = of.find(view, key)
    of.may_write(view, view.writing_tenant(), found.tenant)
    given = of.cleaned(view, view.body(of.changed, context={"key": found.name}, partial=True))
    row: models.QuerySet[Any] = of.model._default_manager.filter(pk=found.id)
    values = split(given, of.columns, row.values_list(METADATA, flat=True)[0])
    if values:
        _stored(of, given, lambda: row.update(**values))
    return found.id


def remove(of: Resource, view: TenantView, key: str) -> str:
    """Remove the row and return its name. What refers to it goes with it, as the database's keys say."""
    found = of.find(view, key)
    of.may_write(view, view.writing_tenant(), found.tenant)
    of.model._default_manager.filter(pk=found.id)._raw_delete("default")
    return found.name


def _stored(of: Resource, given: dict[str, Any], store: Callable[[], Any]) -> Any:
    """What storing returns. Raises Conflict where the key is taken."""
    try:
        with transaction.atomic():
            return store()
    except IntegrityError as error:
        if getattr(error.__cause__, "sqlstate", "") != UNIQUE_VIOLATION:
            raise
        raise Conflict(f"A {of.noun} with the {of.key} {given.get(of.key)!r} exists already.") from error
