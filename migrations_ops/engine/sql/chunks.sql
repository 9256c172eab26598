-- name: create_chunk
-- A page range of a table for one worker at a time.
INSERT INTO vital.share (step_run_id, relation, first, last, at)
VALUES (%(step_run)s, %(leaf)s::text, %(first)s, %(last)s, %(first)s)
ON CONFLICT DO NOTHING

-- name: unfinished_chunks
-- What is left of a step, each with its place in the table.
SELECT id, relation, last FROM vital.share WHERE step_run_id = %(step_run)s AND at < last ORDER BY id

-- name: claim_chunk
-- Be the only one at work on it. A dead worker's connection gives it back.
SELECT pg_try_advisory_lock(%(space)s, %(id)s::int)

-- name: release_chunk
-- Another worker may carry it on.
SELECT pg_advisory_unlock(%(space)s, %(id)s::int)

-- name: place_in_chunk
-- Up to where it is done.
SELECT at FROM vital.share WHERE id = %(id)s

-- name: move_chunk
-- The cursor, in the transaction of the batch itself. No row: another worker or a later run went on from here.
UPDATE vital.share
SET at = %(after)s
WHERE id = %(id)s
  AND at = %(before)s
RETURNING id

-- name: chunk_progress
-- Pages done and pages in all, and the rows that all workers have changed.
SELECT COALESCE(sum(s.at - s.first), 0)::bigint, COALESCE(sum(s.last - s.first), 0)::bigint,
       (SELECT rows_changed FROM vital.step_run WHERE id = %(step_run)s)
FROM vital.share AS s
WHERE s.step_run_id = %(step_run)s

-- name: vacuum_heap
-- Make the room of dead rows usable again; not their index entries yet. Nobody waits for it, and it waits for nobody.
VACUUM (INDEX_CLEANUP OFF, TRUNCATE OFF, SKIP_LOCKED) {relation}

-- name: vacuum_all
-- The index entries of dead rows as well; and the statistics, which the planner needs now.
VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF, SKIP_LOCKED, ANALYZE) {relation}
