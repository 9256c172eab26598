#!/bin/sh
# The one login that goes through here. Its password comes from the environment and is written nowhere but in memory.
set -eu
umask 077
printf '"vital_service" "%s"\n' "$VITAL_SERVICE_PASSWORD" >/run/vital/users
exec pgbouncer /etc/vital/pgbouncer.ini
