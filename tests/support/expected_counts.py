"""How many rows the tests' data has of each kind, counted once by hand, so that 0 = 0 cannot pass."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Counts:
    """Counts of one data set."""

    old_names: set[str]
    """the Platform's slug and domain before the migration"""
    undecided: dict[str, int]
    """table -> rows that wait for a person; every other table has none"""
    to_the_platform: dict[str, int]
    """table -> rows that 003 gives the Platform"""
    first_agents_of_the_platform: int
    """those of the tiers 1 and 2, with those that were its own before"""
    agents_of_digital_health: int
    agents_by_the_fallback: int
    prompts_of_customers: int
    changes: int
    """rows that get a tenant at all"""
    assignments: int
    added: int
    """assignments that 004 adds"""

    @property
    def tools(self) -> int:
        """All are the Platform's."""
        return self.to_the_platform["tools"]


PACK = Counts(
    old_names={"demo-health", "demo.askexpert.health"},
    undecided={"users": 14, "conversations": 36, "messages": 240},
    to_the_platform={"tools": 182, "agents": 189, "prompts": 992, "knowledge_sources": 100, "knowledge_base": 385}
    | {"knowledge_domains": 30},
    first_agents_of_the_platform=192,
    agents_of_digital_health=87,
    agents_by_the_fallback=85,
    prompts_of_customers=470,
    changes=4_166,
    assignments=120,
    added=17_082,
)
SAMPLE = Counts(
    old_names={"sample-clinic", "sample-clinic.example.org"},
    undecided={"users": 20, "conversations": 42, "messages": 280},
    to_the_platform={"tools": 150, "agents": 170, "prompts": 1_023, "knowledge_sources": 108, "knowledge_base": 422}
    | {"knowledge_domains": 28},
    first_agents_of_the_platform=174,
    agents_of_digital_health=50,
    agents_by_the_fallback=23,
    prompts_of_customers=477,
    changes=4_032,
    assignments=125,
    added=9_531,
)
