"""What bodies about prompts look like, and how the OpenAPI document describes them."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter as Parameter
from rest_framework import serializers

from catalog.api.tool_schema import NOT_MODIFIED, DoneAnswer
from catalog.models import Prompt
from tenants.schema import CHOICE, Body, Text, refusals


class PromptFields(Body):
    """A prompt's fields. What is not named here is kept in the row's `metadata`."""

    description = Text(required=False, allow_blank=True)
    category = Text(required=False, max_length=100)
    metadata = serializers.DictField(required=False, allow_null=True)

    class Meta:
        model = Prompt
        exclude: tuple[str, ...] = ("id", "tenant", "created_at", "updated_at")


class NewPrompt(PromptFields):
    """A new prompt."""

    description = Text()
    domain = Text(max_length=100)
    user_prompt_template = Text()


class PromptById(PromptFields):
    """A change that names its prompt."""

    id = Text(help_text="id or name")

    class Meta(PromptFields.Meta):
        exclude = tuple(name for name in PromptFields.Meta.exclude if name != "id")


class PromptAnswer(serializers.Serializer[object]):
    success = serializers.BooleanField()
    prompt = serializers.DictField()


class Pagination(serializers.Serializer[object]):
    page = serializers.IntegerField()
    limit = serializers.IntegerField()
    total = serializers.IntegerField(help_text="what the filters, suite included, match")
    pages = serializers.IntegerField()


class PromptsAnswer(serializers.Serializer[object]):
    """The list; with action=get, one prompt instead."""

    success = serializers.BooleanField()
    prompts = serializers.ListField(child=serializers.DictField(), required=False)
    pagination = Pagination(required=False)
    prompt = serializers.DictField(required=False)


KEY = [*CHOICE, Parameter("key", location=Parameter.PATH, description="id or name")]
LIST: dict[str, Any] = {
    "operation_id": "prompts_list",
    "parameters": [
        *CHOICE,
        Parameter("action", enum=["get", "list"], description="get: one prompt, by id"),
        Parameter("id", description="with action=get: id or name"),
        *(Parameter(name, description="all: no filter") for name in ("domain", "suite", "complexity", "status")),
        Parameter("search", description="text in name, display_name or description"),
        Parameter("page", OpenApiTypes.INT, description="from 1"),
        Parameter("limit", OpenApiTypes.INT, description="at most 10000"),
        Parameter("showAll", OpenApiTypes.BOOL, description="every tenant's, for a super_admin"),
    ],
    "responses": {200: PromptsAnswer, **NOT_MODIFIED, **refusals(404)},
}
CREATE: dict[str, Any] = {
    "operation_id": "prompts_create",
    "request": NewPrompt, "parameters": CHOICE, "responses": {201: PromptAnswer, **refusals(409, 413)},
}  # fmt: skip
UPDATE_BY_BODY: dict[str, Any] = {
    "operation_id": "prompts_update_by_body",
    "request": PromptById, "parameters": CHOICE, "responses": {200: PromptAnswer, **refusals(404, 409, 413)},
}  # fmt: skip
DELETE_BY_QUERY: dict[str, Any] = {
    "operation_id": "prompts_delete_by_query",
    "parameters": [*CHOICE, Parameter("id", required=True, description="id or name")],
    "responses": {200: DoneAnswer, **refusals(404)},
}
READ: dict[str, Any] = {
    "operation_id": "prompts_read",
    "parameters": KEY,
    "responses": {200: PromptAnswer, **NOT_MODIFIED, **refusals(404)},
}
UPDATE: dict[str, Any] = {
    "request": PromptFields, "parameters": KEY, "responses": {200: PromptAnswer, **refusals(404, 409, 413)},
}  # fmt: skip
DELETE: dict[str, Any] = {
    "operation_id": "prompts_delete",
    "parameters": KEY,
    "responses": {200: DoneAnswer, **refusals(404)},
}
