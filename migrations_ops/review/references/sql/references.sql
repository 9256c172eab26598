-- name: reference_groups
-- How many references of a foreign key lead from which tenant's rows to which other's, without those that were accepted.
SELECT t.{tenant}::text, p.{tenant}::text, count(*)
FROM {child} AS t
JOIN {parent} AS p ON {same}
WHERE t.{tenant} <> p.{tenant}
  AND p.{tenant} <> {platform}::uuid
  AND NOT {is_accepted}
GROUP BY 1, 2
ORDER BY 3 DESC, 1, 2

-- name: references_of_group
-- Those of one group, some or all: both rows, their tenants, and the versions of both.
SELECT {key}, t.{tenant}::text, {parent_key}, p.{tenant}::text, t.xmin::text, p.xmin::text
FROM {child} AS t
JOIN {parent} AS p ON {same}
WHERE t.{tenant} = %(one)s::uuid
  AND p.{tenant} = %(other)s::uuid
  AND (%(keys)s::text[] IS NULL OR {key} = ANY(%(keys)s::text[]))
  AND NOT {is_accepted}
ORDER BY 1
LIMIT %(rows)s

-- name: references_of_children
-- What these rows refer to, as above.
SELECT {key}, t.{tenant}::text, {parent_key}, p.{tenant}::text, t.xmin::text, p.xmin::text
FROM unnest(%(keys)s::text[]) AS given (vital_key)
JOIN {child} AS t ON {given}
JOIN {parent} AS p ON {same}

-- name: references_to_parents
-- What refers to these rows, as above.
SELECT {key}, t.{tenant}::text, {parent_key}, p.{tenant}::text, t.xmin::text, p.xmin::text
FROM unnest(%(keys)s::text[]) AS given (vital_key)
JOIN {parent} AS p ON {given}
JOIN {child} AS t ON {same}

-- name: hold_rows
-- Rows that are about to change, and what is read for it: nobody else writes them, or refers to them anew, until the end.
SELECT {key}, t.xmin::text
FROM unnest(%(keys)s::text[]) AS given (vital_key)
JOIN {relation} AS t ON {same_row}
ORDER BY 1
FOR UPDATE OF t

-- name: values_of_rows
-- Columns of rows as text, as one array each.
SELECT {key}, {values}
FROM unnest(%(keys)s::text[]) AS given (vital_key)
JOIN {relation} AS t ON {same_row}

-- name: copies_there_are
-- Copies of these rows for the tenant: the copy's key, the resolution that made it, and its columns as text.
SELECT c.key, c.copy, c.run_id, {values}
FROM vital.row_copy AS c
JOIN {table} AS t ON {same_row}
WHERE c.relation = %(relation)s::text
  AND c.key = ANY(%(keys)s::text[])
  AND c.tenant_id = %(for)s::uuid
  AND t.{tenant} = c.tenant_id

-- name: keys_as_spelled
-- Keys made of these columns, one after the other, as they are known everywhere.
SELECT {key}
FROM (SELECT vital_place, {typed} FROM unnest({arrays}) WITH ORDINALITY AS given ({names}, vital_place)) AS t
ORDER BY vital_place

-- name: rows_to_copy
-- The originals, with what is another value in the copies.
SELECT {values}
FROM unnest({keys}::text[]{arrays}) AS given (vital_key{names})
JOIN {relation} AS t ON {same_row}

-- name: verdict_of_references
-- Rows refer to others from now on.
SELECT batch.vital_row, {values}, {rule}::text AS rule
FROM batch
JOIN unnest({keys}::text[]{arrays}) AS given (vital_key{names}) ON given.vital_key = {key}

-- name: remember_copies
-- Which row was copied for the tenant, so that the next one that refers to it gets the same copy.
INSERT INTO vital.row_copy (relation, key, tenant_id, copy, run_id)
SELECT %(relation)s::text, given.key, %(tenant)s::uuid, given.copy, %(run)s
FROM unnest(%(keys)s::text[], %(copies)s::text[]) AS given (key, copy)
ON CONFLICT (relation, key, tenant_id) DO UPDATE SET copy = EXCLUDED.copy, run_id = EXCLUDED.run_id

-- name: accept_references
-- References that a person leaves as they are.
INSERT INTO vital.accepted_reference (relation, columns, key, parent_key, tenant_id, parent_tenant_id, reason, accepted_by, run_id)
SELECT %(relation)s::text, %(columns)s::text, given.key, given.parent, %(tenant)s::uuid, %(other)s::uuid, %(reason)s::text, %(who)s::text, %(run)s
FROM unnest(%(keys)s::text[], %(parents)s::text[]) AS given (key, parent)
ON CONFLICT DO NOTHING

-- name: settle_findings
-- What was found about these references is settled.
UPDATE vital.finding
SET settled_by = %(run)s
WHERE relation = %(relation)s::text
  AND key = ANY(%(keys)s::text[])
  AND strpos(message, format(' refers by %%s to a row of ', %(columns)s::text)) > 0

-- name: wait_for_disk
-- What is said to be done must outlive a crash: the end of this transaction waits, whatever was set in it.
SELECT set_config('synchronous_commit', reset_val, true) FROM pg_settings WHERE name = 'synchronous_commit'

-- name: resolution
-- What was resolved under this number: when, and what was noted about it.
SELECT a.facts, a.reason, a.who
FROM vital.audit AS a
WHERE a.action = %(action)s::text
  AND (a.facts ->> 'number')::bigint = %(number)s::bigint

-- name: resolution_stands
-- Whether something of it is still to be undone.
SELECT EXISTS (SELECT FROM vital.ledger WHERE run_id = %(number)s AND undone_at IS NULL)
    OR EXISTS (SELECT FROM vital.override WHERE decided_at = %(moment)s::timestamptz)
    OR EXISTS (SELECT FROM vital.accepted_reference WHERE run_id = %(number)s)

-- name: standing_resolutions
-- The last ones of which something is still to be undone.
SELECT a.facts, a.who, a.at, a.reason
FROM vital.audit AS a
WHERE a.action = %(action)s::text
  AND (
      EXISTS (SELECT FROM vital.ledger AS l WHERE l.run_id = (a.facts ->> 'number')::bigint AND l.undone_at IS NULL)
      OR EXISTS (SELECT FROM vital.accepted_reference AS r WHERE r.run_id = (a.facts ->> 'number')::bigint)
  )
ORDER BY a.id DESC
LIMIT %(rows)s

-- name: later_changes
-- Rows of this resolution that a later run has changed, and it stands: (table, key, run).
SELECT DISTINCT ON (l.relation, ours.key) l.relation, ours.key, l.run_id
FROM (
    SELECT mine.relation, key, max(mine.id) AS id
    FROM vital.ledger AS mine
    CROSS JOIN LATERAL unnest(mine.keys) AS key
    WHERE mine.run_id = %(number)s AND mine.undone_at IS NULL
    GROUP BY 1, 2
) AS ours
JOIN vital.ledger AS l
  ON l.relation = ours.relation
 AND l.id > ours.id
 AND l.run_id <> %(number)s
 AND l.undone_at IS NULL
 AND ours.key = ANY(l.keys)
ORDER BY l.relation, ours.key, l.id DESC
LIMIT 100

-- name: later_uses
-- Later resolutions that use copies of this one, and stand.
SELECT DISTINCT a.facts ->> 'number'
FROM vital.audit AS a
JOIN vital.ledger AS l ON l.run_id = (a.facts ->> 'number')::bigint AND l.undone_at IS NULL
WHERE a.action = %(action)s::text
  AND a.facts -> 'uses' @> to_jsonb(%(number)s::bigint)

-- name: forget_resolution
-- Its decisions, what it accepted, its copies, and what it settled are no longer so; those that it overruled stand again.
WITH gone AS (
    DELETE FROM vital.override WHERE decided_at = %(moment)s::timestamptz RETURNING relation, key, tenant_id
), noted AS (
    INSERT INTO vital.audit (who, action, reason, facts)
    SELECT %(who)s::text, 'withdraw', %(reason)s::text, jsonb_build_object('table', relation, 'key', key, 'from', tenant_id) FROM gone
), accepted AS (
    DELETE FROM vital.accepted_reference WHERE run_id = %(number)s
), copies AS (
    DELETE FROM vital.row_copy WHERE run_id = %(number)s
), settled AS (
    UPDATE vital.finding SET settled_by = NULL WHERE settled_by = %(number)s
)
SELECT count(*) FROM gone

-- name: overruled_again
-- Decisions that stood before the resolution, as they were.
INSERT INTO vital.override (relation, key, tenant_id, reason, decided_by, decided_at)
SELECT o.relation, o.key, o.tenant, o.reason, o.by, o.at
FROM jsonb_to_recordset(%(overruled)s::jsonb) AS o (relation text, key text, tenant uuid, reason text, by text, at timestamptz)
ON CONFLICT (relation, key) DO NOTHING
