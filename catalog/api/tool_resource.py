"""Tools: their fields' columns, and who may write how many of them."""

from catalog.api.fields import Values
from catalog.api.listing import PLATFORM, QUERIES
from catalog.api.resource import Resource
from catalog.api.tool_bodies import NewTool, ToolFields
from catalog.models import Tool
from tenants.api import views
from tenants.api.views import TenantView
from tenants.errors import FeatureOff, LimitReached
from tenants.identity import TenantInfo

SHAPE = QUERIES["tool_shape"].format()


class Tools(Resource):
    """Written by admins of a tenant whose features allow it, up to its limit."""

    noun = "tool"
    key = "code"
    model = Tool
    table = "public.tools"
    find_by = (QUERIES["tool_by_key"],)
    answer = QUERIES["tool_answer"].format(shape=SHAPE)
    second_names = {
        "code": "tool_key",
        "slug": "tool_key",
        "unique_id": "tool_key",
        "tool_description": "description",
        "integration_name": "implementation_path",
        "endpoint_url": "api_endpoint",
        "function_spec": "input_schema",
        "configuration": "usage_examples",
        "average_response_time_ms": "avg_response_time_ms",
        "usage_count": "total_calls",
    }
    new = NewTool
    changed = ToolFields

    def may_write(self, view: TenantView, tenant: TenantInfo, row_tenant: str | None) -> None:
        views.may_write(view.caller, tenant, row_tenant, **PLATFORM, admins_only=True)
        if not tenant.feature("tool_management"):
            raise FeatureOff("Managing tools is switched off for this tenant (features.tool_management).")

    def check_limit(self, tenant: TenantInfo) -> None:
        most = tenant.limit("max_tools")
        if most < 0:
            return
        views.rows(QUERIES["one_new_tool_at_a_time"], {"tenant": tenant.id})
        ((count,),) = views.rows(QUERIES["own_tools"], {"tenant": tenant.id})
        if count >= most:
            raise LimitReached(f"This tenant has {count} tools and its limit is {most} (limits.max_tools).")

    def defaults(self, view: TenantView, given: Values) -> Values:
        return {"description": "", "tool_type": "function"}


TOOLS = Tools()
