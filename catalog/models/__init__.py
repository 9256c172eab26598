"""The legacy tables as Django sees them; none is managed: VITAL's migration, not Django's, changes them.

The models describe the database AFTER the migration's schema fixes (phase 001_schema_fixes): `tenant_id` on every table
but `tool_categories`, and `tools.category` and `tools.metadata`. Before that phase a SELECT through those models fails.
`agents.embedding` is left out: many servers lack its type, and nothing here reads it.
"""

from catalog.models.agents import Agent, AgentToolAssignment
from catalog.models.conversations import Conversation, Message, PlatformUser
from catalog.models.knowledge import KnowledgeChunk, KnowledgeDomain, KnowledgeSource
from catalog.models.prompts import Prompt
from catalog.models.tools import Tool, ToolCategory

__all__ = [
    "Agent",
    "AgentToolAssignment",
    "Conversation",
    "KnowledgeChunk",
    "KnowledgeDomain",
    "KnowledgeSource",
    "Message",
    "PlatformUser",
    "Prompt",
    "Tool",
    "ToolCategory",
]
