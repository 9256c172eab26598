"""Chat sessions and their messages."""

from collections.abc import Iterator

from catalog.generation.agents import persona
from catalog.generation.dice import Dice, Ids, Row, array, jsonb, stamp
from catalog.generation.sizes import Sizes
from catalog.generation.words import ACTORS, CONTEXTS, SECTIONS, VERBS

COLUMNS = (
    "id tenant_id user_id title mode status compliance_level persistent_agent_id metadata created_at updated_at"
    " archived_at deleted_at"
)
MESSAGE_COLUMNS = (
    "id conversation_id role content agent_id reasoning citations confidence tokens_prompt tokens_completion"
    " tokens_total estimated_cost latency_ms metadata created_at"
)

MODES = ("query_automatic", "query_manual", "chat_automatic", "chat_manual", "agent")
STATUSES = (*("active",) * 16, *("archived",) * 3, "deleted")
LEVELS = (*("standard",) * 6, "hipaa", "gdpr", "fda")


def agent_of(conversation: int, sizes: Sizes) -> int:
    """The number of the agent that a conversation talks to."""
    return conversation * 31 % sizes.agents


def begins(conversation: int) -> int:
    """The step of time at which a conversation starts; early enough for it to end before the steps come round."""
    return 6_000 + conversation * 3 % 10_000


def conversations(seed: int, sizes: Sizes) -> Iterator[Row]:
    """A few have a tenant already; a deletion has its time and nothing else has one."""
    dice, ids = Dice(seed, "conversations"), Ids(seed, "conversations")
    user_ids, agent_ids = Ids(seed, "users"), Ids(seed, "agents")
    for number in range(sizes.conversations):
        agent, status = agent_of(number, sizes), dice.pick(STATUSES)
        start = begins(number)
        end = stamp(start + dice.between(1, 50))
        yield (
            *(ids(number), dice.tenant(0.04), user_ids(dice.between(0, sizes.users - 1))),
            *(f"{persona(agent)} {dice.pick(VERBS)} {dice.pick(SECTIONS)}", MODES[number % len(MODES)], status),
            *(dice.pick(LEVELS), agent_ids(agent) if dice.chance(0.7) else None),
            *(jsonb({"channel": dice.pick(("web", "mobile")), "synthetic": True}), stamp(start), end),
            *(end if status == "archived" else None, end if status == "deleted" else None),
        )


def messages(seed: int, sizes: Sizes) -> Iterator[Row]:
    """The conversations' messages in turn: one of the system, then user and assistant by turns."""
    dice, ids = Dice(seed, "messages"), Ids(seed, "messages")
    conversation_ids, agent_ids = Ids(seed, "conversations"), Ids(seed, "agents")
    before, place = -1, 0
    for number in range(sizes.messages):
        conversation = number * sizes.conversations // sizes.messages
        place = place + 1 if conversation == before else 0
        before = conversation
        role = ("user", "assistant")[(place - 1) % 2] if place else "system"
        answer = role == "assistant"
        asked, said = dice.between(50, 900), dice.between(20, 700)
        yield (
            *(ids(number), conversation_ids(conversation), role, content(role, dice)),
            agent_ids(agent_of(conversation, sizes)) if answer else None,
            array([f"Check {dice.pick(SECTIONS)}", f"Answer {dice.pick(CONTEXTS)}"]) if answer else None,
            array([f"https://library.example.org/{number}"]) if answer and dice.chance(0.4) else None,
            *((dice.decimal(40, 100, 2), asked, said, asked + said) if answer else (None,) * 4),
            *((dice.decimal(100, 90_000, 6), dice.between(300, 9_000)) if answer else (None,) * 2),
            *(jsonb({"synthetic": True}), stamp(begins(conversation) + place)),
        )


def content(role: str, dice: Dice) -> str:
    """What is said: a setting, a question or an answer of two lines."""
    if role == "system":
        return f"Answer {dice.pick(CONTEXTS)}."
    actor, verb, context = dice.pick(ACTORS), dice.pick(VERBS), dice.pick(CONTEXTS)
    if role == "user":
        return f"How does it work when {actor.lower()} {verb} this {context}?"
    return f"{actor} {verb} it {context}.\nNext, {dice.pick(ACTORS).lower()} {dice.pick(VERBS)} the result."
