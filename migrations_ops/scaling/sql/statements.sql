-- name: drop_a_constraint
-- A key, or a reference.
ALTER TABLE {relation} DROP CONSTRAINT {constraint}

-- name: add_a_reference
-- A foreign key, with what it says of deletion and the like.
ALTER TABLE {relation} ADD CONSTRAINT {constraint} FOREIGN KEY ({own}) REFERENCES {parent} ({key}){beside}

-- name: drop_an_index
-- One that is no constraint's.
DROP INDEX {relation}

-- name: add_a_key
-- A unique or primary key, or an exclusion.
ALTER TABLE {relation} ADD CONSTRAINT {constraint} {definition}

-- name: add_an_index
-- From its definition, what comes after the table's name.
CREATE {unique} INDEX {index} ON {relation} USING {how}

-- name: spread_over_servers
-- By tenant; rows of one tenant lie together with those of the table beside.
SELECT create_distributed_table({relation_name}, {column}{together})

-- name: lie_together
-- Of a table that is spread already.
, colocate_with => {beside}

-- name: copy_to_every_server
-- A table that is whole on each.
SELECT create_reference_table({relation_name})

-- name: rename_a_table
-- Out of the way of the one that takes its name.
ALTER TABLE {relation} RENAME TO {to}

-- name: rename_an_index
-- With its constraint, where it has one.
ALTER INDEX {relation} RENAME TO {to}

-- name: make_parted
-- A table like another, without rows and indexes, in partitions by tenant.
CREATE TABLE {relation} (LIKE {model} INCLUDING ALL EXCLUDING INDEXES) PARTITION BY LIST ({column})

-- name: make_partition
-- One partition.
CREATE TABLE {part} PARTITION OF {relation} {values}

-- name: for_one_tenant
-- Which rows lie in it.
FOR VALUES IN ({tenant})

-- name: show_to_its_owner
-- Behind a forced fence an owner may be shown no row, and would carry over none.
ALTER TABLE {relation} NO FORCE ROW LEVEL SECURITY

-- name: carry_rows_over
-- Every row, numbers included.
INSERT INTO {relation} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM {source}

-- name: equal_column
-- How an exclusion says that a column must be equal.
{column} WITH =

-- name: to_pass_on
-- Of a right that may be given on.
WITH GRANT OPTION

-- name: policy_shows
-- Which rows a policy lets be seen.
USING ({expression})

-- name: policy_takes
-- Which rows a policy lets be written.
WITH CHECK ({expression})

-- name: grant_again
-- Who may do what.
GRANT {privileges} ON {relation} TO {role} {further}

-- name: make_policy_again
-- As it was written.
CREATE POLICY {policy} ON {relation} AS {kind} FOR {command} TO {roles} {using} {check}

-- name: switch_policies_on
-- In force.
ALTER TABLE {relation} ENABLE ROW LEVEL SECURITY

-- name: switch_policies_on_for_the_owner
-- In force for the owner as well.
ALTER TABLE {relation} FORCE ROW LEVEL SECURITY

-- name: make_trigger_again
-- As it was made.
{before} ON {relation} {after}

-- name: go_on_counting
-- The new table's numbers go on where those of the one before are.
SELECT setval(pg_get_serial_sequence({relation_name}, {column_name}), s.last_value, s.is_called) FROM {sequence} AS s

-- name: own_a_sequence
-- It would go with the table of before.
ALTER SEQUENCE {sequence} OWNED BY {relation}.{column}

-- name: read_the_new_table
-- A view knows its tables by number, not by name: as it was, it would go on reading the one of before.
CREATE OR REPLACE VIEW {relation} {options} AS {definition}

-- name: view_options
-- What a view says of itself.
WITH ({options})

-- name: set_a_trigger
-- Switched off, or for replicas, as it was.
ALTER TABLE {relation} {state} TRIGGER {trigger}
