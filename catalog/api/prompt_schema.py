"""What bodies about prompts look like, and how the OpenAPI document describes them."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter as Parameter
from rest_framework import serializers

from catalog.api.tool_schema import NOT_MODIFIED, DoneAnswer, number, text
from catalog.models import Prompt
from tenants.schema import CHOICE, OpenShape, refusals


def texts() -> serializers.ListField:
    return serializers.ListField(child=serializers.CharField(), required=False, allow_null=True)


def document() -> serializers.JSONField:
    return serializers.JSONField(required=False, allow_null=True)


def choice(of: Any) -> serializers.ChoiceField:
    return serializers.ChoiceField(of.choices, required=False, allow_null=True)


class PromptFields(OpenShape):
    """A prompt's fields. What is not named here is kept in the row's `metadata`."""

    name = text(max_length=255)
    display_name = text(max_length=255)
    description = text(allow_blank=True)
    domain = text(max_length=100)
    category = text(max_length=100)
    system_prompt = text(allow_blank=True)
    user_prompt_template = text(allow_blank=True, allow_null=True)
    complexity_level = choice(Prompt.Complexity)
    status = choice(Prompt.Status)
    validation_status = choice(Prompt.Validation)
    version = text(max_length=20, allow_null=True)
    estimated_tokens = number()
    accuracy_threshold = serializers.DecimalField(3, 2, required=False, allow_null=True, min_value=0, max_value=1)
    hipaa_relevant = serializers.BooleanField(required=False)
    metadata = serializers.DictField(required=False, allow_null=True)
    execution_instructions = document()
    success_criteria = document()
    model_requirements = document()
    input_schema = document()
    output_schema = document()
    validation_rules = document()
    testing_scenarios = document()
    phi_handling_rules = document()
    prerequisite_prompts = texts()
    prerequisite_capabilities = texts()
    related_capabilities = texts()
    required_context = texts()
    compliance_tags = texts()


def needed(most: int | None = None) -> serializers.CharField:
    return serializers.CharField(max_length=most, trim_whitespace=False)


class NewPrompt(PromptFields):
    """A new prompt."""

    name = needed(255)
    display_name = needed(255)
    description = needed()
    domain = needed(100)
    system_prompt = needed()
    user_prompt_template = needed()


class PromptById(PromptFields):
    """A change that names its prompt."""

    id = serializers.CharField(help_text="id or name")


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
