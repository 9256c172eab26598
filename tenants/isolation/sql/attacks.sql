-- name: begin_attacks
-- One picture of the rows for the whole run, so that what others write meanwhile is no finding; nobody queues behind it.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ

-- name: wait_briefly
-- Neither a lock nor a statement holds an application up. No partition is passed over: a cursor that does not read one is
-- none for the whole table to PostgreSQL.
SELECT set_config('lock_timeout', '2s', true), set_config('statement_timeout', '60s', true),
       set_config('enable_partition_pruning', 'off', true)

-- name: join_tenants_for_now
-- The owner is no member of vital_tenant, or its restrictive policies would bind it and blind the guard of references:
-- only inside this transaction, and in a way that passes nothing on (before 16 through vital_operator). Where a DBA has
-- arranged it already, it is left so.
DO $join$
BEGIN
    IF current_setting('server_version_num')::int >= 160000 THEN
        IF NOT pg_has_role('vital_tenant', 'SET') THEN
            EXECUTE 'GRANT vital_tenant TO CURRENT_USER WITH INHERIT FALSE, SET TRUE';
        END IF;
    ELSIF NOT pg_has_role('vital_tenant', 'MEMBER') THEN
        ALTER ROLE vital_operator NOINHERIT;
        GRANT vital_tenant TO vital_operator;
    END IF;
END
$join$

-- name: may_be_tenant
-- Whether the role that logged in may become a tenant without help, as the service's login may.
SELECT pg_has_role(session_user, 'vital_tenant', CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END)

-- name: be_tenant
-- The restricted role with this tenant set; an empty text is nobody.
SELECT set_config('role', 'vital_tenant', true), set_config('vital.tenant_id', {tenant}, true)

-- name: be_operator
-- The role that sees everything.
SELECT set_config('role', 'vital_operator', true)

-- name: be_oneself
-- The role that logged in, for tables that the fence's roles may not write.
SELECT set_config('role', 'none', true)

-- name: mark
-- Where to go back to after each attack.
SAVEPOINT vital_attack

-- name: back_to_mark
-- What the attack did is undone, and the next one can be tried.
ROLLBACK TO SAVEPOINT vital_attack

-- name: forget_mark
-- The next table has a mark of its own.
RELEASE SAVEPOINT vital_attack

-- name: rows_by_owner
-- How many rows of each owner the current role is shown.
SELECT COALESCE(t.{tenant}::text, ''), count(*) FROM {relation} AS t GROUP BY 1

-- name: read_rows
-- Whose planted rows are shown to one who knows their keys.
SELECT t.{tenant}::text FROM {relation} AS t WHERE {rows}

-- name: lock_rows
-- The same with a lock, which only a writer may take.
SELECT t.{tenant}::text FROM {relation} AS t WHERE {rows} FOR UPDATE

-- name: update_rows
-- Write others' planted rows, by key.
UPDATE {relation} AS t SET {tenant} = t.{tenant} WHERE {rows} RETURNING t.{tenant}::text

-- name: delete_rows
-- Delete others' planted rows, by key.
DELETE FROM {relation} AS t WHERE {rows} RETURNING t.{tenant}::text

-- name: copy_out
-- COPY takes a way of its own through row level security.
COPY {relation} ({tenant}) TO STDOUT

-- name: point_at_rows
-- Declared by the operator: the cursor lets a tenant aim at a row without reading it, so that what is tried is the policy
-- for writing alone, without the one for reading in front of it. It never aims at a row that was not planted.
DECLARE vital_probe CURSOR FOR SELECT t.{tenant}::text FROM {relation} AS t WHERE {rows}

-- name: point_at_next
-- Whose row the cursor is on.
FETCH NEXT FROM vital_probe

-- name: write_row
-- Take another's row, or give an own one away.
UPDATE {relation} SET {tenant} = {owner} WHERE CURRENT OF vital_probe

-- name: delete_row
-- Delete it unseen.
DELETE FROM {relation} WHERE CURRENT OF vital_probe

-- name: close_pointer
-- The next table has a cursor of its own.
CLOSE vital_probe

-- name: update_everything
-- No filter, nothing read: only the policy for writing decides.
UPDATE {relation} SET {tenant} = {owner}

-- name: delete_everything
-- The same for deleting.
DELETE FROM {relation}

-- name: forge_row
-- A row in another's name.
INSERT INTO {relation} ({columns}) OVERRIDING SYSTEM VALUE VALUES ({values})

-- name: overwrite_row
-- A row with another's key, that turns into an UPDATE of the other's row.
INSERT INTO {relation} AS t ({columns}) OVERRIDING SYSTEM VALUE VALUES ({values}) ON CONFLICT ({key}) DO UPDATE SET {tenant} = EXCLUDED.{tenant}

-- name: refer_to_row
-- An own row that refers to another's; foreign keys are checked past row level security.
UPDATE {relation} AS t SET {assignments} WHERE {rows}

-- name: shadow_table
-- A temporary table of the same name would catch what the next user of the connection writes.
CREATE TEMPORARY TABLE {table} (id integer)

-- name: wait_behind_the_path
-- As each transaction of the service has it: the schema's tables come before temporary ones.
SELECT set_config('search_path', concat_ws(', ', {schema}, 'pg_temp'), true)

-- name: shadowed
-- What would take the temporary table for the real one: a statement that names no schema, or a function of VITAL's whose
-- search path does not end in pg_temp.
SELECT 'a statement that names no schema' WHERE to_regclass({table}) IS DISTINCT FROM to_regclass({name})
UNION ALL
SELECT DISTINCT p.oid::regprocedure::text
FROM pg_trigger AS g
JOIN pg_proc AS p ON p.oid = g.tgfoid
WHERE g.tgrelid = to_regclass({name})
  AND p.pronamespace = 'vital'::regnamespace
  AND NOT EXISTS (SELECT FROM unnest(p.proconfig) AS setting WHERE setting ~ '^search_path=(.*, )?"?pg_temp"?$')

-- name: rights_beyond
-- Rights of vital_tenant that pass row level security by, or that it is not to have on this table at all.
SELECT p FROM unnest({privileges}::text[]) AS p WHERE has_table_privilege('vital_tenant', to_regclass({name}), p)

-- name: rights_on_columns
-- The same for rights on single columns.
SELECT p FROM unnest({privileges}::text[]) AS p WHERE has_any_column_privilege('vital_tenant', to_regclass({name}), p)

-- name: sees_by_itself
-- Whether the role that logged in may read the table without putting another role on.
SELECT session_user::text, has_table_privilege(session_user, to_regclass({name}), 'SELECT')
