"""Tool categories, with names as people type them, and tools."""

from collections.abc import Iterator

from catalog.generation.dice import Dice, Ids, Row, array, jsonb, stamp
from catalog.generation.sizes import Sizes
from catalog.generation.words import CONTEXTS, TOOL_CATEGORIES, TOOL_SUBJECTS, TOOL_VERBS

CATEGORY_COLUMNS = "id name description icon display_order created_at updated_at"
TOOL_COLUMNS = (
    "id tool_key name description category_id tool_type implementation_path api_endpoint requires_api_key"
    " api_key_env_var input_schema output_format max_iterations timeout_seconds rate_limit_per_minute"
    " estimated_cost_per_call avg_response_time_ms is_active is_premium requires_approval usage_examples"
    " best_practices limitations documentation_url total_calls success_rate avg_confidence_score created_at updated_at"
)

TYPES = (*("ai_function",) * 8, *("api",) * 8, *("software_reference", "function") * 2, "research_tool", "hybrid")


def categories(seed: int, sizes: Sizes) -> Iterator[Row]:
    """One row per name; some have neither description nor order."""
    dice, ids = Dice(seed, "tool_categories"), Ids(seed, "tool_categories")
    for number, name in enumerate(TOOL_CATEGORIES):
        order = None if dice.chance(0.1) else number * 5
        description = f"Tools for {name.replace('_', ' ').lower()}" if dice.chance(0.6) else None
        yield (ids(number), name, description, None, order, stamp(number), stamp(number))


def tools(seed: int, sizes: Sizes) -> Iterator[Row]:
    """Keys are unique, names come again from the 129th tool on; nine of ten are active."""
    dice, ids, category_ids = Dice(seed, "tools"), Ids(seed, "tools"), Ids(seed, "tool_categories")
    for number in range(sizes.tools):
        subject = TOOL_SUBJECTS[number % len(TOOL_SUBJECTS)]
        verb = TOOL_VERBS[number // len(TOOL_SUBJECTS) % len(TOOL_VERBS)]
        slug = f"{subject}_{verb}".replace(" ", "_")
        category = category_ids(dice.between(0, sizes.tool_categories - 1)) if dice.chance(0.95) else None
        calls, needs_key, kind = dice.between(0, 900), dice.chance(0.3), dice.pick(TYPES)
        yield (
            *(ids(number), f"TOOL-{slug.upper()}-{number:04}", f"{subject} {verb}"),
            *(f"{verb} for {subject.lower()} data, {dice.pick(CONTEXTS)}", category, kind),
            *(f"tools.{slug.lower()}", f"/v1/{slug.lower()}" if kind == "api" else None, needs_key),
            *(f"{slug.upper()}_API_KEY" if needs_key else None, input_schema(dice), dice.pick(("json", "text"))),
            *(1, dice.pick((10, 20, 30, 60)), dice.pick((None, 10, 60)), dice.decimal(0, 40_000, 6)),
            *(dice.between(80, 4_000) if calls else None, dice.chance(0.9), dice.chance(0.1), dice.chance(0.1)),
            jsonb([{"input": subject.lower(), "note": dice.pick(CONTEXTS)}]) if dice.chance(0.3) else None,
            *(array(dice.some(CONTEXTS, 1, 3)) if dice.chance(0.4) else None for _ in range(2)),
            *(f"https://docs.example.org/tools/{slug.lower()}", calls),
            *(dice.decimal(8_000, 10_000, 2) if calls else None, dice.decimal(50, 99, 2) if calls else None),
            *(stamp(number * 11), stamp(number * 11 + dice.between(0, 2_000))),
        )


def input_schema(dice: Dice) -> str | None:
    """A small JSON schema, for most tools."""
    if dice.chance(0.2):
        return None
    field = dice.pick(("query", "patient_age", "code", "since"))
    return jsonb({"type": "object", "required": [field], "properties": {field: {"type": "string"}}})
