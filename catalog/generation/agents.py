"""AI experts and the tools they were given."""

from collections.abc import Iterator

from catalog.generation.dice import Dice, Ids, Row, array, jsonb, stamp
from catalog.generation.sizes import Sizes
from catalog.generation.words import (
    AGENT_DOMAINS,
    AGENT_FIELDS,
    AGENT_ROLES,
    CAPABILITIES,
    CONTEXTS,
    DEPARTMENTS,
)

COLUMNS = (
    "id tenant_id name display_name description system_prompt tier status knowledge_domains capabilities avatar_url"
    " priority metadata created_at updated_at"
)
ASSIGNMENT_COLUMNS = (
    "id agent_id tool_id is_enabled auto_use requires_confirmation priority max_uses_per_conversation max_uses_per_day"
    " current_day_usage times_used success_count failure_count avg_user_satisfaction assigned_by assigned_at"
    " last_used_at notes created_at updated_at"
)

TIERS = ("tier_1", *("tier_2",) * 11, *("tier_3",) * 6)
STATUSES = (*("inactive",) * 42, *("active",) * 7, "testing")


def persona(number: int) -> str:
    """A name for an agent or for a prompt's speaker; no two numbers share one."""
    field = AGENT_FIELDS[number % len(AGENT_FIELDS)]
    turn, role = divmod(number // len(AGENT_FIELDS), len(AGENT_ROLES))
    return f"{field} {AGENT_ROLES[role]}" + (f" {turn + 1}" if turn else "")


def agents(seed: int, sizes: Sizes) -> Iterator[Row]:
    """Most names are in snake case, in which "clinical trial" does not occur; some are as people read them."""
    dice, ids = Dice(seed, "agents"), Ids(seed, "agents")
    for number in range(sizes.agents):
        title = persona(number)
        name = title if dice.chance(0.2) else title.lower().replace(" ", "_")
        domains = dice.some(AGENT_DOMAINS, 1, 3)
        made = dice.between(0, 9_000)
        metadata = {"role": title.split()[-1], "model": "gpt-4o-mini", "department": dice.pick(DEPARTMENTS)}
        yield (
            *(ids(number), dice.tenant(0.02), name, title, f"{title}: {domains[0]}, {dice.pick(CONTEXTS)}"),
            *(system_prompt(title, dice), dice.pick(TIERS), dice.pick(STATUSES), array(domains)),
            *(array(dice.some(CAPABILITIES, 2, 5)), "🩺" if dice.chance(0.1) else f"avatar_{number % 40}.png"),
            *(dice.pick((0, 0, 0, 10, 500, 1000)), jsonb(metadata) if dice.chance(0.9) else "{}"),
            *(stamp(made), stamp(made + dice.between(0, 3_000))),
        )


def system_prompt(title: str, dice: Dice) -> str:
    """Instructions of several lines."""
    tasks = "\n".join(f"- {capability.replace('_', ' ')}" for capability in dice.some(CAPABILITIES, 2, 4))
    return f"YOU ARE: {title}.\n\nYOU DO:\n{tasks}\n\nYOU NEVER: answer {dice.pick(CONTEXTS)} without a source."


def assignments(seed: int, sizes: Sizes) -> Iterator[Row]:
    """Each pair of agent and tool once: every further round over the agents moves on by one tool."""
    dice, ids = Dice(seed, "agent_tool_assignments"), Ids(seed, "agent_tool_assignments")
    agent_ids, tool_ids, user_ids = Ids(seed, "agents"), Ids(seed, "tools"), Ids(seed, "users")
    for number in range(sizes.agent_tool_assignments):
        turn, agent = divmod(number, sizes.agents)
        used, failed = dice.between(0, 40), dice.between(0, 3)
        given = stamp(9_000 + number)
        yield (
            *(ids(number), agent_ids(agent), tool_ids((agent * 13 + turn) % sizes.tools)),
            *(dice.chance(0.9), dice.chance(0.1), dice.chance(0.2), dice.pick((0, 50, 80, 90))),
            *(dice.pick((None, 5, 10)), dice.pick((None, 100, 250)), 0, used + failed, used, failed),
            *(dice.decimal(200, 500, 2) if used else None, user_ids(dice.between(0, sizes.users - 1))),
            *(given, stamp(12_000 + number) if used else None, "Agreed in review" if dice.chance(0.2) else None),
            *(given, given),
        )
