-- name: shards_of_tenant
-- The shard of each distributed table in which a tenant's rows are, the hashes that it holds, and its node.
SELECT wanted.relation, s.shardid, s.shardminvalue::int, s.shardmaxvalue::int, pg_catalog.worker_hash({tenant}::uuid), n.nodeid
FROM unnest({tables}::text[]) AS wanted (relation)
JOIN pg_catalog.pg_dist_shard AS s
  ON s.logicalrelid = to_regclass(wanted.relation)
 AND pg_catalog.worker_hash({tenant}::uuid) BETWEEN s.shardminvalue::int AND s.shardmaxvalue::int
JOIN pg_catalog.pg_dist_placement AS p USING (shardid)
JOIN pg_catalog.pg_dist_node AS n ON n.groupid = p.groupid AND n.noderole = 'primary'
ORDER BY wanted.relation

-- name: nodes_for_shards
-- The nodes that may hold shards, and how much of distributed tables each holds by now.
SELECT n.nodeid, format('%s:%s', n.nodename, n.nodeport),
       COALESCE((
           SELECT sum(c.shard_size)::bigint FROM pg_catalog.citus_shards AS c
           WHERE c.citus_table_type = 'distributed' AND c.nodename = n.nodename AND c.nodeport = n.nodeport
       ), 0)
FROM pg_catalog.pg_dist_node AS n
WHERE n.noderole = 'primary' AND n.isactive AND n.shouldhaveshards
ORDER BY n.nodeid

-- name: tenants_in_shards
-- Of each of these tenants its shard of one table, and the node of that.
SELECT one.id, s.shardid, n.nodeid
FROM unnest({tenants}::text[]) AS one (id)
JOIN pg_catalog.pg_dist_shard AS s
  ON s.logicalrelid = to_regclass({table})
 AND pg_catalog.worker_hash(one.id::uuid) BETWEEN s.shardminvalue::int AND s.shardmaxvalue::int
JOIN pg_catalog.pg_dist_placement AS p USING (shardid)
JOIN pg_catalog.pg_dist_node AS n ON n.groupid = p.groupid AND n.noderole = 'primary'

-- name: node_of_neighbours
-- Where the shards with the next hashes lie: the wider one of the two is what a group was split from.
SELECT n.nodeid
FROM pg_catalog.pg_dist_shard AS s
JOIN pg_catalog.pg_dist_placement AS p USING (shardid)
JOIN pg_catalog.pg_dist_node AS n ON n.groupid = p.groupid AND n.noderole = 'primary'
WHERE s.logicalrelid = to_regclass({table})
  AND (s.shardmaxvalue::bigint = {hash}::bigint - 1 OR s.shardminvalue::bigint = {hash}::bigint + 1)
ORDER BY s.shardmaxvalue::bigint - s.shardminvalue::bigint DESC
LIMIT 1

-- name: held_of_tenant
-- A tenant's rows of a table: how many, their bytes, and what they add up to.
SELECT count(*), COALESCE(sum(pg_column_size(t.*)), 0)::bigint, COALESCE(sum({hash}), 0)::text
FROM {relation} AS t
WHERE t.{tenant} = {id}::uuid

-- name: replication_of_nodes
-- Whether each worker can replicate a shard while it is written to.
SELECT n.node, n.success, n.result
FROM (
    SELECT format('%s:%s', nodename, nodeport) AS node, success, result FROM run_command_on_workers({command})
) AS n
ORDER BY n.node

-- name: wal_level
-- Online, every change must be in a node's log in a form that can be decoded.
SELECT current_setting('wal_level')

-- name: decoders
-- Where the server has a list of who may decode, Citus must be on it, which not every login may read.
SELECT COALESCE(current_setting('output_plugin_libraries', true), 'citus')

-- name: tables_bound_to_owner
-- Those of the tables whose owner row level security binds.
SELECT t FROM unnest({tables}::text[]) AS t JOIN pg_class AS c ON c.oid = to_regclass(t) WHERE c.relforcerowsecurity

-- name: split_tenant_out
-- One tenant's hash is a shard group of its own from now on, on its node; what is left on both sides stays where it was.
SELECT citus_split_shard_by_split_points({shard}::bigint, {points}::text[], {nodes}::int[], {mode})

-- name: move_shards
-- A shard group lies on another node from now on.
SELECT citus_move_shard_placement({shard}::bigint, {source}::int, {target}::int, {mode})

-- name: drop_orphans
-- Shards that were moved away, or not moved to the end, go.
CALL citus_cleanup_orphaned_resources()

-- name: made_so_far
-- The bytes that the node has of shards that are being made.
SELECT answer.result
FROM run_command_on_all_nodes(format(
    'SELECT COALESCE(sum(pg_total_relation_size(to_regclass(name))), 0)::bigint FROM unnest(%L::text[]) AS name',
    (SELECT COALESCE(array_agg(c.object_name), '{{}}') FROM pg_catalog.pg_dist_cleanup AS c JOIN pg_catalog.pg_dist_node AS n ON n.groupid = c.node_group_id WHERE c.object_type = 1 AND n.nodeid = {node})
)) AS answer
WHERE answer.nodeid = {node} AND answer.success
