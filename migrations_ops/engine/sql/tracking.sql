-- name: open_phase
-- A phase starts, or goes on where the same run left it.
INSERT INTO vital.phase_run (run_id, phase, status, metrics)
VALUES (%(run)s, %(phase)s::text, 'started', '{{}}')
ON CONFLICT (run_id, phase) DO UPDATE SET status = 'started', completed_at = NULL, error = NULL
RETURNING id

-- name: close_phase
-- A phase ends; its metrics are summed up from its steps.
UPDATE vital.phase_run
SET status = %(status)s::text,
    completed_at = clock_timestamp(),
    error = %(error)s,
    metrics = (
        SELECT jsonb_build_object(
            'seconds', round(extract(epoch FROM clock_timestamp() - phase_run.started_at), 3),
            'rows_seen', COALESCE(sum(seen), 0),
            'rows_changed', COALESCE(sum(changed), 0),
            'findings', COALESCE(sum(found), 0),
            'wal_bytes', COALESCE(sum(wal), 0),
            'longest_lock', COALESCE(max(held), 0),
            'tables', COALESCE(jsonb_object_agg(relation, jsonb_build_object(
                'rows_seen', seen, 'rows_changed', changed, 'seconds', seconds, 'findings', found,
                'wal_bytes', wal, 'longest_lock', held
            )) FILTER (WHERE relation <> ''), '{{}}')
        )
        FROM (
            SELECT relation, sum(rows_seen) AS seen, sum(rows_changed) AS changed, round(sum(s.seconds)::numeric, 3) AS seconds,
                   sum(findings) AS found, sum(wal_bytes) AS wal, max(longest_lock) AS held
            FROM vital.step_run AS s
            WHERE s.phase_run_id = %(id)s
            GROUP BY relation
        ) AS by_table
    )
WHERE id = %(id)s
RETURNING metrics

-- name: open_step
-- A step starts, or goes on where its chunks are. It does not wait for the disk: what it does there, or the end of the
-- phase, brings it there, and a step that a crash has forgotten is looked at again.
INSERT INTO vital.step_run (phase_run_id, step, relation, status, outcome, rows_seen, rows_changed, foreign_writes, findings, seconds)
VALUES (%(phase_run)s, %(step)s::text, %(relation)s::text, 'started', '', 0, 0, 0, 0, 0)
ON CONFLICT (phase_run_id, step) DO UPDATE SET relation = EXCLUDED.relation, status = 'started'
RETURNING id, begun, rows_seen, rows_changed, seconds, set_config('synchronous_commit', 'off', true)

-- name: begin_step
-- Its chunks are created and what is to be decided again is marked, in one transaction.
UPDATE vital.step_run SET begun = true WHERE id = %(id)s

-- name: count_in_step
-- The counters, in the transaction of the batch itself. Several workers count in one row: it comes last, before COMMIT.
UPDATE vital.step_run
SET rows_seen = rows_seen + %(seen)s,
    rows_changed = rows_changed + %(changed)s,
    foreign_writes = foreign_writes + %(foreign)s,
    seconds = greatest(seconds, %(seconds)s)
WHERE id = %(id)s

-- name: counters_of_step
-- What all workers have seen and changed.
SELECT rows_seen, rows_changed FROM vital.step_run WHERE id = %(id)s

-- name: step_at_work
-- The step of a run that several workers can help with now, with what a helper needs of it.
SELECT s.id, s.begun, s.rows_seen, s.rows_changed, s.seconds, p.phase, s.step
FROM vital.step_run AS s
JOIN vital.phase_run AS p ON p.id = s.phase_run_id
WHERE p.run_id = %(run)s
  AND p.status = 'started'
  AND s.status = 'started'
  AND s.begun
  AND EXISTS (SELECT FROM vital.share AS h WHERE h.step_run_id = s.id AND h.at < h.last)
ORDER BY s.id DESC
LIMIT 1

-- name: close_step
-- A step ends.
UPDATE vital.step_run
SET status = %(status)s::text,
    outcome = %(outcome)s::text,
    findings = %(findings)s,
    rows_changed = greatest(rows_changed, %(changed)s),
    seconds = %(seconds)s,
    wal_bytes = wal_bytes + %(wal)s,
    longest_lock = greatest(longest_lock, %(held)s),
    facts = %(facts)s
WHERE id = %(id)s
RETURNING set_config('synchronous_commit', CASE WHEN %(durable)s THEN current_setting('synchronous_commit') ELSE 'off' END, true)

-- name: wal_position
-- How much WAL the server has written so far, in bytes.
SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint

-- name: forget_findings
-- A check is asked again: what it found before no longer counts.
DELETE FROM vital.finding WHERE check_name = %(check)s::text

-- name: findings_of_check
-- What a check found when it was asked last.
SELECT relation, key, message FROM vital.finding WHERE check_name = %(check)s::text ORDER BY id

-- name: note_findings
-- Things a person should look at.
INSERT INTO vital.finding (phase, check_name, severity, relation, key, message, run_id)
SELECT %(phase)s::text, %(check)s::text, %(severity)s::text, found.relation, found.key, found.message, %(run)s
FROM unnest(%(relations)s::text[], %(keys)s::text[], %(messages)s::text[]) AS found (relation, key, message)

-- name: roll_back_phase
-- The phase's last record is no longer true, nor those of canaries.
UPDATE vital.phase_run
SET status = 'rolled_back',
    error = NULL,
    completed_at = clock_timestamp()
WHERE id IN (
    SELECT DISTINCT ON (r.scope) p.id
    FROM vital.phase_run AS p
    JOIN vital.run AS r ON r.id = p.run_id
    WHERE p.phase = %(phase)s::text
    ORDER BY r.scope, p.id DESC
)
