-- name: row_shown
-- A row as the API answers it.
SELECT {answer} FROM {table} AS t WHERE t.id = %(id)s::uuid AND {of_tenant}

-- name: row_of_tenant
-- On a cluster the tenant says on which server a row is; one without a tenant is found all the same.
(t.tenant_id = %(tenant)s::uuid OR %(tenant)s::uuid IS NULL)

-- name: row_to_change
-- The same, held until the request ends, and the names of the table's columns: also of those that no model knows.
SELECT {answer}, ARRAY(SELECT jsonb_object_keys(to_jsonb(t))) FROM {table} AS t WHERE t.id = %(id)s::uuid AND {of_tenant} FOR UPDATE

-- name: row_in_the_making
-- What the answer would say of a row with these columns.
SELECT {answer}, ARRAY(SELECT jsonb_object_keys(to_jsonb(t))) FROM jsonb_populate_record(NULL::{table}, %(values)s::jsonb) AS t

-- name: row_made
-- A row of these columns; the others have their defaults.
INSERT INTO {table} ({columns}) SELECT {columns} FROM jsonb_populate_record(NULL::{table}, %(values)s::jsonb) AS n
RETURNING id::text

-- name: row_changed
-- Some columns of a row; the values are read as the columns' types are.
UPDATE {table} AS t SET {assignments}
FROM {table} AS s, jsonb_populate_record(s, %(values)s::jsonb) AS n
WHERE t.id = %(id)s::uuid AND {of_tenant} AND s.id = t.id AND (s.tenant_id = t.tenant_id OR %(tenant)s::uuid IS NULL)

-- name: column_changed
-- As given.
{column} = n.{column}

-- name: keys_changed
-- Key by key: numbers of the others keep their last digit. NULL and the null of JSON keep nothing yet.
metadata = (CASE WHEN jsonb_typeof(t.metadata) = 'object' THEN t.metadata ELSE '{{}}' END - %(gone)s::text[]) || %(keys)s::jsonb

-- name: row_version
-- A name for the state of a row: of two rows with the same one, the JSON is the same. The transaction that wrote a row gives it
-- another with each change that others can see. A column that comes, goes or changes is written anew in the catalogue, for
-- which no row is. A server that lost its last transactions in a crash counts them again, but it has started since.
concat_ws(' ', t.id, t.xmin, (
    SELECT hashtextextended(concat_ws(' ', '{table}', pg_postmaster_start_time(), string_agg(a.xmin::text, ' ' ORDER BY a.attnum)), 0)
    FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = '{table}'::regclass
))

-- name: rows_by_id
-- Rows and their versions.
SELECT {version}, {shape} FROM {table} AS t WHERE t.id = ANY (%(ids)s::uuid[]) AND {of_tenants}

-- name: rows_of_seen_tenants
-- Whose rows are looked for, so that a cluster asks no server that has none of them; NULL for everybody's.
(t.tenant_id = ANY (%(tenants)s::uuid[]) OR %(tenants)s::uuid[] IS NULL)

-- name: of_platform
-- The Platform's alone, where there is no tenant beside it.
AND t.tenant_id = %(platform)s::uuid
