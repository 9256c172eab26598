-- name: states
-- The findings about one table, each with whether it is still so: decided, gone (the row, or what was wrong with it), or
-- open. What a decision cannot settle by itself is decided from the moment of the decision until it is found again.
SELECT f.id, f.check_name, f.severity, f.key, f.message, f.found_at,
       CASE
           WHEN f.key = '' THEN 'open'
           WHEN f.settled_by IS NOT NULL THEN 'decided'
           WHEN person.key IS NOT NULL AND (f.check_name = ANY({settled}::text[]) OR person.decided_at >= f.found_at) THEN 'decided'
           WHEN {key} IS NULL THEN 'gone'
           WHEN f.check_name = ANY({settled}::text[]) AND NOT ({unassigned}) THEN 'gone'
           WHEN f.check_name = ANY({refusing}::text[])
               AND NOT EXISTS (SELECT FROM vital.failing_row AS refused WHERE refused.relation = f.relation AND refused.key = f.key AND {tenant_before}) THEN 'gone'
           ELSE 'open'
       END AS state
FROM vital.finding AS f
LEFT JOIN vital.override AS person ON person.relation = f.relation AND person.key = f.key
LEFT JOIN {relation} AS t ON {same_row}
WHERE f.relation = {name}

-- name: finding_key
-- The row that a finding is about; some are about a table.
NULLIF(f.key, '')

-- name: finding_tables
-- What findings are about.
SELECT DISTINCT relation FROM vital.finding ORDER BY relation

-- name: counts_by_state
-- How many findings of each check are in which state, of those that are kept.
SELECT check_name, min(severity), max(found_at), count(*) FILTER (WHERE state = 'open'), count(*) FILTER (WHERE state = 'decided'),
       count(*) FILTER (WHERE state = 'gone')
FROM ({states}) AS found
GROUP BY check_name
ORDER BY min(id)

-- name: found_in_all
-- How many each of these checks found in all when it was last asked, and how many of them are kept.
SELECT DISTINCT ON (s.step) s.step, s.findings, (SELECT count(*) FROM vital.finding AS f WHERE f.check_name = s.step)
FROM vital.step_run AS s
WHERE s.step IN (SELECT check_name FROM vital.finding)
ORDER BY s.step, s.id DESC

-- name: kept_findings
-- Single findings of one check about one table, some thousand at a time.
SELECT id, key, message, state, found_at FROM ({states}) AS found WHERE check_name = %(check)s::text AND id > %(after)s ORDER BY id LIMIT %(rows)s

-- name: unassigned_by_state
-- Rows without a tenant, counted now: those that nobody has decided about, and those that wait for the next run.
SELECT count(*) FILTER (WHERE person.key IS NULL), count(person.key)
FROM {relation} AS t
LEFT JOIN vital.override AS person ON person.relation = {name} AND person.key = {key}
WHERE {unassigned}
  AND NOT EXISTS (SELECT FROM vital.failing_row AS refused WHERE refused.relation = {name} AND refused.key = {key})

-- name: decided_among
-- Which of these rows somebody has decided about.
SELECT key FROM vital.override WHERE relation = %(relation)s::text AND key = ANY(%(keys)s::text[])
