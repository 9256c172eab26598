"""The shipped plan says what RULES.md says, line by line; a plan file that does not hold is refused with its place."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from migrations_ops.rules.load import load
from migrations_ops.rules.model import Condition, Parent, Plan, TenantSpec
from migrations_ops.rules.reader import PlanError
from tests.conftest import DIGITAL_HEALTH, PHARMA, PLATFORM, ROOT

SHIPPED = ROOT / "migrations_ops" / "rules" / "vital.toml"


@pytest.fixture(scope="module")
def plan() -> Plan:
    return load(SHIPPED)


# --- what RULES.md says: written here by hand, compared with the file ---

CRITICAL = {"tools", "agents", "prompts", "knowledge_base", "knowledge_sources", "knowledge_domains"}
OTHERS = {"users", "conversations", "messages", "agent_tool_assignments"}
SHARED = CRITICAL | {"agent_tool_assignments"}

AGENTS_OF_DIGITAL_HEALTH = (
    "digital_health digital_medicine telemedicine remote_monitoring wearables mobile_health digital_therapeutics"
)
AGENTS_OF_PHARMA = (
    "regulatory_affairs clinical_trials clinical_research pharmacovigilance drug_safety market_access medical_writing"
    " medical_affairs clinical_validation"
)
PROMPTS_OF_PHARMA = (
    "regulatory_affairs clinical_research clinical_trials pharmacovigilance market_access medical_writing"
    " clinical_validation medical_affairs"
)
PROMPTS_OF_DIGITAL_HEALTH = "digital_health digital_medicine telemedicine remote_monitoring"
KNOWLEDGE_OF_ALL = (
    "general_medicine healthcare_standards medical_terminology anatomy physiology diagnostics therapeutics"
)
KNOWLEDGE_OF_PHARMA = (
    "regulatory regulatory_affairs clinical_trials clinical_research pharmacovigilance drug_development pharmaceutical"
    " market_access health_economics"
)
KNOWLEDGE_OF_DIGITAL_HEALTH = "digital_health digital_medicine telemedicine remote_monitoring wearables mobile_health"

KNOWLEDGE = [
    ("003", f"domain in {KNOWLEDGE_OF_ALL}", "vital-platform", True),
    ("004", f"domain in {KNOWLEDGE_OF_PHARMA}", "pharma", False),
    ("004", f"domain in {KNOWLEDGE_OF_DIGITAL_HEALTH}", "digital-health", False),
    ("004", "always", "digital-health", False),
]
# table → (phase, condition, tenant or parent, whether it also reassigns), in the order in which rules are tried
RULES = {
    "tools": [("003", "always", "vital-platform", False)],
    "agents": [
        ("003", "tier in tier_1 tier_2", "vital-platform", True),
        (
            "004",
            "(tier equals tier_3 and (knowledge_domains overlaps "
            f"{AGENTS_OF_DIGITAL_HEALTH} or name contains digital|telehealth|remote))",
            "digital-health",
            False,
        ),
        (
            "004",
            "(tier equals tier_3 and (knowledge_domains overlaps "
            f"{AGENTS_OF_PHARMA} or name contains regulatory|clinical trial|pharmacovigilance|drug))",
            "pharma",
            False,
        ),
        ("004", "tier equals tier_3", "digital-health", False),
    ],
    "prompts": [
        ("003", "created_by is null", "vital-platform", True),
        ("003", "metadata.is_template equals true", "vital-platform", True),
        ("004", f"(name contains prism or domain in {PROMPTS_OF_PHARMA})", "pharma", False),
        ("004", f"domain in {PROMPTS_OF_DIGITAL_HEALTH}", "digital-health", False),
        ("004", "created_by is not null", "digital-health", False),
    ],
    "knowledge_base": KNOWLEDGE,
    "knowledge_sources": KNOWLEDGE,
    "knowledge_domains": [("003", "always", "vital-platform", True)],
    "users": [],
    "conversations": [("004", "the tenant of user_id → public.users.id", "", False)],
    "messages": [("004", "the tenant of conversation_id → public.conversations.id", "", False)],
    "agent_tool_assignments": [("004", "the tenant of agent_id → public.agents.id", "", False)],
}


def words(condition: Condition) -> str:
    """A condition as RULES.md would put it."""
    column = ".".join((condition.column, *condition.json))
    match condition.kind:
        case "always":
            return "always"
        case "all" | "any" as kind:
            return "(" + {"all": " and ", "any": " or "}[kind].join(map(words, condition.parts)) + ")"
        case "is_null":
            return f"{column} is null" if condition.value else f"{column} is not null"
        case "in" | "overlaps" as kind:
            return f"{column} {kind} {' '.join(condition.value)}"
        case "contains":
            return f"{column} contains {'|'.join(condition.value)}"
        case "equals":
            return f"{column} equals {condition.value}"
    raise AssertionError(f"the shipped plan uses {condition.kind}: teach this test the word")


def way(parent: Parent) -> str:
    """A row's way to its parent."""
    return " → ".join(f"{','.join(hop.columns)} → {hop.table}.{','.join(hop.key)}" for hop in parent.hops)


@pytest.mark.parametrize("table", RULES)
def test_the_rules_of_a_table_are_those_of_the_table_in_rules_md(plan: Plan, table: str) -> None:
    spec = plan.table(f"public.{table}")

    told = [
        (
            rule.phase[:3],
            words(rule.when) if rule.when else f"the tenant of {way(rule.parent)}" if rule.parent else "",
            rule.tenant,
            rule.reassigns,
        )
        for rule in spec.rules
    ]

    assert told == RULES[table]
    assert [rule.number for rule in spec.rules] == list(range(1, len(told) + 1))
    assert spec.unmatched == ""


def test_the_tables_are_those_of_rules_md(plan: Plan) -> None:
    assert {spec.relation for spec in plan.tables} == {f"public.{name}" for name in CRITICAL | OTHERS}
    assert {spec.relation for spec in plan.tables if spec.critical} == {f"public.{name}" for name in CRITICAL}
    assert {spec.relation for spec in plan.tables if spec.shared} == {f"public.{name}" for name in SHARED}
    assert {spec.relation for spec in plan.tables if spec.person_decides} == {"public.users"}
    assert {spec.table.key for spec in plan.tables} == {("id",)}


def test_a_table_comes_after_those_that_its_rows_follow(plan: Plan) -> None:
    order = [spec.relation for spec in plan.tables]

    for spec in plan.tables:
        for rule in spec.rules:
            if rule.parent:
                assert order.index(rule.parent.table) < order.index(spec.relation)


def test_the_keys_that_become_unique_per_tenant(plan: Plan) -> None:
    rescoped = {spec.relation: spec.rescope for spec in plan.tables if spec.rescope}

    assert rescoped == {"public.tools": (("tool_key",),), "public.prompts": (("name",),)}


def test_the_head_of_the_plan(plan: Plan) -> None:
    assert (plan.registry, plan.product, plan.common) == ("public.tenants", "vital", ("public.tool_categories",))
    assert (plan.platform, plan.platform_id) == ("vital-platform", PLATFORM)


TENANTS: dict[str, dict[str, Any]] = {
    "vital-platform": {
        "id": PLATFORM,
        "name": "Platform",
        "domain": "platform.vital.ai",
        "tool_management": True,
        "limits": (-1, -1, -1, -1, 10),
        "security": (True, 60, 5),
        "metadata": {"type": "platform", "industry": "healthcare_technology"},
        "departments": [],
        "levels": [],
        "functions": [],
    },
    "digital-health": {
        "id": DIGITAL_HEALTH,
        "name": "Digital Health Startup",
        "domain": "digital-health.vital.ai",
        "tool_management": False,
        "limits": (100, 50, 50_000, 10_000, 5),
        "security": (False, 120, 5),
        "metadata": {"type": "customer", "industry": "digital_health", "plan": "growth"},
        "departments": ["DIGITAL_HEALTH", "PRODUCT", "CLINICAL", "DATA_SCI"],
        "levels": [("EXEC", 1), ("DIR", 2), ("MGR", 3), ("LEAD", 4), ("PROF", 5)],
        "functions": [
            "Digital Therapeutic Development",
            "Remote Patient Monitoring",
            "Clinical Validation",
            "AI/ML Model Development",
        ],
    },
    "pharma": {
        "id": PHARMA,
        "name": "Pharmaceuticals",
        "domain": "pharma.vital.ai",
        "tool_management": False,
        "limits": (250, 100, 100_000, 50_000, 7),
        "security": (True, 30, 3),
        "metadata": {"type": "enterprise", "industry": "pharmaceutical", "plan": "enterprise"},
        "departments": ["REG_AFFAIRS", "CLINICAL_OPS", "PHARMA_VIGIL", "MKT_ACCESS", "MED_AFFAIRS", "QUAL_ASSURE"],
        "levels": [
            ("VP", 1),
            ("SR_DIR", 2),
            ("DIR", 3),
            ("SR_MGR", 4),
            ("MGR", 5),
            ("SR_SPEC", 6),
            ("SPEC", 7),
        ],
        "functions": [
            "Regulatory Submissions",
            "Clinical Trial Design",
            "Safety Signal Detection",
            "HTA Strategy",
            "Medical Information",
            "Quality Management",
        ],
    },
}
LIMITS = ("max_agents", "max_tools", "max_knowledge_chunks", "max_conversations", "max_agents_per_query")
SECURITY = ("require_mfa", "session_timeout_minutes", "max_failed_login_attempts")


def test_the_tenants_are_these_three_in_this_order(plan: Plan) -> None:
    assert [tenant.slug for tenant in plan.tenants] == list(TENANTS)


@pytest.mark.parametrize("slug", TENANTS)
def test_a_tenant_is_configured_as_rules_md_says(plan: Plan, slug: str) -> None:
    tenant, told = plan.tenant(slug), TENANTS[slug]
    features = dict.fromkeys(("mode_5_enabled", "rag_enabled", "agent_creation", "knowledge_management"), True)
    features["tool_management"] = told["tool_management"]
    if slug == "pharma":
        features["prism_suite_enabled"] = True

    assert (tenant.id, tenant.name, tenant.domain) == (told["id"], told["name"], told["domain"])
    assert tenant.compliance_level == "hipaa"
    assert tenant.settings == {
        "features": features,
        "limits": dict(zip(LIMITS, told["limits"], strict=True)),
        "security": dict(zip(SECURITY, told["security"], strict=True)),
    }
    assert tenant.metadata == told["metadata"]
    assert organisation(tenant) == (told["departments"], told["levels"], told["functions"])


def organisation(tenant: TenantSpec) -> tuple[list[str], list[tuple[str, int]], list[str]]:
    return (
        [department["code"] for department in tenant.departments],
        [(level["code"], level["number"]) for level in tenant.levels],
        [function["name"] for function in tenant.functions],
    )


def test_every_function_belongs_to_a_department_of_its_tenant(plan: Plan) -> None:
    for tenant in plan.tenants:
        codes = {department["code"] for department in tenant.departments}
        assert {function["department"] for function in tenant.functions} <= codes


def test_the_digest_is_that_of_the_file(plan: Plan, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(SHIPPED.read_text() + "\n# a comment\n")

    assert load(SHIPPED).digest == plan.digest
    assert load(other).digest != plan.digest
    assert load(other).tables == plan.tables


# --- files that do not hold ---

GOOD = """
version = 1
platform = "home"
registry = "public.tenants"

[[tenant]]
id = "00000000-0000-0000-0000-000000000001"
slug = "home"
name = "Home"
domain = "home.example"

[[tenant]]
id = "22222222-2222-2222-2222-222222222222"
slug = "guest"
name = "Guest"
domain = "guest.example"

[[table]]
name = "public.houses"
visibility = "shared"
columns = { street = "text", tags = "text[]", facts = "jsonb", built = "boolean" }

[[table.rule]]
name = "old houses"
phase = "003_platform_data"
when = { column = "street", in = ["a", "b"] }
tenant = "home"

[[table.rule]]
name = "the others"
phase = "004_tenant_data"
when = { always = true }
tenant = "guest"

[[table]]
name = "public.rooms"
visibility = "private"
columns = { house = "uuid" }

[[table.rule]]
name = "a room is its house's"
phase = "004_tenant_data"
parent = { column = "house", table = "public.houses" }
"""

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(text: str) -> Path:
        file = tmp_path / "plan.toml"
        file.write_text(text, encoding="utf-8")
        return file

    return to_file


def changed(old: str, new: str) -> str:
    """The good plan with one change, at the first place."""
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def when(condition: str) -> str:
    """The good plan with this as the condition of the first rule."""
    return changed('{ column = "street", in = ["a", "b"] }', condition)


def test_the_good_plan_is_good(write: Write) -> None:
    plan = load(write(GOOD))

    assert [spec.relation for spec in plan.tables] == ["public.houses", "public.rooms"]
    assert plan.tables[1].rules[0].parent is not None
    assert way(plan.tables[1].rules[0].parent) == "house → public.houses.id"
    assert (plan.name, plan.product, plan.common) == ("multi_tenant_migration", "", ())


HOUSES, RULE = "table public.houses", "table public.houses, rule 1"
WRONG: dict[str, tuple[str, str, str]] = {
    # what is wrong: (the plan, the place, the problem or the hint)
    "an unknown key of the plan": (changed("registry =", "registri ="), "the plan", "Did you mean 'registry'?"),
    "an unknown key of a tenant": (changed("slug =", "slugg ="), "tenant 1", "Did you mean 'slug'?"),
    "an unknown key of a table": (changed("visibility", "visible"), HOUSES, "Did you mean 'visibility'?"),
    "an unknown key of a rule": (changed("tenant = ", "tennant = "), RULE, "Did you mean 'tenant'?"),
    "an unknown key like no other": (changed("columns =", "zzz ="), HOUSES, "Known are: columns, critical, key"),
    "an unknown key of a condition": (when('{ colum = "street", equals = "a" }'), RULE, "Did you mean 'column'?"),
    "an unknown key of a parent": (changed('house", table', 'house", tabel'), "public.rooms, rule 1", "'table'?"),
    "no version": (changed("version = 1", ""), "the plan", "version is missing"),
    "another version": (changed("version = 1", "version = 2"), "the plan", "version must be 1"),
    "no platform": (changed('platform = "home"', ""), "the plan", "platform is missing"),
    "a platform that is no tenant": (changed('"home"', '"hom"'), "the plan", "Did you mean 'home'?"),
    "a registry without schema": (
        changed("public.tenants", "tenants"),
        "the plan",
        "registry: name the table with its schema",
    ),
    "an unknown product": (changed("version = 1", 'version = 1\nproduct = "vitale"'), "product", "mean 'vital'?"),
    "a tenant without slug": (changed('slug = "home"', ""), "tenant 1", "slug is missing"),
    "a tenant with an empty name": (changed('"Home"', '""'), "tenant home", "name must be a text"),
    "an id that is no uuid": (changed("00000000-", "x"), "tenant home", "id must be a UUID, not 'x0000-"),
    "an id that is a number": (changed('"22222222-2222-2222-2222-222222222222"', "2"), "tenant guest", "id must be"),
    "a slug given twice": (changed('"guest"', '"home"'), "two tenants have the same slug", "home"),
    "a domain given twice": (changed("guest.example", "home.example"), "the same domain", "home.example"),
    "an id given twice": (
        changed("22222222-2222-2222-2222-222222222222", "00000000-0000-0000-0000-000000000001"),
        "two tenants have the same id",
        "00000000-0000-0000-0000-000000000001",
    ),
    "an id given twice in other letters": (
        changed("22222222-2222-2222-2222-222222222222", "{00000000000000000000000000000001}"),
        "two tenants have the same id",
        "00000000-0000-0000-0000-000000000001",
    ),
    "features that are no table": (changed('name = "Home"', 'name = "Home"\nfeatures = 3'), "tenant home", "features"),
    "a department without code": (
        changed('name = "Home"', 'name = "Home"\ndepartments = [{ name = "Sales" }]'),
        "tenant home, departments 1",
        "code is missing",
    ),
    "a level without number": (
        changed('name = "Home"', 'name = "Home"\nlevels = [{ code = "A", name = "Top", number = "one" }]'),
        "tenant home, levels 1",
        "number must be a whole number",
    ),
    "one [tenant] instead of [[tenant]]": (GOOD.split("[[tenant]]")[0] + "[tenant]", "the plan", "write [[tenant]]"),
    "no table": (GOOD.split("[[table]]")[0], "the plan", "write [[table]]"),
    "a table without schema": (changed("public.houses", "houses"), "table houses", "like public.tools"),
    "a table given twice": (changed("public.rooms", "public.houses"), "two tables", "public.houses"),
    "two tables of one name": (changed("public.rooms", "other.houses"), "of different schemas", "houses"),
    "a name that SQL would read in small letters": (changed("public.houses", "public.Houses"), "Houses", '"Tools"'),
    "a table without visibility": (changed('visibility = "shared"', ""), HOUSES, "visibility is missing"),
    "an unknown visibility": (changed('"shared"', '"shard"'), HOUSES, "Did you mean 'shared'?"),
    "a key that is not a list": (changed("visibility =", 'key = "id"\nvisibility ='), HOUSES, "key must be a list"),
    "a key of no column": (changed("visibility =", "key = []\nvisibility ="), HOUSES, "key is empty"),
    "a rescoped key that is not a list": (
        changed("visibility =", 'rescope = ["street"]\nvisibility ='),
        HOUSES,
        'like ["a", "b"], not \'street\'',
    ),
    "critical as a text": (changed("visibility =", 'critical = "no"\nvisibility ='), HOUSES, "true or false"),
    "an unknown tenant of the unmatched": (
        changed("visibility =", 'unmatched = "gest"\nvisibility ='),
        HOUSES,
        "Did you mean 'guest'?",
    ),
    "rules as a table that is not there": (
        changed('visibility = "private"', 'visibility = "private"\nrules_as = "public.house"').split(
            '[[table.rule]]\nname = "a room'
        )[0],
        "table public.rooms",
        "Did you mean 'public.houses'?",
    ),
    "rules of its own and of another": (
        changed('visibility = "private"', 'visibility = "private"\nrules_as = "public.houses"'),
        "table public.rooms",
        "one of the two decides",
    ),
    "an unknown phase": (changed("004_tenant_data", "004_tenant_dat"), "rule 2", "Did you mean '004_tenant_data'?"),
    "a rule without phase": (changed('phase = "003_platform_data"', ""), RULE, "phase is missing"),
    "a rule without name": (changed('name = "old houses"', ""), RULE, "name is missing"),
    "a rule's name given twice": (changed('"the others"', '"old houses"'), "two rules of table public.houses", "old"),
    "platform rules after the others": (
        changed("003_platform_data", "004_tenant_data")
        .replace("004_tenant_data", "003_platform_data", 2)
        .replace("003_platform_data", "004_tenant_data", 1),
        HOUSES,
        "those of 003_platform_data come first",
    ),
    "an unknown tenant of a rule": (changed('tenant = "home"', 'tenant = "hom"'), RULE, "Did you mean 'home'?"),
    "neither when nor parent": (
        changed('when = { column = "street", in = ["a", "b"] }', ""),
        RULE,
        "say `when` and the tenant, or name a `parent`",
    ),
    "both when and parent": (
        changed("parent = {", "when = { always = true }\nparent = {"),
        "table public.rooms, rule 1",
        "one of the two",
    ),
    "a parent and a tenant": (
        changed("parent = {", 'tenant = "home"\nparent = {'),
        "table public.rooms, rule 1",
        "a `parent` says which tenant",
    ),
    "a parent that comes later": (
        changed('"a room is', '"x').replace('table = "public.houses" }', 'table = "public.doors" }'),
        "table public.rooms, rule 1, parent",
        "must be a table that stands before this one in the plan",
    ),
    "a parent's column that the plan does not need": (
        changed('column = "house",', 'column = "hous",'),
        "table public.rooms, rule 1, parent",
        "Did you mean 'house'?",
    ),
    "a condition that is a text": (when('"always"'), f"{RULE}, when", "a table of keys and values"),
    "two conditions in one": (
        when('{ column = "street", equals = "a", contains = "b" }'),
        f"{RULE}, when",
        "exactly one of equals, in, contains, starts_with, ends_with, matches, overlaps, less, ",
    ),
    "always and a column": (when('{ always = true, column = "street" }'), f"{RULE}, when", "always has no column"),
    "always and another": (
        when('{ always = true, column = "street", equals = "a" }'),
        f"{RULE}, when",
        "exactly one of",
    ),
    "never": (when("{ always = false }"), f"{RULE}, when", "always is true"),
    "no condition": (when('{ column = "street" }'), f"{RULE}, when", "exactly one of"),
    "all of nothing": (when("{ all = [] }"), f"{RULE}, when", "all is empty"),
    "any of something else": (when('{ any = "x" }'), f"{RULE}, when", "any must be a list"),
    "a mistake deep inside": (
        when('{ all = [{ always = true }, { not = { any = [{ column = "street", equal = "a" }] } }] }'),
        f"{RULE}, when, all 2, not, any 1",
        "Did you mean 'equals'?",
    ),
    "a column that the plan does not need": (
        when('{ column = "streets", equals = "a" }'),
        f"{RULE}, when",
        "must be among the table's columns, not 'streets'. Did you mean 'street'?",
    ),
    "a condition without column": (when('{ equals = "a" }'), f"{RULE}, when", "column is missing"),
    "in as a text": (when('{ column = "street", in = "abc" }'), f"{RULE}, when", "in must be a list"),
    "in nothing": (when('{ column = "street", in = [] }'), f"{RULE}, when", "in must be a list"),
    "in lists": (when('{ column = "street", in = [["a"]] }'), f"{RULE}, when", "in compares with a text, a number"),
    "contains a number": (when('{ column = "street", contains = 5 }'), f"{RULE}, when", "contains must be a list"),
    "contains an empty text": (when('{ column = "street", contains = [""] }'), f"{RULE}, when", "list of texts"),
    "contains the empty text": (when('{ column = "street", contains = "" }'), f"{RULE}, when", "must be a text"),
    "overlaps a text": (when('{ column = "tags", overlaps = "ab" }'), f"{RULE}, when", "overlaps must be a list"),
    "is_null as a text": (when('{ column = "street", is_null = "no" }'), f"{RULE}, when", "must be true or false"),
    "json as a text": (
        when('{ column = "facts", json = "a", equals = "b" }'),
        f"{RULE}, when",
        "json must be a list of texts",
    ),
    "equals a list": (when('{ column = "street", equals = ["a"] }'), f"{RULE}, when", "equals compares with a text"),
    "a common table without schema": (GOOD + '\n[[common]]\nname = "words"\n', "common 1", "not 'words'"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_it_is_refused_with_its_place_and_a_way_out(write: Write, wrong: str) -> None:
    text, place, problem = WRONG[wrong]
    file = write(text)

    with pytest.raises(PlanError) as refused:
        load(file)

    message = str(refused.value)
    assert str(file) in message
    assert place in message
    assert problem in message
    assert message.endswith((".", "?"))


def test_toml_that_cannot_be_read_is_refused_with_its_line(write: Write) -> None:
    with pytest.raises(PlanError, match=r"plan\.toml is not valid TOML: .*line 1"):
        load(write("version = = 1"))


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "latin.toml"
    file.write_bytes('name = "Zürich"'.encode("latin-1"))

    with pytest.raises(PlanError, match="is not valid TOML"):
        load(file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"nowhere\.toml cannot be read: No such file"):
        load(tmp_path / "nowhere.toml")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="cannot be read: Is a directory"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("given", "value"),
    [("true", "true"), ("false", "false"), ("3", "3"), ("-1.5", "-1.5"), ('"True"', "True"), ('""', "")],
)
def test_a_value_is_compared_as_postgresql_shows_it(write: Write, given: str, value: str) -> None:
    spec = load(write(when(f'{{ column = "built", equals = {given} }}'))).tables[0]

    assert spec.rules[0].when == Condition("equals", column="built", value=value)


def test_a_single_text_may_be_contained(write: Write) -> None:
    spec = load(write(when('{ column = "street", contains = "Alley" }'))).tables[0]

    assert spec.rules[0].when == Condition("contains", column="street", value=("Alley",))
