"""The prompt library: a full instruction and four short questions for each persona."""

from collections.abc import Iterator

from catalog.generation.agents import persona, system_prompt
from catalog.generation.dice import Dice, Ids, Row, array, jsonb, stamp
from catalog.generation.sizes import Sizes
from catalog.generation.words import CAPABILITIES, CONTEXTS, PROMPT_DOMAINS, VERBS

COLUMNS = (
    "id name display_name description category system_prompt user_prompt_template execution_instructions"
    " success_criteria model_requirements input_schema output_schema validation_rules complexity_level domain"
    " estimated_tokens prerequisite_prompts prerequisite_capabilities related_capabilities required_context"
    " validation_status accuracy_threshold testing_scenarios hipaa_relevant phi_handling_rules compliance_tags version"
    " status metadata created_at updated_at created_by"
)

PER_PERSONA = 5
LEVELS = (*("advanced",) * 14, *("intermediate",) * 6, "expert", "basic")
MODEL = jsonb({"model": "gpt-4", "max_tokens": 2000, "temperature": 0.7})
# True and "true" mark a template, the others look like it and do not.
TEMPLATE_MARKS: tuple[object, ...] = (True, "true", False, "True", 1)


def prompts(seed: int, sizes: Sizes) -> Iterator[Row]:
    """A third was written by somebody; one in 20 personas belongs to the PRISM suite, spelt in two ways."""
    dice, ids = Dice(seed, "prompts"), Ids(seed, "prompts")
    for number in range(sizes.prompts):
        speaker, part = divmod(number, PER_PERSONA)
        title = persona(speaker)
        if speaker % 20 == 7:
            title = ("PRISM " if dice.chance(0.5) else "Prism-") + title
        domain = dice.pick(PROMPT_DOMAINS)
        question = f"{dice.pick(VERBS).capitalize()} the findings {dice.pick(CONTEXTS)}?"
        sensitive = dice.chance(0.2)
        made = dice.between(0, 12_000)
        yield (
            ids(number),
            f"{title} - Starter #{part}" if part else f"{title} - System Prompt",
            *(question if part else f"{title} instructions", f"For {title}", domain, system_prompt(title, dice)),
            *(question if part else None, "{}", "{}", MODEL, "{}", "{}", "{}", dice.pick(LEVELS), domain),
            *(dice.pick((500, 1000, 2000)), None, array(dice.some(CAPABILITIES, 0, 2)), None),
            *(array(["patient age", 'the "index" event']) if dice.chance(0.1) else None, "active"),
            *(dice.decimal(70, 99, 2), "[]", sensitive, jsonb({"mask": ["name", "birth_date"]}) if sensitive else "{}"),
            *(array(dice.some(CAPABILITIES, 1, 4)), "1.0.0", dice.pick((*("active",) * 30, "draft"))),
            *(metadata(number, dice), stamp(made), stamp(made + dice.between(0, 2_000))),
            author(seed, sizes, dice),
        )


def metadata(number: int, dice: Dice) -> str:
    """An object with a code; one in 15 says whether it is a template."""
    mark = {"is_template": dice.pick(TEMPLATE_MARKS)} if dice.chance(1 / 15) else {}
    return jsonb({"prompt_code": f"SYN-{number:06}"} | mark)


def author(seed: int, sizes: Sizes, dice: Dice) -> str | None:
    """A user for a third of the prompts; a few name somebody who is gone, as no foreign key forbids it."""
    if dice.chance(2 / 3):
        return None
    if dice.chance(0.03):
        return Ids(seed, "gone")(dice.between(0, 9))
    return Ids(seed, "users")(dice.between(0, sizes.users - 1))
