"""What a tenant's staff may look at of the catalogue: the lists and the rows, under row level security."""

from django.contrib import admin

from catalog.models import Agent, KnowledgeChunk, KnowledgeDomain, KnowledgeSource, Prompt, Tool
from tenants.admin.tenant_site import OwnRows, site


@admin.register(Tool, site=site)
class Tools(OwnRows):
    list_display = ("name", "tool_key", "category", "is_active")
    list_filter = ("is_active", "tool_type")
    search_fields = ("name", "tool_key", "description")
    limit = "max_tools"


@admin.register(Agent, site=site)
class Agents(OwnRows):
    list_display = ("display_name", "tier", "status")
    list_filter = ("tier", "status")
    search_fields = ("name", "display_name")
    limit = "max_agents"


@admin.register(Prompt, site=site)
class Prompts(OwnRows):
    list_display = ("name", "display_name", "domain", "status")
    list_filter = ("status", "complexity_level")
    search_fields = ("name", "display_name", "description")


@admin.register(KnowledgeDomain, site=site)
class KnowledgeDomains(OwnRows):
    list_display = ("name", "tier", "is_active")
    list_filter = ("tier",)
    search_fields = ("name", "code")


@admin.register(KnowledgeSource, site=site)
class KnowledgeSources(OwnRows):
    list_display = ("title", "domain", "source_type", "is_active")
    list_filter = ("source_type",)
    search_fields = ("title",)
    exclude = ("created_by", "updated_by")  # people are a tenant's own, also the Platform's


@admin.register(KnowledgeChunk, site=site)
class KnowledgeChunks(OwnRows):
    list_display = ("__str__", "source", "is_active")
    list_filter = ("is_active",)
    list_select_related = ("source",)
    search_fields = ("content",)
    in_search = False  # whole texts: too many to look through at each word
    limit = "max_knowledge_chunks"
