"""The SQL of the execution guide, as printed there."""

TRACKING = """
SELECT
    migration_name,
    phase,
    status,
    started_at,
    completed_at,
    metrics
FROM migration_tracking
WHERE migration_name = 'multi_tenant_migration'
ORDER BY started_at;
"""

AFTER_001 = """
SELECT column_name, data_type
FROM information_schema.columns
WHERE table_name = 'tools' AND column_name IN ('category', 'category_id');
"""

AFTER_002 = """
SELECT id, name, slug, is_active
FROM tenants
WHERE id IN (
    '00000000-0000-0000-0000-000000000001',
    '11111111-1111-1111-1111-111111111111',
    'f7aa6fd4-0af9-4706-8b31-034f1f7accda'
);
"""

AFTER_003 = """
SELECT
    (SELECT COUNT(*) FROM tools WHERE tenant_id = '00000000-0000-0000-0000-000000000001') as platform_tools,
    (SELECT COUNT(*) FROM agents WHERE tenant_id = '00000000-0000-0000-0000-000000000001' AND tier IN ('tier_1', 'tier_2')) as platform_agents;
"""  # noqa: E501  # as printed

AFTER_004 = """
SELECT
    t.name,
    COUNT(DISTINCT a.id) as agents,
    COUNT(DISTINCT p.id) as prompts,
    COUNT(DISTINCT kb.id) as knowledge
FROM tenants t
LEFT JOIN agents a ON a.tenant_id = t.id
LEFT JOIN prompts p ON p.tenant_id = t.id
LEFT JOIN knowledge_base kb ON kb.tenant_id = t.id
WHERE t.id IN (
    '00000000-0000-0000-0000-000000000001',
    '11111111-1111-1111-1111-111111111111',
    'f7aa6fd4-0af9-4706-8b31-034f1f7accda'
)
GROUP BY t.name;
"""

UNASSIGNED_AGENTS = "SELECT COUNT(*) FROM agents WHERE tenant_id IS NULL;"

CATEGORY_COLUMN = """
SELECT * FROM information_schema.columns
WHERE table_name = 'tools' AND column_name = 'category';
"""

API_QUERY = """
SELECT id, name, category, tenant_id
FROM tools
WHERE tenant_id = '11111111-1111-1111-1111-111111111111'
   OR tenant_id = '00000000-0000-0000-0000-000000000001';
"""

CURLS = """
# Test tools endpoint
curl -H "x-tenant-id: 11111111-1111-1111-1111-111111111111" \\
  http://localhost:3000/api/tools-crud

# Test prompts endpoint
curl -H "x-tenant-id: f7aa6fd4-0af9-4706-8b31-034f1f7accda" \\
  http://localhost:3000/api/prompts-crud

# Test knowledge domains
curl http://localhost:3000/api/knowledge-domains
"""

LOGS = (
    "000_pre_validation.log",
    "001_schema_fixes.log",
    "002_tenant_setup.log",
    "003_platform_data.log",
    "004_tenant_data.log",
    "005_post_validation.log",
    "006_row_level_security.log",
)
