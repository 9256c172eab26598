-- name: begin_attacks
-- One picture of the rows for a transaction, so that what others write meanwhile is no finding; nobody queues behind it.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ

-- name: wait_briefly
-- Neither a lock nor a statement holds an application up, and nothing is compiled for one row. No partition is passed over:
-- a cursor that does not read one is none for the whole table to PostgreSQL.
SELECT set_config('lock_timeout', '1s', true), set_config('statement_timeout', '3s', true), set_config('jit', 'off', true),
       set_config('enable_partition_pruning', 'off', true)

-- name: may_be_tenant
-- Whether the role that logged in may become a tenant without help, as the service's login may.
SELECT pg_has_role(session_user, 'vital_tenant', CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END)

-- name: how_to_be_tenant
-- What gives the role that logged in the way there, without binding it by the policies for tenants: before 16, where members
-- inherit, through a role that passes nothing on.
SELECT session_user::text,
       CASE WHEN current_setting('server_version_num')::int < 160000
            THEN format('CREATE ROLE vital_prover NOLOGIN NOINHERIT; GRANT vital_tenant TO vital_prover; GRANT vital_prover TO %I;', session_user)
            ELSE format('GRANT vital_tenant TO %I WITH INHERIT FALSE, SET TRUE;', session_user) END

-- name: may_put_on
-- Whether the role that logged in may become this one, and what would let it: before 16 not so that it inherits.
SELECT pg_has_role(session_user, r.oid, CASE WHEN v.old THEN 'MEMBER' ELSE 'SET' END), session_user::text,
       CASE WHEN v.old THEN format('GRANT %I TO vital_prover;', r.rolname) ELSE format('GRANT %I TO %I WITH INHERIT FALSE, SET TRUE;', r.rolname, session_user) END
FROM pg_roles AS r
CROSS JOIN (SELECT current_setting('server_version_num')::int < 160000 AS old) AS v
WHERE r.rolname = {role}

-- name: may_look
-- Whether a role may read whose rows there are at all.
SELECT has_schema_privilege({role}, c.relnamespace, 'USAGE') AND has_column_privilege({role}, c.oid, {tenant}, 'SELECT')
FROM pg_class AS c
WHERE c.oid = to_regclass({name})

-- name: put_on
-- A role, with the setting by which it is known whose request it is; an empty text is nobody.
SELECT set_config('role', {role}, true), set_config({setting}, {value}, true)

-- name: be_operator
-- The role that sees everything.
SELECT set_config('role', 'vital_operator', true)

-- name: be_oneself
-- The role that logged in, for tables that VITAL's roles may not write.
SELECT set_config('role', 'none', true)

-- name: try_each
-- Each attack in a subtransaction that is rolled back: [statement, what its cursor is on, role, setting, its value, what the operator
-- asks of the row whose key it returns]. The answers are texts in vital.answers: how many rows it touched, or what was
-- counted, or how it was refused. One message for many, or the way to the server would take most of the time.
DO $try$
DECLARE
    moves CONSTANT jsonb := {moves};
    move jsonb;
    answer text;
    answers text[] := ARRAY[]::text[];
    touched bigint;
    key text;
    pointer refcursor;
    owner text;
    state text;
    message text;
    constraint_name text;
    context text;
BEGIN
    FOR move IN SELECT one FROM jsonb_array_elements(moves) AS one LOOP
        BEGIN
            IF move ->> 1 <> '' THEN
                PERFORM set_config('role', 'vital_operator', true);
                pointer := 'vital_probe';
                OPEN pointer FOR EXECUTE move ->> 1;
                FETCH pointer INTO owner;
            END IF;
            PERFORM set_config('role', move ->> 2, true), set_config(move ->> 3, move ->> 4, true);
            IF move ->> 5 = '' THEN
                EXECUTE move ->> 0;
                GET DIAGNOSTICS touched = ROW_COUNT;
            ELSE
                EXECUTE move ->> 0 INTO STRICT key;
                PERFORM set_config('role', 'vital_operator', true);
                EXECUTE move ->> 5 INTO touched USING key;
            END IF;
            RAISE EXCEPTION USING ERRCODE = 'VT001';
        EXCEPTION
            WHEN SQLSTATE 'VT001' THEN
                answer := jsonb_build_array(touched);
            WHEN OTHERS THEN
                GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, constraint_name = CONSTRAINT_NAME, context = PG_EXCEPTION_CONTEXT;
                answer := jsonb_build_array(0, state, message, constraint_name, context);
        END;
        answers := answers || answer;
    END LOOP;
    PERFORM set_config('role', 'none', true), set_config('vital.answers', to_jsonb(answers)::text, true);
END
$try$

-- name: answers
-- What became of them.
SELECT current_setting('vital.answers')

-- name: rows_by_owner
-- How many rows of each owner the current role is shown.
SELECT COALESCE(t.{tenant}::text, ''), count(*) FROM {relation} AS t GROUP BY 1

-- name: rows_of_owners
-- How many rows some owners have.
SELECT t.{tenant}::text, count(*) FROM {relation} AS t WHERE t.{tenant} = ANY({owners}::uuid[]) GROUP BY 1

-- name: repeat_as_operator
-- Of a script that repeats a leak: the rows that it is about are planted by the role that sees everything.
SET LOCAL ROLE vital_operator

-- name: repeat_cursor
-- The row that the attack is aimed at without reading it.
DECLARE vital_probe CURSOR FOR {query}; FETCH vital_probe

-- name: repeat_in_guise
-- The attacker.
SET LOCAL ROLE {role}; SELECT set_config({setting}, {value}, true);

-- name: read_row
-- Whether a planted row is shown to one who knows its key.
SELECT t.{tenant} FROM {relation} AS t WHERE {row}

-- name: lock_row
-- The same with a lock, which only a writer may take.
SELECT t.{tenant} FROM {relation} AS t WHERE {row} FOR UPDATE

-- name: update_row
-- Write another's planted row, by key.
UPDATE {relation} AS t SET {tenant} = t.{tenant} WHERE {row}

-- name: delete_row
-- Delete another's planted row, by key.
DELETE FROM {relation} AS t WHERE {row}

-- name: point_at_row
-- Opened by the operator: the cursor lets a tenant aim at a row without reading it, so that what is tried is the policy
-- for writing alone, without the one for reading in front of it. It never aims at a row that was not planted.
SELECT t.{tenant}::text FROM {relation} AS t WHERE {row}

-- name: write_row
-- Take another's row, or give an own one away.
UPDATE {relation} AS t SET {tenant} = {owner} WHERE CURRENT OF vital_probe

-- name: delete_pointed
-- Delete it unseen.
DELETE FROM {relation} WHERE CURRENT OF vital_probe

-- name: copy_out
-- COPY takes a way of its own through row level security.
COPY {relation} ({tenant}) TO STDOUT

-- name: update_everything
-- No filter, nothing read: only the policy for writing decides.
UPDATE {relation} SET {tenant} = {owner}

-- name: delete_everything
-- The same for deleting.
DELETE FROM {relation}

-- name: forge_row
-- A row in another's name; also what repeats how a row was planted.
INSERT INTO {relation} AS t ({columns}) OVERRIDING SYSTEM VALUE VALUES {rows}

-- name: overwrite_row
-- A row with another's key, that turns into an UPDATE of the other's row.
INSERT INTO {relation} AS t ({columns}) OVERRIDING SYSTEM VALUE VALUES {rows} ON CONFLICT ({key}) DO UPDATE SET {tenant} = EXCLUDED.{tenant}

-- name: refer_to_row
-- An own row that refers to another's; foreign keys are checked past row level security.
UPDATE {relation} AS t SET {assignments} WHERE {row}

-- name: returned_key
-- The end of a statement that writes one row.
 RETURNING {key}

-- name: row_left
-- Whether the row by this key is another's, or refers to what is neither the attacker's nor the Platform's.
SELECT count(*) FROM {relation} AS t WHERE {row} AND (t.{tenant} IS DISTINCT FROM {owner}::uuid OR {refers_to_others})

-- name: refers_to_others
-- By one of its foreign keys; a part of the question.
EXISTS (SELECT 1 FROM {parent} AS p WHERE {same} AND p.{tenant} NOT IN ({owner}::uuid, {platform}::uuid))

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
-- Rights of a role that pass row level security by, or that it is not to have on this table at all.
SELECT p FROM unnest({privileges}::text[]) AS p WHERE has_table_privilege({role}, to_regclass({name}), p)

-- name: rights_on_columns
-- The same for rights on single columns.
SELECT p FROM unnest({privileges}::text[]) AS p WHERE has_any_column_privilege({role}, to_regclass({name}), p)

-- name: sees_by_itself
-- Whether the role that logged in may read the table without putting another role on.
SELECT session_user::text, has_table_privilege(session_user, to_regclass({name}), 'SELECT')

-- name: be_tenant_everywhere
-- A tenant, or nobody, on every node of a cluster: what SET LOCAL says goes to the workers, and what set_config() says does not.
DO $be$ BEGIN SET LOCAL vital.tenant_id = {tenant}; PERFORM set_config('role', {role}, true); END $be$

-- name: row_of_owner
-- A row of a tenant, each column as text.
SELECT {texts} FROM {relation} AS t WHERE t.{tenant} = {owner}::uuid LIMIT 1

-- name: touch_row
-- The row by key, written as it is.
UPDATE {relation} AS t SET {column} = t.{column} WHERE {row}

-- name: give_row
-- An own row, in another's name from now on.
UPDATE {relation} AS t SET {tenant} = {owner} WHERE {row}

-- name: rows_of_shard
-- What a shard shows beyond what is shared; Citus puts its name in.
SELECT count(*) FROM %s WHERE {column}::text <> ALL({shared}::text[])

-- name: on_each_shard
-- The same question to each shard, by a node that logs in as whoever asks.
SELECT format('%s:%s', nodename, nodeport), shardid, success, result FROM run_command_on_placements({name}, {command})
