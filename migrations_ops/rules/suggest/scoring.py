"""Which tenant's rows a value marks, and how surely: by the rows decided already, and by the plan's own words."""

from collections.abc import Iterator
from dataclasses import dataclass

from migrations_ops.rules.model import Plan
from migrations_ops.rules.suggest.column_stats import Column, Evidence, Seen
from migrations_ops.rules.suggest.vocabulary import Vocabulary

FEWEST = 2  # loose rows that a value must have, if it is no word of the plan


@dataclass(frozen=True)
class Measure:
    """What the decided rows with a value must be, for it to mark their tenant's: how many, how much of one tenant, how
    much more frequent than among the loose rows ("specialist" is everywhere), and how likely by chance alone, as most
    decided rows may be one tenant's anyway."""

    rows: int
    pure: float
    lift: float
    chance: float = 1.0


VALUES = Measure(rows=2, pure=0.8, lift=1.5)
WORDS = Measure(rows=3, pure=0.8, lift=2.0)  # of so many words some are one tenant's by chance
ELSEWHERE = Measure(rows=5, pure=0.9, lift=3.0, chance=0.3)  # columns that the plan has not asked for so far


@dataclass(frozen=True)
class Choice:
    """A value of a column that marks a tenant's rows. `rule`: the rule that has it already, spelt otherwise."""

    value: str
    tenant: str
    confidence: float
    loose: int
    because: str
    rule: int = 0
    spelling: bool = False


def choices(plan: Plan, vocabulary: Vocabulary, evidence: Evidence, column: Column) -> list[Choice]:
    """The values of the column that mark a tenant's rows, the most telling first."""
    slugs = {tenant.id: tenant.slug for tenant in plan.tenants}
    found = [
        choice
        for value, seen in column.values.items()
        if seen.loose and (choice := _choice(vocabulary, evidence, column, value, seen, slugs))
    ]
    ranked = sorted(found, key=lambda choice: (-choice.confidence * choice.loose, len(choice.value), choice.value))
    return list(_without_parts(ranked)) if column.kind == "contains" else ranked


def _choice(
    vocabulary: Vocabulary, evidence: Evidence, column: Column, value: str, seen: Seen, slugs: dict[str, str]
) -> Choice | None:
    evident, guess = _evident(evidence, column, seen), vocabulary.guess(value, column.name, column.kind)
    if guess and seen.tenants.total() >= FEWEST and slugs.get(seen.tenants.most_common(1)[0][0]) != guess.tenant:
        if guess.same:
            return None  # a word of the plan, and the decided rows with it are another's: it stays open
        guess = None
    if guess and guess.same:
        sure = _both(guess.confidence, evident[1]) if evident else guess.confidence
        number = guess.term.rule if guess.term.listed(column.name, column.kind) else 0
        if number and value.lower() == guess.term.text.lower() and (value == guess.term.text or column.kind != "in"):
            return None  # the rule has it as it is, and asks for something else that the rows lack
        return Choice(value, guess.tenant, round(sure, 3), seen.loose, guess.because, number, True)
    if seen.loose < FEWEST:
        return None
    if evident and (owner := slugs.get(evident[0])):
        text = f"{seen.tenants[evident[0]]} of {seen.tenants.total()} decided rows with it are {owner}'s"
        sure = _both(evident[1], guess.confidence) if guess else evident[1]
        return Choice(value, owner, round(sure, 3), seen.loose, text)
    return Choice(value, guess.tenant, round(guess.confidence, 3), seen.loose, guess.because) if guess else None


def _evident(evidence: Evidence, column: Column, seen: Seen) -> tuple[str, float] | None:
    """The tenant that the decided rows with the value have, and how surely; None where they tell nothing."""
    measure = ELSEWHERE if not column.planned else WORDS if column.kind == "contains" else VALUES
    everywhere = column.kind == "contains" and seen.loose > evidence.total.loose / 2
    if seen.tenants.total() < measure.rows or everywhere:
        return None
    tenant, rows = seen.tenants.most_common(1)[0]
    lift = (rows / evidence.total.tenants[tenant]) / (max(seen.loose, 1) / evidence.total.loose)
    chance = (evidence.total.tenants[tenant] / evidence.total.tenants.total()) ** rows
    if rows / seen.tenants.total() < measure.pure or lift < measure.lift or chance > measure.chance:
        return None
    return tenant, (rows + 1) / (seen.tenants.total() + 2)


def _both(one: float, other: float) -> float:
    return 1 - (1 - one) * (1 - other)


def _without_parts(ranked: list[Choice]) -> Iterator[Choice]:
    """Where a text is inside of another and says the same, the one that ranks higher is enough."""
    kept: list[Choice] = []
    for choice in ranked:
        if not any(
            known.tenant == choice.tenant
            and (known.value in choice.value or (not choice.spelling and choice.value in known.value))
            for known in kept
        ):
            kept.append(choice)
            yield choice
