-- name: loose_types
-- The types of a table's columns without lengths and domains, in which values are just what a backup has.
SELECT a.attname::text, format_type(COALESCE(NULLIF(t.typbasetype, 0), t.oid), -1)
FROM pg_attribute AS a
JOIN pg_type AS t ON t.oid = a.atttypid
WHERE a.attrelid = to_regclass(%(relation)s::text)
  AND a.attnum > 0
  AND NOT a.attisdropped

-- name: make_stage
-- Where the tenant's rows of a backup are for the time of the comparison; of others' rows there are the keys.
CREATE TEMPORARY TABLE {stage} ({columns})

-- name: copy_into_stage
-- Rows as pg_dump wrote them.
COPY {stage} ({columns}) FROM STDIN

-- name: encoding_of_rows
-- The encoding of what follows in this transaction.
SELECT set_config('client_encoding', %(name)s::text, true)

-- name: index_stage
-- By the key, which no two rows may share.
CREATE UNIQUE INDEX ON {stage} ({key})

-- name: analyze_temporary
-- Nobody else looks after temporary tables: the planner would take a big one for a small one.
ANALYZE {table}

-- name: use_temporary
-- Of this session alone; its work on rows is done in another role.
GRANT ALL ON {table} TO PUBLIC

-- name: make_differences
-- A line for each row that is not as the backup has it: what it is, the row's place in the stage, its version now and whose
-- it is there or now; whether it is asked for, needed by one that is, done, or why it cannot be; `again`: by what we did.
CREATE TEMPORARY TABLE {differences} (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    key text NOT NULL,
    place tid,
    version text,
    owner text,
    chosen boolean NOT NULL,
    followed boolean NOT NULL DEFAULT false,
    done boolean NOT NULL DEFAULT false,
    again boolean NOT NULL DEFAULT false,
    reason text
)

-- name: index_differences
-- By the row.
CREATE INDEX ON {differences} (key)

-- name: make_own_versions
-- The versions of rows that this restore has written: what has another was written by another session.
CREATE TEMPORARY TABLE {versions} (version text PRIMARY KEY)

-- name: keys_of_several_rows
-- Whether two rows of the tenant have the same key.
SELECT EXISTS (SELECT 1 FROM {relation} AS t WHERE t.{tenant}::text = %(tenant)s::text GROUP BY {key} HAVING count(*) > 1)

-- name: rows_staged
-- How many rows of the tenant the backup has.
SELECT count(*) FROM {stage} AS s WHERE s.{tenant}::text = %(tenant)s::text
