-- name: create_role
-- A role without login: it can only be put on, by those who are members.
CREATE ROLE {role} NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION

-- name: login_privileges
-- The login of this connection, and whether it passes every policy by: as a superuser, or by BYPASSRLS.
SELECT session_user::text, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = session_user

-- name: role_exists
-- Whether the role is there; roles belong to the whole cluster.
SELECT to_regrole({role_name}) IS NOT NULL
