"""People and what they talk about with agents."""
# ruff: noqa: DJ001  # text columns are nullable, as they were found

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from catalog.models.agents import Agent
from tenants.models import TenantOwned


class PlatformUser(TenantOwned):
    """A user of the applications (not of this service); the id is that of its row in auth.users."""

    id = models.UUIDField(primary_key=True)
    email = models.CharField(max_length=255)
    full_name = models.CharField(max_length=100, null=True, blank=True)
    avatar_url = models.TextField(null=True, blank=True)
    role = models.CharField(max_length=50, default="user")
    preferences = models.JSONField(default=dict, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    last_login_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        managed = False
        db_table = "users"
        verbose_name = "user of the platform"
        verbose_name_plural = "users of the platform"

    def __str__(self) -> str:
        return self.email


class Conversation(TenantOwned):
    """A chat session; `deleted_at` is filled exactly when the status is `deleted`."""

    class Mode(models.TextChoices):
        QUERY_AUTOMATIC = "query_automatic"
        QUERY_MANUAL = "query_manual"
        CHAT_AUTOMATIC = "chat_automatic"
        CHAT_MANUAL = "chat_manual"
        AGENT = "agent"

    class Status(models.TextChoices):
        ACTIVE = "active"
        ARCHIVED = "archived"
        DELETED = "deleted"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    user = models.ForeignKey(PlatformUser, on_delete=models.DO_NOTHING, related_name="conversations")
    title = models.CharField(max_length=200)
    mode = models.CharField(max_length=20, choices=Mode.choices)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.ACTIVE)
    compliance_level = models.CharField(max_length=20, default="standard")
    persistent_agent = models.ForeignKey(
        Agent, null=True, blank=True, on_delete=models.DO_NOTHING, related_name="conversations"
    )
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    archived_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        managed = False
        db_table = "conversations"

    def __str__(self) -> str:
        return self.title


class Message(TenantOwned):
    """What was said in a conversation."""

    class Role(models.TextChoices):
        USER = "user"
        ASSISTANT = "assistant"
        SYSTEM = "system"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    conversation = models.ForeignKey(Conversation, on_delete=models.DO_NOTHING, related_name="messages")
    role = models.CharField(max_length=20, choices=Role.choices)
    content = models.TextField()
    agent = models.ForeignKey(Agent, null=True, blank=True, on_delete=models.DO_NOTHING, related_name="messages")
    reasoning = ArrayField(models.TextField(), null=True, blank=True)
    citations = ArrayField(models.TextField(), null=True, blank=True)
    confidence = models.DecimalField(max_digits=3, decimal_places=2, null=True, blank=True)
    tokens_prompt = models.IntegerField(null=True, blank=True)
    tokens_completion = models.IntegerField(null=True, blank=True)
    tokens_total = models.IntegerField(null=True, blank=True)
    estimated_cost = models.DecimalField(max_digits=10, decimal_places=6, null=True, blank=True)
    latency_ms = models.IntegerField(null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        managed = False
        db_table = "messages"

    def __str__(self) -> str:
        return f"{self.role}: {self.content[:60]}"
