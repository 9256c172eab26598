"""The WSGI application that is served. `python -m vital.wsgi` says whether it may start, without a traceback."""

import os
import sys
from importlib import import_module

from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.wsgi import WSGIHandler
from django.core.management.base import SystemCheckError
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vital.settings")
os.environ["VITAL_SERVING"] = "1"


def start() -> WSGIHandler:
    """The application, once nothing speaks against it. Raises ImproperlyConfigured or SystemCheckError."""
    handler = get_wsgi_application()
    from django.conf import settings

    from tenants import checks
    from vital import logs

    checks.refuse_what_is_unsafe()
    logs.configure()
    import_module(settings.ROOT_URLCONF)  # else the first request would wait for every page's module
    return handler


def checked() -> WSGIHandler:
    """The application, or one sentence and exit code 2: a worker that may not serve leaves no traceback."""
    try:
        return start()
    except (ImproperlyConfigured, SystemCheckError) as error:
        sys.stderr.write(f"error: {' '.join(str(error).split())}\n")
        sys.exit(2)


application = checked()
