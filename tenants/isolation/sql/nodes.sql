-- name: on_every_node
-- What each node of the cluster answers to one question, as whoever asks; the coordinator is among them.
SELECT format('%s:%s', n.nodename, n.nodeport), n.groupid = 0, answer.success, answer.result
FROM run_command_on_all_nodes({command}) AS answer
JOIN pg_catalog.pg_dist_node AS n ON n.nodeid = answer.nodeid
ORDER BY n.groupid

-- name: role_to_ask_as
-- Who asks, and whether this login may ask as vital_tenant.
SELECT current_setting('role'), pg_has_role(session_user, 'vital_tenant', 'MEMBER')

-- name: ask_as
-- From here on in this transaction.
SELECT set_config('role', {role}, true)

-- name: reaches_node
-- Whether the node lets vital_tenant in; true where this is somebody else's question, outside a transaction.
SELECT current_user <> 'vital_tenant' OR citus_check_connection_to_node({host}, {port}::int)

-- name: held_by_node
-- What a node has of these tables, shard by shard and as a whole (of which it may have only the name), and of VITAL's roles:
-- row level security, what its policies, triggers and their functions add up to, and what the roles may do there.
SELECT jsonb_build_object(
    'tables', COALESCE((
        SELECT jsonb_agg(jsonb_build_object(
            'table', part.name, 'shard', part.shard, 'enabled', c.relrowsecurity, 'forced', c.relforcerowsecurity,
            'policies', (
                SELECT md5(string_agg(concat_ws('|', p.polname, p.polcmd, p.polpermissive, pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid),
                                                ARRAY(SELECT CASE r WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(r)::text END FROM unnest(p.polroles) AS r ORDER BY 1)), E'\n' ORDER BY p.polname))
                FROM pg_policy AS p WHERE p.polrelid = c.oid
            ),
            'triggers', (
                SELECT md5(string_agg(concat_ws('|', f.pronamespace::regnamespace, f.proname, md5(f.prosrc), g.tgtype, g.tgenabled), E'\n' ORDER BY f.proname, g.tgtype, g.tgname))
                FROM pg_trigger AS g
                JOIN pg_proc AS f ON f.oid = g.tgfoid
                WHERE g.tgrelid = c.oid AND NOT g.tgisinternal
            )
        ))
        FROM (
            SELECT t AS name, shard_name(s.logicalrelid, s.shardid)::text AS shard
            FROM unnest({tables}::text[]) AS t
            JOIN pg_catalog.pg_dist_shard AS s ON s.logicalrelid = to_regclass(t)
            JOIN pg_catalog.pg_dist_placement AS p ON p.shardid = s.shardid AND p.groupid = (SELECT groupid FROM pg_catalog.pg_dist_local_group)
            UNION ALL
            SELECT t, '' FROM unnest({tables}::text[]) AS t
        ) AS part
        JOIN pg_class AS c ON c.oid = to_regclass(COALESCE(NULLIF(part.shard, ''), part.name))
    ), '[]'),
    'roles', (
        SELECT jsonb_object_agg(r.rolname, concat_ws(' ',
            CASE WHEN r.rolsuper THEN 'SUPERUSER' END, CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END, CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END,
            CASE WHEN r.rolreplication THEN 'REPLICATION' END, (SELECT string_agg('member of ' || m.roleid::regrole, ' ') FROM pg_auth_members AS m WHERE m.member = r.oid)
        ))
        FROM pg_roles AS r WHERE r.rolname IN ('vital_tenant', 'vital_operator')
    )
)::text

-- name: propagation
-- Settings of the database or of a role by which a change would not reach the workers, or rows would be changed past the
-- coordinator's form.
SELECT CASE WHEN s.setrole = 0 THEN 'the database' ELSE format('role %I', pg_get_userbyid(s.setrole)) END, split_part(one, '=', 1), split_part(one, '=', 2),
       CASE WHEN s.setrole = 0 THEN format('ALTER DATABASE %I RESET %s', current_database(), split_part(one, '=', 1))
            ELSE format('ALTER ROLE %I RESET %s', pg_get_userbyid(s.setrole), split_part(one, '=', 1)) END
FROM pg_db_role_setting AS s
CROSS JOIN LATERAL unnest(s.setconfig) AS one
WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
  AND split_part(one, '=', 1) IN ('citus.enable_ddl_propagation', 'citus.enable_metadata_sync', 'citus.enable_manual_changes_to_shards', 'citus.propagate_set_commands')
  AND split_part(one, '=', 2) <> CASE split_part(one, '=', 1) WHEN 'citus.enable_manual_changes_to_shards' THEN 'off' WHEN 'citus.propagate_set_commands' THEN 'local' ELSE 'on' END

-- name: lets_in
-- Who is let in to a node as one of VITAL's roles, where this login may read that: addresses, and how they prove who they are.
SELECT COALESCE((
    SELECT jsonb_agg(format('%s %s %s', array_to_string(user_name, ','), COALESCE(address, type), auth_method))
    FROM pg_hba_file_rules()
    WHERE auth_method <> 'reject' AND user_name && ARRAY['all', 'vital_tenant', 'vital_operator'] AND auth_method = 'trust'
      AND type <> 'local' AND address NOT IN ('127.0.0.1', '::1', 'samehost')
), '[]')::text

-- name: may_read_hba
-- Whether this login may read who is let in.
SELECT has_function_privilege('pg_catalog.pg_hba_file_rules()', 'EXECUTE')
