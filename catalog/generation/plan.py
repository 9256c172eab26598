"""What is generated: each legacy table with its columns and the function that makes its rows, in load order."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from catalog.generation import agents, conversations, knowledge, people, prompts, tools
from catalog.generation.dice import Row
from catalog.generation.sizes import Sizes


@dataclass(frozen=True)
class Table:
    name: str
    columns: tuple[str, ...]
    rows: Callable[[int, Sizes], Iterator[Row]]
    """(seed, sizes) -> rows, each with one value per column"""


def _table(name: str, columns: str, rows: Callable[[int, Sizes], Iterator[Row]]) -> Table:
    return Table(name, tuple(columns.split()), rows)


PLAN = (
    _table("tenants", people.TENANT_COLUMNS, people.tenants),
    _table("users", people.USER_COLUMNS, people.users),
    _table("tool_categories", tools.CATEGORY_COLUMNS, tools.categories),
    _table("tools", tools.TOOL_COLUMNS, tools.tools),
    _table("agents", agents.COLUMNS, agents.agents),
    _table("agent_tool_assignments", agents.ASSIGNMENT_COLUMNS, agents.assignments),
    _table("prompts", prompts.COLUMNS, prompts.prompts),
    _table("knowledge_domains", knowledge.DOMAIN_COLUMNS, knowledge.domains),
    _table("knowledge_sources", knowledge.SOURCE_COLUMNS, knowledge.sources),
    _table("knowledge_base", knowledge.CHUNK_COLUMNS, knowledge.chunks),
    _table("conversations", conversations.COLUMNS, conversations.conversations),
    _table("messages", conversations.MESSAGE_COLUMNS, conversations.messages),
)
