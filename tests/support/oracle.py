"""A slow, obvious reading of RULES.md over the CSV pack, to hold the product against.

Nothing here may come from the product: that the two were written apart is what makes their agreement mean something.
The tables below follow RULES.md line by line, in its order and with its numbers.
"""

import csv
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.support.cast import DIGITAL_HEALTH, PHARMA, PLATFORM

Row = dict[str, str | None]
Condition = Callable[[Row], bool]


@dataclass(frozen=True)
class Expected:
    """What the database holds after the whole migration."""

    tenants: dict[str, dict[str, str | None]]
    """table -> row id -> tenant id (None = stays unassigned)"""
    rules: dict[str, dict[str, int | None]]
    """table -> row id -> number of the rule that gave the row its tenant (None = no rule did)"""
    tool_assignments: set[tuple[str, str]]
    """(agent id, tool id) of each assignment added after 004"""
    tool_priority: dict[str, int]
    """tool id -> priority of the assignments added for it"""


@dataclass(frozen=True)
class Rule:
    """One line of RULES.md's table."""

    number: int
    when: Condition
    tenant: str
    reassigns: bool = False


# --- reading the pack ---


def read(pack: Path, table: str) -> list[Row]:
    """All rows of one table; an empty field is NULL (no text column that a rule reads is ever the empty string)."""
    with (pack / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return [{column: value or None for column, value in row.items()} for row in csv.DictReader(file, strict=True)]


def key(row: Row) -> str:
    """The row's id."""
    identity = row["id"]
    assert identity is not None, f"a row without id: {row}"
    return identity


SPACE = " \t\n\r\v\f"  # what PostgreSQL skips around a bare element, fewer than str.strip() does
ELEMENT = re.compile(r'"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>(?:[^{},"\\]|\\.)+)', re.DOTALL)


def array(text: str | None) -> list[str | None]:
    """The elements of a PostgreSQL array in its text form, `{a,"b c",NULL}`; nested arrays are flattened."""
    if text is None:
        return []
    elements: list[str | None] = []
    for match in ELEMENT.finditer(text[text.index("{") :]):  # a prefix such as [0:1]= says nothing about the elements
        quoted, bare = match["quoted"], match["bare"]
        if quoted is not None:
            elements.append(unescaped(quoted))
        elif bare.strip(SPACE).upper() == "NULL":
            elements.append(None)
        elif bare.strip(SPACE):
            elements.append(unescaped(bare.strip(SPACE)))
    return elements


def unescaped(text: str) -> str:
    """Without the backslashes that protect the character after them."""
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


# --- the words of RULES.md's "when" column ---


def always(row: Row) -> bool:
    """Whatever the row holds."""
    return True


def null(column: str) -> Condition:
    """The column is null."""
    return lambda row: row[column] is None


def not_null(column: str) -> Condition:
    """The column is not null."""
    return lambda row: row[column] is not None


def one_of(column: str, values: str) -> Condition:
    """The column is exactly one of the values (given as words)."""
    return lambda row: row[column] in values.split()


def overlaps(column: str, values: str) -> Condition:
    """The array column has an element that is exactly one of the values (given as words)."""
    return lambda row: any(element in values.split() for element in array(row[column]))


def name_contains(*parts: str) -> Condition:
    """One of the parts occurs in the name, in whatever case."""
    return lambda row: any(part in (row["name"] or "").lower() for part in parts)


def is_template(row: Row) -> bool:
    """metadata.is_template is JSON true or the string "true"."""
    metadata = json.loads(row["metadata"] or "null")
    value = metadata.get("is_template") if isinstance(metadata, dict) else None
    return value is True or value == "true"


def both(one: Condition, other: Condition) -> Condition:
    """One and the other."""
    return lambda row: one(row) and other(row)


def either(one: Condition, other: Condition) -> Condition:
    """One or the other."""
    return lambda row: one(row) or other(row)


# --- RULES.md's table ---

TIER_3 = one_of("tier", "tier_3")

KNOWLEDGE = (
    Rule(
        1,
        one_of(
            "domain",
            "general_medicine healthcare_standards medical_terminology anatomy physiology diagnostics therapeutics",
        ),
        PLATFORM,
        reassigns=True,
    ),
    Rule(
        2,
        one_of(
            "domain",
            "regulatory regulatory_affairs clinical_trials clinical_research pharmacovigilance drug_development"
            " pharmaceutical market_access health_economics",
        ),
        PHARMA,
    ),
    Rule(
        3,
        one_of("domain", "digital_health digital_medicine telemedicine remote_monitoring wearables mobile_health"),
        DIGITAL_HEALTH,
    ),
    Rule(4, always, DIGITAL_HEALTH),
)

RULES: dict[str, tuple[Rule, ...]] = {
    "tools": (Rule(1, always, PLATFORM),),
    "agents": (
        Rule(1, one_of("tier", "tier_1 tier_2"), PLATFORM, reassigns=True),
        Rule(
            2,
            both(
                TIER_3,
                either(
                    overlaps(
                        "knowledge_domains",
                        "digital_health digital_medicine telemedicine remote_monitoring wearables mobile_health"
                        " digital_therapeutics",
                    ),
                    name_contains("digital", "telehealth", "remote"),
                ),
            ),
            DIGITAL_HEALTH,
        ),
        Rule(
            3,
            both(
                TIER_3,
                either(
                    overlaps(
                        "knowledge_domains",
                        "regulatory_affairs clinical_trials clinical_research pharmacovigilance drug_safety"
                        " market_access medical_writing medical_affairs clinical_validation",
                    ),
                    name_contains("regulatory", "clinical trial", "pharmacovigilance", "drug"),
                ),
            ),
            PHARMA,
        ),
        Rule(4, TIER_3, DIGITAL_HEALTH),
    ),
    "prompts": (
        Rule(1, null("created_by"), PLATFORM, reassigns=True),
        Rule(2, is_template, PLATFORM, reassigns=True),
        Rule(
            3,
            either(
                name_contains("prism"),
                one_of(
                    "domain",
                    "regulatory_affairs clinical_research clinical_trials pharmacovigilance market_access"
                    " medical_writing clinical_validation medical_affairs",
                ),
            ),
            PHARMA,
        ),
        Rule(4, one_of("domain", "digital_health digital_medicine telemedicine remote_monitoring"), DIGITAL_HEALTH),
        Rule(5, not_null("created_by"), DIGITAL_HEALTH),
    ),
    "knowledge_base": KNOWLEDGE,
    "knowledge_sources": KNOWLEDGE,
    "knowledge_domains": (Rule(1, always, PLATFORM, reassigns=True),),
    "users": (),  # a person decides
}

PARENTS = {  # table -> (parent table, column that names the parent); parents before their children
    "conversations": ("users", "user_id"),
    "messages": ("conversations", "conversation_id"),
    "agent_tool_assignments": ("agents", "agent_id"),
}


# --- the verdicts ---


def decide(row: Row, rules: tuple[Rule, ...]) -> tuple[str | None, int | None]:
    """The row's tenant in the end, and the number of the rule that gave it (None if it had that tenant before)."""
    before = row.get("tenant_id")  # most legacy tables have no such column
    for rule in rules:
        if (before is None or rule.reassigns) and rule.when(row):
            return rule.tenant, rule.number if rule.tenant != before else None
    return before, None


def inherit(row: Row, parent_column: str, parents: dict[str, str | None]) -> tuple[str | None, int | None]:
    """The same for a row that follows its parent."""
    before, parent = row.get("tenant_id"), row[parent_column]
    if before is not None or parent is None or parents[parent] is None:
        return before, None
    return parents[parent], 1


def expected(pack: Path) -> Expected:
    """Everything RULES.md says about the rows of this pack."""
    verdicts = {table: {key(row): decide(row, rules) for row in read(pack, table)} for table, rules in RULES.items()}
    for table, (parent_table, column) in PARENTS.items():
        parents = {parent: tenant for parent, (tenant, _) in verdicts[parent_table].items()}
        verdicts[table] = {key(row): inherit(row, column, parents) for row in read(pack, table)}
    tenants = {table: {row: tenant for row, (tenant, _) in rows.items()} for table, rows in verdicts.items()}
    return Expected(
        tenants=tenants,
        rules={table: {row: number for row, (_, number) in rows.items()} for table, rows in verdicts.items()},
        tool_assignments=added_tool_assignments(pack, tenants),
        tool_priority=tool_priorities(pack),
    )


def added_tool_assignments(pack: Path, tenants: dict[str, dict[str, str | None]]) -> set[tuple[str, str]]:
    """Each active Platform tool for each tier_3 agent of Digital Health and Pharma that lacks it."""
    agents = [
        key(agent)
        for agent in read(pack, "agents")
        if agent["tier"] == "tier_3" and tenants["agents"][key(agent)] in (DIGITAL_HEALTH, PHARMA)
    ]
    tools = [
        key(tool)
        for tool in read(pack, "tools")
        if tool["is_active"] == "t" and tenants["tools"][key(tool)] == PLATFORM
    ]
    present = {(row["agent_id"], row["tool_id"]) for row in read(pack, "agent_tool_assignments")}
    return {(agent, tool) for agent in agents for tool in tools} - present


def tool_priorities(pack: Path) -> dict[str, int]:
    """Per tool its category's display_order, or 0."""
    order = {row["id"]: int(row["display_order"] or 0) for row in read(pack, "tool_categories")}
    return {key(tool): order.get(tool["category_id"], 0) for tool in read(pack, "tools")}
