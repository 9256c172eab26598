"""AI experts and the tools they may use."""
# ruff: noqa: DJ001  # text columns are nullable, as they were found

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from catalog.models.tools import Tool
from tenants.models import TenantOwned


class Agent(TenantOwned):
    """An AI expert; `knowledge_domains` is free text with mixed spelling."""

    class Tier(models.TextChoices):
        TIER_1 = "tier_1"
        TIER_2 = "tier_2"
        TIER_3 = "tier_3"

    class Status(models.TextChoices):
        ACTIVE = "active"
        INACTIVE = "inactive"
        TESTING = "testing"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=100)
    display_name = models.CharField(max_length=100)
    description = models.TextField()
    system_prompt = models.TextField()
    tier = models.CharField(max_length=20, choices=Tier.choices, default=Tier.TIER_3)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.ACTIVE)
    knowledge_domains = ArrayField(models.TextField(), default=list)
    capabilities = ArrayField(models.TextField(), default=list, blank=True)
    avatar_url = models.TextField(null=True, blank=True)
    priority = models.IntegerField(default=0)
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        managed = False
        db_table = "agents"

    def __str__(self) -> str:
        return self.display_name


class AgentToolAssignment(TenantOwned):
    """Which agent may use which tool, with limits and usage counters."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    agent = models.ForeignKey(Agent, null=True, on_delete=models.DO_NOTHING, related_name="tool_assignments")
    tool = models.ForeignKey(Tool, null=True, on_delete=models.DO_NOTHING, related_name="agent_assignments")
    is_enabled = models.BooleanField(null=True, default=True)
    auto_use = models.BooleanField(null=True, default=False)
    requires_confirmation = models.BooleanField(null=True, default=False)
    priority = models.IntegerField(null=True, blank=True, default=0)
    max_uses_per_conversation = models.IntegerField(null=True, blank=True)
    max_uses_per_day = models.IntegerField(null=True, blank=True)
    current_day_usage = models.IntegerField(null=True, blank=True, default=0)
    times_used = models.IntegerField(null=True, blank=True, default=0)
    success_count = models.IntegerField(null=True, blank=True, default=0)
    failure_count = models.IntegerField(null=True, blank=True, default=0)
    avg_user_satisfaction = models.DecimalField(max_digits=3, decimal_places=2, null=True, blank=True)
    # No relation: the foreign key behind it points at auth.users, which is the platform's and not ours.
    assigned_by = models.UUIDField(null=True, blank=True)
    assigned_at = models.DateTimeField(null=True, db_default=Now())
    last_used_at = models.DateTimeField(null=True, blank=True)
    notes = models.TextField(null=True, blank=True)
    created_at = models.DateTimeField(null=True, db_default=Now())
    updated_at = models.DateTimeField(null=True, db_default=Now())

    class Meta:
        managed = False
        db_table = "agent_tool_assignments"
        unique_together = [("agent", "tool")]

    def __str__(self) -> str:
        return f"{self.agent_id} uses {self.tool_id}"
