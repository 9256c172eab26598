"""What bodies about tools look like."""

import re
from typing import Any

from django.core.validators import RegexValidator
from rest_framework import serializers

from catalog.models import Tool
from tenants.api.fields import Body, Text, WholeNumber

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
        if code != self.context.get("key") and not CODE.fullmatch(code):
            raise serializers.ValidationError("must consist of lower-case letters, digits, _ and -")
        return code


class NewTool(ToolFields):
    """A new tool."""

    code = Text(validators=[RegexValidator(r"^[a-z0-9_-]+$")])


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
