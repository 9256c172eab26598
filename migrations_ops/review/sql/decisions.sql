-- name: nobody_else_decides
-- Decisions come one after the other, so that the second one sees what the first has decided. Runs only read them.
LOCK TABLE vital.override IN SHARE ROW EXCLUSIVE MODE

-- name: moment
-- What marks the decisions of this transaction.
SELECT now()

-- name: weigh
-- The rows that decisions are about, as they are: key, tenant, the decision that stands, whether it was made in this
-- transaction, and whether the wanted tenant has a row with the same unique key.
SELECT given.line, {key}, {now}, person.tenant_id::text, person.reason, person.decided_by, person.decided_at::text,
       COALESCE(person.xmin = pg_current_xact_id()::xid, false), {taken}
FROM unnest(%(lines)s::bigint[], %(keys)s::text[], %(tenants)s::uuid[]) AS given (line, vital_key, tenant)
JOIN {relation} AS t ON {same_row}
LEFT JOIN vital.override AS person ON person.relation = %(relation)s::text AND person.key = {key}
ORDER BY given.line

-- name: key_is_taken
-- Predicate: another row of the wanted tenant has the same values in a key that is unique in each tenant.
EXISTS (SELECT 1 FROM {relation} AS other WHERE other.{tenant} = given.tenant AND ({theirs}) = ({ours}) AND {their_key} <> {key})

-- name: write
-- The decisions, each with its line in the audit. One that says what stands already is only touched, to know it again.
WITH given AS (
    SELECT *
    FROM unnest(%(keys)s::text[], %(tenants)s::uuid[], %(reasons)s::text[], %(before)s::text[], %(news)s::boolean[])
      AS given (key, tenant, reason, before, is_new)
), written AS (
    INSERT INTO vital.override AS standing (relation, key, tenant_id, reason, decided_by, decided_at)
    SELECT %(relation)s::text, key, tenant, reason, %(who)s::text, now() FROM given
    ON CONFLICT (relation, key) DO UPDATE
    SET tenant_id = EXCLUDED.tenant_id,
        reason = EXCLUDED.reason,
        decided_by = CASE WHEN (standing.tenant_id, standing.reason) = (EXCLUDED.tenant_id, EXCLUDED.reason) THEN standing.decided_by ELSE EXCLUDED.decided_by END,
        decided_at = CASE WHEN (standing.tenant_id, standing.reason) = (EXCLUDED.tenant_id, EXCLUDED.reason) THEN standing.decided_at ELSE now() END
)
INSERT INTO vital.audit (who, action, reason, facts)
SELECT %(who)s::text, 'decide', reason, jsonb_build_object('table', %(relation)s::text, 'key', key, 'from', before, 'to', tenant)
FROM given
WHERE is_new

-- name: decided_keys
-- What was decided in one transaction about a table, some thousand rows at a time.
SELECT key
FROM vital.override
WHERE relation = %(relation)s::text
  AND decided_at = %(moment)s
  AND key > %(after)s::text
ORDER BY key
LIMIT %(rows)s

-- name: standing_records
-- The last record of the phase in the whole and in each canary, as far as it is not undone; the latest first.
SELECT last.id, last.scope
FROM (
    SELECT DISTINCT ON (r.scope) p.id, p.status, r.scope
    FROM vital.phase_run AS p
    JOIN vital.run AS r ON r.id = p.run_id
    WHERE p.phase = %(phase)s::text
    ORDER BY r.scope, p.id DESC
) AS last
WHERE last.status <> 'rolled_back'
ORDER BY last.id DESC

-- name: note_decision
-- Who carries decisions out; a run of no phase, over as soon as it is written.
INSERT INTO vital.run (kind, status, phases, plan_digest, plan, started_by, stop_requested, scope, finished_at)
VALUES ('decide', 'completed', '{{}}', %(digest)s::text, '', %(who)s::text, '', '', clock_timestamp())
RETURNING id

-- name: rules_of_row
-- What the rules would say about one row if it had no tenant.
WITH batch AS (
    SELECT t.*, t.ctid AS vital_row, true AS vital_open FROM {relation} AS t WHERE {same_row}
)
SELECT v.{tenant}::text, v.rule FROM ({verdict}) AS v

-- name: verdict_of_withdrawal
-- Rows go back; one that had no tenant and that matches no rule, to none.
SELECT batch.vital_row, given.tenant::uuid AS {tenant}, given.rule
FROM batch
JOIN unnest({keys}::text[], {tenants}::text[], {rules}::text[]) AS given (key, tenant, rule) ON given.key = {key}

-- name: is_one_of_rows
-- Predicate on `t`: it is one of these rows.
{key} = ANY({keys}::text[])

-- name: before_people
-- The tenant that each row had before its last entries, which are people's.
WITH entry AS (
    SELECT key, l.id, l.before, l.rule = ANY(%(rules)s::text[]) AS by_person
    FROM vital.ledger AS l
    CROSS JOIN LATERAL unnest(l.keys) AS held (key)
    WHERE l.relation = %(relation)s::text
      AND l.kind <> 'reference'
      AND l.undone_at IS NULL
      AND vital.key_hashes(l.keys) && vital.key_hashes(%(keys)s::text[])
      AND key = ANY(%(keys)s::text[])
), judged AS (
    SELECT *, max(id) FILTER (WHERE NOT by_person) OVER (PARTITION BY key) AS last_of_rules FROM entry
)
SELECT DISTINCT ON (key) key, before ->> %(tenant)s::text
FROM judged
WHERE by_person
  AND id > COALESCE(last_of_rules, 0)
ORDER BY key, id

-- name: forget_decisions_of_rows
-- Decisions are taken back, each with its line in the audit, unless another has taken its place.
WITH given AS (
    SELECT * FROM unnest(%(keys)s::text[], %(moments)s::text[], %(tenants)s::text[]) AS given (key, moment, tenant)
), gone AS (
    DELETE FROM vital.override AS o
    USING given
    WHERE o.relation = %(relation)s::text AND o.key = given.key AND o.decided_at = given.moment::timestamptz
    RETURNING o.key, o.tenant_id, given.tenant
)
INSERT INTO vital.audit (who, action, reason, facts)
SELECT %(who)s::text, 'withdraw', %(reason)s::text,
       jsonb_build_object('table', %(relation)s::text, 'key', key, 'from', tenant_id, 'to', tenant)
FROM gone
RETURNING id

-- name: forget_any_decision
-- For a question only, in a transaction that is taken back.
DELETE FROM vital.override WHERE relation = %(relation)s::text AND key = %(key)s::text

-- name: decide_followers_again
-- Rows whose last decision was that they follow one of these rows.
WITH follower AS MATERIALIZED (
    SELECT {key} AS key
    FROM unnest(%(keys)s::text[]) AS given (vital_key), {tables}, {child} AS c
    WHERE {same_row}
      AND {links}
      AND c.{tenant} IS NOT NULL
), last AS (
    SELECT DISTINCT ON (key) key, l.rule
    FROM vital.ledger AS l
    CROSS JOIN LATERAL unnest(l.keys) AS entry (key)
    JOIN follower USING (key)
    WHERE l.relation = %(relation)s::text
      AND l.kind <> 'reference'
      AND l.undone_at IS NULL
      AND vital.key_hashes(l.keys) && vital.key_hashes((SELECT array_agg(key) FROM follower))
    ORDER BY key, l.id DESC
)
INSERT INTO vital.redecision (relation, key)
SELECT %(relation)s::text, key FROM last WHERE rule = %(rule)s::text
ON CONFLICT DO NOTHING
RETURNING key
