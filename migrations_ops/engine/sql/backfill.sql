-- name: assign_batch
-- Decide the rows of one range, write what changed with its reasons, and prove that nothing else did.
-- A row that somebody changes meanwhile no longer has its place and version: it is left to the final sweep.
-- The verdict is materialized: else each of its values looks a row's parent up again, wherever it is used.
WITH batch AS MATERIALIZED (
    SELECT t.*, t.ctid AS vital_row, t.xmin AS vital_version, ({open}) AS vital_open
    FROM ONLY {relation} AS t
    WHERE t.ctid >= %(first)s::tid
      AND t.ctid < %(last)s::tid
      AND get_byte(tidsend(t.ctid), 5) %% %(passes)s = %(pass)s
      AND ({candidates})
), verdict AS MATERIALIZED (
    {verdict}
), changed AS (
    UPDATE ONLY {relation} AS t
    SET {assignments}
    FROM verdict AS v
    JOIN batch AS b USING (vital_row)
    WHERE t.ctid = ANY(ARRAY(SELECT vital_row FROM verdict))
      AND t.ctid = b.vital_row
      AND t.xmin = b.vital_version
      AND v.rule IS NOT NULL
      AND ({only})
      AND ({differs})
    RETURNING {key} AS key,
              v.rule,
              {before} AS before,
              {after} AS after,
              substr(tidsend(t.ctid), 1, 4) = substr(tidsend(b.vital_row), 1, 4) AS stayed,
              {same_content} AS same,
              {is_foreign} AS is_foreign,
              ({differs}) AS refused
), noted AS (
    INSERT INTO vital.ledger (run_id, phase, step, kind, relation, rule, digest, before, after, keys, rows, transaction)
    SELECT %(run)s, %(phase)s::text, %(step)s::text, %(kind)s::text, %(relation)s::text, rule, %(digest)s::text, before, after,
           array_agg(key), count(*), pg_current_xact_id()::text::bigint
    FROM changed
    GROUP BY rule, before, after
)
SELECT (SELECT count(*) FROM batch),
       count(*),
       count(*) FILTER (WHERE stayed),
       COALESCE(bool_and(same), true),
       count(*) FILTER (WHERE is_foreign),
       count(*) FILTER (WHERE refused)
FROM changed

-- name: indexes_of_columns
-- The indexes of a table that hold one of these columns, as a key, beside it, in an expression or in a predicate. Those
-- that only sum up pages (BRIN) stand in the way of no HOT update from PostgreSQL 16 on.
SELECT i.indexrelid::regclass::text
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_am AS am ON am.oid = c.relam
JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attname = ANY(%(columns)s::text[])
WHERE i.indrelid = to_regclass(%(leaf)s::text)
  AND NOT (am.amname = 'brin' AND current_setting('server_version_num')::int >= 160000)
  AND (
      a.attnum = ANY(i.indkey::smallint[])
      OR EXISTS (
          SELECT
          FROM pg_depend AS d
          WHERE d.classid = 'pg_class'::regclass
            AND d.objid = i.indexrelid
            AND d.refclassid = 'pg_class'::regclass
            AND d.refobjid = i.indrelid
            AND d.refobjsubid = a.attnum
      )
  )

-- name: is_redecided
-- Predicate on `t`: the rules have changed, and the row is to be decided again.
EXISTS (SELECT FROM vital.redecision AS again WHERE again.relation = {name} AND again.key = {key})

-- name: has_not_failed
-- Predicate on `t`: the row has not refused its new values in this step.
NOT EXISTS (SELECT FROM vital.failing_row AS left_out WHERE left_out.relation = {name} AND left_out.step = {step} AND left_out.key = {key})

-- name: candidates_in_range
-- The rows of a range that a batch of it would look at, to divide them: each with its place in its page, and its key.
SELECT (t.ctid::text::point)[1]::integer, {key}
FROM ONLY {relation} AS t
WHERE t.ctid >= %(first)s::tid
  AND t.ctid < %(last)s::tid
  AND ({candidates})
ORDER BY t.ctid

-- name: undecided_keys
-- Rows that the verdict can decide and that stay as they are, whatever is tried.
WITH batch AS {materialized} (
    SELECT t.*, t.ctid AS vital_row, ({open}) AS vital_open
    FROM ONLY {relation} AS t
    WHERE {candidates}
), verdict AS (
    {verdict}
)
SELECT {key}
FROM verdict AS v
JOIN ONLY {relation} AS t ON t.ctid = v.vital_row
WHERE v.rule IS NOT NULL
  AND ({only})
  AND ({differs})
LIMIT %(rows)s

-- name: note_failing_row
-- A row that refuses its new values: what it has instead, and why. One that is gone by now refuses nothing.
INSERT INTO vital.failing_row (relation, step, key, before, sqlstate, message, run_id)
SELECT %(relation)s::text, %(step)s::text, %(key)s::text, {before}, %(sqlstate)s::text, %(message)s::text, %(run)s
FROM {relation} AS t
WHERE {same_row}
LIMIT 1
ON CONFLICT (relation, step, key) DO UPDATE
SET before = EXCLUDED.before, sqlstate = EXCLUDED.sqlstate, message = EXCLUDED.message, run_id = EXCLUDED.run_id, found_at = clock_timestamp()

-- name: forget_failing_rows
-- Rows of a step that are tried again: all that have refused, or these of them.
DELETE FROM vital.failing_row
WHERE relation = %(relation)s::text
  AND step = %(step)s::text
  AND (%(keys)s::text[] IS NULL OR key = ANY(%(keys)s::text[]))

-- name: forget_failing_rows_of
-- Rows of tables whose assignments are undone: none refuses anything any more.
DELETE FROM vital.failing_row WHERE relation = ANY(%(relations)s::text[])

-- name: reasons_of_failing_rows
-- Why rows of a step refuse: how many for each reason, and one of them.
SELECT count(*), sqlstate, message, min(key)
FROM vital.failing_row
WHERE relation = %(relation)s::text
  AND step = %(step)s::text
GROUP BY sqlstate, message
ORDER BY 1 DESC, 3

-- name: undecided_ranges
-- The final sweep: where a fresh scan still finds a row that the verdict can decide, as a range around each such row.
WITH batch AS {materialized} (
    SELECT t.*, t.ctid AS vital_row, ({open}) AS vital_open
    FROM {rows}
    WHERE {candidates}
), verdict AS (
    {verdict}
)
SELECT DISTINCT (t.ctid::text::point)[0]::bigint AS page
FROM verdict AS v
JOIN ONLY {relation} AS t ON t.ctid = v.vital_row
WHERE v.rule IS NOT NULL
  AND ({only})
  AND ({differs})
ORDER BY page
LIMIT %(pages)s

-- name: rows_of_keys
-- The rows of a table that have these keys, found by its index.
unnest(%(keys)s::text[]) AS e (vital_key) JOIN ONLY {relation} AS t ON {same_row}

-- name: anything_undecided
-- Whether a row is left that the verdict can decide; of one table that holds rows, as a place says nothing of which.
WITH batch AS (
    SELECT t.*, t.ctid AS vital_row, ({open}) AS vital_open
    FROM ONLY {relation} AS t
    WHERE {candidates}
), verdict AS (
    {verdict}
)
SELECT EXISTS (
    SELECT
    FROM verdict AS v
    JOIN ONLY {relation} AS t ON t.ctid = v.vital_row
    WHERE v.rule IS NOT NULL
      AND ({only})
      AND ({differs})
)

-- name: decided_by_other_rules
-- Whether this step decided rows by rules that have changed since.
SELECT EXISTS (
    SELECT
    FROM vital.ledger
    WHERE relation = %(relation)s::text
      AND phase = %(phase)s::text
      AND step = %(step)s::text
      AND digest <> %(digest)s::text
      AND undone_at IS NULL
)

-- name: open_again
-- Rows whose last entry is this phase's may be decided again, now that its rules have changed.
INSERT INTO vital.redecision (relation, key)
SELECT %(relation)s::text, last.key
FROM (
    SELECT DISTINCT ON (key) key, l.phase
    FROM vital.ledger AS l
    CROSS JOIN LATERAL unnest(l.keys) AS key
    WHERE l.relation = %(relation)s::text
      AND l.kind <> 'reference'
      AND l.undone_at IS NULL
    ORDER BY key, l.id DESC
) AS last
WHERE last.phase = %(phase)s::text
ON CONFLICT DO NOTHING

-- name: close_again
-- The changed rules have decided; and what they decided the same way now stands by the new rules. A row that refuses is
-- decided again by a later run.
WITH closed AS (
    DELETE FROM vital.redecision AS again
    WHERE again.relation = %(relation)s::text
      AND NOT EXISTS (
          SELECT FROM vital.failing_row AS f WHERE f.relation = again.relation AND f.step = %(step)s::text AND f.key = again.key
      )
)
UPDATE vital.ledger
SET digest = %(digest)s::text
WHERE relation = %(relation)s::text
  AND phase = %(phase)s::text
  AND step = %(step)s::text
  AND undone_at IS NULL
  AND digest <> %(digest)s::text

-- name: anything_missing
-- Whether a row is still to be added.
SELECT EXISTS ({rows})

-- name: insert_rows
-- Add rows and remember them by key and hash, so that the undo removes exactly those that nobody has changed.
WITH added AS (
    INSERT INTO {relation} AS t ({columns})
    OVERRIDING SYSTEM VALUE
    SELECT {values}
    FROM ({rows}) AS r ({columns})
    ON CONFLICT DO NOTHING
    RETURNING {key} AS key, {hash} AS hash
), noted AS (
    INSERT INTO vital.ledger (run_id, phase, step, kind, relation, rule, digest, before, after, keys, hashes, rows, transaction)
    SELECT %(run)s, %(phase)s::text, %(step)s::text, %(kind)s::text, %(relation)s::text, %(rule)s::text, '', 'null'::jsonb, jsonb_build_object('columns', %(hashed)s::text[]),
           array_agg(key), array_agg(hash), count(*), pg_current_xact_id()::text::bigint
    FROM added
    HAVING count(*) > 0
)
SELECT count(*) FROM added
