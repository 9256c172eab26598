"""What bodies about tools look like, and how the OpenAPI document describes them."""

import re
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter as Parameter
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers

from catalog.models import Tool
from tenants.schema import CHOICE, Body, Text, WholeNumber, refusals

CODE = re.compile(r"[a-z0-9_-]+", re.ASCII)


def optional(**options: Any) -> Text:
    return Text(required=False, allow_blank=True, **options)


def whole_number() -> WholeNumber:
    return WholeNumber(required=False, allow_null=True, min_value=-(2**31), max_value=2**31 - 1)  # a column's bounds


class ToolFields(Body):
    """A tool's fields. What is not named here is kept in the row's `metadata`."""

    code = Text(required=False, help_text="^[a-z0-9_-]+$ where it is given anew")
    description = optional()
    tool_description = optional(help_text="the same as description")
    tool_type = Text(required=False)
    integration_name = optional(allow_null=True)
    endpoint_url = optional(allow_null=True)
    function_spec = serializers.JSONField(required=False, allow_null=True)
    configuration = serializers.JSONField(required=False, allow_null=True)
    average_response_time_ms = whole_number()
    usage_count = whole_number()
    category_id = serializers.UUIDField(required=False, allow_null=True)
    metadata = serializers.DictField(required=False, allow_null=True)

    class Meta:
        model = Tool
        exclude: tuple[str, ...] = ("id", "tenant", "tool_key", "tool_category", "created_at", "updated_at")

    def validate_code(self, code: str) -> str:
        """Checked only where it is given anew: half of the legacy codes break the rule."""
        if code != self.context.get("code") and not CODE.fullmatch(code):
            raise serializers.ValidationError("must consist of lower-case letters, digits, _ and -")
        return code


class NewTool(ToolFields):
    """A new tool."""

    code = Text(help_text="^[a-z0-9_-]+$")


class ToolById(ToolFields):
    """A change that names its tool."""

    id = Text(help_text="id or code")

    class Meta(ToolFields.Meta):
        exclude = tuple(name for name in ToolFields.Meta.exclude if name != "id")


class ToolAnswer(serializers.Serializer[object]):
    tool = serializers.DictField()


class ToolsAnswer(serializers.Serializer[object]):
    success = serializers.BooleanField()
    tools = serializers.ListField(child=serializers.DictField())
    count = serializers.IntegerField(required=False, help_text="all that match; not when paging by cursor")
    limit = serializers.IntegerField()
    offset = serializers.IntegerField(required=False)
    next_cursor = serializers.CharField(required=False, allow_null=True)


class DoneAnswer(serializers.Serializer[object]):
    success = serializers.BooleanField()
    message = serializers.CharField()


def _number(name: str, told: str) -> Parameter:
    return Parameter(name, OpenApiTypes.INT, description=told)


FILTERS = [
    Parameter("search", description="text in name, description or code"),
    Parameter("category"),
    Parameter("tool_type"),
    Parameter("status", description="active, inactive, or a lifecycle stage"),
    Parameter("is_active", OpenApiTypes.BOOL),
    Parameter("showAll", OpenApiTypes.BOOL, description="every tenant's, for a super_admin"),
]
KEY = [*CHOICE, Parameter("key", location=Parameter.PATH, description="id or code")]
NOT_MODIFIED = {304: OpenApiResponse(description="as the ETag in if-none-match says")}
LIST: dict[str, Any] = {
    "operation_id": "tools_list",
    "parameters": [
        *CHOICE, _number("limit", "at most 10000"), _number("offset", "from 0"),
        Parameter("cursor", description="page by key; empty for the first page"), *FILTERS,
    ],
    "responses": {200: ToolsAnswer, **NOT_MODIFIED, **refusals()},
}  # fmt: skip
CREATE: dict[str, Any] = {
    "operation_id": "tools_create",
    "request": NewTool,
    "parameters": CHOICE,
    "responses": {201: ToolAnswer, **refusals(409, 413)},
}
UPDATE_BY_BODY: dict[str, Any] = {
    "operation_id": "tools_update_by_body",
    "request": ToolById, "parameters": CHOICE, "responses": {200: ToolAnswer, **refusals(404, 409, 413)},
}  # fmt: skip
DELETE_BY_QUERY: dict[str, Any] = {
    "operation_id": "tools_delete_by_query",
    "parameters": [*CHOICE, Parameter("id", required=True, description="id or code")],
    "responses": {200: DoneAnswer, **refusals(404)},
}
READ: dict[str, Any] = {
    "operation_id": "tools_read",
    "parameters": KEY,
    "responses": {200: ToolAnswer, **NOT_MODIFIED, **refusals(404)},
}
UPDATE: dict[str, Any] = {
    "request": ToolFields, "parameters": KEY, "responses": {200: ToolAnswer, **refusals(404, 409, 413)},
}  # fmt: skip
DELETE: dict[str, Any] = {
    "operation_id": "tools_delete",
    "parameters": KEY,
    "responses": {200: DoneAnswer, **refusals(404)},
}
