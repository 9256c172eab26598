#!/bin/sh
# The role that owns the platform's tables, and the database with it: no superuser, and it may make VITAL's roles.
set -eu
psql --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --set ON_ERROR_STOP=1 --set password="$VITAL_OWNER_PASSWORD" <<'SQL'
CREATE ROLE vital_owner LOGIN CREATEROLE PASSWORD :'password';
ALTER DATABASE vital OWNER TO vital_owner;
ALTER SCHEMA public OWNER TO vital_owner;
SQL
