-- name: fix_attribute
-- Takes back what a role was given.
ALTER ROLE {role} {attribute};

-- name: fix_setting
-- Takes back what a role, or the database, was told to begin with.
ALTER {whom} RESET {setting};

-- name: fix_membership
-- Takes a role back from another.
REVOKE {granted} FROM {role};

-- name: fix_missing_membership
-- Gives back what makes a role useful.
GRANT {granted} TO {role};

-- name: fix_grant
-- Takes back a right on something.
REVOKE {privilege} ON {on} FROM {role};

-- name: fix_owner
-- Gives something back to who owns the tables.
ALTER {what} OWNER TO {role};

-- name: fix_default
-- No default gives rows a tenant.
ALTER TABLE {relation} ALTER COLUMN {column} DROP DEFAULT;

-- name: fix_policy_roles
-- Names the roles that a policy is for, instead of everybody.
ALTER POLICY {policy} ON {relation} TO {roles};

-- name: rows_hidden_by_policy
-- Shows the rows that do not meet the condition of a RESTRICTIVE policy, as the session is.
SELECT * FROM {relation} WHERE ({condition}) IS NOT TRUE

-- name: fix_triggers
-- The server's own triggers fire again; a superuser's to do.
ALTER TABLE {relation} ENABLE TRIGGER ALL;

-- name: fix_enforced
-- A foreign key counts again.
ALTER TABLE {relation} ALTER CONSTRAINT {constraint} ENFORCED;

-- name: fix_inheritance
-- A login is nobody until a transaction puts a role on.
ALTER ROLE {role} NOINHERIT;

-- name: fix_inherited_membership
-- The same from 16 on, where each membership says so.
GRANT {granted} TO {role} WITH INHERIT FALSE, SET TRUE;

-- name: fix_heir
-- A table is read through none that has no policies.
ALTER TABLE {relation} NO INHERIT {parent};

-- name: fix_cast
-- Policies convert by the server's own means again.
DROP CAST ({cast});

-- name: fix_server_function
-- The server's own function again; a superuser's to do.
CREATE OR REPLACE FUNCTION pg_catalog.{definition} LANGUAGE internal PARALLEL SAFE STRICT AS {source};
