-- The coordinator's name among the nodes, and the two that hold rows; the coordinator holds none.
SELECT citus_set_coordinator_host('coordinator', 5432);
SELECT citus_add_node('node-1', 5432), citus_add_node('node-2', 5432);
SELECT citus_set_node_property('coordinator', 5432, 'shouldhaveshards', false);
