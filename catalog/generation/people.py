"""The one organisation there is before the migration, and the users, most of them without a tenant."""

from collections.abc import Iterator

from catalog.generation.dice import PLATFORM, Dice, Ids, Row, jsonb, stamp
from catalog.generation.sizes import Sizes
from catalog.generation.words import FIRST_NAMES, LAST_NAMES

TENANT_COLUMNS = "id name slug domain compliance_level is_active settings metadata created_at updated_at"
USER_COLUMNS = "id tenant_id email full_name avatar_url role preferences metadata created_at updated_at last_login_at"

ROLES = (*("user",) * 16, *("admin",) * 3, "super_admin")


def tenants(seed: int, sizes: Sizes) -> Iterator[Row]:
    """The platform's row, under a name, slug and domain that the migration replaces."""
    settings = {"limits": {"max_agents_per_query": 4}, "features": {"rag_enabled": True, "beta_reports": True}}
    metadata = {"country": "CH", "industry": "healthcare"}
    name, slug, domain = "Sample Clinic Network", "sample-clinic", "sample-clinic.example.org"
    yield (
        *(PLATFORM, name, slug, domain, "hipaa", True, jsonb(settings), jsonb(metadata)),
        *(stamp(0), stamp(0)),
    )


def users(seed: int, sizes: Sizes) -> Iterator[Row]:
    """Fictitious people; four of five have no tenant yet."""
    dice, ids = Dice(seed, "users"), Ids(seed, "users")
    for number in range(sizes.users):
        first, last = dice.pick(FIRST_NAMES), dice.pick(LAST_NAMES)
        email = f"{first}.{last}.{number}@example.org".lower().replace("ë", "e")
        joined = dice.between(0, 4_000)
        preferences = {"theme": dice.pick(("system", "light", "dark")), "language": dice.pick(("en", "de", "fr"))}
        yield (
            *(ids(number), dice.tenant(0.2), email, f"{first} {last}", None, dice.pick(ROLES)),
            *(jsonb(preferences), jsonb({"synthetic": True})),
            *(stamp(joined), stamp(joined + dice.between(0, 900))),
            stamp(joined + dice.between(1_000, 9_000)) if dice.chance(0.8) else None,
        )
