-- name: is_cluster
-- Whether the database is one of Citus: tables in it may lie on several servers.
SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')

-- name: placed_tables
-- Where the rows of these tables lie: copied to every node, or each tenant's on one. Of a table that is not among the
-- rows, they lie on the coordinator alone.
SELECT wanted.relation, CASE p.partmethod WHEN 'n' THEN 'reference' ELSE 'distributed' END
FROM unnest({tables}::text[]) AS wanted (relation)
JOIN pg_catalog.pg_dist_partition AS p ON p.logicalrelid = to_regclass(wanted.relation)
WHERE p.partmethod = 'h' OR p.partmethod = 'n' AND p.repmodel = 't'

-- name: begin_on_cluster
-- The same where rows are on other servers too. Citus passes on what SET LOCAL says and not what set_config() does; and it
-- passes on the whole message that a SET came with, unless it stands in a block of its own.
BEGIN ISOLATION LEVEL READ COMMITTED, {access};
SELECT set_config('citus.propagate_set_commands', 'local', true), set_config('citus.allow_modifications_from_workers_to_replicated_tables', 'off', true);
DO $tenant$ BEGIN SET LOCAL vital.tenant_id = {tenant}; END $tenant$;
SELECT set_config('role', {role}, true), set_config('search_path', {path}, true),
       {settings}, set_config('statement_timeout', {timeout}, true),
       set_config('lock_timeout', {timeout}, true), set_config('idle_in_transaction_session_timeout', '60s', true)
