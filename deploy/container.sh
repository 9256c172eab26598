#!/bin/sh
# What a container does: web (the service), worker, or a command of manage.py.
set -eu
case "${1:-web}" in
web)
    exec python -m vital.serve --host 0.0.0.0 --port "${PORT:-3000}" --workers "${WORKERS:-2}" --threads "${THREADS:-4}"
    ;;
*) exec python manage.py "$@" ;;
esac
