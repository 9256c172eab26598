"""What bodies about prompts look like."""

from rest_framework import serializers

from catalog.models import Prompt
from tenants.api.fields import Body, Number, Text


class PromptFields(Body):
    """A prompt's fields. What is not named here is kept in the row's `metadata`."""

    description = Text(required=False, allow_blank=True)
    category = Text(required=False, max_length=100)
    metadata = serializers.DictField(required=False, allow_null=True)
    accuracy_threshold = Number(3, 2, required=False, allow_null=True, min_value=0, max_value=1)

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


class PromptShape(Body):
    """A prompt as it is shown: every column, whatever the table has, what is found out about it, and every key of
    `metadata` that no column has, such as slug and prompt_code."""

    id = serializers.UUIDField()
    tenant_id = serializers.UUIDField()
    suite = serializers.CharField(help_text="found from keywords in name, system prompt and display name")
    is_user_created = serializers.BooleanField(help_text="created_by is set")
    is_shared = serializers.BooleanField(help_text="the Platform's")

    class Meta:
        model = Prompt
        exclude = ("tenant",)


class PromptAnswer(serializers.Serializer[object]):
    success = serializers.BooleanField()
    prompt = PromptShape()


class Pagination(serializers.Serializer[object]):
    page = serializers.IntegerField()
    limit = serializers.IntegerField()
    total = serializers.IntegerField(help_text="what the filters, suite included, match")
    pages = serializers.IntegerField()


class PromptsAnswer(serializers.Serializer[object]):
    """The list; with action=get, one prompt instead."""

    success = serializers.BooleanField()
    prompts = PromptShape(many=True, required=False)
    pagination = Pagination(required=False)
    prompt = PromptShape(required=False)
