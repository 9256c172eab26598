-- name: forget_session_settings
-- Every setting of this session is as it was when it began.
RESET ALL

-- name: forget_role
-- RESET ALL leaves out the role.
RESET ROLE

-- name: server_process
-- Which process of the server answers this connection, and from which port it was asked; none is that of a socket file.
SELECT pg_backend_pid(), inet_client_port()

-- name: read_only
-- From here on this connection can change nothing.
SELECT set_config('default_transaction_read_only', 'on', false)

-- name: read_as_operator
-- Only the service's login, which may not use VITAL's schema itself, becomes vital_operator here.
SELECT set_config('role', 'vital_operator', false)
FROM pg_roles
WHERE rolname = 'vital_operator'
  AND NOT has_schema_privilege(to_regnamespace('vital')::oid, 'USAGE')
  AND pg_has_role(session_user, oid, CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END)

-- name: work_settings
-- What every transaction of VITAL's own work runs with; nothing of it outlives the transaction. Compiling a statement
-- costs more than a batch gains by it (measured: 0.2 s of 0.5 s). What is not durable does not wait for the disk at its
-- end; the next transaction that does brings this one there before it.
SELECT set_config('vital.backfill', 'on', true),
       set_config('jit', 'off', true),
       set_config('synchronous_commit', CASE WHEN %(durable)s THEN current_setting('synchronous_commit') ELSE 'off' END, true),
       set_config('lock_timeout', %(lock_timeout)s, true),
       set_config('statement_timeout', %(statement_timeout)s, true),
       set_config('role', %(role)s, true)

-- name: path_of_applications
-- Where names are looked up by who sets nothing: schemas that are there, as ALTER DATABASE, ALTER ROLE or the server have them.
-- What is not named comes first: pg_catalog, so that nobody's function takes the place of one that VITAL calls.
-- public is there whatever the path: VITAL's statements name types as they are called with it.
SELECT concat_ws(', ', (SELECT string_agg(quote_ident(schema), ', ' ORDER BY place) FROM unnest(current_schemas(false)) WITH ORDINALITY AS path (schema, place) WHERE schema <> 'pg_catalog'), 'public', 'pg_temp')

-- name: as_applications
-- From here to the transaction's end names are looked up there.
SELECT set_config('search_path', %(path)s, true)

-- name: stream_settings
-- All rows of a cursor are wanted, so the planner must not prefer what gives the first ones soon.
SELECT set_config('cursor_tuple_fraction', '1', true)

-- name: operator_is_ready
-- Whether data work runs as vital_operator: from the moment that row level security closes the tables. From 16 on, who
-- made a role is a member of it that may not put it on.
SELECT COALESCE((
    SELECT pg_has_role(current_user, r.oid, CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END)
       AND (
           SELECT count(*) = 2
           FROM pg_class AS c
           JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = 'vital'
           WHERE c.relname IN ('ledger', 'share')
             AND has_table_privilege(r.oid, c.oid, 'INSERT')
       )
    FROM pg_roles AS r
    WHERE r.rolname = 'vital_operator'
), false)

-- name: take_run_lock
-- The one lock that makes runs exclusive in this database; a dead client's connection gives it back.
SELECT pg_try_advisory_lock(%(space)s, %(key)s)

-- name: give_run_lock_back
-- The run is over; the next one may start.
SELECT pg_advisory_unlock(%(space)s, %(key)s)

-- name: take_worker_lock
-- Shared by all who help.
SELECT pg_advisory_lock_shared(%(space)s, %(key)s)

-- name: give_worker_lock_back
-- One helper less.
SELECT pg_advisory_unlock_shared(%(space)s, %(key)s)

-- name: holder_of_run_lock
-- Who holds the run lock.
SELECT format('%%s (pid %%s, user %%s, from %%s, since %%s)', a.application_name, a.pid, a.usename,
              COALESCE(a.client_addr::text, 'this machine'), to_char(a.backend_start, 'YYYY-MM-DD HH24:MI:SS'))
FROM pg_locks AS l
JOIN pg_stat_activity AS a USING (pid)
WHERE l.locktype = 'advisory'
  AND l.classid = %(space)s::oid
  AND l.objid = %(key)s::oid
  AND l.granted
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())

-- name: are_there
-- Whether there are tables of all these names.
SELECT COALESCE(bool_and(to_regclass(name) IS NOT NULL), true) FROM unnest(%(relations)s::text[]) AS name

-- name: lock_holders
-- Who holds locks on these tables now, longest transaction first; where none is named, who has closed any table. Where
-- nobody here does, who changes what all databases of the server share, such as roles, from whichever database.
WITH holders AS (
    SELECT DISTINCT a.pid, a.xact_start, l.database = 0 AS is_shared,
           format('pid %%s (%%s)', a.pid, concat_ws(', ', COALESCE(NULLIF(a.application_name, ''), 'no name'), 'user ' || a.usename,
                  'database ' || NULLIF(a.datname, current_database()), a.state,
                  'transaction open for ' || date_trunc('second', clock_timestamp() - a.xact_start))) AS who
    FROM pg_locks AS l
    JOIN pg_stat_activity AS a USING (pid)
    WHERE l.granted
      AND a.pid <> pg_backend_pid()
      AND CASE
              WHEN l.database = 0 THEN l.locktype IN ('relation', 'object') AND l.mode NOT IN ('AccessShareLock', 'RowShareLock')
              WHEN a.datname IS DISTINCT FROM current_database() THEN false
              WHEN cardinality(%(relations)s::text[]) = 0 THEN l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock'
              ELSE l.relation = ANY(SELECT to_regclass(name) FROM unnest(%(relations)s::text[]) AS name)
          END
)
SELECT who FROM holders WHERE NOT is_shared OR NOT EXISTS (SELECT FROM holders WHERE NOT is_shared) ORDER BY xact_start, pid LIMIT 5

-- name: leaves
-- The tables that really hold a table's rows (itself, or its partitions) with their size in pages.
WITH RECURSIVE family AS (
    SELECT to_regclass(%(relation)s::text)::oid AS oid
    UNION
    SELECT i.inhrelid FROM pg_inherits AS i JOIN family ON i.inhparent = family.oid
)
SELECT format('%%I.%%I', n.nspname, c.relname), pg_relation_size(c.oid) / current_setting('block_size')::int,
       greatest(c.reltuples, 0)::bigint
FROM family
JOIN pg_class AS c ON c.oid = family.oid AND c.relkind = 'r'
JOIN pg_namespace AS n ON n.oid = c.relnamespace
ORDER BY 1
