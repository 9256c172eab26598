"""What agents can call."""
# ruff: noqa: DJ001  # text columns are nullable, as they were found

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from tenants.models import TenantOwned


class ToolCategory(models.Model):
    """A lookup row that has no tenant; names are as they were typed, so `medical` and `Medical` are two."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.TextField(unique=True)
    description = models.TextField(null=True, blank=True)
    icon = models.TextField(null=True, blank=True)
    display_order = models.IntegerField(null=True, blank=True, default=0)
    created_at = models.DateTimeField(null=True, db_default=Now())
    updated_at = models.DateTimeField(null=True, db_default=Now())

    class Meta:
        managed = False
        db_table = "tool_categories"
        verbose_name_plural = "tool categories"

    def __str__(self) -> str:
        return self.name


class Tool(TenantOwned):
    """A tool by its natural key, `tool_key`; `category` is its category's name, copied there by the migration."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    # Unique by a key of the database: everywhere at first, within a tenant once the migration has closed.
    tool_key = models.TextField()
    name = models.TextField()
    description = models.TextField()
    tool_category = models.ForeignKey(
        ToolCategory,
        db_column="category_id",
        null=True,
        blank=True,
        on_delete=models.DO_NOTHING,
        related_name="tools",
        verbose_name="tool category",
    )
    category = models.TextField(null=True, blank=True)
    tool_type = models.TextField()
    implementation_path = models.TextField(null=True, blank=True)
    api_endpoint = models.TextField(null=True, blank=True)
    requires_api_key = models.BooleanField(null=True, default=False)
    api_key_env_var = models.TextField(null=True, blank=True)
    input_schema = models.JSONField(null=True, blank=True)
    output_format = models.TextField(null=True, blank=True)
    max_iterations = models.IntegerField(null=True, blank=True, default=1)
    timeout_seconds = models.IntegerField(null=True, blank=True, default=30)
    rate_limit_per_minute = models.IntegerField(null=True, blank=True)
    estimated_cost_per_call = models.DecimalField(max_digits=10, decimal_places=6, null=True, blank=True)
    avg_response_time_ms = models.IntegerField(null=True, blank=True)
    is_active = models.BooleanField("active", null=True, default=True)
    is_premium = models.BooleanField(null=True, default=False)
    requires_approval = models.BooleanField(null=True, default=False)
    usage_examples = models.JSONField(null=True, blank=True)
    best_practices = ArrayField(models.TextField(), null=True, blank=True)
    limitations = ArrayField(models.TextField(), null=True, blank=True)
    documentation_url = models.TextField(null=True, blank=True)
    total_calls = models.IntegerField(null=True, blank=True, default=0)
    success_rate = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    avg_confidence_score = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    metadata = models.JSONField(null=True, blank=True, default=dict)
    created_at = models.DateTimeField(null=True, db_default=Now())
    updated_at = models.DateTimeField(null=True, db_default=Now())

    class Meta:
        managed = False
        db_table = "tools"

    def __str__(self) -> str:
        return self.name
