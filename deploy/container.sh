#!/bin/sh
# What a container does: web (the service), worker, or a command of manage.py.
set -eu
case "${1:-web}" in
web)
    python -m vital.wsgi
    PROMETHEUS_MULTIPROC_DIR=$(mktemp -d)
    export PROMETHEUS_MULTIPROC_DIR
    exec granian --interface wsgi --host 0.0.0.0 --port "${PORT:-3000}" --no-ws --workers "${WORKERS:-2}" \
        --blocking-threads "${THREADS:-4}" --respawn-failed-workers --workers-kill-timeout 5 vital.wsgi:application
    ;;
*) exec python manage.py "$@" ;;
esac
