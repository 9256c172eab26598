"""The plan's own words for each tenant: the values of its rules, and what its departments and functions are called."""

from collections.abc import Iterator
from dataclasses import dataclass

from migrations_ops.rules.model import Condition, Plan
from migrations_ops.rules.suggest.rule_groups import Family
from migrations_ops.rules.suggest.similarity import holds, likeness, words

SAME_TABLE, OTHER_TABLE, ORGANISATION = 1.0, 0.9, 0.8  # how much a word of the plan says about a row of the table
INSIDE, SHARED = 0.7, 0.5  # "regulatory" in regulatory_reporting; "clinical" of clinical_trials, clinical_research
TIED = 0.05
VALUED = ("equals", "in", "overlaps", "contains", "starts_with", "ends_with")


@dataclass(frozen=True)
class Term:
    """A word of the plan. `rule` is its rule's number where that is a rule of the table in question."""

    text: str
    words: tuple[str, ...]
    tenant: str
    where: str
    weight: float
    rule: int = 0
    column: str = ""
    kind: str = ""

    def listed(self, column: str, kind: str) -> bool:
        """Whether it is a value that a rule compares this column with in this way."""
        return (self.column, self.kind) == (column, kind)


@dataclass(frozen=True)
class Guess:
    """The tenant that a value points to by its spelling, how surely, and by which word of the plan."""

    tenant: str
    confidence: float
    term: Term
    same: bool  # it is that word, only spelt otherwise
    because: str


class Vocabulary:
    """Every word of the plan that says something about rows of a family."""

    def __init__(self, plan: Plan, family: Family) -> None:
        self.index: dict[str, list[Term]] = {}
        for term in _terms(plan, family):
            for key in _keys(term.words):
                self.index.setdefault(key, []).append(term)

    def guess(self, value: str, column: str, kind: str) -> Guess | None:
        """The tenant whose word this is; None where it is no tenant's, or two tenants' alike.

        A value as a whole may also hold a word of the plan, or be a part of several; a piece of text that a rule looks
        for (`contains`) has to be the word. Of words that say the same, one that a rule compares this column with in
        this way comes first.
        """
        said = words(value)
        best: dict[str, Guess] = {}
        for found in self._guesses(value, said, kind == "contains"):
            known = best.get(found.tenant)
            if known is None or _rank(found, column, kind) > _rank(known, column, kind):
                best[found.tenant] = found
        ranked = sorted(best.values(), key=lambda guess: -guess.confidence)
        if len(ranked) > 1 and ranked[0].confidence - ranked[1].confidence < TIED:
            return None
        return ranked[0] if ranked else None

    def _guesses(self, value: str, said: tuple[str, ...], whole: bool) -> Iterator[Guess]:
        around: dict[str, list[Term]] = {}
        for term in dict.fromkeys(term for key in _keys(said) for term in self.index.get(key, ())):
            alike = likeness(said, term.words)
            if alike:
                how = "spelt otherwise" if alike == 1 else "by a slip"
                if term.text == value:
                    how = "as it is"
                yield Guess(term.tenant, term.weight * alike, term, True, f"{term.text!r} of {term.where}, {how}")
            elif not whole and holds(said, term.words):
                sure = min(INSIDE + 0.05 * len(term.words), 0.85)
                yield Guess(term.tenant, term.weight * sure, term, False, f"it holds {term.text!r} of {term.where}")
            elif not whole and holds(term.words, said):
                around.setdefault(term.tenant, []).append(term)
        if len(around) == 1:  # a word that two tenants' words share says nothing
            ((tenant, terms),) = around.items()
            if len({term.words for term in terms}) > 1:
                named = f"{terms[0].text!r}, {terms[1].text!r} and the like hold it"
                yield Guess(tenant, SHARED * terms[0].weight, terms[0], False, named)


def _rank(guess: Guess, column: str, kind: str) -> tuple[float, bool]:
    return guess.confidence, guess.term.listed(column, kind)


def _keys(said: tuple[str, ...]) -> set[str]:
    """Where to look for terms that may be like these words: all in one, their first letters, and each of them."""
    return {"".join(said), "/".join(word[0] for word in said), *said}


def _terms(plan: Plan, family: Family) -> Iterator[Term]:
    for spec in plan.tables:
        mine = spec.relation == family.relation
        for rule in spec.rules:
            if rule.condition is None or rule.phase != family.phase or (mine and rule.number in family.loose):
                continue
            where = f'rule "{rule.name}"'
            for comparison in _asserted(rule.condition):
                weight, number = (SAME_TABLE, rule.number) if mine else (OTHER_TABLE, 0)
                texts = (comparison.value,) if comparison.kind == "equals" else comparison.value
                for text in texts:
                    of_column = (comparison.column, comparison.kind)
                    yield Term(text, words(text), rule.tenant, where, weight, number, *of_column)
    for tenant in plan.tenants:
        for part in (*tenant.departments, *tenant.functions):
            if len(named := words(part["name"])) > 1:  # "Product" and "Clinical" alone are everybody's
                yield Term(part["name"], named, tenant.slug, f"what {tenant.name} does", ORGANISATION)


def _asserted(condition: Condition) -> Iterator[Condition]:
    """The lists of values that a row must have one of; what stands under `not` says the opposite."""
    if condition.kind == "not":
        return
    if condition.parts:
        for part in condition.parts:
            yield from _asserted(part)
    elif condition.kind in VALUED and not condition.json:
        yield condition
