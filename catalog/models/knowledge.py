"""What agents know: domains classify, sources are documents, chunks are their text."""
# ruff: noqa: DJ001  # text columns are nullable, as they were found

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from catalog.models.conversations import PlatformUser
from tenants.models import TenantOwned


class KnowledgeDomain(TenantOwned):
    """A system-wide classification; sources and chunks name domains without a foreign key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    code = models.TextField(unique=True)
    name = models.TextField(unique=True)
    slug = models.TextField(unique=True)
    description = models.TextField(null=True, blank=True)
    tier = models.IntegerField(default=1)
    priority = models.IntegerField(default=1)
    keywords = ArrayField(models.TextField(), null=True, blank=True, default=list)
    sub_domains = ArrayField(models.TextField(), null=True, blank=True, default=list)
    agent_count_estimate = models.IntegerField(null=True, blank=True, default=0)
    color = models.TextField(null=True, blank=True, default="#3B82F6")
    is_active = models.BooleanField("active", null=True, default=True)
    metadata = models.JSONField(null=True, blank=True, default=dict)
    created_at = models.DateTimeField(null=True, db_default=Now())
    updated_at = models.DateTimeField(null=True, db_default=Now())

    class Meta:
        managed = False
        db_table = "knowledge_domains"

    def __str__(self) -> str:
        return self.name


class KnowledgeSource(TenantOwned):
    """A document or another source; parent of chunks."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    title = models.CharField(max_length=500)
    description = models.TextField(null=True, blank=True)
    source_type = models.CharField(max_length=50, default="document")
    source_url = models.TextField(null=True, blank=True)
    file_path = models.TextField(null=True, blank=True)
    file_size = models.BigIntegerField(null=True, blank=True)
    mime_type = models.CharField(max_length=100, null=True, blank=True)
    domain = models.CharField(max_length=100)
    tags = ArrayField(models.TextField(), null=True, blank=True, default=list)
    metadata = models.JSONField(null=True, blank=True, default=dict)
    is_active = models.BooleanField("active", null=True, default=True)
    created_at = models.DateTimeField(null=True, db_default=Now())
    updated_at = models.DateTimeField(null=True, db_default=Now())
    created_by = models.ForeignKey(
        PlatformUser, db_column="created_by", null=True, blank=True, on_delete=models.DO_NOTHING, related_name="+"
    )
    updated_by = models.ForeignKey(
        PlatformUser, db_column="updated_by", null=True, blank=True, on_delete=models.DO_NOTHING, related_name="+"
    )

    class Meta:
        managed = False
        db_table = "knowledge_sources"

    def __str__(self) -> str:
        return self.title


class KnowledgeChunk(TenantOwned):
    """A piece of a source's text. Its domain and tenant are its own: nothing ties them to the source's."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    source = models.ForeignKey(KnowledgeSource, null=True, on_delete=models.DO_NOTHING, related_name="chunks")
    chunk_index = models.IntegerField()
    content = models.TextField()
    content_hash = models.CharField(max_length=64)
    pinecone_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    metadata = models.JSONField(null=True, blank=True, default=dict)
    domain = models.CharField(max_length=100)
    tags = ArrayField(models.TextField(), null=True, blank=True, default=list)
    is_active = models.BooleanField("active", null=True, default=True)
    created_at = models.DateTimeField(null=True, db_default=Now())
    updated_at = models.DateTimeField(null=True, db_default=Now())

    class Meta:
        managed = False
        db_table = "knowledge_base"
        verbose_name = "knowledge chunk"

    def __str__(self) -> str:
        return f"{self.domain} · {self.content[:60]}"
