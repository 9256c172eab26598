"""Rows that the tests of the service add to a migrated database, past row level security: the stranger, a suspended
tenant, and for each tenant a few rows whose names can be searched for."""

from tests.support import databases
from tests.support.cast import ALIASES, ASLEEP, PHARMA, PLATFORM, SLUGS, STRANGER
from tests.support.databases import Scratch

SEARCH = "zebra"  # part of the name of every row planted here, and of no other

TENANT = """
INSERT INTO tenants (id, name, slug, is_active, settings) VALUES
  (%(stranger)s, 'Stranger', 'stranger', true, '{"features": {"tool_management": true}, "limits": {"max_tools": -1}}'),
  (%(asleep)s, 'Asleep', 'asleep', false, '{}')
"""
HOSTS = """
WITH known AS (INSERT INTO vital.tenant (id, schema_name, isolation) VALUES (%(asleep)s, 'asleep', 'pooled'))
INSERT INTO vital.domain (domain, is_primary, tenant_id) VALUES
  ('drugs.example.net', false, %(pharma)s), ('sleeper.example.net', false, %(asleep)s),
  ('shared.example.net', false, %(platform)s)
"""
ALIAS = "INSERT INTO vital.tenant_alias (id, tenant_id) VALUES (%s, %s)"
TOOLS = """
INSERT INTO tools (
  tenant_id, tool_key, name, description, tool_type, category, implementation_path, api_endpoint, documentation_url,
  input_schema, usage_examples, metadata, best_practices, avg_response_time_ms, is_active, requires_approval,
  total_calls, success_rate
) VALUES
  (%(tenant)s, %(slug)s || '-full', 'Zebra of ' || %(slug)s, 'Sees 100%% of a_b\\c.', 'api', 'Stripes', 'zebra.run',
   'https://api.example.org', 'https://docs.example.org', '{"type": "object"}', '[{"call": 1}]',
   '{"tags": ["black", "white"], "vendor": "Savanna", "version": "2.1.0", "lifecycle_stage": "beta",
     "health_status": "degraded", "langgraph_compatible": false, "business_impact": "high", "usage_guide": "Run.",
     "implementation_type": "remote"}',
   ARRAY['never seen'], 120, true, true, 7, 98.50),
  (%(tenant)s, %(slug)s || '-cub', 'Zebra cub of ' || %(slug)s, '', 'function', NULL, NULL, NULL,
   'https://docs.example.org/cub', NULL, NULL, '{}', ARRAY['small', 'steps'], NULL, true, false, 0, NULL),
  (%(tenant)s, %(slug)s || '-old', 'Zebra of old, of ' || %(slug)s, 'x', 'function', NULL, NULL, NULL, NULL, NULL, NULL,
   NULL, NULL, NULL, false, NULL, NULL, NULL)
"""
PROMPT = """
INSERT INTO prompts (
  tenant_id, name, display_name, description, category, domain, system_prompt, complexity_level, status, created_by
) VALUES (
  %(tenant)s, 'Zebra prompt of ' || %(slug)s, 'Stripes', 'Sees 100%% of a_b\\c.', 'clinical', 'zoology', 'Run.',
  'basic', 'draft', '12345678-1234-4234-8234-123456789012'
)
"""
DOMAIN = """
INSERT INTO knowledge_domains (tenant_id, code, name, slug, tier, priority)
VALUES (%(tenant)s, 'Z_' || %(slug)s, 'Zebras of ' || %(slug)s, 'zebras_' || replace(%(slug)s, '-', '_'), 3, 99)
"""
RESERVED_DOMAIN = """
INSERT INTO knowledge_domains (tenant_id, code, name, slug, tier, priority, metadata) VALUES
  (%(platform)s, 'Z_RESERVED', 'Zebras for pharma alone', 'zebras_for_pharma', 2, 99,
   jsonb_build_object('allowed_tenants', jsonb_build_array(%(pharma)s::text)))
"""
TOOL_MANAGEMENT = """
UPDATE tenants SET settings = jsonb_set(settings, '{features,tool_management}', 'true') WHERE settings ? 'features'
"""


def insert_cast(scratch: Scratch) -> None:
    """Inserts all of it."""
    url = scratch.admin_url
    databases.rows(url, TENANT, {"stranger": STRANGER, "asleep": ASLEEP})
    databases.rows(url, HOSTS, {"pharma": PHARMA, "asleep": ASLEEP, "platform": PLATFORM})
    for alias, tenant in ALIASES.items():
        databases.rows(url, ALIAS, [alias, tenant])
    for tenant, slug in SLUGS.items():
        for statement in (TOOLS, PROMPT, DOMAIN):
            databases.rows(url, statement, {"tenant": tenant, "slug": slug})
    databases.rows(url, RESERVED_DOMAIN, {"platform": PLATFORM, "pharma": PHARMA})


def let_everybody_manage_tools(scratch: Scratch) -> None:
    """The customers' shipped settings forbid it."""
    databases.rows(scratch.admin_url, TOOL_MANAGEMENT)
