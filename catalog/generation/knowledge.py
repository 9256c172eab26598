"""Knowledge domains, sources and chunks; the chunks are the bulk, so their loop is kept short."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import count

from catalog.generation.dice import Dice, Ids, Row, array, jsonb, stamp
from catalog.generation.sizes import Sizes
from catalog.generation.words import (
    ACTORS,
    CONTEXTS,
    DIGITAL_DOMAINS,
    KNOWN_TOPICS,
    MISSPELT_DOMAINS,
    OTHER_DOMAINS,
    PHARMA_DOMAINS,
    PLATFORM_DOMAINS,
    SECTIONS,
    TOPICS,
    VERBS,
)

DOMAIN_COLUMNS = (
    "id code name slug description tier priority keywords sub_domains agent_count_estimate color is_active metadata"
    " created_at updated_at"
)
SOURCE_COLUMNS = (
    "id tenant_id title description source_type source_url file_path file_size mime_type domain tags metadata is_active"
    " created_at updated_at created_by updated_by"
)
CHUNK_COLUMNS = (
    "id source_id tenant_id chunk_index content content_hash pinecone_id metadata domain tags is_active created_at"
    " updated_at"
)

# The groups as often as in real data: about a quarter Platform, two fifths Pharma.
GROUPS = (
    *(tuple(PLATFORM_DOMAINS),) * 5,
    *(tuple(PHARMA_DOMAINS),) * 8,
    *(tuple(DIGITAL_DOMAINS),) * 3,
    *(tuple(OTHER_DOMAINS | MISSPELT_DOMAINS),) * 4,
)
SOURCE_TYPES = (*("document",) * 30, *("guidance",) * 2, "guideline", "regulation", "database", "standard")
CHUNKS_PER_SOURCE = (2, 5, 3, 8, 1, 5)  # on average four, as Sizes expects
COLORS = ("#3B82F6", "#14B8A6", "#EC4899", "#F59E0B")


@dataclass(frozen=True, slots=True)
class Phrases:
    """Ready-made pieces of text for one domain; composing chunks from pieces is what makes a million of them quick."""

    sentences: list[str]
    tags: list[str]

    @classmethod
    def of(cls, seed: int, domain: str) -> "Phrases":
        dice = Dice(seed, "phrases", domain)
        sentences = [
            f"{dice.pick(ACTORS)} {dice.pick(VERBS)} {dice.pick(TOPICS[domain])} {dice.pick(CONTEXTS)}."
            for _ in range(300)
        ]
        words = [domain, *(word for topic in TOPICS[domain] for word in topic.split() if len(word) > 3)]
        return cls(sentences, [array(sorted(set(dice.some(words, 1, 5)))) for _ in range(40)])


def domains(seed: int, sizes: Sizes) -> Iterator[Row]:
    """One row for each domain; the spellings that sources get wrong have none."""
    dice, ids = Dice(seed, "knowledge_domains"), Ids(seed, "knowledge_domains")
    for number, (slug, topics) in enumerate(KNOWN_TOPICS.items()):
        name = slug.replace("_", " ").title()
        yield (
            *(ids(number), slug.upper(), name, slug, f"Knowledge about {', '.join(topics)}", dice.between(1, 3)),
            *(number + 1, array(topics), array([topic.replace(" ", "_") for topic in topics]), dice.between(0, 40)),
            *(dice.pick(COLORS), dice.chance(0.95), "{}", stamp(number), stamp(number)),
        )


def source_facts(seed: int) -> Iterator[tuple[str, str, str | None]]:
    """Id, domain and tenant of each source without end: what the sources and their chunks must both know."""
    dice, ids = Dice(seed, "source_facts"), Ids(seed, "knowledge_sources")
    for number in count():
        yield ids(number), dice.pick(dice.pick(GROUPS)), dice.tenant(0.01)


def sources(seed: int, sizes: Sizes) -> Iterator[Row]:
    """A seventh names its author, and another user who edited it."""
    dice, user_ids = Dice(seed, "knowledge_sources"), Ids(seed, "users")
    phrases = {domain: Phrases.of(seed, domain) for domain in TOPICS}
    for number, (identity, domain, tenant) in zip(range(sizes.knowledge_sources), source_facts(seed), strict=False):
        title, kind = dice.pick(TOPICS[domain]).capitalize(), dice.pick(SOURCE_TYPES)
        is_file = dice.chance(0.3)
        author = user_ids(dice.between(0, sizes.users - 1)) if dice.chance(0.15) else None
        made = dice.between(0, 9_000)
        yield (
            *(identity, tenant, f"{title} - {kind} {number}", dice.pick(phrases[domain].sentences), kind),
            *(None if is_file else f"https://library.example.org/{domain}/{number}",),
            *(f"/archive/{domain}/{number}.pdf" if is_file else None, dice.between(9_999, 4**16) if is_file else None),
            *("application/pdf" if is_file else None, domain, dice.pick(phrases[domain].tags)),
            *(jsonb({"language": dice.pick(("en", "de", "fr")), "pages": dice.between(1, 90)}), dice.chance(0.97)),
            *(stamp(made), stamp(made + dice.between(0, 3_000)), author, author),
        )


def chunks(seed: int, sizes: Sizes) -> Iterator[Row]:
    """Each source's chunks one after the other, until there are enough."""
    left = sizes.knowledge_base
    dice, ids = Dice(seed, "knowledge_base"), Ids(seed, "knowledge_base")
    phrases = {domain: Phrases.of(seed, domain) for domain in TOPICS}
    slugs = tuple(TOPICS)
    for number, (source, domain, tenant) in enumerate(source_facts(seed)):
        size = min(CHUNKS_PER_SOURCE[number % len(CHUNKS_PER_SOURCE)], left)
        for index in range(size):
            # One in 100 says another domain than its source, as nothing in the schema ties the two.
            own = domain if dice.roll() > 0.01 else dice.pick(slugs)
            yield chunk(ids(sizes.knowledge_base - left + index), source, tenant, index, own, phrases[own], dice)
        left -= size
        if not left:
            return


def chunk(identity: str, source: str, tenant: str | None, index: int, domain: str, phrases: Phrases, dice: Dice) -> Row:
    """One row; two of three have a vector in Pinecone, and every seventh text has a line break."""
    roll, pick, sentences = dice.roll, dice.pick, phrases.sentences
    chance = roll()
    section = pick(SECTIONS)
    glue = "\n" if chance < 0.15 else " "
    content = f"{domain}, {section}: {pick(sentences)}{glue}{pick(sentences)} {pick(sentences)}"
    created = stamp(int(chance * 15_000))
    return (
        *(identity, source if chance > 0.002 else None, tenant, index, content),
        *(sha256(content.encode()).hexdigest(), f"kb-{identity[14:]}" if chance > 0.35 else None),
        *(f'{{"section": "{section}", "char_count": {len(content)}}}', domain, pick(phrases.tags)),
        *(chance < 0.98, created, created),
    )
