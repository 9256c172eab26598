"""What bodies about tools look like."""

import re
from typing import Any

from django.core.validators import RegexValidator
from rest_framework import serializers

from catalog.models import Tool
from tenants.api.fields import Body, Text, WholeNumber

CODE = RegexValidator(r"\A[a-z0-9_-]+\Z", "must consist of lower-case letters, digits, _ and -", flags=re.ASCII)


def key_text(**options: Any) -> Text:
    """Checked only where it is given anew: half of the legacy codes break the rule."""
    return Text(**{"required": False, "validators": [CODE]} | options)


def optional(**options: Any) -> Text:
    return Text(required=False, allow_blank=True, **options)


def whole_number() -> WholeNumber:
    return WholeNumber(required=False, allow_null=True, min_value=-(2**31), max_value=2**31 - 1)  # a column's bounds


class ToolFields(Body):
    """A tool's fields. What is not named here is kept in the row's `metadata`."""

    tool_key = key_text()
    code = key_text()
    slug = key_text(help_text="the same as code")
    unique_id = key_text(help_text="the same as code")
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
        exclude: tuple[str, ...] = ("id", "tenant", "tool_category", "created_at", "updated_at")


class NewTool(ToolFields):
    """A new tool."""

    code = key_text(required=True)


class ToolById(ToolFields):
    """A change that names its tool."""

    id = Text(help_text="id or code")

    class Meta(ToolFields.Meta):
        exclude = tuple(name for name in ToolFields.Meta.exclude if name != "id")


def anything(told: str = "") -> serializers.JSONField:
    """Whatever JSON `metadata` has under this name."""
    return serializers.JSONField(help_text=told or "as `metadata` has it")


class ToolShape(Body):
    """A tool as it is shown: every column, whatever the table has, the names that frontends know, and every key of
    `metadata` that no column has."""

    id = serializers.UUIDField()
    tenant_id = serializers.UUIDField()
    is_shared = serializers.BooleanField(help_text="the Platform's")
    slug, code, unique_id = Text(help_text="tool_key"), Text(help_text="tool_key"), Text(help_text="tool_key")
    tool_description = Text(help_text="description")
    category = Text(help_text="General where it has none")
    category_id = serializers.UUIDField(allow_null=True)
    category_parent = anything("as `metadata` has it, else the category")
    implementation_type = anything("as `metadata` has it, else the tool_type")
    integration_name = Text(allow_null=True, help_text="implementation_path")
    endpoint_url = Text(allow_null=True, help_text="api_endpoint, else documentation_url")
    function_spec = serializers.JSONField(help_text="input_schema")
    configuration = serializers.JSONField(help_text="usage_examples")
    tags = anything("as `metadata` has them, else best_practices")
    average_response_time_ms = serializers.IntegerField(allow_null=True, help_text="avg_response_time_ms")
    usage_count = serializers.IntegerField(allow_null=True, help_text="total_calls")
    deleted_at, business_impact, usage_guide, vendor = anything(), anything(), anything(), anything()
    lifecycle_stage = anything("as `metadata` has it, else production")
    langgraph_compatible = anything("as `metadata` has it, else true")
    health_status = anything("as `metadata` has it, else healthy")
    version = anything("as `metadata` has it, else 1.0.0")

    class Meta:
        model = Tool
        exclude = ("tenant", "tool_category")


class ToolAnswer(serializers.Serializer[object]):
    tool = ToolShape()


class ToolsAnswer(serializers.Serializer[object]):
    success = serializers.BooleanField()
    tools = ToolShape(many=True)
    count = serializers.IntegerField(required=False, help_text="all that match; not when paging by cursor")
    limit = serializers.IntegerField()
    offset = serializers.IntegerField(required=False)
    next_cursor = serializers.CharField(required=False, allow_null=True)
