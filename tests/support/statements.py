"""Statements of applications on the legacy tables: one of each trouble, and twenty that are fine before and after."""

# Beside the platform's tables: what reads them as its owner, and a table of which the plan knows nothing.
OBJECTS = """
CREATE VIEW public.agent_names AS SELECT id, name FROM public.agents;
CREATE MATERIALIZED VIEW public.prompt_counts AS SELECT domain, count(*) AS n FROM public.prompts GROUP BY domain;
CREATE FUNCTION public.find_prompt(wanted text) RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER
  AS 'SELECT id FROM public.prompts WHERE name = wanted LIMIT 1';
CREATE PROCEDURE public.tidy(age int) LANGUAGE sql SECURITY DEFINER
  AS 'DELETE FROM public.messages WHERE created_at < now() - make_interval(days => age)';
CREATE TABLE public.jobs (id int PRIMARY KEY, state text);
CREATE INDEX prompts_by_name ON public.prompts (lower(name));
ANALYZE public.prompts;
"""

# kind → (table, statement); the table as people call it.
TROUBLES = {
    "on-conflict": (
        "tools",
        "INSERT INTO tools (tool_key, name, description, tenant_id) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (tool_key) DO UPDATE SET name = EXCLUDED.name",
    ),
    "no-tenant": ("users", "INSERT INTO users (id, email) VALUES (:id, :email)"),
    "rights": ("jobs", "UPDATE jobs SET state = $1 WHERE id = $2"),
    "copy-from": ("messages", "COPY messages (id, conversation_id, role, content) FROM STDIN"),
    "truncate": ("messages", "TRUNCATE messages"),
    "past-policies": ("agent_names", "SELECT name FROM agent_names WHERE id = $1"),
    "slower": ("prompts", "SELECT id FROM prompts WHERE lower(name) = $1"),
    "several-rows": ("prompts", "SELECT id, system_prompt FROM prompts WHERE name = %s"),
}

FINE = """
SELECT id, name, tier FROM agents WHERE status = 'active' ORDER BY priority DESC LIMIT 20;
SELECT * FROM agents WHERE id = $1;
SELECT c.title, m.content FROM conversations c JOIN messages m ON m.conversation_id = c.id
  JOIN users u ON u.id = c.user_id WHERE u.id = $1 AND c.status = 'active';
SELECT display_name FROM prompts WHERE domain = %s LIMIT 5;
SELECT id FROM prompts WHERE name = $1 AND tenant_id = $2;
SELECT EXISTS (SELECT 1 FROM tools WHERE tool_key = $1);
SELECT id, name FROM prompts WHERE name ILIKE '%' || :words || '%';
INSERT INTO conversations (user_id, title, mode) VALUES ($1, $2, 'agent');
INSERT INTO messages (conversation_id, role, content) VALUES (%(conversation)s, 'user', %(text)s) RETURNING id;
INSERT INTO knowledge_base (source_id, chunk_index, content, content_hash, domain)
  SELECT id, 0, $2, $3, domain FROM knowledge_sources WHERE id = $1;
INSERT INTO agents (name, display_name, description, system_prompt, tier, tenant_id)
  VALUES ($1, $2, $3, $4, 'tier_3', $5) ON CONFLICT (id) DO NOTHING;
INSERT INTO users (id, email, tenant_id) VALUES ($1, $2, $3);
UPDATE tools SET total_calls = total_calls + 1 WHERE id = $1;
UPDATE users SET last_login_at = now() WHERE id = $1 AND email = $2;
UPDATE conversations SET status = 'archived' WHERE id IN ($1, $2, $3) /* ; */;
DELETE FROM messages WHERE conversation_id = $1;
SELECT c.name, count(*) FROM tool_categories c LEFT JOIN tools t ON t.category_id = c.id GROUP BY c.name;
WITH mine AS (SELECT id FROM conversations WHERE user_id = $1)
  SELECT m.* FROM messages m JOIN mine ON mine.id = m.conversation_id;
COPY (SELECT id, name FROM agents) TO STDOUT;
SELECT k.content FROM knowledge_base k WHERE k.source_id = $1 AND k.domain = 'digital_health; or not' -- ; nothing
"""
UTILITY = "BEGIN; SET LOCAL statement_timeout = '5s'; COMMIT;"


def text() -> str:
    """All of them as a file: the troubles among the others."""
    half = len(FINE) // 2
    middle = FINE.index(";\n", half) + 2
    listed = ";\n".join(statement for _, statement in TROUBLES.values())
    return f"{UTILITY}\n{FINE[:middle]}\n-- what breaks\n{listed};\n{FINE[middle:]}"
