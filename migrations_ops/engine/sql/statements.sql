-- name: applied_memo
-- What VITAL noted when it applied this statement; no row where it did not.
SELECT memo FROM vital.applied_statement WHERE statement = %(statement)s::text AND phase = %(phase)s::text

-- name: note_applied
-- Remember that this change is ours. An online statement is noted before it starts: a kill may leave its index behind.
-- Where it is made again, what was there before the first time counts; a list of things gets those that are new.
INSERT INTO vital.applied_statement AS noted (phase, statement, memo, run_id)
VALUES (%(phase)s::text, %(statement)s::text, %(memo)s, %(run)s)
ON CONFLICT (statement) DO UPDATE
SET memo = noted.memo || ARRAY_TO_JSON(ARRAY(
    SELECT thing FROM jsonb_array_elements(EXCLUDED.memo) AS thing WHERE NOT noted.memo @> jsonb_build_array(thing)
))::jsonb
WHERE jsonb_typeof(noted.memo) = 'array'
  AND jsonb_typeof(EXCLUDED.memo) = 'array'

-- name: forget_applied
-- The change was undone.
DELETE FROM vital.applied_statement WHERE statement = %(statement)s::text
