"""The ledger keeps a hash of a verdict's text. Rules that nobody changed give the same text in the next VITAL: else its
first run would take them for new ones, and decide every row again."""

from migrations_ops.engine.steps import Table
from migrations_ops.rules.compile import verdict
from migrations_ops.rules.model import Condition, Hop, Parent, Plan, Rule, TableSpec, TenantSpec
from migrations_ops.rules.plan_keys import PHASES
from tests.support.cast import PHARMA, PLATFORM

TENANTS = {"platform": PLATFORM, "pharma": PHARMA}
ROOM = Hop(("room", "floor"), 'public."Rooms"', ("no", "level"))
RULES = (
    Rule(
        1, "templates are shared", PHASES[0], Condition("equals", "kind", value="template"), "platform", reassigns=True
    ),
    Rule(2, "files of a trial", PHASES[1], Condition("starts_with", "path", ("a", "b"), ("x",)), "pharma"),
    Rule(3, "files follow folders", PHASES[1], parent=Parent((Hop(("box",), "public.boxes", ("id",)), ROOM))),
)
VERDICT = """\
-- A person's decision about each row of `batch`, else the first rule that matches; a row without either is left out.
SELECT decided.vital_row, decided.tenant_id AS "tenant_id", decided.rule
FROM (
    SELECT batch.vital_row,
           COALESCE(person.tenant_id, (CASE found.number WHEN 1 THEN '{PLATFORM}' WHEN 2 THEN '{PHARMA}' WHEN 3 THEN (-- What the row says that a row refers to, over any number of tables.
SELECT parent."tenant_id" FROM "public"."boxes" AS "parent_1", "public"."Rooms" AS "parent" WHERE parent_1."id" = batch."box" AND parent."no" = parent_1."room" AND parent."level" = parent_1."floor") WHEN 0 THEN '{PLATFORM}' END)::uuid) AS tenant_id,
           CASE WHEN person.tenant_id IS NOT NULL THEN 'decided by a person' ELSE (CASE found.number WHEN 1 THEN 'templates are shared' WHEN 2 THEN 'files of a trial' WHEN 3 THEN 'files follow folders' WHEN 0 THEN 'no rule matched: as the plan says' END)::text END AS rule
    FROM batch
    CROSS JOIN LATERAL (SELECT CASE WHEN (true) AND COALESCE(batch."kind"::text = 'template', false) THEN 1 WHEN (batch.vital_open) AND COALESCE((starts_with(lower((batch."path" #>> '{a,b}'::text[])), lower('x'))), false) THEN 2 WHEN (batch.vital_open) AND (-- What the row says that a row refers to, over any number of tables.
SELECT parent."tenant_id" FROM "public"."boxes" AS "parent_1", "public"."Rooms" AS "parent" WHERE parent_1."id" = batch."box" AND parent."no" = parent_1."room" AND parent."level" = parent_1."floor") IS NOT NULL THEN 3 ELSE CASE WHEN batch.vital_open THEN 0 END END AS number OFFSET 0) AS found
    LEFT JOIN vital.override AS person ON person.relation = 'public.files' AND person.key = jsonb_build_array(batch."id"::text, batch."part"::text)::text
) AS decided
WHERE decided.tenant_id IS NOT NULL
"""  # noqa: E501


def test_the_same_rules_give_the_same_text() -> None:
    spec = TableSpec(Table("public.files", ("id", "part")), False, True, False, {}, RULES, unmatched="platform")
    tenants = tuple(TenantSpec(id, slug, slug, slug, "", {}, {}) for slug, id in TENANTS.items())
    plan = Plan("test", "platform", "vital.registry", "", tenants, (spec,), (), "")

    expected = VERDICT.replace("{PLATFORM}", PLATFORM).replace("{PHARMA}", PHARMA)
    assert verdict(plan, spec, PHASES).as_string(None) + "\n" == expected
