"""The prompt library."""
# ruff: noqa: DJ001  # text columns are nullable, as they were found

import uuid
from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from tenants.models import TenantOwned


def default_model_requirements() -> dict[str, str | int | float]:
    """What the legacy column defaults to."""
    return {"model": "gpt-4", "max_tokens": 2000, "temperature": 0.7}


class Prompt(TenantOwned):
    """A prompt; `display_name` repeats often."""

    class Complexity(models.TextChoices):
        BASIC = "basic"
        INTERMEDIATE = "intermediate"
        ADVANCED = "advanced"
        EXPERT = "expert"

    class Status(models.TextChoices):
        DRAFT = "draft"
        ACTIVE = "active"
        DEPRECATED = "deprecated"
        ARCHIVED = "archived"

    class Validation(models.TextChoices):
        ACTIVE = "active"
        INACTIVE = "inactive"
        BETA = "beta"
        DEPRECATED = "deprecated"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    # Unique by a key of the database: everywhere at first, within a tenant once the migration has closed.
    name = models.CharField(max_length=255)
    display_name = models.CharField(max_length=255)
    description = models.TextField()
    category = models.CharField(max_length=100)
    system_prompt = models.TextField()
    user_prompt_template = models.TextField(null=True, blank=True)
    execution_instructions = models.JSONField(null=True, blank=True, default=dict)
    success_criteria = models.JSONField(null=True, blank=True, default=dict)
    model_requirements = models.JSONField(null=True, blank=True, default=default_model_requirements)
    input_schema = models.JSONField(null=True, blank=True, default=dict)
    output_schema = models.JSONField(null=True, blank=True, default=dict)
    validation_rules = models.JSONField(null=True, blank=True, default=dict)
    complexity_level = models.CharField(
        max_length=20, null=True, blank=True, choices=Complexity.choices, default=Complexity.INTERMEDIATE
    )
    domain = models.CharField(max_length=100, default="general")
    estimated_tokens = models.IntegerField(null=True, blank=True, default=1000)
    prerequisite_prompts = ArrayField(models.TextField(), null=True, blank=True)
    prerequisite_capabilities = ArrayField(models.TextField(), null=True, blank=True, default=list)
    related_capabilities = ArrayField(models.TextField(), null=True, blank=True)
    required_context = ArrayField(models.TextField(), null=True, blank=True)
    validation_status = models.CharField(
        max_length=20, null=True, blank=True, choices=Validation.choices, default=Validation.ACTIVE
    )
    accuracy_threshold = models.DecimalField(
        max_digits=3, decimal_places=2, null=True, blank=True, default=Decimal("0.85")
    )
    testing_scenarios = models.JSONField(null=True, blank=True, default=list)
    hipaa_relevant = models.BooleanField(null=True, default=False)
    phi_handling_rules = models.JSONField(null=True, blank=True, default=dict)
    compliance_tags = ArrayField(models.TextField(), null=True, blank=True, default=list)
    version = models.CharField(max_length=20, null=True, blank=True, default="1.0.0")
    status = models.CharField(max_length=20, null=True, blank=True, choices=Status.choices, default=Status.ACTIVE)
    metadata = models.JSONField(null=True, blank=True, default=dict)
    created_at = models.DateTimeField(null=True, db_default=Now())
    updated_at = models.DateTimeField(null=True, db_default=Now())
    # No relation: the column has no foreign key, and some values name nobody.
    created_by = models.UUIDField(null=True, blank=True)

    class Meta:
        managed = False
        db_table = "prompts"

    def __str__(self) -> str:
        return self.name
