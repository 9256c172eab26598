"""Making, changing and removing tools: who may, which fields, which limits."""

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from catalog.api import rows as row
from catalog.api.listing import QUERIES
from catalog.api.rows import IGNORED, PLATFORM, Found
from catalog.api.tool_schema import NewTool, ToolFields
from catalog.models import Tool
from tenants import api
from tenants.api import FencedView
from tenants.errors import UNIQUE_VIOLATION, Conflict, Forbidden
from tenants.resolution import Facts

# The names that frontends use → columns; every other column goes by its own name.
RENAMED = {
    "code": "tool_key",
    "tool_description": "description",
    "integration_name": "implementation_path",
    "endpoint_url": "api_endpoint",
    "function_spec": "input_schema",
    "configuration": "usage_examples",
    "average_response_time_ms": "avg_response_time_ms",
    "usage_count": "total_calls",
    "category_id": "tool_category_id",
}
COLUMNS = row.columns_of(Tool, without={*IGNORED, "metadata", "tool_key", "tool_category_id"}) | RENAMED
SHAPE = QUERIES["tool_shape"].format()
SHOWN = QUERIES["tool_shown"].format(shape=SHAPE)


def find(view: FencedView, key: str) -> Found:
    return row.find(view, "tool", key)


def create(view: FencedView) -> str:
    """Make the tool of the body and return its id. Raises Forbidden, BadRequestBody or Conflict."""
    tenant = view.writing_tenant()
    _may(view, tenant, tenant.id)
    given = view.body(NewTool)
    _within_limit(tenant)
    values = {"description": "", "tool_type": "function"} | row.split(_named(given), COLUMNS, {})
    try:
        with transaction.atomic():
            return str(Tool.objects.create(tenant_id=UUID(tenant.id), **values).pk)
    except IntegrityError as error:
        _explain(error, values)
        raise


def update(view: FencedView, key: str) -> str:
    """Change the fields that the body has and return the tool's id."""
    found = find(view, key)
    _may(view, view.writing_tenant(), found.tenant)
    given = view.body(ToolFields, context={"code": found.name}, partial=True)
    tool = Tool.objects.get(pk=found.id)
    values = row.split(_named(given), COLUMNS, tool.metadata)
    try:
        with transaction.atomic():
            if values:
                Tool.objects.filter(pk=tool.pk).update(**values)
    except IntegrityError as error:
        _explain(error, values)
        raise
    return found.id


def delete(view: FencedView, key: str) -> str:
    """Remove the tool and return its code. What refers to it goes with it, as the database's keys say."""
    found = find(view, key)
    _may(view, view.writing_tenant(), found.tenant)
    Tool.objects.filter(pk=found.id)._raw_delete("default")
    return found.name


def _may(view: FencedView, tenant: Facts, row_tenant: str) -> None:
    api.may_write(view.caller, tenant, row_tenant, **PLATFORM, admins_only=True)
    if not tenant.feature("tool_management"):
        raise Forbidden("Managing tools is switched off for this tenant (features.tool_management).")


def _within_limit(tenant: Facts) -> None:
    most = tenant.limit("max_tools")
    if most < 0:
        return
    api.rows(QUERIES["one_new_tool_at_a_time"], {"tenant": tenant.id})
    ((count,),) = api.rows(QUERIES["own_tools"], {"tenant": tenant.id})
    if count >= most:
        raise Conflict(f"This tenant has {count} tools and its limit is {most} (limits.max_tools).")


def _named(given: dict[str, Any]) -> dict[str, Any]:
    """`description` wins over its second name."""
    if "description" in given:
        given.pop("tool_description", None)
    return given


def _explain(error: IntegrityError, values: dict[str, Any]) -> None:
    """Raise Conflict where the code is taken."""
    if getattr(error.__cause__, "sqlstate", "") == UNIQUE_VIOLATION:
        raise Conflict(f"A tool with the code {values.get('tool_key')!r} exists already.") from error
