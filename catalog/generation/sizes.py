"""How many rows each table gets for a number of knowledge chunks."""

from dataclasses import dataclass

from catalog.generation.words import KNOWN_TOPICS, TOOL_CATEGORIES


@dataclass(frozen=True)
class Sizes:
    """Rows per table. 1,500 chunks give about the shape of a small real database.

    Tools and agents stop growing early: the migration assigns each active tool to each tier_3 agent, and that product
    would dwarf everything else (5,000 tools and 10,000 agents would become 15 million assignments).
    """

    knowledge_base: int
    tenants: int
    users: int
    tool_categories: int
    tools: int
    agents: int
    agent_tool_assignments: int
    prompts: int
    knowledge_domains: int
    knowledge_sources: int
    conversations: int
    messages: int

    @classmethod
    def for_chunks(cls, chunks: int) -> "Sizes":
        return cls(
            knowledge_base=chunks,
            tenants=1,
            users=_within(24, chunks // 60, 20_000),
            tool_categories=len(TOOL_CATEGORIES),
            tools=_within(60, chunks // 10, 300),
            agents=_within(120, chunks // 6, 1_000),
            agent_tool_assignments=_within(60, chunks // 12, 2_000),
            prompts=_within(240, chunks, 50_000),
            knowledge_domains=len(KNOWN_TOPICS),
            # Two more than a quarter, because sources differ in length: the last chunk always finds its source.
            knowledge_sources=chunks // 4 + 2,
            conversations=max(60, chunks // 25),
            messages=max(400, chunks // 4),
        )

    def of(self, table: str) -> int:
        """The rows of that table."""
        return int(getattr(self, table))


def _within(low: int, wanted: int, high: int) -> int:
    return min(max(low, wanted), high)
